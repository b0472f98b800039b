"""Whether a file is the download that it is named after: size, digest, and what a glance tells."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from landmark_discovery.digests import digest_of
from landmark_discovery.downloads.lock import mismatch, mismatch_remedy, pin, pinned
from landmark_discovery.downloads.sources import Source
from landmark_discovery.downloads.web_pages import describe_web_page
from landmark_discovery.errors import UserError


@dataclass(frozen=True)
class Fault:
    """Say why a file isn't the download.

    Attributes:
        what: what is wrong with it.
        remedy: what to do besides fetching it anew, where there is something.
    """

    what: str
    remedy: str = ""


def check_download(path: Path, source: Source, lock: str | Path) -> Fault | None:
    """Check a file's size and digest; one without a published digest is compared with its pin, or pinned.

    Args:
        path: the file, whatever its name.
        source: what it shall be.
        lock: the lock file.

    Returns:
        What is wrong with it; None: it is the download.

    Raises:
        UserError: the file can't be read, or the lock file can't be read or written.
    """
    fault = quick_fault(path, source, lock)
    if fault is not None:
        return fault
    if source.digest is not None:
        found = digest_of(path, source.digest.algorithm)
        what = f"its {found.algorithm} is {found.value}, not {source.digest.value}"
        return None if found == source.digest else Fault(what)
    return _compare_or_pin(path, source.name, lock)


def quick_fault(path: Path, source: Source, lock: str | Path) -> Fault | None:
    """Find what a glance tells: a web page, no bytes, half an archive, or another size than published or pinned.

    Raises:
        UserError: the file or the lock file can't be read.
    """
    try:
        size, page, archive = path.stat().st_size, describe_web_page(path), _is_archive(path)
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy="put a readable file there") from error
    if page is not None:
        return Fault(f"it is {page}")
    if size == 0:
        return Fault("it is empty")
    if (archive or source.name.endswith(".zip")) and not is_zipfile(path):
        # An archive's table of contents stands at its end.
        return Fault("it is no zip archive, or cut short")
    if source.size_bytes not in (None, size):
        return Fault(f"it has {size} bytes, not {source.size_bytes}")
    old = pinned(lock, source.name) if source.digest is None else None
    if old is not None and old.size_bytes != size:
        what = f"it has {size} bytes, and {lock} has {old.size_bytes}"
        return Fault(what, mismatch_remedy(source.name, lock))
    return None


def require_stamped(paths: Iterable[Path]) -> None:
    """Refuse downloads that are no longer the files that were checked; one without a stamp was put there otherwise.

    Args:
        paths: downloads; beside each lies, as NAME.sha256, the digest that `landmarks download --output` wrote.

    Raises:
        UserError: a file is missing, or has other bytes than its stamp says.
    """
    for path in paths:
        stamp = path.with_name(f"{path.name}.sha256")
        if not stamp.is_file():
            continue
        wanted = stamp.read_text(encoding="utf-8", errors="replace").split()[:1]
        if not path.is_file() or wanted != [digest_of(path, "sha256").value]:
            raise UserError(
                "not the file that was checked" if path.is_file() else "was checked, and is gone",
                where=path,
                remedy=f"remove {stamp} and, if no digest is published, its line in downloads.lock; then run again",
            )


def sha256_of(path: Path, source: Source, lock: str | Path) -> str:
    """Give the sha256 of a download that was checked; gigabytes are hashed again only where it isn't known.

    Raises:
        UserError: the file or the lock file can't be read.
    """
    if source.digest is not None and source.digest.algorithm == "sha256":
        return source.digest.value
    old = pinned(lock, source.name) if source.digest is None else None
    return old.sha256 if old else digest_of(path, "sha256").value


def _is_archive(path: Path) -> bool:
    """Say whether a file begins as zip archives do; weights are such archives too."""
    with path.open("rb") as file:
        return file.read(4) == b"PK\x03\x04"


def _compare_or_pin(path: Path, name: str, lock: str | Path) -> Fault | None:
    found = digest_of(path, "sha256")
    old = pinned(lock, name)
    if old is not None and old.digest != found:
        return Fault(mismatch(old, found, lock), mismatch_remedy(name, lock))
    if old is None:
        pin(lock, name, path.stat().st_size, found.value)
    return None
