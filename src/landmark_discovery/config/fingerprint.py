"""A short text that changes with the files of a folder, without reading them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from landmark_discovery.errors import UserError


def folder_fingerprint(folder: str | Path, without: Collection[str] = ()) -> str:
    """Digest names, sizes and times of all files below a folder, also of those that links lead to.

    Args:
        folder: which.
        without: files to leave out, by names relative to the folder.

    Raises:
        UserError: there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError("no such folder", where=root, remedy="set dataset.path to the folder of images")
    digest = hashlib.sha256()
    seen = set[str]()
    for path, folders, files in os.walk(root, followlinks=True):
        # A link may lead back to where it came from.
        place = os.path.realpath(path)
        folders[:] = [] if place in seen else sorted(folders)
        seen.add(place)
        for name in sorted(files):
            file = Path(path, name)
            name_in_root = str(file.relative_to(root))
            facts = None if name_in_root in without else _facts(file)
            if facts is not None:
                digest.update(os.fsencode(name_in_root))
                digest.update(f"\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]


def _facts(file: Path) -> os.stat_result | None:
    """Look a file up; None where it is gone by now."""
    try:
        return file.stat()
    except OSError:
        # Such as the links that editors leave beside an open file: they lead nowhere, or to themselves.
        with suppress(FileNotFoundError):
            return file.lstat()
    return None
