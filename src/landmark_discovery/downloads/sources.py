"""The table of downloads: names, addresses, sizes, digests and licences."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from landmark_discovery.csv_rows import read_rows
from landmark_discovery.digests import Digest, parse_digest
from landmark_discovery.downloads.licences import Licence, find_licence
from landmark_discovery.errors import UserError, nearest_name

# `note` is for who reads the table.
COLUMNS = ("name", "what", "address", "mirror", "bytes", "about", "digest", "licence", "note")
DOWNLOADS_FOLDER = Path("resources/downloads")
DRIVE_SCHEME = "gdrive:"


@dataclass(frozen=True)
class Source:
    """Say where a file is published, how it is known again, and under which licence it stands.

    Attributes:
        name: the file's name in the folder of downloads.
        what: what it is.
        addresses: where it is fetched from, the first that answers counts: http, https, or gdrive:ID.
        size_bytes: its exact size; None: unknown.
        about: its rough size, where only that is known.
        digest: its published digest; None: there is none, so that it is pinned on first fetch.
        licence: None where the licence asks for nothing.
    """

    name: str
    what: str
    addresses: tuple[str, ...]
    size_bytes: int | None = None
    about: str = ""
    digest: Digest | None = None
    licence: Licence | None = None

    @property
    def licence_key(self) -> str | None:
        """Give the key of its licence."""
        return None if self.licence is None else self.licence.key


def read_sources(path: str | Path | None = None) -> dict[str, Source]:
    """Read a table of downloads.

    Args:
        path: a table of the user's (other mirrors, other digests) that takes the place of the packaged one; None: the
            packaged one.

    Returns:
        The sources by name, in the order of the table.

    Raises:
        UserError: wrong header, a name twice or with a path in it, an address, size, digest or licence that is none.
    """
    table = Path(__file__).with_name("sources.csv") if path is None else Path(path)
    rows = read_rows(table)
    header = next(rows)
    _check_header(f"{table}, line {header.line}", header.cells)
    sources: dict[str, Source] = {}
    for row in rows:
        where = f"{table}, line {row.line}"
        source = _source(where, dict(zip(header.cells, row.cells, strict=True)))
        if source.name in sources:
            raise UserError(f"{source.name!r} stands twice", where=where, remedy="keep one of the rows")
        sources[source.name] = source
    return sources


def find_source(name: str, sources: Mapping[str, Source]) -> Source:
    """Find a download by its name.

    Raises:
        UserError: the table has no such name; the message lists those that it has.
    """
    if name not in sources:
        raise UserError(f"unknown download {name!r}", remedy=nearest_name(name, sources))
    return sources[name]


def is_on_drive(address: str) -> bool:
    """Say whether an address is a file of Google Drive."""
    return address.startswith(DRIVE_SCHEME)


def browser_address(address: str) -> str:
    """Give the address that a person opens in a browser."""
    if not is_on_drive(address):
        return address
    return f"https://drive.google.com/file/d/{address.removeprefix(DRIVE_SCHEME)}/view"


def _check_header(where: str, header: list[str]) -> None:
    for position, name in enumerate(header):
        if name not in COLUMNS:
            raise UserError(f"unknown column {name!r}", where=where, remedy=nearest_name(name, COLUMNS))
        if name in header[:position]:
            raise UserError(f"column {name!r} stands twice", where=where, remedy="remove one of them")
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        raise UserError(f"column {missing[0]!r} is missing", where=where, remedy=f"needed: {', '.join(COLUMNS)}")


def _source(where: str, cells: dict[str, str]) -> Source:
    return Source(
        name=_name(where, cells["name"]),
        what=cells["what"],
        addresses=_addresses(where, cells),
        size_bytes=_size(where, cells["bytes"]),
        about=cells["about"],
        digest=parse_digest(cells["digest"], where) if cells["digest"] else None,
        licence=find_licence(cells["licence"], where) if cells["licence"] else None,
    )


def _name(where: str, cell: str) -> str:
    # The name becomes a file's name and a word of the lock file; hidden names are those of half-written files.
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", cell):
        raise UserError(
            f"{cell!r} is no name of a download",
            where=where,
            remedy="use letters, digits, dots and dashes, with a letter or digit in front",
        )
    return cell


def _addresses(where: str, cells: dict[str, str]) -> tuple[str, ...]:
    addresses = tuple(cells[column] for column in ("address", "mirror") if cells[column])
    if not cells["address"]:
        raise UserError("column 'address' is empty", where=where, remedy="say where the file is published")
    for address in addresses:
        if not _is_address(address):
            raise UserError(
                f"{address!r} is no address", where=where, remedy=f"give http://..., https://... or {DRIVE_SCHEME}ID"
            )
    return addresses


def _is_address(text: str) -> bool:
    if re.search(r"\s", text):
        return False
    if is_on_drive(text):
        return re.fullmatch(r"[\w-]+", text.removeprefix(DRIVE_SCHEME), re.ASCII) is not None
    try:
        parts = urlsplit(text)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        return False


def _size(where: str, cell: str) -> int | None:
    if not cell:
        return None
    if not re.fullmatch(r"[0-9]{1,15}", cell):
        raise UserError(
            f"bytes is {cell!r}, not a whole number", where=where, remedy="put a rough size into the column `about`"
        )
    return int(cell)
