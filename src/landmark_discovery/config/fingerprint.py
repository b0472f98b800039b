"""A short text that changes with the files of a folder, without reading them."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from landmark_discovery.errors import UserError


def folder_fingerprint(folder: str | Path) -> str:
    """Digest names, sizes and times of all files below a folder.

    Raises:
        UserError: there is no such folder.
    """
    root = Path(folder)
    if not root.is_dir():
        raise UserError("no such folder", where=root, remedy="set dataset.path to the folder of images")
    digest = hashlib.sha256()
    for path, folders, files in os.walk(root):
        folders.sort()
        for name in sorted(files):
            file = Path(path, name)
            facts = file.stat()
            digest.update(f"{file.relative_to(root)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode())
    return digest.hexdigest()[:16]
