"""Run one command of `landmarks` and write where its time went: PARTS.json START COMMAND ARGUMENT ...

START is the time at which the process was asked for; what passes until the command begins is Python's start and the
imports.
"""

from __future__ import annotations

import atexit
import importlib
import sys
import time
from pathlib import Path

from benchmarks.stopwatch import Stopwatch, Watched
from landmark_discovery.files import write_json

START, REST, VIEWS = "start of Python", "rest", "views (data preparation)"
_IMAGES = "landmark_discovery.training.images"
_TRAINING = (
    Watched("landmark_discovery.training.parameters", "TrainedParameters.forward", "network forward"),
    Watched("torch", "Tensor.backward", "backward"),
)


def _trainer(stage: str) -> tuple[Watched, ...]:
    step = f"landmark_discovery.training.{stage}_step"
    return (
        *_TRAINING,
        Watched(_IMAGES, "StoredImages.read", VIEWS),
        Watched(f"landmark_discovery.training.{stage}", "make_batch", VIEWS),
        Watched(step, f"{stage}_loss", "loss"),
        Watched(step, "descend", "optimiser"),
    )


_STAGE1 = "landmark_discovery.training.stage1"
_STAGE2 = "landmark_discovery.training.stage2"
_EXPORT = "landmark_discovery.training.pseudo_groundtruth_export"
_PREDICTION = "landmark_discovery.training.prediction"
WATCHED = {
    "train-stage1": (
        *_trainer("stage1"),
        Watched(_STAGE1, "detect", "detection"),
        Watched(_STAGE1, "find_landmarks", "clustering"),
        Watched(_STAGE1, "training_clusters", "clustering"),
        Watched("landmark_discovery.reporting.pictures", "draw_round_grid", "pictures of rounds"),
    ),
    "train-stage2": (
        *_trainer("stage2"),
        Watched(_STAGE2, "found_points", "prediction between generations"),
        Watched(_STAGE2, "learnt_shape", "shape of the landmarks"),
    ),
    "export-pseudo-groundtruth": (
        Watched(_EXPORT, "detect", "detection"),
        Watched(_EXPORT, "name_detections", "clustering"),
    ),
    "predict-dataset": (
        Watched(_PREDICTION, "detect", "detection"),
        Watched(_PREDICTION, "name_detections", "clustering"),
        Watched("landmark_discovery.inference.dataset", "predict_stage2", "prediction of stage 2"),
    ),
}


def main() -> None:
    """Run the command; its parts are written however it ends."""
    parts, asked_for, *arguments = sys.argv[1:]
    stopwatch = Stopwatch()
    stopwatch.watch(WATCHED.get(arguments[0], ()))
    command = importlib.import_module("landmark_discovery.cli.main").main
    stopwatch.seconds[START] = time.time() - float(asked_for)
    atexit.register(lambda: write_json(Path(parts), stopwatch.seconds))
    sys.argv = ["landmarks", *arguments]
    with stopwatch.part(REST):
        command()


if __name__ == "__main__":
    main()
