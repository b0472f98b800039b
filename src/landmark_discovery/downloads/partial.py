"""A file that is on its way: its beginning, hidden beside its final place, and what that is the beginning of."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import BinaryIO

from landmark_discovery.errors import UserError
from landmark_discovery.locking import open_alone, try_lock
from landmark_discovery.writable import REMEDY, blocking_file

# After a kill at most so much comes again.
SYNC_BYTES = 8 << 20


@dataclass(frozen=True)
class Record:
    """Say what a partial file is the beginning of.

    Attributes:
        address: where it comes from.
        etag: the server's name for this version of the file; empty: it gives none.
        modified: when the server says that it was changed; empty: it doesn't.
        length: bytes of the whole file; None: unknown.
        kept_bytes: so many are on the disk; what lies behind them may not be, and counts for nothing.
    """

    address: str
    etag: str = ""
    modified: str = ""
    length: int | None = None
    kept_bytes: int = 0

    @property
    def validator(self) -> str:
        """Give what asks a server for the rest of the same version; empty where nothing can."""
        # A weak ETag says that two versions mean the same, and not that their bytes are equal.
        return self.modified if self.etag.startswith("W/") else self.etag or self.modified

    @property
    def complete(self) -> bool:
        """Say whether all bytes are there."""
        return self.kept_bytes == self.length


class Writer:
    """Add bytes to a partial file, and note now and then that they are on the disk."""

    def __init__(self, file: BinaryIO, record: Record, note: Callable[[Record], None]) -> None:
        self._file = file
        self._record = record
        self._note = note

    @property
    def received(self) -> int:
        """Count the bytes of the file so far, those of earlier tries included."""
        return self._file.tell()

    def write(self, piece: bytes) -> int:
        """Add some bytes."""
        written = self._file.write(piece)
        if self.received - self._record.kept_bytes >= SYNC_BYTES:
            self.keep()
        return written

    def flush(self) -> None:
        """Hand what is buffered to the system."""
        self._file.flush()

    def keep(self) -> None:
        """Bring what came to the disk, and then note how much that is."""
        self.flush()
        os.fsync(self._file.fileno())
        self._record = replace(self._record, kept_bytes=self.received)
        self._note(self._record)

    def finish(self) -> None:
        """Note that all bytes are there."""
        self._record = replace(self._record, length=self.received)
        self.keep()


@dataclass(frozen=True)
class Partial:
    """Hold the beginning of a file, which one process at a time works on.

    Attributes:
        path: where it is.
        size_bytes: how large the whole file must be; None: unknown.
    """

    path: Path
    size_bytes: int | None = None

    def begun(self, address: str) -> Record | None:
        """Say what of the file at an address is there; None where nothing is that its rest can be added to."""
        record = _read_record(_record_path(self.path))
        if record is None or record.address != address or not 0 < record.kept_bytes <= self.path.stat().st_size:
            return None
        return record if record.validator or record.complete else None

    def is_begun(self) -> bool:
        """Say whether the rest of what is there can be added at any address."""
        record = _read_record(_record_path(self.path))
        return record is not None and self.begun(record.address) is not None

    def kept_bytes(self, address: str) -> int:
        """Count the bytes of the file at an address that needn't come again."""
        record = self.begun(address)
        return 0 if record is None else record.kept_bytes

    def is_complete(self, address: str) -> bool:
        """Say whether all of the file at an address is there."""
        record = self.begun(address)
        return record is not None and record.complete

    @contextmanager
    def writing(self, record: Record) -> Iterator[Writer]:
        """Yield what adds bytes behind those that a record says are kept; whatever ends it, what came is kept.

        Raises:
            OSError: it can't be written.
        """
        # Noted before a byte changes, so that old bytes never pass for those of a new version.
        self._note(record)
        with self.path.open("r+b") as file:
            file.truncate(record.kept_bytes)
            file.seek(record.kept_bytes)
            writer = Writer(file, record, self._note)
            try:
                yield writer
            except BaseException:
                with suppress(OSError):
                    writer.keep()
                raise
            writer.keep()

    def forget(self) -> None:
        """Start afresh next time."""
        _record_path(self.path).unlink(missing_ok=True)
        os.truncate(self.path, 0)

    def publish(self, target: Path) -> None:
        """Give the file its final name."""
        with self.path.open("rb") as file:
            os.fsync(file.fileno())
        self.path.replace(target)
        _record_path(self.path).unlink(missing_ok=True)

    def _note(self, record: Record) -> None:
        # Not files.write_json: one process at a time writes here, so that one name does, and a kill leaves no litter.
        path, new = _record_path(self.path), _new_record_path(self.path)
        with new.open("w", encoding="utf-8") as file:
            json.dump(asdict(record), file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)


@contextmanager
def partial_file(
    target: Path, size_bytes: int | None = None, waiting: Callable[[], None] = lambda: None
) -> Iterator[Partial]:
    """Yield the partial file of `target`, once no other process has it.

    Afterwards it is kept where an address may have its rest, and else removed.

    Args:
        target: the final name.
        size_bytes: how large the file must be; None: unknown.
        waiting: called once before the wait for another process.

    Raises:
        UserError: the folder can't be written, or the disk is full.
    """
    try:
        with _alone(_partial_path(target), waiting) as path:
            yield Partial(path, size_bytes)
    except OSError as error:
        blocked = blocking_file(target)
        reason = f"{blocked} is a file, not a folder" if blocked else error.strerror or str(error)
        raise UserError(f"can't be written ({reason})", where=target, remedy=REMEDY) from error


def remove_partial(target: Path) -> None:
    """Remove the partial file of a file that is there, as where it was put there by hand; none is no fault."""
    path = _partial_path(target)
    with suppress(OSError):
        if not (path.exists() or _record_path(path).exists()):
            return
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            if try_lock(handle):
                _tidy(path, keep=False)
        finally:
            os.close(handle)


@contextmanager
def _alone(path: Path, waiting: Callable[[], None]) -> Iterator[Path]:
    handle, locked = open_alone(path, waiting)
    # A file system without locks: a name of its own, which nobody else writes and nobody finds again.
    own = path if locked else path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    try:
        own.touch()
        yield own
    finally:
        _tidy(path, keep=True)
        if own != path:
            _tidy(own, keep=False)
        os.close(handle)


def _partial_path(target: Path) -> Path:
    return target.with_name(f".{target.name}.part")


def _record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json")


def _new_record_path(path: Path) -> Path:
    return path.with_name(f"{path.name}.json.new")


def _tidy(path: Path, *, keep: bool) -> None:
    """Remove a partial file that nobody can go on with, and its record; with `keep` one that somebody can stays."""
    with suppress(OSError):
        _new_record_path(path).unlink(missing_ok=True)
        if keep and Partial(path).is_begun():
            return
        path.unlink(missing_ok=True)
        _record_path(path).unlink(missing_ok=True)


def _read_record(path: Path) -> Record | None:
    """Read a record; one that is damaged is none."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        record = Record(**content)
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    texts = (record.address, record.etag, record.modified)
    right = all(isinstance(text, str) for text in texts) and isinstance(record.length, int | None)
    return record if right and isinstance(record.kept_bytes, int) else None
