"""The lists of CelebA and MAFL: text files with an image a line."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.errors import UserError

Value = TypeVar("Value")

PARTITIONS = ("0", "1", "2")
FIVE_POINTS = 5
# Names become files below our own folder, so none may lead out of it.
_NAME = re.compile(r"\w[\w-]*\.(jpg|png)", re.ASCII)
_INTEGER = re.compile(r"-?\d{1,9}", re.ASCII)


@dataclass(frozen=True)
class _Line:
    """Hold the words of a line, and where it stands."""

    where: str
    words: list[str]


def read_partition(path: str | Path) -> dict[str, int]:
    """Read list_eval_partition.txt: 0 (training), 1 (validation) or 2 (test) of each image.

    Raises:
        UserError: no such file, a line of another form, an image twice, or no image at all.
    """
    return dict(_by_name(path, ((line, _partition(line)) for line in _lines(path))))


def read_names(path: str | Path) -> list[str]:
    """Read mafl_training.txt or mafl_testing.txt: a name a line, in the order of the file.

    Raises:
        UserError: no such file, a line of another form, an image twice, or no image at all.
    """
    return list(dict(_by_name(path, ((line, _only_name(line)) for line in _lines(path)))))


def read_five_points(path: str | Path) -> dict[str, NDArray[np.float64]]:
    """Read list_landmarks_align_celeba.txt: eyes, nose and corners of the mouth of each image.

    Returns:
        Name -> (5, 2) in image pixels.

    Raises:
        UserError: no such file, a line of another form, an image twice, or another number of lines than the first says.
    """
    lines = _lines(path)
    count = _count(lines)
    _check_header(path, lines)
    points = dict(_by_name(path, ((line, _coordinates(line)) for line in lines)))
    if len(points) != count:
        raise UserError(f"{len(points):,} images where line 1 says {count:,}", where=path, remedy="fetch it anew")
    return points


def _lines(path: str | Path) -> Iterator[_Line]:
    """Yield the lines; empty ones are passed over at the end alone."""
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise UserError("no such file", where=path) from error
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error
    except UnicodeDecodeError as error:
        raise UserError("not a text file", where=path, remedy="fetch it anew") from error
    for number, line in enumerate(text.rstrip().split("\n"), start=1):
        yield _Line(f"{path}, line {number}", line.split())


def _by_name(path: str | Path, rows: Iterable[tuple[_Line, Value]]) -> Iterator[tuple[str, Value]]:
    seen = set()
    for line, value in rows:
        name = line.words[0]
        if not _NAME.fullmatch(name):
            raise _malformed(line, "a line starts with the name of an image, such as 000001.jpg")
        if name in seen:
            raise UserError(f"{name!r} stands twice", where=line.where, remedy="fetch it anew")
        seen.add(name)
        yield name, value
    if not seen:
        raise UserError("no image in it", where=path, remedy="fetch it anew")


def _partition(line: _Line) -> int:
    if len(line.words) != 2 or line.words[1] not in PARTITIONS:
        raise _malformed(line, "a line is the name of an image and 0, 1 or 2")
    return int(line.words[1])


def _only_name(line: _Line) -> str:
    if len(line.words) != 1:
        raise _malformed(line, "a line is the name of an image")
    return line.words[0]


def _coordinates(line: _Line) -> NDArray[np.float64]:
    numbers = line.words[1:]
    if len(numbers) != 2 * FIVE_POINTS or not all(_INTEGER.fullmatch(number) for number in numbers):
        raise _malformed(line, f"a line is the name of an image and {2 * FIVE_POINTS} whole numbers")
    return np.array(numbers, dtype=np.float64).reshape(FIVE_POINTS, 2)


def _count(lines: Iterator[_Line]) -> int:
    line = next(lines)
    if len(line.words) != 1 or not line.words[0].isdecimal():
        raise _malformed(line, "the first line is the number of images")
    return int(line.words[0])


def _check_header(path: str | Path, lines: Iterator[_Line]) -> None:
    line = next(lines, _Line(f"{path}, line 2", []))
    axes = "".join(word[-2:] for word in line.words)
    if axes != "_x_y" * FIVE_POINTS:
        raise _malformed(line, "the second line names x and y of five points, such as lefteye_x lefteye_y")


def _malformed(line: _Line, expected: str) -> UserError:
    return UserError(f"it is {' '.join(line.words)[:60]!r}", where=line.where, remedy=f"{expected}: fetch it anew")
