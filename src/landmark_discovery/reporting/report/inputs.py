"""The files of a run that its report is made from, and what stands in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.config.loading import load_config, read_config_file
from landmark_discovery.config.schema import Config
from landmark_discovery.data.store import ImageStore, read_store
from landmark_discovery.downloads.licences import Licence, find_licence
from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.predictions import Predictions, read_predictions
from landmark_discovery.files import read_json
from landmark_discovery.geometry import FloatArray
from landmark_discovery.heatmaps.conventions import CONVENTIONS
from landmark_discovery.reporting.curves import Curve, Direction, read_curve
from landmark_discovery.reporting.image_errors import ImageErrors, measure_images
from landmark_discovery.reporting.stability import Stability, measure_stability
from landmark_discovery.reporting.summary import read_benchmarks, read_metrics
from landmark_discovery.training.weights import load_weights, require_landmarks

STAGES = (1, 2)


@dataclass(frozen=True)
class ReportFiles:
    """Name the files of a run; those that are None or empty aren't shown.

    Attributes:
        configuration: config.yaml.
        stores: prepared data sets; of two, the first trains and the second evaluates.
        evaluations: folders of stage 1 and stage 2, with metrics.json, curves and predictions.npz.
        weights: of stage 2, which know the landmarks' mirror partners.
        headlines: folders of the headline protocol, stage 1 and stage 2.
        training: folders of stage 1 and stage 2, with logs and pictures of the rounds.
        bootstrap_picture: of the first keypoints.
        benchmarks: Snakemake's, in the order shown; those that aren't there are left out.
        verdict: verdict.json.
        provenance: provenance.json.
        licences: keys of those that the results depend on.
        beside: evaluation folders of other runs, by label, whose curves are laid over.
    """

    configuration: Path
    stores: tuple[Path, ...]
    evaluations: tuple[Path, ...]
    weights: Path
    headlines: tuple[Path, ...] = ()
    training: tuple[Path, ...] = ()
    bootstrap_picture: Path | None = None
    benchmarks: tuple[Path, ...] = ()
    verdict: Path | None = None
    provenance: Path | None = None
    licences: tuple[str, ...] = ()
    beside: Mapping[str, Path] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """Hold what the report shows.

    Attributes:
        files: where it was read.
        config: of the experiment.
        store: the images that were evaluated.
        cards: facts of the data sets by label.
        metrics: what metrics.json holds, stage 1 then stage 2.
        headlines: the same of the headline protocol; none without one.
        predictions: of stage 1 and stage 2.
        curves: by direction, those of stage 2, stage 1 and other runs.
        partners: the landmark that each becomes in a mirrored image, (K,); -1: none.
        benchmarks: by step, Snakemake's table.
        verdict: what verdict.json holds; None: nothing to compare with.
        provenance: what provenance.json holds; None: not recorded.
        licences: that the results depend on.
    """

    files: ReportFiles
    config: Config
    store: ImageStore
    cards: Mapping[str, Mapping[str, Any]]
    metrics: tuple[dict[str, Any], ...]
    headlines: tuple[dict[str, Any], ...]
    predictions: tuple[Predictions, ...]
    curves: Mapping[Direction, tuple[Curve, ...]]
    partners: NDArray[np.int64]
    benchmarks: Mapping[str, pd.DataFrame]
    verdict: dict[str, Any] | None
    provenance: dict[str, Any] | None
    licences: tuple[Licence, ...]

    @property
    def final(self) -> dict[str, Any]:
        """Give the metrics of stage 2."""
        return self.metrics[-1]

    @property
    def has_truth(self) -> bool:
        """Say whether there are true points to measure by."""
        return bool(self.final.get("ground_truth"))

    @property
    def num_landmarks(self) -> int:
        """Count the landmarks."""
        return int(self.predictions[-1].landmarks.shape[1])

    @property
    def test_scores(self) -> FloatArray:
        """Give the scores of the landmarks of stage 2 on the test images, (M, K)."""
        predictions = self.predictions[-1]
        return predictions.score[np.flatnonzero(predictions.split == "test")]

    @cached_property
    def errors(self) -> ImageErrors | None:
        """Measure the single test images of stage 2; None without ground truth."""
        return measure_images(self.predictions[-1], self.files.stores[-1], self.final)

    @cached_property
    def stability(self) -> Stability:
        """Measure how steady the landmarks of stage 2 are."""
        return measure_stability(self.store, self.predictions[-1])


def read_run(files: ReportFiles) -> Run:
    """Read the files of a run.

    Raises:
        UserError: a file that is missing, can't be read, or belongs to another run.
    """
    _check_counts(files)
    store = read_store(files.stores[-1])
    cards = [read_store(path).facts for path in files.stores[:-1]] + [store.facts]
    weights = load_weights(files.weights, 2, CONVENTIONS.values())
    require_landmarks(files.weights, weights)
    run = Run(
        files=files,
        config=load_config(read_config_file(files.configuration), where=files.configuration),
        store=store,
        cards=dict(zip(("Training", "Evaluation"), cards, strict=False)),
        metrics=tuple(read_metrics(folder / "metrics.json") for folder in files.evaluations),
        headlines=tuple(read_metrics(folder / "metrics.json") for folder in files.headlines),
        predictions=tuple(read_predictions(folder / "predictions.npz") for folder in files.evaluations),
        curves={direction: _curves(files, direction) for direction in ("forward", "backward")},
        partners=np.asarray(weights.extras["flip_map"].numpy(), dtype=np.int64),
        benchmarks=read_benchmarks(files.benchmarks),
        verdict=None if files.verdict is None else read_json(files.verdict, kind="verdict"),
        provenance=None if files.provenance is None else read_json(files.provenance, kind="provenance"),
        licences=tuple(find_licence(key, "--licence") for key in files.licences),
    )
    _check_landmarks(run)
    return run


def _curves(files: ReportFiles, direction: Direction) -> tuple[Curve, ...]:
    labelled = {f"stage {stage}": folder for stage, folder in zip(STAGES, files.evaluations, strict=True)}
    twice = [label for label in files.beside if label in labelled]
    if twice:
        raise UserError(f"--beside calls another run {twice[0]!r}, as a stage of this one", remedy="give another label")
    # The result first, then where it comes from.
    ordered = dict(reversed(labelled.items())) | dict(files.beside)
    return tuple(read_curve(folder, direction, label) for label, folder in ordered.items())


def _check_counts(files: ReportFiles) -> None:
    counts = {
        "--evaluation": (files.evaluations, (2,)),
        "--store": (files.stores, (1, 2)),
        "--headline": (files.headlines, (0, 2)),
        "--training": (files.training, (0, 2)),
    }
    for option, (given, allowed) in counts.items():
        if len(given) not in allowed:
            wanted = " or ".join(map(str, allowed))
            raise UserError(
                f"{option} is given {len(given)} times", remedy=f"give it {wanted} times, stage 1 or training first"
            )


def _check_landmarks(run: Run) -> None:
    counts = {
        "the predictions of stage 2": run.num_landmarks,
        "those of stage 1": run.predictions[0].landmarks.shape[1],
        "the metrics": run.final.get("num_landmarks"),
        "the weights": len(run.partners),
    }
    if len(set(counts.values())) > 1:
        listed = ", ".join(f"{name} have {count}" for name, count in counts.items())
        raise UserError(f"files of different numbers of landmarks: {listed}", remedy="give files of one run")
