"""The list of a prepared data set's files with their digests, as `sha256sum --check` reads it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError

LIST = "SHA256SUMS"
# Reading this much takes half a second; a larger file is read only by who checks the list by hand.
CHECKED_BYTES = 2**30


def write_digests(folder: Path, known: Mapping[str, str]) -> None:
    """Write SHA256SUMS with a line for each file of a folder.

    Args:
        folder: that is whole but for this list.
        known: sha256 of files by name, for those that needn't be read again.
    """
    names = sorted(path.name for path in folder.iterdir())
    digests = {name: known.get(name) or digest_of(folder / name, "sha256").value for name in names}
    text = "".join(f"{digest}  {name}\n" for name, digest in digests.items())
    (folder / LIST).write_text(text, encoding="utf-8")


def read_digests(folder: Path) -> dict[str, str] | None:
    """Read the digests of a folder's files by name; None where there is no list.

    Raises:
        UserError: a list that can't be read.
    """
    try:
        lines = (folder / LIST).read_text(encoding="utf-8").split("\n")
        pairs = [line.split("  ", 1) for line in lines if line]
        return {name: digest for digest, name in pairs}
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise UserError("not a readable list of digests", where=folder / LIST, remedy="make the folder anew") from error


def check_digests(folder: Path, names: Iterable[str]) -> None:
    """Compare files of a folder with its list, where it has one; files beyond CHECKED_BYTES are too large for that.

    Args:
        folder: with SHA256SUMS.
        names: of the files that are about to be used; those that aren't listed aren't checked.

    Raises:
        UserError: a listed file is gone, or isn't the one that was written.
    """
    listed = read_digests(folder) or {}
    for name in listed.keys() & set(names):
        path = folder / name
        if not path.is_file() or (path.stat().st_size <= CHECKED_BYTES and not _has_digest(path, listed[name])):
            raise UserError(
                f"isn't what {LIST} says",
                where=path,
                remedy=f"make the folder anew, or remove {LIST} if you changed it",
            )


def _has_digest(path: Path, digest: str) -> bool:
    return digest_of(path, "sha256").value == digest
