"""Commands that measure predictions."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import (
    Assignments,
    ConfigFile,
    OutputFolder,
    Settings,
    labelled_folders,
    settings_of,
    writable_files,
)
from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.config.loading import parse_assignments
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError


class Frame(StrEnum):
    """Where distances are measured."""

    image = "image"
    crop = "crop"


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(evaluate)
    app.command()(plot_curves)


def evaluate(
    predictions: Annotated[Path, typer.Option(help="Predictions (.npz): image, split, landmarks, score.")],
    output: OutputFolder,
    store: Annotated[Path | None, typer.Option(help="Prepared data set; it brings samples and landmarks.")] = None,
    samples: Annotated[Path | None, typer.Option(help="samples.csv: image, split, box.")] = None,
    landmarks: Annotated[Path | None, typer.Option(help="landmarks.csv: image, x0, y0, x1, y1, ...")] = None,
    protocol: Annotated[
        str,
        typer.Option(
            help="Named protocol in place of the configuration's `evaluation`: mafl-headline, mafl-curves, "
            "ls3d-headline, ls3d-curves."
        ),
    ] = "",
    points: Annotated[str | None, typer.Option(help="True points that count, such as 0,5,17-26.")] = None,
    expected_points: Annotated[int | None, typer.Option(help="Points an image that there must be.")] = None,
    frame: Annotated[Frame | None, typer.Option(help="Measure in the original image or in the crop.")] = None,
    size_px: Annotated[float | None, typer.Option(help="Coordinates are divided by this.")] = None,
    regression_images: Annotated[int | None, typer.Option(help="Training images of a regression (n).")] = None,
    one_more_image: Annotated[bool | None, typer.Option(help="Take n + 1, as the authors' code does.")] = None,
    forward_lambda: Annotated[float | None, typer.Option(help="Ridge weight, discovered to true points.")] = None,
    backward_lambda: Annotated[float | None, typer.Option(help="Ridge weight, true to discovered points.")] = None,
    repeats: Annotated[int | None, typer.Option(help="Random training subsets averaged.")] = None,
    normalizer: Annotated[
        str | None, typer.Option(help="36-45 or another pair of points i-j, box, or landmark-box.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the training subsets.", min=0)] = None,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Measure anybody's predictions: forward and backward error, baselines and curves."""
    from landmark_discovery.evaluation.evaluate import evaluate_predictions, write_evaluation
    from landmark_discovery.evaluation.predictions import read_predictions
    from landmark_discovery.evaluation.protocol import protocol_settings
    from landmark_discovery.evaluation.truth import read_folder_truth, read_truth

    if store is not None and (samples is not None or landmarks is not None):
        raise UserError("--store brings samples and landmarks", remedy="leave them out")
    if protocol and (settings is not None or "evaluation" in parse_assignments(assignments or [])):
        raise UserError("--protocol brings every setting", remedy="change it by options such as --repeats 3")
    chosen = settings_of("evaluate", settings, config, assignments)
    measured = protocol_settings(
        protocol or _protocol_of(chosen),
        points=None if points is None else parse_points(points),
        expected_points=expected_points,
        frame=None if frame is None else frame.value,
        size_px=size_px,
        regression_images=regression_images,
        one_more_image=one_more_image,
        forward_lambda=forward_lambda,
        backward_lambda=backward_lambda,
        repeats=repeats,
        normalizer=normalizer,
    )
    truth = read_truth(samples, landmarks) if store is None else read_folder_truth(store, measured.truth)
    evaluation = evaluate_predictions(
        read_predictions(predictions), truth, measured, chosen.seed if seed is None else seed
    )
    write_evaluation(output, evaluation)
    _print_metrics(evaluation.metrics)


def plot_curves(
    evaluation: Annotated[
        list[str], typer.Option(help="Folder of an evaluation, as LABEL=FOLDER; several share one plot.")
    ],
    direction: Annotated[str, typer.Option(help="forward or backward.")],
    output: Annotated[
        list[Path],
        typer.Option(help="File to write (.png or .svg); may be given several times.", callback=writable_files),
    ],
) -> None:
    """Plot cumulative error curves."""
    from landmark_discovery.reporting.curves import plot_curves as plot

    if direction not in ("forward", "backward"):
        raise UserError(f"direction is {direction!r}", remedy="valid: backward, forward")
    plot(labelled_folders(evaluation, "--evaluation", named_by_folder=True), direction, output)  # type: ignore[arg-type]


def parse_points(text: str) -> list[int]:
    """Read point numbers such as "0,5,17-26"; both ends of a range count.

    Raises:
        UserError: something else than numbers and ranges.
    """
    points: list[int] = []
    for part in text.split(","):
        ends = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part.strip(), re.ASCII)
        span = range(int(ends[1]), int(ends[2] or ends[1]) + 1) if ends else ()
        if not span:
            raise UserError(f"{part!r} is no point number and no range", where="--points", remedy="write 0,5,17-26")
        points.extend(span)
    return points


def _protocol_of(chosen: Config) -> EvaluationSettings | str:
    """Give the settings of the curves' protocol, or the name of the headline's: a step has one of the two keys."""
    return chosen.evaluation if "evaluation" in vars(chosen) else chosen.headline or ""


def _print_metrics(metrics: dict[str, object]) -> None:
    for name in ("forward_nme", "backward_nme", "mean_shape_nme", "mean_landmark_nme", "distinct_landmarks"):
        value = metrics.get(name)
        typer.echo(f"{name}: {'undefined' if value is None else f'{value:.4g}'}")
    typer.echo(f"normalizer: {metrics.get('normalizer')}")
