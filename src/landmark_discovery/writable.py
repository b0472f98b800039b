"""Finding out before the work, and not after it, that its result can't be written."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from landmark_discovery.errors import UserError

NOBODYS = (".snakemake_timestamp", ".DS_Store", "Thumbs.db")
REMEDY = "free space there, or choose a folder you may write"


def check_writable(path: str | Path, *, folder: bool = False) -> None:
    """Refuse a file or folder that couldn't be made; nothing is created.

    Args:
        path: where it shall be; an older one may be there.
        folder: whether it is a folder.

    Raises:
        UserError: a file stands where a folder is needed or a folder where a file is, or the folder around it may not
            be written.
    """
    target = Path(path)
    _refuse_other_kind(target, folder)
    blocked = blocking_file(target)
    if blocked is not None:
        raise UserError(f"can't be written ({blocked} is a file, not a folder)", where=target, remedy=REMEDY)
    around = next(parent for parent in target.absolute().parents if parent.is_dir())
    if not os.access(around, os.W_OK | os.X_OK):
        raise UserError(f"can't be written ({around} is read-only)", where=target, remedy=REMEDY)


def refuse_foreign_folder(path: Path, is_ours: Callable[[Path], bool]) -> None:
    """Refuse to put a folder in the place of anything but an older one of its kind, or an empty one.

    Files that Snakemake and the systems of desktops put into folders count for nothing.

    Args:
        path: where it shall be.
        is_ours: says of a folder with content that it is of that kind.

    Raises:
        UserError: a folder with other content is there.
    """
    try:
        somebodys = path.is_dir() and any(entry.name not in NOBODYS for entry in path.iterdir())
        foreign = somebodys and not is_ours(path)
    except OSError:
        # Nobody may look; writing tells.
        return
    if foreign:
        raise UserError(
            "holds what isn't known for an earlier result of this command, and would be lost",
            where=path,
            remedy="choose a new folder, or remove this one",
        )


def blocking_file(target: Path) -> Path | None:
    """Name the file that stands where `target` needs a folder; None where there is none, or nobody may look."""
    try:
        return next((folder for folder in target.parents if folder.exists() and not folder.is_dir()), None)
    except OSError:
        return None


def _refuse_other_kind(target: Path, folder: bool) -> None:
    try:
        found, is_folder = target.exists(), target.is_dir()
    except OSError:
        # Nobody may look; writing tells.
        return
    if found and folder and not is_folder:
        raise UserError("a file, not a folder", where=target, remedy="remove it, or give the name of a folder")
    if is_folder and not folder:
        raise UserError("a folder, not a file", where=target, remedy="give the name of a file, in it or elsewhere")
    if found and not is_folder and not target.is_file():
        raise UserError("a device or a pipe, not a file", where=target, remedy="give the name of a file")
