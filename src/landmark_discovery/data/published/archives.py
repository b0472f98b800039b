"""Files out of .zip and .tar.gz archives: those that are asked for alone, under names of our own choosing.

No path of an archive is ever written to, so that none can lead anywhere. A member is held in memory while it is copied.
"""

from __future__ import annotations

import gzip
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from landmark_discovery.errors import UserError

SUFFIXES = (".zip", ".tar.gz")
_DAMAGES = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    # An unknown compression, and a member with a password.
    NotImplementedError,
    RuntimeError,
    ValueError,
)
_REMEDY = "fetch the archive anew"
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class _Member:
    """Describe a member of an archive that isn't a folder."""

    name: str
    regular: bool
    size: int
    open: Callable[[], IO[bytes] | None]


def list_files(archive: Path) -> list[str]:
    """List the ordinary files of an archive by their paths in it, which must not be written to.

    Raises:
        UserError: no such file, another kind of file, or a damaged one.
    """
    return [member.name for member in _members(archive) if member.regular]


def extract_files(
    archive: Path, targets: Mapping[str, Path | None], limit_bytes: int, *, complete: bool = True
) -> Iterator[str]:
    """Write wanted members of an archive, which is read once from front to back.

    A member is known by the end of its path, whole names of folders and files, so that it may stand behind any leading
    folders.

    Args:
        archive: a .zip or .tar.gz file.
        targets: end of the path, such as `img_align_celeba_hq/000001.jpg` -> file to write, in a folder that is made
            where it isn't there; None: the member must be there and isn't written.
        limit_bytes: largest size of a member that is written.
        complete: whether all of `targets` must be there.

    Yields:
        The ends of the paths, in the order of the archive, each as soon as its file is written.

    Raises:
        UserError: no such archive, a damaged one, a member that is missing, stands twice, is larger than the limit or
            isn't an ordinary file.
    """
    found: set[str] = set()
    longest = max((target.count("/") for target in targets), default=0) + 1
    for member in _members(archive):
        for ending in _endings(member.name, longest):
            if ending not in targets:
                continue
            if ending in found:
                raise _unusable(archive, f"{ending!r} stands twice in it")
            found.add(ending)
            _extract(archive, member, targets[ending], limit_bytes)
            yield ending
    if complete:
        refuse_missing(archive, targets, found)


def refuse_missing(archive: Path, wanted: Collection[str], found: Collection[str]) -> None:
    """Refuse an archive that lacks members.

    Raises:
        UserError: with their number and the first of them.
    """
    missing = [name for name in wanted if name not in found]
    if missing:
        raise _unusable(archive, f"{len(missing):,} of {len(wanted):,} files aren't in it, the first {missing[0]!r}")


def _endings(name: str, longest: int) -> Iterator[str]:
    """Give the ends of a path, the longest first, of so many names at most: a path may have thousands."""
    parts = name.split("/")[-longest:]
    return ("/".join(parts[start:]) for start in range(len(parts)))


def _extract(archive: Path, member: _Member, target: Path | None, limit_bytes: int) -> None:
    if not member.regular:
        raise _unusable(archive, f"{member.name!r} is a link or a special file")
    if target is None:
        return
    content = _content(archive, member, limit_bytes)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(content)


def _content(archive: Path, member: _Member, limit_bytes: int) -> bytes:
    content = None
    if member.size <= limit_bytes:
        with _undamaged(archive), member.open() or _no_stream() as stream:
            # What a header says of a size needn't be so.
            content = stream.read(limit_bytes + 1)
    if content is None or len(content) > limit_bytes:
        raise _unusable(archive, f"{member.name!r} has more than {limit_bytes:,} bytes")
    if len(content) != member.size:
        raise _unusable(archive, f"{member.name!r} breaks off")
    return content


def _no_stream() -> IO[bytes]:
    raise EOFError("a member without content")


def _members(archive: Path) -> Iterator[_Member]:
    if not archive.is_file():
        raise UserError("no such file", where=archive, remedy="fetch the archive, or put it there by hand")
    if archive.name.endswith(".zip"):
        return _zip_members(archive)
    if archive.name.endswith(".tar.gz"):
        return _tar_members(archive)
    raise UserError("an archive of unknown kind", where=archive, remedy=f"valid endings: {', '.join(SUFFIXES)}")


def _zip_members(archive: Path) -> Iterator[_Member]:
    with _undamaged(archive):
        opened = zipfile.ZipFile(archive)
    with opened:
        for info in opened.infolist():
            # Zero where the archive was made on a system without kinds of files.
            kind = stat.S_IFMT(info.external_attr >> 16)
            if not info.is_dir():
                regular = kind in (0, stat.S_IFREG)
                yield _Member(info.filename, regular, info.file_size, partial(opened.open, info))


def _tar_members(archive: Path) -> Iterator[_Member]:
    # Unpacked by gzip and not by tarfile, which in a stream doesn't compare the checksum at the end.
    with _undamaged(archive):
        unpacked = gzip.open(archive)  # noqa: SIM115
    with unpacked as stream:
        with _undamaged(archive):
            opened = tarfile.open(fileobj=stream, mode="r|")  # noqa: SIM115
        with opened:
            while (info := _next(archive, opened)) is not None:
                if not info.isdir():
                    yield _Member(info.name, info.isreg(), info.size, partial(opened.extractfile, info))
        with _undamaged(archive):
            while stream.read(_CHUNK_BYTES):
                pass


def _next(archive: Path, opened: tarfile.TarFile) -> tarfile.TarInfo | None:
    with _undamaged(archive):
        info = opened.next()
    # It would keep the description of every member that it has passed.
    opened.members = []  # type: ignore[attr-defined]
    return info


@contextmanager
def _undamaged(archive: Path) -> Iterator[None]:
    """Say that the archive is damaged where reading it fails; writing stands outside."""
    try:
        yield
    except _DAMAGES as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"not a readable archive ({reason})", where=archive, remedy=_REMEDY) from error


def _unusable(archive: Path, what: str) -> UserError:
    return UserError(what, where=archive, remedy=_REMEDY)
