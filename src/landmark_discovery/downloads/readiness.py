"""What of the downloads is there, what will be fetched, and what the user must do: said before the first long step."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from landmark_discovery.downloads.checks import quick_fault
from landmark_discovery.downloads.fetch import missing_offline
from landmark_discovery.downloads.licences import acceptance_line, require_accepted, unaccepted
from landmark_discovery.downloads.lock import pinned
from landmark_discovery.downloads.sources import Source, browser_address, find_source, is_on_drive
from landmark_discovery.errors import UserError
from landmark_discovery.text_tables import aligned_table

HEADER = ("file", "state", "size", "licence", "what")


class State(StrEnum):
    """How far a download is."""

    PRESENT = "present"
    TO_FETCH = "to be fetched"
    LICENCE = "licence to accept"
    MISSING = "missing"
    WRONG = "wrong file"


@dataclass(frozen=True)
class Readiness:
    """State how far a download is.

    Attributes:
        source: the download.
        target: where it lies or will lie.
        state: how far it is; a wrong file goes before one that is missing, and that before a licence.
        size: its size for people, empty where nobody knows it yet.
        accepted: keys of the licences that the user accepts.
        fault: what is wrong with the file that is there.
        known: whether its digest is published or pinned.
    """

    source: Source
    target: Path
    state: State
    size: str
    accepted: tuple[str, ...]
    fault: str = ""
    known: bool = True


def readiness(
    names: Iterable[str],
    folder: str | Path,
    lock: str | Path,
    accepted: Collection[str],
    sources: Mapping[str, Source],
    *,
    offline: bool = False,
) -> list[Readiness]:
    """Look at downloads without fetching any; of a file that is there only its size and first bytes are read.

    Args:
        names: the downloads that are wanted.
        folder: where downloads lie.
        lock: the lock file.
        accepted: keys of the licences that the user accepts.
        sources: the table of downloads.
        offline: whether nothing may be fetched, so that a file that isn't there is missing.

    Raises:
        UserError: no such download or licence, or a file or the lock file can't be read.
    """
    wanted = [find_source(name, sources) for name in dict.fromkeys(names)]
    unaccepted((), accepted)
    return [_look(source, Path(folder), lock, tuple(accepted), offline) for source in wanted]


def require_ready(rows: Sequence[Readiness]) -> None:
    """Stop before the first long step where the user must do something first.

    Raises:
        UserError: a licence isn't accepted, a file that is there is another one, or files are missing and nothing may
            be fetched; all of them are named.
    """
    wrong = [row for row in rows if row.state is State.WRONG]
    if wrong:
        faults = "; ".join(f"{row.target}: {row.fault}" for row in wrong)
        raise UserError(
            f"not the files that are wanted: {faults}",
            remedy="move them away, so that they are fetched anew; `landmarks downloads` lists them",
        )
    missing = {row.target: row.source for row in rows if row.state is State.MISSING}
    if missing:
        raise missing_offline(missing)
    require_accepted([row.source.licence_key for row in rows], _accepted(rows))


def readiness_report(rows: Sequence[Readiness]) -> str:
    """Write the table of the downloads, then what the user must do, and what can't be known yet."""
    to_fetch = [row for row in rows if row.state is not State.MISSING]
    parts = [_table(rows), _wrong_files(rows), _missing(rows), _licences(rows)]
    parts += [_by_hand(to_fetch), _drive(to_fetch), _unpinned(rows)]
    return "\n\n".join(part for part in parts if part)


def _look(source: Source, folder: Path, lock: str | Path, accepted: tuple[str, ...], offline: bool) -> Readiness:
    target = folder / source.name
    there = target.exists()
    fault = quick_fault(target, source, lock) if there else None
    old = pinned(lock, source.name)
    size_bytes = target.stat().st_size if there else source.size_bytes or (old.size_bytes if old else None)
    return Readiness(
        source=source,
        target=target,
        state=_state(there, offline, fault is not None, bool(unaccepted([source.licence_key], accepted))),
        size=source.about if size_bytes is None else readable_size(size_bytes),
        accepted=accepted,
        fault=fault.what if fault else "",
        known=source.digest is not None or old is not None,
    )


def _state(there: bool, offline: bool, wrong: bool, closed: bool) -> State:
    if wrong:
        return State.WRONG
    if offline and not there:
        return State.MISSING
    if closed:
        return State.LICENCE
    return State.PRESENT if there else State.TO_FETCH


def readable_size(size_bytes: float) -> str:
    """Write a number of bytes for people, such as 1.3 GiB."""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GiB"


def _accepted(rows: Sequence[Readiness]) -> set[str]:
    return {key for row in rows for key in row.accepted}


def is_offline(setting: bool, environment: Mapping[str, str]) -> bool:
    """Say whether nothing may be fetched: the configuration says so, or LANDMARKS_OFFLINE does."""
    told = environment.get("LANDMARKS_OFFLINE", "").lower()
    return setting or told in ("1", "true", "t", "yes", "y", "on")


def _table(rows: Sequence[Readiness]) -> str:
    return aligned_table([HEADER, *map(_cells, rows)])


def _cells(row: Readiness) -> tuple[str, ...]:
    return (row.source.name, row.state, row.size or "unknown", row.source.licence_key or "-", row.source.what)


def _wrong_files(rows: Sequence[Readiness]) -> str:
    lines = [f"  {row.target}: {row.fault}" for row in rows if row.state is State.WRONG]
    return "\n".join(["Not the files that are wanted; move them away:", *lines]) if lines else ""


def _missing(rows: Sequence[Readiness]) -> str:
    lines = [
        f"  {row.target} from {' or '.join(map(browser_address, row.source.addresses))}"
        for row in rows
        if row.state is State.MISSING
    ]
    return "\n".join(["Nothing is fetched (offline); put there by hand:", *lines]) if lines else ""


def _licences(rows: Sequence[Readiness]) -> str:
    accepted = _accepted(rows)
    missing = unaccepted([row.source.licence_key for row in rows], accepted)
    if not missing:
        return ""
    return "\n".join(
        [
            "Licences to accept first:",
            *(f"  {licence}" for licence in missing),
            "Read the terms; if you accept them, this line in the configuration says so:",
            f"  {acceptance_line(missing, accepted)}",
        ]
    )


def _by_hand(rows: Sequence[Readiness]) -> str:
    folders = sorted({str(row.target.parent) for row in rows if not row.target.exists()})
    return f"A file that you have already may be put into {', '.join(folders)} by its name." if folders else ""


def _drive(rows: Sequence[Readiness]) -> str:
    """Name what Drive may refuse; nobody can ask it beforehand."""
    missing = [row for row in rows if not row.target.exists() and is_on_drive(row.source.addresses[0])]
    if not missing:
        return ""
    return "\n".join(
        [
            "On Google Drive, which at times stops handing out a file that many fetch; only the attempt shows it.",
            "Then wait a day, or fetch it in a browser:",
            *(f"  {row.target} from {browser_address(row.source.addresses[0])}" for row in missing),
        ]
    )


def _unpinned(rows: Sequence[Readiness]) -> str:
    names = [row.source.name for row in rows if not row.known]
    if not names:
        return ""
    return f"No digest is published; what comes first is pinned in the lock file:\n  {', '.join(names)}"
