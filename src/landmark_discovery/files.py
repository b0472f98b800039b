"""Writing files so that a final name never holds half a file."""

from __future__ import annotations

import ctypes
import errno
import io
import json
import os
import shutil
import sys
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from landmark_discovery.errors import UserError
from landmark_discovery.leftovers import held, hidden_sibling, remove_leftovers
from landmark_discovery.writable import REMEDY, blocking_file, refuse_foreign_folder

# The workflow reads this module too, and its Python need not have NumPy.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_Scalar = TypeVar("_Scalar", bound="np.generic")
# Padding compresses a thousandfold, whole files of arrays by far less: what is large and small at once is a bomb.
BOMB_BYTES = 2**30
BOMB_RATIO = 50
# Of Linux's renameat2.
_RENAME_EXCHANGE = 2
# A full disk, a quota, a limit of a file's size, a disk that became read-only, one that is broken.
_DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EIO)


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed onto it only when the block ends well.

    Raises:
        UserError: the folder can't be written, the disk is full, or the path ends in no name.
    """
    target = _named(path)
    temporary = hidden_sibling(target)
    with _explained(target, temporary):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
        # Not tempfile.mkstemp: its files are private to their owner, whatever the umask says.
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        try:
            with held(temporary):
                yield temporary
                # Libraries that put a file of their own in its place make it private.
                temporary.chmod(mode)
                _flush_to_disk(temporary)
                temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path, is_ours: Callable[[Path], bool]) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which it replaces only when the block ends well.

    Args:
        path: of the folder.
        is_ours: says of a folder with content that it was made so too, and may be replaced.

    Raises:
        UserError: a folder is there that holds something else, the parent can't be written, the disk is full, or the
            path ends in no name.
    """
    target = _named(path)
    refuse_foreign_folder(target, is_ours)
    temporary = hidden_sibling(target)
    with _explained(target, temporary):
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
        temporary.mkdir()
        try:
            with held(temporary):
                yield temporary
                for file in temporary.rglob("*"):
                    if file.is_file():
                        _flush_to_disk(file)
                _put_in_place(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def write_text(path: str | Path, text: str) -> None:
    """Write text as UTF-8, whole or not at all."""
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: str | Path, content: Mapping[str, Any]) -> None:
    """Write a mapping as indented JSON; NaN is refused, since JSON has none."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def read_json(path: str | Path, *, kind: str = "JSON", remedy: str = "make it anew") -> dict[str, Any]:
    """Read a JSON object.

    Args:
        path: the file.
        kind: what it is called where it can't be read.
        remedy: what the user can do then.

    Raises:
        UserError: no such file, not JSON, or something else than an object.
    """
    try:
        content = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy=remedy) from error
    # Numbers of thousands of digits and texts in other codes are a ValueError too.
    except (ValueError, RecursionError) as error:
        raise UserError(f"not readable {kind} ({error})", where=path, remedy=remedy) from error
    if not isinstance(content, dict):
        raise UserError("not a JSON object", where=path, remedy=remedy)
    return content


def holds_json(folder: Path, name: str, key: str, value: object = None) -> bool:
    """Say whether a folder has a JSON file with a key, and with this value where one is given."""
    try:
        content = read_json(folder / name)
    except UserError:
        return False
    return key in content and (value is None or content[key] == value)


def finite_number(value: object) -> float | None:
    """Take a value of JSON as a number; None where it is none, NaN, infinite, or too large for a float."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) <= sys.float_info.max else None


def write_npz(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as .npz; equal arrays give equal bytes.

    Not by numpy.savez: the headers of its archive differ between versions of Python.
    """
    import numpy as np

    with atomic_file(path) as temporary, zipfile.ZipFile(temporary, "w") as archive:
        for name, array in arrays.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.asanyarray(array), allow_pickle=False)
            archive.writestr(zipfile.ZipInfo(f"{name}.npy"), content.getbuffer(), zipfile.ZIP_DEFLATED)


def read_npz(path: str | Path, required: tuple[str, ...]) -> dict[str, NDArray[Any]]:
    """Read the arrays of an .npz file; pickled objects are refused.

    Args:
        path: the file.
        required: names that must be in it.

    Raises:
        UserError: no such file, not an .npz file, or a name that is missing.
    """
    import numpy as np

    try:
        with np.load(path, allow_pickle=False) as archive:
            _refuse_bomb(sum(member.file_size for member in archive.zip.infolist()), Path(path).stat().st_size)
            # A checksum stands at the end, and NumPy reads as far as an array's header says.
            damaged = archive.zip.testzip()
            if damaged is not None:
                raise ValueError(f"{damaged} isn't what was written")
            arrays = {name: archive[name] for name in archive.files}
        # What doesn't begin as an array comes as bytes.
        if not all(isinstance(array, np.ndarray) for array in arrays.values()):
            raise ValueError("it holds other files than arrays")
    except FileNotFoundError as error:
        raise UserError("no such file", where=path) from error
    except Exception as error:
        raise UserError(f"not a readable .npz file ({error})", where=path, remedy="make it anew") from error
    missing = [name for name in required if name not in arrays]
    if missing:
        raise UserError(
            f"array {missing[0]!r} is missing; the file has {', '.join(sorted(arrays)) or 'none'}",
            where=path,
            remedy=f"needed: {', '.join(required)}",
        )
    return arrays


def cast_array(arrays: Mapping[str, NDArray[Any]], name: str, kind: type[_Scalar]) -> NDArray[_Scalar]:
    """Take an array as numbers of a kind, or as text; a fraction doesn't become a whole number.

    Args:
        arrays: as `read_npz` gives them.
        name: of the array.
        kind: of its elements, such as np.float64.

    Raises:
        UserError: its elements are of another kind.
    """
    try:
        return arrays[name].astype(kind, casting="same_kind")
    except (TypeError, ValueError) as error:
        raise UserError(f"array {name!r} holds {arrays[name].dtype}, not {kind.__name__}") from error


def _refuse_bomb(unpacked_bytes: int, file_bytes: int) -> None:
    if unpacked_bytes > max(BOMB_BYTES, BOMB_RATIO * file_bytes):
        raise ValueError(f"its {file_bytes:,} bytes would unpack to {unpacked_bytes:,}")


@contextmanager
def _explained(target: Path, temporary: Path) -> Iterator[None]:
    try:
        yield
    except UserError as error:
        # Who wrote a file of the folder names it by the folder that is gone by now.
        if error.where is None or temporary not in Path(error.where).parents:
            raise
        where = target / Path(error.where).relative_to(temporary)
        raise UserError(error.what, where=where, remedy=error.remedy) from error
    except Exception as error:
        reason = _reason_for_not_writing(error, target, temporary)
        if reason is None:
            raise
        raise UserError(f"can't be written ({reason})", where=target, remedy=REMEDY) from error


def _reason_for_not_writing(error: Exception, target: Path, temporary: Path) -> str | None:
    """Say why `target` can't be written; None where the error is about something else, such as reading a file."""
    if not isinstance(error, OSError):
        # torch and safetensors report a full disk with exceptions of their own.
        return next((reason for reason in map(os.strerror, _DISK_FAULTS) if reason in str(error)), None)
    if error.errno == errno.ENOSPC:
        return error.strerror
    named = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    ours = (temporary, target, *target.parents)
    if named and not any(name in ours or temporary in name.parents for name in named):
        return None
    blocked = blocking_file(target)
    return f"{blocked} is a file, not a folder" if blocked else error.strerror or str(error)


def _named(path: str | Path) -> Path:
    """Refuse ".", "..", "/" and an empty text, beside which nothing can be written."""
    target = Path(path)
    if target.name in ("", ".."):
        raise UserError("not a name to write under", where=target, remedy="give the name of a file or folder")
    # What a link leads to is replaced and not the link: it may lie on another disk.
    return Path(os.path.realpath(target)) if os.path.islink(target) else target  # noqa: PTH114 - the other raises where nobody may look


def _put_in_place(temporary: Path, target: Path) -> None:
    """Rename a folder onto one that may be there; of processes that do so at once, the last one's stays."""
    while not _took_place(temporary, target) and not _exchanged(temporary, target):
        # A folder can't be renamed onto one with content, so the old one steps aside first.
        old = hidden_sibling(target)
        with suppress(FileNotFoundError):
            target.replace(old)
        try:
            done = _took_place(temporary, target)
        except OSError:
            with suppress(FileNotFoundError):
                old.replace(target)
            raise
        shutil.rmtree(old, ignore_errors=True)
        if done:
            return


def _took_place(temporary: Path, target: Path) -> bool:
    """Rename a folder where none is, and say whether that went well."""
    if target.is_dir():
        return False
    try:
        temporary.replace(target)
    except OSError as error:
        # Another process was faster.
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            return False
        raise
    return True


def _exchanged(temporary: Path, target: Path) -> bool:
    """Let two folders exchange their names at once, so that none is ever missing; False where the system can't."""
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    names = (os.fsencode(temporary.absolute()), os.fsencode(target.absolute()))
    return rename is not None and rename(0, names[0], 0, names[1], _RENAME_EXCHANGE) == 0


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
