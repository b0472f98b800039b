"""Finding out before the work, and not after it, that its result can't be written."""

from __future__ import annotations

import os
from pathlib import Path

from landmark_discovery.errors import UserError

REMEDY = "free space there, or choose a folder you may write"


def check_writable(path: str | Path) -> None:
    """Refuse a file or folder that couldn't be made; nothing is created.

    Raises:
        UserError: a file stands where a folder is needed, or the folder may not be written.
    """
    target = Path(path)
    blocked = blocking_file(target)
    if blocked is not None:
        raise UserError(f"can't be written ({blocked} is a file, not a folder)", where=target, remedy=REMEDY)
    folder = next(folder for folder in target.absolute().parents if folder.is_dir())
    if not os.access(folder, os.W_OK | os.X_OK):
        raise UserError(f"can't be written ({folder} is read-only)", where=target, remedy=REMEDY)


def blocking_file(target: Path) -> Path | None:
    """Name the file that stands where `target` needs a folder; None where there is none, or nobody may look."""
    try:
        return next((folder for folder in target.parents if folder.exists() and not folder.is_dir()), None)
    except OSError:
        return None
