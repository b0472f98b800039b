"""A bar on stderr for work that goes image by image."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

from tqdm import tqdm

Result = TypeVar("Result")


def with_progress(results: Iterable[Result], total: int, title: str, unit: str = "image") -> Iterator[Result]:
    """Pass results on as they come, and show how many of `total` have come."""
    progress: Any = tqdm(results, total=total, desc=title, unit=unit, file=sys.stderr)
    yield from progress
