"""Finished runs as their folders hold them, and whether their figures may be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from landmark_discovery.config.loading import load_config, read_config_file
from landmark_discovery.config.steps import canonical_json
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import read_predictions
from landmark_discovery.files import finite_number
from landmark_discovery.reporting.curves import Curve, Direction, read_curve
from landmark_discovery.reporting.summary import mean_detection_rate, read_benchmarks, read_metrics
from landmark_discovery.reporting.tables import mean_of

STAGES = (1, 2)
_TRAINING_STEPS = ("train_stage1", "export_pseudo_groundtruth", "train_stage2")
# Keys that name a run, or say where it runs, but change no figure.
_WITHOUT_EFFECT = ("experiment", "seed", "sweep", "report", "downloads", "container", "bind", "accept_licences")
# What gives a figure its meaning, as metrics.json has it, in words.
_MEANING = {
    "ground_truth": "whether there are true points",
    "normalizer": "what errors are divided by",
    "frame": "the pixels that errors are measured in",
    "size_px": "the size of the images",
    "num_true_points": "the number of true points",
    "num_train_images": "the training images",
    "num_test_images": "the test images",
    "settings": "the protocol",
}


@dataclass(frozen=True)
class FinishedRun:
    """Hold what a run measured.

    Attributes:
        label: its name beside other runs.
        folder: of its results.
        configuration: every key with its value.
        metrics: of stage 1 and stage 2, what metrics.json holds.
        curves: of stage 2, by direction.
        first_curves: of stage 1.
        test_images: names of the test images.
        training_seconds: of both stages and what lies between; None: not measured.
    """

    label: str
    folder: Path
    configuration: Mapping[str, Any]
    metrics: tuple[Mapping[str, Any], ...]
    curves: Mapping[Direction, Curve]
    first_curves: Mapping[Direction, Curve]
    test_images: frozenset[str]
    training_seconds: float | None

    @property
    def seed(self) -> int:
        """Give the seed of training."""
        return int(self.configuration["seed"])

    @property
    def recipe(self) -> str:
        """Give a text that runs share which differ in nothing but the seed."""
        kept = {key: value for key, value in self.configuration.items() if key not in _WITHOUT_EFFECT}
        return canonical_json(kept)

    def figure(self, key: str, stage: int = 2) -> float | None:
        """Give a figure of metrics.json; None where it is undefined."""
        return finite_number(self.metrics[stage - 1].get(key))

    @property
    def found(self) -> float | None:
        """Average the detection rates of stage 2 over the landmarks; None: undefined."""
        return mean_detection_rate(self.metrics[-1])


def read_runs(folders: Sequence[str | Path]) -> list[FinishedRun]:
    """Read finished runs.

    Args:
        folders: of their results, such as results/demo.

    Raises:
        UserError: fewer than two, one twice, one that is no run, isn't finished or can't be read.
    """
    paths = [Path(folder) for folder in folders]
    if len(paths) < 2:
        raise UserError(
            f"{'one run' if paths else 'no run'} to compare", remedy="give the folders of two or more finished runs"
        )
    places = [path.resolve() for path in paths]
    for path, place in zip(paths, places, strict=True):
        if places.count(place) > 1:
            raise UserError("the same run twice", where=path, remedy="give each run once")
    return [_read_run(path, label) for path, label in zip(paths, _labels(places), strict=True)]


def differing_meanings(runs: Sequence[FinishedRun]) -> list[str]:
    """Say in words what makes figures of the runs differ in meaning; nothing where they may be compared."""
    said = [
        words
        for key, words in _MEANING.items()
        if len({json.dumps(run.metrics[-1].get(key), sort_keys=True) for run in runs}) > 1
    ]
    if len({run.test_images for run in runs}) > 1 and _MEANING["num_test_images"] not in said:
        said.append(_MEANING["num_test_images"])
    names = {str((run.configuration.get("dataset") or {}).get("name")) for run in runs}
    return [f"the data set ({', '.join(sorted(names))})", *said] if len(names) > 1 else said


def _read_run(folder: Path, label: str) -> FinishedRun:
    if not (folder / "config.yaml").is_file():
        raise UserError(
            "no results of a run (config.yaml is missing)", where=folder, remedy="give a folder such as results/demo"
        )
    stages = [folder / "evaluation" / f"stage{stage}" for stage in STAGES]
    for path in (stage / name for stage in stages for name in ("metrics.json", "predictions.npz")):
        if not path.is_file():
            raise UserError(
                f"the run isn't finished ({path.relative_to(folder)} is missing)",
                where=folder,
                remedy="run `snakemake` again, which goes on where it stopped",
            )
    predictions = read_predictions(stages[-1] / "predictions.npz")
    path = folder / "config.yaml"
    return FinishedRun(
        label=label,
        folder=folder,
        configuration=load_config(read_config_file(path), where=path).model_dump(mode="json"),
        metrics=tuple(read_metrics(stage / "metrics.json") for stage in stages),
        curves=_curves(stages[1], label),
        first_curves=_curves(stages[0], label),
        test_images=frozenset(predictions.image[predictions.split == "test"].tolist()),
        training_seconds=_training_seconds(folder / "benchmarks"),
    )


def _curves(folder: Path, label: str) -> dict[Direction, Curve]:
    return {direction: read_curve(folder, direction, label) for direction in ("forward", "backward")}


def _training_seconds(folder: Path) -> float | None:
    tables = read_benchmarks([folder / f"{step}.tsv" for step in _TRAINING_STEPS])
    seconds = [mean_of(table, "s") for table in tables.values()]
    # A sum that lacks a step would look fast.
    known = [value for value in seconds if value is not None]
    return sum(known) if len(known) == len(_TRAINING_STEPS) else None


def _labels(places: Sequence[Path]) -> list[str]:
    """Name runs by their folders, with as much of the paths as tells them apart."""
    parts = 1
    while parts < max(len(place.parts) for place in places):
        names = ["/".join(place.parts[-parts:]) for place in places]
        if len(set(names)) == len(names):
            return names
        parts += 1
    return [str(place) for place in places]
