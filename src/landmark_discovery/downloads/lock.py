"""The lock file: size and digest of the downloads that nobody publishes a digest of, kept from the first fetch."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from landmark_discovery.digests import Digest
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_text
from landmark_discovery.locking import open_alone

LOCK_FILE = Path("downloads.lock")
_HEAD = "# Downloads without a published digest, as first fetched: name, bytes, sha256. Keep it in version control.\n"


@dataclass(frozen=True)
class Pin:
    """Hold what a download was when it was first fetched.

    Attributes:
        size_bytes: its size.
        sha256: its digest, in hexadecimal.
    """

    size_bytes: int
    sha256: str

    @property
    def digest(self) -> Digest:
        """Give the digest with its algorithm."""
        return Digest("sha256", self.sha256)


def read_lock(path: str | Path) -> dict[str, Pin]:
    """Read a lock file; one that isn't there has no pins.

    Returns:
        The pins by the downloads' names.

    Raises:
        UserError: it can't be read, a line isn't a pin, or a name stands twice.
    """
    try:
        lines = Path(path).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError as error:
        raise UserError("not UTF-8 text", where=path, remedy="restore it from version control") from error
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error
    pins: dict[str, Pin] = {}
    for number, line in enumerate(lines, start=1):
        if line.strip() and not line.startswith("#"):
            name, pin = _parse_line(f"{path}, line {number}", line)
            if name in pins:
                raise UserError(f"{name!r} stands twice", where=f"{path}, line {number}", remedy="keep the right line")
            pins[name] = pin
    return pins


def pinned(path: str | Path, name: str) -> Pin | None:
    """Find the pin of a download; None where it has none yet.

    Raises:
        UserError: the lock file can't be read.
    """
    return read_lock(path).get(name)


def pin(path: str | Path, name: str, size_bytes: int, sha256: str) -> None:
    """Pin a download, unless it is pinned already; processes that pin at the same time wait for one another.

    Args:
        path: the lock file; made where there is none.
        name: the download's name.
        size_bytes: its size.
        sha256: its digest, in hexadecimal.

    Raises:
        UserError: it is pinned with other bytes, or the lock file can't be read or written.
    """
    new = Pin(size_bytes, sha256)
    with _alone(Path(path)):
        pins = read_lock(path)
        old = pins.get(name)
        if old is None:
            write_text(path, _text({**pins, name: new}))
        elif old != new:
            raise UserError(mismatch(old, new.digest, path), where=name, remedy=mismatch_remedy(name, path))


def mismatch(old: Pin, found: Digest, path: str | Path) -> str:
    """Say that a file isn't the one that was pinned, with both digests."""
    return f"its {found.algorithm} is {found.value}, and {path} has {old.sha256}"


def mismatch_remedy(name: str, path: str | Path) -> str:
    """Say what to do about a file that isn't the one that was pinned."""
    return f"if its publisher changed it and you trust the new file, remove the line of {name} from {path}"


def _parse_line(where: str, line: str) -> tuple[str, Pin]:
    match = re.fullmatch(r"(\S+) ([0-9]{1,15}) ([0-9a-f]{64})", line.rstrip())
    if match is None:
        raise UserError(
            f"{line[:80]!r} is no pin",
            where=where,
            remedy="a line is: name, bytes, sha256, with a space between; restore the file from version control",
        )
    return match[1], Pin(int(match[2]), match[3])


def _text(pins: dict[str, Pin]) -> str:
    return _HEAD + "".join(f"{name} {pins[name].size_bytes} {pins[name].sha256}\n" for name in sorted(pins))


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time change the lock file, which is a new file after each change."""
    try:
        # A file system without locks: the worst is a lost line, and the next look at that download pins it anew.
        handle, _ = open_alone(path)
    except OSError as error:
        raise UserError(
            f"can't be written ({error.strerror})", where=path, remedy="choose a lock file that you may write"
        ) from error
    try:
        yield
    finally:
        os.close(handle)
