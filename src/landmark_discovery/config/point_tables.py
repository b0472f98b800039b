"""How tables of true points are named, in a folder and in evaluation.truth."""

from __future__ import annotations

import re
from pathlib import Path

# The first table, and how it and others beside it are named.
LANDMARKS = "landmarks"
TABLE_PATTERN = rf"^{LANDMARKS}(_[a-z0-9]+)?$"
_TABLE = re.compile(TABLE_PATTERN)


def landmark_tables(folder: Path) -> list[str]:
    """Name the tables of true points in a folder without their ending: landmarks, landmarks_5, ..."""
    return sorted(path.stem for path in folder.glob(f"{LANDMARKS}*.csv") if _TABLE.fullmatch(path.stem))
