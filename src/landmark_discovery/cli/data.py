"""Commands that make and prepare data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import Assignments, ConfigFile, OutputFolder, Settings, settings_of

Dataset = Annotated[
    Path, typer.Option(help="Folder of images, with samples.csv and landmarks.csv where there are any.")
]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(synthesize)
    app.command()(prepare)


def synthesize(
    output: OutputFolder,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Draw the embedded data set: faces of a 3-D model, with points, boxes and splits."""
    chosen = settings_of("synthesize", settings, config, assignments)
    from landmark_discovery.data.synthetic.dataset import write_synthetic_dataset

    write_synthetic_dataset(chosen.dataset.synthetic, output)


def prepare(
    dataset: Dataset,
    output: OutputFolder,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Read a folder of images, check it, and cut every image once."""
    chosen = settings_of("prepare", settings, config, assignments)
    from landmark_discovery.data.prepare import prepare_store

    prepare_store(dataset, chosen.dataset, output)
