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
    app.command()(summarize)


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


def summarize(
    metrics: Annotated[list[Path], typer.Option(help="metrics.json of stage 1, then of stage 2.")],
    store: Annotated[
        list[Path], typer.Option(help="Prepared data set; of two, the first trains and the second evaluates.")
    ],
    configuration: Annotated[Path, typer.Option(help="Configuration of the experiment (YAML).")],
    output: OutputFolder,
    headline: Annotated[
        list[Path] | None, typer.Option(help="metrics.json of the headline protocol, stage 1, then stage 2.")
    ] = None,
    benchmark: Annotated[list[Path] | None, typer.Option(help="Snakemake's benchmark of a step, in order.")] = None,
) -> None:
    """Write the pages of the report that hold tables: metrics, timings, versions, data set, configuration."""
    from landmark_discovery.config.loading import read_config_file
    from landmark_discovery.data.store import read_store
    from landmark_discovery.reporting.summary import write_summary

    # The last one stands first on the page.
    labels = {f"Stage {number}, headline": path for number, path in enumerate(headline or [], start=1)}
    labels |= {f"Stage {number}": path for number, path in enumerate(metrics, start=1)}
    cards = {label: read_store(path).facts for label, path in zip(("Training", "Evaluation"), store, strict=False)}
    write_summary(output, labels, benchmark or [], cards, read_config_file(configuration))
