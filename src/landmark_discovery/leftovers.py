"""What processes leave behind: temporary files of those that were killed, and checkpoints of those that are done."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from landmark_discovery.locking import try_lock

# What is younger may be about to be locked, or may have been put by a library in the place of what is.
LEFT_AFTER_S = 3600.0


def hidden_sibling(target: Path) -> Path:
    """Name a temporary file or folder beside `target`, with its ending; each call gives another name."""
    return target.with_name(f".{target.stem[:40]}.{secrets.token_hex(8)}{target.suffix}")


@contextmanager
def held(temporary: Path) -> Iterator[None]:
    """Show, for as long as the block runs, that a temporary file or folder is in use."""
    handle = os.open(temporary, os.O_RDONLY)
    try:
        try_lock(handle)
        yield
    finally:
        os.close(handle)


def remove_leftovers(target: Path) -> None:
    """Remove what processes that were killed have left beside `target` while they wrote it."""
    name = re.compile(rf"\.{re.escape(target.stem[:40])}\.[0-9a-f]{{16}}{re.escape(target.suffix)}")
    # What can't be looked at, or is removed by somebody else, is none of ours.
    with suppress(OSError):
        for path in target.parent.iterdir():
            if name.fullmatch(path.name) and _is_left(path):
                shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)


def remove_noted_checkpoints(dag: Any, rules: Collection[str]) -> None:  # noqa: ANN401
    """Remove the checkpoints beside weights that a run of Snakemake has noted as made.

    Args:
        dag: of the run.
        rules: that train; each has an output called weights.
    """
    for job in dag.jobs:
        if job.rule.name in rules and (dag.finished(job) or not dag.needrun(job)):
            shutil.rmtree(Path(job.output.weights).parent / "checkpoints", ignore_errors=True)


def _is_left(path: Path) -> bool:
    if path.is_symlink() or time.time() - path.stat().st_mtime < LEFT_AFTER_S:
        return False
    handle = os.open(path, os.O_RDONLY)
    try:
        return try_lock(handle)
    finally:
        os.close(handle)
