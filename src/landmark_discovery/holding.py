"""One run at a time in a folder, by a lock that ends with the process that holds it, however that ends."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO

from landmark_discovery.errors import UserError

_held: list[TextIO] = []


def hold_folder(lock: Path) -> None:
    """Hold a folder for this process until it ends.

    Args:
        lock: file that stands for the folder; it holds the number of the process.

    Raises:
        UserError: another process holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    file = lock.open("a+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        file.seek(0)
        holder = file.read().strip() or "unknown"
        file.close()
        raise UserError(
            f"another run is at work in this folder (process {holder})",
            where=Path.cwd(),
            remedy="wait until it has ended, stop it, or run in another folder",
        ) from error
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    # A file that nothing refers to would be closed, and with it the lock.
    _held.append(file)
