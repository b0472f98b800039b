"""Fetching a download: licence, a file that is there already, address and mirror, size and digest, pin."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from zipfile import is_zipfile

from landmark_discovery.downloads.digests import digest_of
from landmark_discovery.downloads.licences import require_accepted
from landmark_discovery.downloads.lock import mismatch, mismatch_remedy, pin, pinned
from landmark_discovery.downloads.sources import Source, browser_address
from landmark_discovery.downloads.transport import (
    TRANSFERS,
    Transfer,
    TransferError,
    describe_web_page,
    progress_bar,
)
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file


@dataclass(frozen=True)
class Fault:
    """Say why a file isn't the download.

    Attributes:
        what: what is wrong with it.
        remedy: what to do besides fetching it anew, where there is something.
    """

    what: str
    remedy: str = ""


def fetch(
    source: Source,
    folder: str | Path,
    lock: str | Path,
    accepted: Collection[str],
    transfers: Mapping[str, Transfer] = TRANSFERS,
) -> Path:
    """Make sure that a download is there and is the right file.

    A file that is there already, fetched before or put there by hand, is checked and used.

    Args:
        source: what to fetch.
        folder: where downloads lie.
        lock: the lock file; a file without a published digest is pinned in it.
        accepted: keys of the licences that the user accepts.
        transfers: how each scheme is fetched.

    Returns:
        The file, `folder`/`source.name`.

    Raises:
        UserError: its licence isn't accepted, no address gives the right file, the file that is there is another one,
            or it can't be written; nothing half-written is left.
    """
    require_accepted([source.licence_key], accepted)
    target = Path(folder) / source.name
    if target.exists():
        fault = check_download(target, source, lock)
        if fault is not None:
            raise _wrong_file(target, source, fault)
        return target
    with atomic_file(target) as temporary:
        _fetch_any(source, target, temporary, lock, transfers)
    return target


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
        size, page = path.stat().st_size, describe_web_page(path)
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy="put a readable file there") from error
    if page is not None:
        return Fault(f"it is {page}")
    if size == 0:
        return Fault("it is empty")
    if source.name.endswith(".zip") and not is_zipfile(path):
        # An archive's table of contents stands at its end.
        return Fault("it is no zip archive, or cut short")
    if source.size_bytes not in (None, size):
        return Fault(f"it has {size} bytes, not {source.size_bytes}")
    old = pinned(lock, source.name) if source.digest is None else None
    if old is not None and old.size_bytes != size:
        what = f"it has {size} bytes, and {lock} has {old.size_bytes}"
        return Fault(what, mismatch_remedy(source.name, lock))
    return None


def sha256_of(path: Path, source: Source, lock: str | Path) -> str:
    """Give the sha256 of a download that was checked; gigabytes are hashed again only where it isn't known.

    Raises:
        UserError: the file or the lock file can't be read.
    """
    if source.digest is not None and source.digest.algorithm == "sha256":
        return source.digest.value
    old = pinned(lock, source.name) if source.digest is None else None
    return old.sha256 if old else digest_of(path, "sha256").value


def by_hand(source: Source, target: str | Path) -> str:
    """Say how a person fetches a download in a browser, how it is known, and where it goes."""
    known = str(source.digest) if source.digest else "no digest is published"
    licence = f"; licence: {source.licence.terms}" if source.licence else ""
    addresses = " or ".join(map(browser_address, source.addresses))
    return f"fetch {addresses} by hand ({known}{licence}) and put it at {target}"


def _fetch_any(
    source: Source, target: Path, temporary: Path, lock: str | Path, transfers: Mapping[str, Transfer]
) -> None:
    """Fill the file from the first address that gives the right one."""
    reasons = []
    for address in source.addresses:
        fault = _try_address(address, source, temporary, lock, transfers)
        if fault is None:
            return
        reasons.append((address, fault))
    told = "; ".join(f"{address}: {fault.what}" for address, fault in reasons)
    remedies = dict.fromkeys(fault.remedy for _, fault in reasons if fault.remedy)
    raise UserError(
        f"can't be fetched; {told}", where=target, remedy="; or ".join((by_hand(source, target), *remedies))
    )


def _try_address(
    address: str, source: Source, temporary: Path, lock: str | Path, transfers: Mapping[str, Transfer]
) -> Fault | None:
    transfer = transfers[address.partition(":")[0].lower()]
    try:
        with progress_bar(source.name) as progress:
            transfer(address, temporary, progress)
    except TransferError as error:
        return Fault(str(error))
    return check_download(temporary, source, lock)


def _compare_or_pin(path: Path, name: str, lock: str | Path) -> Fault | None:
    found = digest_of(path, "sha256")
    old = pinned(lock, name)
    if old is not None and old.digest != found:
        return Fault(mismatch(old, found, lock), mismatch_remedy(name, lock))
    if old is None:
        pin(lock, name, path.stat().st_size, found.value)
    return None


def _wrong_file(target: Path, source: Source, fault: Fault) -> UserError:
    remedies = [f"move it away and run again, or {by_hand(source, target)}"]
    if fault.remedy:
        remedies.append(fault.remedy)
    return UserError(f"not the file that is wanted: {fault.what}", where=target, remedy="; or ".join(remedies))
