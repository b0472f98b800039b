"""The command that finds landmarks."""

from __future__ import annotations

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


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command()(predict)


def predict(
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
    from landmark_discovery.evaluation.predict import predict_landmarks
    from landmark_discovery.evaluation.predictions import write_predictions
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    write_predictions(output, predict_landmarks(read_store(store), weights, stage, chosen))
