"""Boxes of objects that the user, or a detector, wrote into a file: a table, or JSON in the way of COCO."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from landmark_discovery.csv_rows import read_rows
from landmark_discovery.data.tables import BOX_COLUMNS
from landmark_discovery.errors import UserError
from landmark_discovery.files import finite_number
from landmark_discovery.inference.inputs import frame_of
from landmark_discovery.inference.shots import WHOLE_IMAGE, Box

_JSON_REMEDY = "give COCO's annotations with their images, or a list of entries with file_name and bbox"
# Far beyond any image, and far below where whole numbers overflow.
LARGEST_COORDINATE_PX = 1e9
_NAME_KEYS = ("file_name", "image", "image_id")


@dataclass(frozen=True)
class GivenBoxes:
    """Hold the boxes of a file.

    Attributes:
        of_image: boxes by the name of their image, in the order of the file.
        last_frame: number of the last frame of each video that has boxes frame by frame.
    """

    of_image: Mapping[str, tuple[Box, ...]]
    last_frame: Mapping[str, int]

    def of(self, *names: str) -> tuple[Box, ...]:
        """Give the boxes of an image under the first of its names that has any."""
        return next((self.of_image[name] for name in names if name in self.of_image), ())

    def check_names(self, known: Callable[[str], bool]) -> None:
        """Refuse boxes of images that aren't there.

        Args:
            known: tells whether a name is that of an image, a video or one of its frames.

        Raises:
            UserError: it isn't.
        """
        for name, boxes in self.of_image.items():
            if not known(name):
                raise UserError(
                    f"a box of {name!r}, which isn't among the images",
                    where=boxes[0].where,
                    remedy="name images as landmarks.csv does: relative to the folder given, or by base name",
                )


def read_boxes(path: Path) -> GivenBoxes:
    """Read boxes from a table (.csv) or from JSON (.json).

    A table has the columns image, x_min, y_min, x_max, y_max and any others; four empty cells are the whole image. In
    JSON, bbox is [x, y, width, height]. Several boxes of an image are several objects.

    Raises:
        UserError: no such file, one of another kind, a box that isn't numbers, has no area or is beyond any image.
    """
    kind = path.suffix.lower()
    if kind not in (".csv", ".json"):
        raise UserError("neither .csv nor .json", where=path, remedy="give a table or COCO's JSON")
    found: dict[str, list[Box]] = {}
    for name, box in _boxes_of_table(path) if kind == ".csv" else _boxes_of_json(path):
        found.setdefault(name, []).append(box)
    frames = [frame for name in found if (frame := frame_of(name))]
    # Of equal keys in a dict the last one stays, and sorting puts the largest number there.
    return GivenBoxes({name: tuple(boxes) for name, boxes in found.items()}, dict(sorted(frames)))


def _boxes_of_table(path: Path) -> Iterator[tuple[str, Box]]:
    rows = read_rows(path)
    header = next(rows).cells
    missing = [name for name in ("image", *BOX_COLUMNS) if name not in header]
    if missing:
        raise UserError(
            f"column {missing[0]!r} is missing",
            where=f"{path}, line 1",
            remedy=f"the columns are image,{','.join(BOX_COLUMNS)}, separated by commas",
        )
    for row in rows:
        where = f"{path}, line {row.line}"
        cells = dict(zip(header, row.cells, strict=True))
        corners = [cells[name] for name in BOX_COLUMNS]
        yield _image_name(cells["image"], where), _box([_number(cell) for cell in corners], where, not any(corners))


def _boxes_of_json(path: Path) -> Iterator[tuple[str, Box]]:
    content = _read_json(path)
    names = _names_of_images(path, content) if isinstance(content, dict) else {}
    entries = content.get("annotations") if isinstance(content, dict) else content
    if not isinstance(entries, list):
        raise UserError("no annotations in it", where=path, remedy=_JSON_REMEDY)
    for position, entry in enumerate(entries):
        where = f"{path}, entry {position}"
        if not isinstance(entry, dict):
            raise UserError("not an object with a bbox", where=where, remedy=_JSON_REMEDY)
        yield _image_name(_name_of_entry(entry, names, where), where), _coco_box(entry.get("bbox"), where)


def _read_json(path: Path) -> object:
    try:
        content: object = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UserError("no such file", where=path) from error
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error
    # Numbers of thousands of digits and texts in other codes are a ValueError too.
    except (ValueError, RecursionError) as error:
        raise UserError(f"not readable JSON ({error})", where=path, remedy=_JSON_REMEDY) from error
    return content


def _names_of_images(path: Path, content: Mapping[Any, Any]) -> dict[int, str]:
    images = content.get("images", [])
    try:
        return {image["id"]: str(image["file_name"]) for image in images}
    except (TypeError, KeyError) as error:
        raise UserError("an image without id or file_name", where=path, remedy=_JSON_REMEDY) from error


def _name_of_entry(entry: Mapping[str, Any], names: Mapping[int, str], where: str) -> str:
    number = entry.get("image_id")
    if isinstance(number, int) and number in names:
        return names[number]
    name = next((entry[key] for key in _NAME_KEYS if isinstance(entry.get(key), str)), None)
    if name is None:
        raise UserError("it names no image", where=where, remedy=_JSON_REMEDY)
    return str(name)


def _coco_box(values: object, where: str) -> Box:
    numbers = [finite_number(value) for value in values] if isinstance(values, list) else []
    if len(numbers) != len(BOX_COLUMNS):
        raise UserError("bbox isn't four numbers", where=where, remedy="give [x, y, width, height] in pixels")
    x, y, width, height = (math.nan if number is None else number for number in numbers)
    return _box([x, y, x + width, y + height], where, absent=False)


def _box(corners: Iterable[float], where: str, absent: bool) -> Box:
    if absent:
        return Box(WHOLE_IMAGE.corners, where)
    x_min, y_min, x_max, y_max = corners
    if not all(math.isfinite(corner) for corner in (x_min, y_min, x_max, y_max)):
        raise UserError("the box isn't four numbers", where=where, remedy="give pixels, or leave out the box")
    described = f"the box {x_min:g}, {y_min:g}, {x_max:g}, {y_max:g}"
    if max(map(abs, (x_min, y_min, x_max, y_max))) > LARGEST_COORDINATE_PX:
        raise UserError(f"{described} lies beyond any image", where=where, remedy="give pixels of the image")
    if x_max <= x_min or y_max <= y_min:
        raise UserError(f"{described} has no area", where=where, remedy="x_max must exceed x_min, and y_max y_min")
    return Box((x_min, y_min, x_max, y_max), where)


def _number(cell: str) -> float:
    try:
        return float(cell)
    except ValueError:
        return math.nan


def _image_name(text: str, where: str) -> str:
    if not text:
        raise UserError("it names no image", where=where, remedy="name the image file, relative to the folder given")
    return str(PurePosixPath(text))
