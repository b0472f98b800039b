"""Pickles of numbers by name, read without running anything that they say.

A pickle is a program: it names functions and has them called. Here each name leads to a stand-in that only checks and
keeps what it is given, and any other name ends the reading. NumPy's own functions aren't called either, since they
trust the sizes that they are told.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
import re
from pathlib import Path
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.data.readers.pickle_nesting import Nesting
from landmark_discovery.errors import UserError

_NUMBER_CODE = re.compile(r"f[248]|[iu][1248]")
# Operations that put what was read at a numbered place.
_NUMBERED = ("PUT", "BINPUT", "LONG_BINPUT")
_BYTE_ORDERS = ("<", ">", "|", "=")
_REMEDY = "it must hold a dict of names and numbers: fetch it anew, and open it with nothing else"


def read_array_pickle(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """Read a pickle of a dict from names to numbers: arrays, or lists and tuples of numbers or of rows of numbers.

    Python 2's pickles are read as well as those of Python 3, of any protocol and any version of NumPy.

    Returns:
        The arrays by name, in the order of the pickle.

    Raises:
        UserError: no such file, not a whole pickle, anything in it beside dicts, lists, tuples, texts and numbers (it
            is named and never called), a value that isn't numbers alone, or more numbers than the file has bytes.
    """
    data = _bytes_of(path)
    content = _unpickled(path, data)
    if not isinstance(content, dict):
        raise UserError("it doesn't hold a dict", where=path, remedy=_REMEDY)
    arrays: dict[str, NDArray[np.float64]] = {}
    left = len(data)
    for key, value in content.items():
        name = key.decode("latin1") if isinstance(key, bytes) else key
        if not isinstance(name, str) or name in arrays:
            raise UserError(f"the key {short(name)} is no text, or stands twice", where=path, remedy=_REMEDY)
        # A few bytes can name the same long list again and again.
        left -= _count(value)
        if left < 0:
            raise UserError("it says more numbers than it has bytes", where=path, remedy=_REMEDY)
        try:
            arrays[name] = np.array(_numbers(value), dtype=np.float64)
        except (ValueError, OverflowError) as error:
            raise UserError(f"{name!r} doesn't hold numbers alone ({error})", where=path, remedy=_REMEDY) from error
    return arrays


def _bytes_of(path: str | Path) -> bytes:
    try:
        return Path(path).read_bytes()
    except FileNotFoundError as error:
        raise UserError("no such file", where=path) from error
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error


def _unpickled(path: str | Path, data: bytes) -> object:
    stream = io.BytesIO(data)
    try:
        _refuse_bombs(data)
        content = _Unpickler(stream, encoding="latin1").load()
        if stream.read(1):
            raise pickle.UnpicklingError("something stands behind its end")
    except _BlockedError as error:
        raise UserError(f"the pickle asks for {error}, which isn't run", where=path, remedy=_REMEDY) from error
    # A damaged pickle raises whatever its operations come upon.
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise UserError(f"not a readable pickle of numbers ({reason})", where=path, remedy=_REMEDY) from error
    return content


def _refuse_bombs(data: bytes) -> None:
    """Refuse places that the pickle can't hold, for which Python would set memory aside, and what is nested deeply."""
    nesting = Nesting()
    for operation, argument, _ in pickletools.genops(data):
        nesting.follow(operation, argument)
        if operation.name in _NUMBERED and argument is not None and argument > len(data):
            raise pickle.UnpicklingError(f"place {argument:,} of {len(data):,}")


def _count(value: object) -> int:
    if isinstance(value, _Array):
        return value.count
    return sum(map(_row_count, value)) if isinstance(value, list | tuple) else 1


def _row_count(row: object) -> int:
    if isinstance(row, _Array):
        return row.count
    return len(row) if isinstance(row, list | tuple) else 1


def _numbers(value: object) -> Any:  # noqa: ANN401
    if isinstance(value, list | tuple):
        return [_row(item) for item in value]
    return _row(value)


def _row(value: object) -> Any:  # noqa: ANN401
    if isinstance(value, _Array):
        return value.numbers()
    if isinstance(value, list | tuple):
        return [_number(item) for item in value]
    return _number(value)


def _number(value: object) -> int | float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"it holds a {type(value).__name__}")
    return value


class _BlockedError(Exception):
    """Name what a pickle asked for and didn't get."""


class _StandIn:
    """Refuse whatever a pickle does to it beyond what a stand-in allows.

    Every stand-in has this method, on which a pickle's attempt to change the class itself ends too.
    """

    def __setstate__(self, state: object) -> None:
        raise pickle.UnpicklingError(f"a state for {type(self).__name__}")


class _Latin1(_StandIn):
    """Stand in for _codecs.encode, by which older protocols write bytes."""

    def __new__(cls, text: str, encoding: str) -> Any:  # noqa: ANN401
        if encoding != "latin1" or not isinstance(text, str):
            raise _BlockedError(f"the encoding {short(encoding)}")
        return text.encode("latin1")


class _NumberType(_StandIn):
    """Stand in for numpy.dtype: one kind of number."""

    _code, _order = "u1", "="

    def __init__(self, code: str, *_flags: object) -> None:
        if not isinstance(code, str) or not _NUMBER_CODE.fullmatch(code):
            raise pickle.UnpicklingError(f"values of type {short(code)}, which aren't numbers")
        self._code = code

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401
        _, order, *parts = state
        if order not in _BYTE_ORDERS or any(part is not None for part in parts[:3]):
            raise pickle.UnpicklingError("values made of several parts")
        self._order = order

    @property
    def element(self) -> np.dtype[Any]:
        """Give NumPy's own name for it."""
        return np.dtype(self._order + self._code)


class _ArrayType(_StandIn):
    """Stand in for numpy.ndarray, which is only ever named."""

    def __init__(self, *_: object) -> None:
        raise pickle.UnpicklingError("an array that isn't described")


class _Array(_StandIn):
    """Stand in for numpy's _reconstruct: an array whose content comes as its state."""

    # Of the class, since a pickle can make one without calling it.
    _content, _element, _shape, _order = b"", np.dtype(np.uint8), (0,), "C"

    def __init__(self, *_: object) -> None:
        """Take what describes no content yet."""

    def __setstate__(self, state: Any) -> None:  # noqa: ANN401
        _, shape, number_type, fortran, content = state
        self._keep(content, number_type, shape, "F" if fortran else "C")

    @property
    def count(self) -> int:
        """Count its numbers."""
        return math.prod(self._shape)

    def numbers(self) -> NDArray[np.float64]:
        """Read its numbers."""
        values = np.frombuffer(self._content, dtype=self._element)
        return values.reshape(self._shape, order="F" if self._order == "F" else "C").astype(np.float64)

    def _keep(self, content: object, number_type: object, shape: object, order: str) -> None:
        if not isinstance(shape, tuple) or not all(isinstance(size, int) and size >= 0 for size in shape):
            raise pickle.UnpicklingError(f"an array of shape {short(shape)}")
        if not isinstance(number_type, _NumberType):
            raise pickle.UnpicklingError("an array without a type of its values")
        # Python 2 has no bytes apart from texts.
        data = content.encode("latin1") if isinstance(content, str) else content
        element = number_type.element
        if not isinstance(data, bytes | bytearray) or len(data) != math.prod(shape) * element.itemsize:
            raise pickle.UnpicklingError(f"an array of shape {short(shape)} whose bytes aren't there")
        self._content, self._element, self._shape, self._order = bytes(data), element, shape, order


class _BufferArray(_Array):
    """Stand in for numpy's _frombuffer: an array of protocol 5, whose content comes at once."""

    def __init__(self, content: object, number_type: object, shape: object, order: str) -> None:
        self._keep(content, number_type, shape, order)


class _Scalar(_StandIn):
    """Stand in for numpy's scalar: a single number."""

    def __new__(cls, number_type: object, content: object) -> Any:  # noqa: ANN401
        return float(_BufferArray(content, number_type, (1,), "C").numbers()[0])


_ALLOWED: dict[tuple[str, str], type[_StandIn]] = {
    ("_codecs", "encode"): _Latin1,
    ("numpy", "dtype"): _NumberType,
    ("numpy", "ndarray"): _ArrayType,
}
# NumPy 2 renamed the module.
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _Array
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _Scalar
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _BufferArray


class _Unpickler(pickle.Unpickler):
    """Let through the stand-ins, and no other name."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:  # noqa: ANN401
        if (module_name, global_name) not in _ALLOWED:
            raise _BlockedError(f"{module_name}.{global_name}")
        return _ALLOWED[module_name, global_name]
