"""Predicted landmarks of a data set, as a file that anybody can write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.files import cast_array, read_npz, write_npz


@dataclass(frozen=True)
class Predictions:
    """Hold K landmarks of N images.

    Attributes:
        image: names of the images, (N,).
        split: "train" or "test", (N,).
        landmarks: (N, K, 2) in original image pixels; NaN: not found.
        score: (N, K), higher is surer; NaN where the landmark is.
        stage: of the method that made them, 1 or 2; None: they are somebody else's.
    """

    image: NDArray[np.str_]
    split: NDArray[np.str_]
    landmarks: NDArray[np.float64]
    score: NDArray[np.float64]
    stage: int | None = None

    def __post_init__(self) -> None:
        """Refuse arrays that don't belong together."""
        if self.image.ndim != 1:
            raise UserError(f"image has the shape {self.image.shape}, not (N,)")
        count = len(self.image)
        if self.landmarks.ndim != 3 or self.landmarks.shape[2] != 2 or len(self.landmarks) != count:
            raise UserError(f"landmarks have the shape {self.landmarks.shape}, not ({count}, K, 2)")
        if self.split.shape != (count,) or self.score.shape != self.landmarks.shape[:2]:
            raise UserError(f"split {self.split.shape} and score {self.score.shape} don't fit {count} images")


def write_predictions(path: str | Path, predictions: Predictions) -> None:
    """Write predictions as .npz with the arrays image, split, landmarks and score, and stage where it is known."""
    arrays = {name: value for name, value in vars(predictions).items() if name != "stage"}
    known = {} if predictions.stage is None else {"stage": np.array(predictions.stage, dtype=np.int64)}
    write_npz(path, arrays | known)


def read_predictions(path: str | Path) -> Predictions:
    """Read predictions.

    Raises:
        UserError: no such file, arrays missing, of other shapes or of other types.
    """
    arrays = read_npz(path, required=("image", "split", "landmarks", "score"))
    try:
        return Predictions(
            image=cast_array(arrays, "image", np.str_),
            split=cast_array(arrays, "split", np.str_),
            landmarks=cast_array(arrays, "landmarks", np.float64),
            score=cast_array(arrays, "score", np.float64),
            stage=_stage(arrays),
        )
    except UserError as error:
        raise UserError(str(error), where=path) from error


def _stage(arrays: Mapping[str, NDArray[Any]]) -> int | None:
    if "stage" not in arrays:
        return None
    stage = cast_array(arrays, "stage", np.int64)
    if stage.shape != () or int(stage) not in (1, 2):
        raise UserError(f"stage is {stage}", remedy="write 1 or 2, or leave it out")
    return int(stage)
