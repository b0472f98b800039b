"""Writing files so that a final name never holds half a file."""

from __future__ import annotations

import errno
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from landmark_discovery.errors import UserError
from landmark_discovery.writable import REMEDY, blocking_file

# The workflow reads this module too, and its Python need not have NumPy.
if TYPE_CHECKING:
    from numpy.typing import NDArray


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`, renamed onto it only when the block ends well.

    Raises:
        UserError: the folder can't be written, or the disk is full.
    """
    target = Path(path)
    temporary = _hidden_sibling(target)
    with _explained(target, temporary):
        target.parent.mkdir(parents=True, exist_ok=True)
        # Not tempfile.mkstemp: its files are private to their owner, whatever the umask says.
        temporary.touch(exist_ok=False)
        mode = temporary.stat().st_mode
        try:
            yield temporary
            # Libraries that put a file of their own in its place make it private.
            temporary.chmod(mode)
            _flush_to_disk(temporary)
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)


@contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path`, which it replaces only when the block ends well.

    Raises:
        UserError: the parent can't be written, or the disk is full.
    """
    target = Path(path)
    temporary = _hidden_sibling(target)
    with _explained(target, temporary):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
        try:
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


def write_npz(path: str | Path, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write named arrays as .npz; equal arrays give equal bytes."""
    import numpy as np

    with atomic_file(path) as temporary, temporary.open("wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


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
            arrays = {name: archive[name] for name in archive.files}
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


@contextmanager
def _explained(target: Path, temporary: Path) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        reason = _reason_for_not_writing(error, target, temporary)
        if reason is None:
            raise
        raise UserError(f"can't be written ({reason})", where=target, remedy=REMEDY) from error


def _reason_for_not_writing(error: Exception, target: Path, temporary: Path) -> str | None:
    """Say why `target` can't be written; None where the error is about something else, such as reading a file."""
    if isinstance(error, UserError):
        return None
    full = os.strerror(errno.ENOSPC)
    if full in str(error):
        # torch and safetensors report a full disk with exceptions of their own.
        return full
    if not isinstance(error, OSError):
        return None
    named = [Path(os.fsdecode(name)) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    ours = (temporary, target, *target.parents)
    if named and not any(name in ours or temporary in name.parents for name in named):
        return None
    blocked = blocking_file(target)
    return f"{blocked} is a file, not a folder" if blocked else error.strerror or str(error)


def _hidden_sibling(target: Path) -> Path:
    return target.with_name(f".{target.stem[:40]}.{secrets.token_hex(8)}{target.suffix}")


def _put_in_place(temporary: Path, target: Path) -> None:
    if not target.is_dir():
        temporary.replace(target)
        return
    # A folder can't be renamed onto one with content, so the old one steps aside first.
    old = _hidden_sibling(target)
    target.replace(old)
    try:
        temporary.replace(target)
    except OSError:
        old.replace(target)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _flush_to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
