"""Fetching a download: licence, a file that is there already, address and mirror, patience, checks."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from landmark_discovery.downloads.checks import Fault, check_download
from landmark_discovery.downloads.drive import transfer_drive
from landmark_discovery.downloads.licences import require_accepted
from landmark_discovery.downloads.partial import Partial, partial_file, remove_partial
from landmark_discovery.downloads.retries import Patience, keep_trying
from landmark_discovery.downloads.sources import Source, browser_address
from landmark_discovery.downloads.transport import Transfer, TransferError, progress_bar
from landmark_discovery.downloads.web import transfer_http
from landmark_discovery.errors import UserError

TRANSFERS: Mapping[str, Transfer] = {"http": transfer_http, "https": transfer_http, "gdrive": transfer_drive}


@dataclass(frozen=True)
class Means:
    """Say how to fetch.

    Attributes:
        transfers: how each scheme is fetched.
        patience: how long an address is tried.
        offline: whether nothing may be fetched at all.
    """

    transfers: Mapping[str, Transfer] = field(default_factory=lambda: TRANSFERS)
    patience: Patience = field(default_factory=Patience)
    offline: bool = False


def fetch(
    source: Source, folder: str | Path, lock: str | Path, accepted: Collection[str], means: Means | None = None
) -> Path:
    """Make sure that a download is there and is the right file.

    A file that is there already, fetched before or put there by hand, is checked and used. What an earlier run began is
    gone on with. Where another process fetches the same file, this one waits for it.

    Args:
        source: what to fetch.
        folder: where downloads lie.
        lock: the lock file; a file without a published digest is pinned in it.
        accepted: keys of the licences that the user accepts.
        means: how to fetch; None: in the usual way.

    Returns:
        The file, `folder`/`source.name`.

    Raises:
        UserError: its licence isn't accepted, no address gives the right file, the file that is there is another one,
            there is none and nothing may be fetched, or it can't be written; the final name never has a wrong file, and
            what came of the right one is kept for the next time.
    """
    means = means or Means()
    require_accepted([source.licence_key], accepted)
    target = Path(folder) / source.name
    if not _is_there(target, source, lock):
        if means.offline:
            raise missing_offline({target: source})
        with partial_file(target, source.size_bytes, lambda: means.patience.tell(_waiting(target))) as partial:
            # Another process may have fetched it while this one waited.
            if not _is_there(target, source, lock):
                _fetch_any(source, target, partial, lock, means)
                partial.publish(target)
    remove_partial(target)
    return target


def by_hand(source: Source, target: str | Path) -> str:
    """Say how a person fetches a download in a browser, how it is known, and where it goes."""
    known = str(source.digest) if source.digest else "no digest is published"
    licence = f"; licence: {source.licence.terms}" if source.licence else ""
    addresses = " or ".join(map(browser_address, source.addresses))
    return f"fetch {addresses} by hand ({known}{licence}) and put it at {target}"


def missing_offline(missing: Mapping[Path, Source]) -> UserError:
    """Make the error of files that aren't there while nothing may be fetched, by the places where they belong."""
    ways = [by_hand(source, target) for target, source in missing.items()]
    way = ways[0] if len(ways) == 1 else "put them there by hand, from the addresses that `landmarks downloads` names"
    return UserError(
        f"missing, and nothing is fetched (offline): {', '.join(map(str, missing))}",
        remedy=f"{way}; or leave out `downloads.offline`, `--offline` and LANDMARKS_OFFLINE, so that they are fetched",
    )


def _is_there(target: Path, source: Source, lock: str | Path) -> bool:
    if not target.exists():
        return False
    fault = check_download(target, source, lock)
    if fault is not None:
        raise _wrong_file(target, source, fault)
    return True


def _waiting(target: Path) -> str:
    return f"{target}: another process fetches it; this one waits"


def _fetch_any(source: Source, target: Path, partial: Partial, lock: str | Path, means: Means) -> None:
    """Fill the partial file from the first address that gives the right one; what was begun goes on first."""
    reasons = []
    for address in sorted(source.addresses, key=lambda address: partial.begun(address) is None):
        fault = _try_address(address, source, partial, lock, means)
        if fault is None:
            return
        reasons.append((address, fault))
    told = "; ".join(f"{address}: {fault.what}" for address, fault in reasons)
    remedies = dict.fromkeys(fault.remedy for _, fault in reasons if fault.remedy)
    raise UserError(
        f"can't be fetched; {told}", where=target, remedy="; or ".join((by_hand(source, target), *remedies))
    )


def _try_address(address: str, source: Source, partial: Partial, lock: str | Path, means: Means) -> Fault | None:
    transfer = means.transfers[address.partition(":")[0].lower()]

    def once() -> None:
        # The last try may have failed behind the last byte.
        if not partial.is_complete(address):
            with progress_bar(source.name, partial.kept_bytes(address)) as progress:
                transfer(address, partial, progress)

    # All bytes are there where an earlier run ended between the last of them and the final name.
    if partial.is_complete(address) and _fault(partial, source, lock) is None:
        return None
    try:
        keep_trying(source.name, once, lambda: partial.kept_bytes(address), means.patience)
    except TransferError as error:
        return Fault(str(error))
    return _fault(partial, source, lock)


def _fault(partial: Partial, source: Source, lock: str | Path) -> Fault | None:
    """Check a file whose bytes are all there; a wrong one is forgotten, lest the next try goes on with it."""
    fault = check_download(partial.path, source, lock)
    if fault is not None:
        partial.forget()
    return fault


def _wrong_file(target: Path, source: Source, fault: Fault) -> UserError:
    remedies = [f"move it away and run again, or {by_hand(source, target)}"]
    if fault.remedy:
        remedies.append(fault.remedy)
    return UserError(f"not the file that is wanted: {fault.what}", where=target, remedy="; or ".join(remedies))
