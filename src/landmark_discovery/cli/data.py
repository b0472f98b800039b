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
    app.command()(build_dataset)
    app.command()(prepare)
    app.command()(annotate)


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


def build_dataset(
    downloads: Annotated[Path, typer.Option(help="Folder of the downloads, by the names that they are published by.")],
    output: OutputFolder,
    kind: Annotated[str | None, typer.Option(help="Data set of the paper: celeba or ls3d.")] = None,
    archive: Annotated[
        str | None, typer.Option(help="File of the images (celeba): celeba.zip, img_align_celeba.zip, celeba.tar.gz.")
    ] = None,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Make a data set of the paper from its downloads: images, and tables for training and evaluation."""
    given = [f"dataset.{key}={value}" for key, value in (("kind", kind), ("archive", archive)) if value is not None]
    chosen = settings_of("build-dataset", settings, config, [*(assignments or []), *given])
    from landmark_discovery.config.published import dataset_downloads
    from landmark_discovery.data.published.build import build_published
    from landmark_discovery.downloads.checks import require_stamped

    require_stamped(downloads / name for name in dataset_downloads(chosen))
    build_published(chosen.dataset, downloads, output)


def prepare(
    dataset: Dataset,
    output: OutputFolder,
    tables: Annotated[
        Path | None,
        typer.Option(help="Folder of samples.csv and landmarks.csv where they don't stand with the images."),
    ] = None,
    points: Annotated[
        bool,
        typer.Option("--points/--without-points", help="Keep the true points, or check them alone."),
    ] = True,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Read a folder of images, check it, and cut every image once."""
    chosen = settings_of("prepare", settings, config, assignments)
    from landmark_discovery.data.prepare import prepare_store

    prepare_store(dataset, chosen.dataset, output, tables=tables, points=points)


def annotate(
    store: Annotated[Path, typer.Option(help="Prepared data set without true points.")],
    dataset: Dataset,
    output: OutputFolder,
) -> None:
    """Write a prepared data set again with the true points that its folder of images has by now."""
    from landmark_discovery.data.annotate import annotate_store

    annotate_store(store, dataset, output)
