"""Commands that show what was found."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import (
    Assignments,
    ConfigFile,
    OutputFile,
    OutputFolder,
    Settings,
    Store,
    settings_of,
)


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(draw_pictures)
    app.command()(draw_keypoints)
    app.command()(plot_training)


def draw_pictures(
    store: Store,
    predictions: Annotated[Path, typer.Option(help="Predictions (.npz).")],
    output: OutputFolder,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Draw landmarks on test images, and what each landmark was found on."""
    chosen = settings_of("draw-pictures", settings, config, assignments)
    from landmark_discovery.data.store import read_store
    from landmark_discovery.evaluation.predictions import read_predictions
    from landmark_discovery.reporting.pictures import draw_landmark_pictures

    draw_landmark_pictures(read_store(store), read_predictions(predictions), chosen.report, output)


def draw_keypoints(
    store: Store,
    keypoints: Annotated[Path, typer.Option(help="Bootstrap keypoints (.npz).")],
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Draw the bootstrap keypoints of training images, kept ones and outliers."""
    chosen = settings_of("draw-pictures", settings, config, assignments)
    from landmark_discovery.bootstrap.keypoints import read_keypoints
    from landmark_discovery.data.store import read_store
    from landmark_discovery.reporting.pictures import draw_bootstrap_pictures

    draw_bootstrap_pictures(read_store(store), read_keypoints(keypoints), output, chosen.report.grid_images)


def plot_training(
    stage1: Annotated[Path, typer.Option(help="Folder of stage 1, with training_log.csv and rounds.csv.")],
    stage2: Annotated[Path, typer.Option(help="Folder of stage 2, with training_log.csv.")],
    output: OutputFolder,
) -> None:
    """Plot losses and rounds over the iterations."""
    from landmark_discovery.reporting.training_plots import plot_stage1, plot_stage2

    losses, rounds = [output / "stage1_losses.svg"], [output / "stage1_rounds.svg"]
    plot_stage1(stage1 / "training_log.csv", stage1 / "rounds.csv", [losses, rounds])
    plot_stage2(stage2 / "training_log.csv", [output / "stage2_losses.svg"])
