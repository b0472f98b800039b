"""A tensor as Torch7 (Lua) saves it: one object a file, in the binary form that torch.save writes by default.

An object is its type, its number in the file and its class; a tensor then gives sizes, strides and the offset of its
first element, all counted in elements, and the storage that they point into. Everything is little-endian.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.errors import UserError

MAX_DIMENSIONS = 8
_ELEMENTS = {
    "Byte": "<u1",
    "Char": "<i1",
    "Short": "<i2",
    "Int": "<i4",
    "Long": "<i8",
    "Float": "<f4",
    "Double": "<f8",
}
_OBJECTS = {0: "nil", 1: "a number", 2: "a string", 3: "a table", 5: "a boolean"}
_TORCH_OBJECT = 4
_VERSION = "V 1"


class Torch7Error(ValueError):
    """Say why a file isn't one tensor of Torch7."""


@dataclass(frozen=True)
class _View:
    """Say which elements of a storage make up a tensor; all counted in elements."""

    sizes: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int


class _Source:
    """Read numbers and texts one after another, never beyond the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0

    def take(self, count: int) -> memoryview:
        """Give the next bytes; their number is compared with what is there before anything is made of them."""
        left = len(self._data) - self._position
        if not 0 <= count <= left:
            raise Torch7Error(f"{count:,} bytes are to follow where there are {left:,}")
        self._position += count
        return memoryview(self._data)[self._position - count : self._position]

    def integer(self) -> int:
        return int(struct.unpack("<i", self.take(4))[0])

    def longs(self, count: int) -> tuple[int, ...]:
        return struct.unpack(f"<{count}q", self.take(8 * count))

    def text(self) -> str:
        return bytes(self.take(self.integer())).decode("latin1")

    def end(self) -> None:
        left = len(self._data) - self._position
        if left:
            raise Torch7Error(f"{left:,} bytes stand behind the tensor")


def read_torch7(path: str | Path) -> NDArray[np.float64]:
    """Read a file that holds one tensor of numbers.

    Returns:
        The tensor, in its own order of dimensions, however its elements lie in the file.

    Raises:
        UserError: no such file, or anything but one whole tensor: another object, the text form, a file that breaks
            off or goes on, sizes that the file can't hold.
    """
    try:
        return parse_torch7(Path(path).read_bytes())
    except FileNotFoundError as error:
        raise UserError("no such file", where=path) from error
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error
    except Torch7Error as error:
        raise UserError(
            f"not a tensor of Torch7 ({error})",
            where=path,
            remedy="it must hold one tensor of numbers, as Lua Torch's torch.save writes it",
        ) from error


def parse_torch7(data: bytes) -> NDArray[np.float64]:
    """Read a tensor from the content of its file.

    Raises:
        Torch7Error: anything but one whole tensor of numbers.
    """
    source = _Source(data)
    number, kind = _object(source, "Tensor")
    view = _view(source)
    storage_number, storage_kind = _object(source, "Storage")
    if storage_kind != kind or storage_number == number:
        raise Torch7Error(f"a {kind}Tensor on object {storage_number}, a {storage_kind}Storage")
    elements = _elements(source, kind)
    source.end()
    return _viewed(elements, view)


def _object(source: _Source, suffix: str) -> tuple[int, str]:
    """Read the start of an object: its number in the file, and the kind of its elements."""
    type_code = source.integer()
    if type_code != _TORCH_OBJECT:
        raise Torch7Error(f"it holds {_OBJECTS.get(type_code, f'an object of type {type_code}')}")
    number, version = source.integer(), source.text()
    if version != _VERSION:
        raise Torch7Error(f"version {version[:20]!r} of the format; {_VERSION!r} is read")
    name = source.text()
    kind = name.removeprefix("torch.").removesuffix(suffix)
    if name != f"torch.{kind}{suffix}" or kind not in _ELEMENTS:
        raise Torch7Error(f"a {name[:40]!r}, not a {suffix} of {', '.join(_ELEMENTS)}")
    if number < 1:
        raise Torch7Error(f"object number {number}")
    return number, kind


def _view(source: _Source) -> _View:
    dimensions = source.integer()
    if not 1 <= dimensions <= MAX_DIMENSIONS:
        raise Torch7Error(f"{dimensions} dimensions; 1 to {MAX_DIMENSIONS} are read")
    sizes, strides = source.longs(dimensions), source.longs(dimensions)
    (first,) = source.longs(1)
    if min(sizes) < 1 or min(strides) < 0 or first < 1:
        raise Torch7Error(f"sizes {sizes}, strides {strides} and first element {first}")
    # Nothing is stepped along a dimension of one element, so that its stride may be anything.
    steps = tuple(stride if size > 1 else 0 for size, stride in zip(sizes, strides, strict=True))
    return _View(sizes, steps, first - 1)


def _elements(source: _Source, kind: str) -> NDArray[np.int64 | np.float64]:
    (count,) = source.longs(1)
    element = np.dtype(_ELEMENTS[kind])
    return np.frombuffer(source.take(count * element.itemsize), dtype=element)


def _viewed(elements: NDArray[np.int64 | np.float64], view: _View) -> NDArray[np.float64]:
    last = view.offset + sum((size - 1) * step for size, step in zip(view.sizes, view.strides, strict=True))
    # A tensor that repeats elements may be far larger than its storage: none is made that its file couldn't hold.
    if last >= len(elements) or math.prod(view.sizes) > len(elements):
        raise Torch7Error(f"sizes {view.sizes} where {len(elements):,} elements are stored")
    strides = tuple(step * elements.itemsize for step in view.strides)
    spread = np.lib.stride_tricks.as_strided(elements[view.offset :], view.sizes, strides, writeable=False)
    return np.array(spread, dtype=np.float64, order="C")
