"""The commands that find landmarks, and that convert the authors' weights for it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import (
    Assignments,
    ConfigFile,
    OutputFile,
    Settings,
    Store,
    Weights,
    settings_of,
)
from landmark_discovery.errors import UserError


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(predict_dataset)
    app.command()(convert_weights)


def predict_dataset(
    stage: Annotated[int, typer.Option(min=1, max=2, help="Stage that the weights are of.")],
    store: Store,
    weights: Weights,
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Find the landmarks of every image of a data set, in pixels of the original images."""
    chosen = settings_of(f"predict-stage{stage}", settings, config, assignments)
    from landmark_discovery.data.store import read_store
    from landmark_discovery.evaluation.predictions import write_predictions
    from landmark_discovery.inference.dataset import predict_landmarks
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    write_predictions(output, predict_landmarks(read_store(store), weights, stage, chosen))


def convert_weights(
    stage: Annotated[int, typer.Option(min=1, max=2, help="Stage that the checkpoint is of.")],
    checkpoint: Annotated[Path, typer.Option(help="One of the authors' pretrained files (.pth).")],
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
    provenance: Annotated[
        list[str] | None,
        typer.Option(help="What is known of the file, such as licence=MIT; kept in the weights.", metavar="KEY=VALUE"),
    ] = None,
) -> None:
    """Convert one of the authors' pretrained files to weights that `predict-dataset` reads by the authors' rules."""
    chosen = settings_of("convert-weights", settings, config, assignments)
    from landmark_discovery.downloads.checks import require_stamped
    from landmark_discovery.pretrained.convert import convert_checkpoint
    from landmark_discovery.training.weights import save_weights

    require_stamped([checkpoint])
    known = _pairs(provenance or [])
    save_weights(output, convert_checkpoint(checkpoint, stage, chosen.num_landmarks, chosen.model, known))


def _pairs(assignments: list[str]) -> dict[str, str]:
    wrong = [text for text in assignments if "=" not in text]
    if wrong:
        raise UserError(f"{wrong[0]!r} is no KEY=VALUE", where="--provenance", remedy="write, say, licence=MIT")
    return dict(text.split("=", 1) for text in assignments)
