"""Letting one process at a time work, by locks that end with the process that holds them, however that ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from landmark_discovery.errors import UserError
from landmark_discovery.writable import REMEDY

_held: list[TextIO] = []


def open_alone(path: Path, waiting: Callable[[], None] = lambda: None) -> tuple[int, bool]:
    """Open the file that has a name, made where there is none, once no other process has it open in this way.

    Args:
        path: the file; its folder is made too.
        waiting: called once before the wait for another process.

    Returns:
        The handle, which lets the next one in when it is closed, and whether the file is locked: some file systems
        have no locks.

    Raises:
        OSError: it can't be opened for writing.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        # Read and write: over a network, only a file open for writing is locked for one alone.
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            locked = _lock(handle, waiting)
            # Who had it may have renamed or removed it, and the name is another file's, or none's.
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.fstat(handle), path.stat()):
                    return handle, locked
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Lock an open file without a wait, and say whether that went well."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def hold_folder(lock: Path) -> None:
    """Hold a folder for this process until it ends; where the file system has no locks, say that nothing is held.

    Args:
        lock: file that stands for the folder around it; it holds the number of the process.

    Raises:
        UserError: another process holds it.
    """
    try:
        lock.parent.mkdir(parents=True, exist_ok=True)
        file = _open_for_all(lock)
    except OSError as error:
        raise UserError(f"can't be written ({error.strerror})", where=lock, remedy=REMEDY) from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = file.read().strip() or "unknown"
        file.close()
        raise UserError(
            f"another run is at work in this folder (process {holder})",
            where=lock.parent.resolve(),
            remedy="wait until it has ended, stop it, or run in another folder",
        ) from error
    except OSError as error:
        print(f"{lock}: no locks here ({error.strerror}); start no second run in this folder", file=sys.stderr)
    # Another user's file is locked all the same, and goes on to say who held it before.
    if file.writable():
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
    # A file that nothing refers to would be closed, and with it the lock.
    _held.append(file)


def _open_for_all(lock: Path) -> TextIO:
    try:
        return os.fdopen(os.open(lock, os.O_RDWR | os.O_CREAT, 0o666), "r+", encoding="utf-8")
    except PermissionError:
        return lock.open(encoding="utf-8")


def _lock(handle: int, waiting: Callable[[], None]) -> bool:
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(handle, fcntl.LOCK_EX)
    except OSError:
        return False
    return True
