"""What `landmarks predict` writes of landmarks: a table, and keypoints in the way of COCO, row by row as they come."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from landmark_discovery.data.tables import BOX_COLUMNS
from landmark_discovery.inference.detector import DetectedShot, FoundObject

TABLE = "landmarks.csv"
COCO = "coco_keypoints.json"
# COCO's marks of a keypoint that is labelled and visible, and of one that isn't labelled.
_VISIBLE, _ABSENT = 2, 0
_CATEGORY = 1


def table_header(num_landmarks: int) -> list[str]:
    """Name the columns of the table."""
    figures = [f"{name}{index}" for index in range(num_landmarks) for name in ("x", "y", "score")]
    return ["image", "object", *BOX_COLUMNS, *figures]


def table_row(number: int, found: FoundObject) -> list[str]:
    """Lay an object out for the table; the numbers read back as the same bits, and NaN is an empty cell."""
    figures = (value for point, score in zip(found.landmarks, found.scores, strict=True) for value in (*point, score))
    return [found.image, str(number), *map(_text, found.box.tolist()), *(_text(float(value)) for value in figures)]


def coco_annotation(found: FoundObject, number: int, image_number: int) -> dict[str, Any]:
    """Describe an object as COCO does: bbox is [x, y, width, height], keypoints are x, y, visibility in a row.

    Args:
        found: the object.
        number: of the annotation.
        image_number: of its image.
    """
    x_min, y_min, x_max, y_max = found.box.tolist()
    keypoints = list(_keypoints(found))
    visible = [score for score in found.scores.tolist() if math.isfinite(score)]
    return {
        "id": number,
        "image_id": image_number,
        "category_id": _CATEGORY,
        "bbox": [x_min, y_min, x_max - x_min, y_max - y_min],
        "area": (x_max - x_min) * (y_max - y_min),
        "iscrowd": 0,
        "keypoints": keypoints,
        "num_keypoints": sum(mark == _VISIBLE for mark in keypoints[2::3]),
        "score": sum(visible) / len(visible) if visible else 0.0,
        "keypoint_scores": [score if math.isfinite(score) else 0.0 for score in found.scores.tolist()],
    }


def coco_category(num_landmarks: int) -> dict[str, Any]:
    """Describe what all objects are, with a name for each landmark."""
    names = [f"landmark_{index}" for index in range(num_landmarks)]
    return {"id": _CATEGORY, "name": "object", "supercategory": "object", "keypoints": names, "skeleton": []}


class ResultFiles:
    """Write the results of images into a folder as they come; memory holds one image's alone.

    Args:
        folder: an existing one.
        num_landmarks: of an object (K).
        info: what COCO's file says of itself.
    """

    def __init__(self, folder: Path, num_landmarks: int, info: Mapping[str, Any]) -> None:
        self.images = self.objects = self.empty_images = 0
        self._files = ExitStack()
        self._folder, self._hidden = folder, folder / ".annotations"
        self._table = self._open(folder / TABLE)
        _write_row(self._table, table_header(num_landmarks))
        self._coco, self._annotations = self._open(folder / COCO), self._open(self._hidden)
        self._coco.write(f'{{"info": {_json(info)},\n"licenses": [],\n')
        self._coco.write(f'"categories": [{_json(coco_category(num_landmarks))}],\n"images": [')

    def __enter__(self) -> ResultFiles:
        """Give itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the files."""
        with self._files:
            if kind is None:
                self._join()

    def add(self, detected: DetectedShot, **facts: object) -> None:
        """Append an image and its objects.

        Args:
            detected: what was found in it.
            facts: more that COCO's entry of the image says.
        """
        self.images += 1
        self.empty_images += not detected.objects
        width, height = detected.size
        image = {"id": self.images, "file_name": detected.shot.name, "width": width, "height": height, **facts}
        self._coco.write(_separator(self.images) + _json(image))
        for number, found in enumerate(detected.objects):
            self.objects += 1
            _write_row(self._table, table_row(number, found))
            annotation = coco_annotation(found, self.objects, self.images)
            self._annotations.write(_separator(self.objects) + _json(annotation))

    def _open(self, path: Path) -> TextIO:
        return self._files.enter_context(path.open("w", encoding="utf-8", newline=""))

    def _join(self) -> None:
        """Put the annotations behind the images, of which COCO has all first."""
        self._annotations.flush()
        self._coco.write('\n],\n"annotations": [')
        with self._hidden.open(encoding="utf-8", newline="") as annotations:
            shutil.copyfileobj(annotations, self._coco)
        self._coco.write("\n]}\n")
        self._hidden.unlink()


def _write_row(file: TextIO, cells: list[str]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    if any("\r" in cell for cell in cells):
        # It would end the row for a reader, and csv quotes only what ends rows here.
        writer = csv.writer(file, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow(cells)


def _keypoints(found: FoundObject) -> Iterator[float]:
    for x, y in found.landmarks.tolist():
        there = math.isfinite(x) and math.isfinite(y)
        yield from (x, y, _VISIBLE) if there else (0.0, 0.0, _ABSENT)


def _text(value: float) -> str:
    return "" if math.isnan(value) else repr(value).removesuffix(".0")


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, ensure_ascii=False, allow_nan=False)


def _separator(number: int) -> str:
    return "\n" if number == 1 else ",\n"
