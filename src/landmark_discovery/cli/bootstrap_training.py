"""Commands that train the weights of `superpoint-open`, one step of the sub-workflow each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import OutputFile, OutputFolder
from landmark_discovery.config.bootstrap_training import (
    BootstrapTrainingConfig,
    bootstrap_step_settings,
    load_bootstrap_training,
    read_bootstrap_training,
)
from landmark_discovery.config.steps_json import read_part
from landmark_discovery.errors import UserError

TrainingSettings = Annotated[
    str | None,
    typer.Option("--settings", help="The keys of this step as JSON; what the workflow passes.", metavar="JSON"),
]
TrainingConfig = Annotated[
    Path | None, typer.Option("--config", help="Configuration file (YAML), as workflow/bootstrap_training/config.yaml.")
]
Crops = Annotated[Path, typer.Option(help="Crops of photographs (.npz), made by `landmarks cut-photographs`.")]


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command("draw-shapes")(draw_shapes)
    app.command("train-magicpoint")(train_magicpoint)
    app.command("label-photographs")(label_photographs)
    app.command("train-superpoint")(train_superpoint)
    app.command("package-bootstrap-weights")(package_bootstrap_weights)


def settings_of(step: str, settings: str | None, config: Path | None) -> BootstrapTrainingConfig:
    """Choose the settings of a step: JSON of the workflow, a configuration file, or the defaults.

    Raises:
        UserError: both at once, or a configuration that isn't valid.
    """
    if settings is not None and config is not None:
        raise UserError("--settings says everything", remedy="give either --settings or --config")
    if settings is None:
        whole = read_bootstrap_training(config) if config else load_bootstrap_training({})
        settings = bootstrap_step_settings(whole, step)
    return read_part(BootstrapTrainingConfig, settings)


def draw_shapes(output: OutputFile, settings: TrainingSettings = None, config: TrainingConfig = None) -> None:
    """Draw shapes whose corners are known."""
    chosen = settings_of("draw-shapes", settings, config)
    from landmark_discovery.bootstrap_training.shapes.dataset import draw_shapes, write_shapes

    write_shapes(output, draw_shapes(chosen.shapes.count, chosen.shapes.size_px, chosen.seed))


def train_magicpoint(
    shapes: Annotated[Path, typer.Option(help="Drawn shapes (.npz), made by `landmarks draw-shapes`.")],
    output: OutputFile,
    settings: TrainingSettings = None,
    config: TrainingConfig = None,
) -> None:
    """Train a detector of corners on drawn shapes."""
    chosen = settings_of("train-magicpoint", settings, config)
    from landmark_discovery.bootstrap_training.runs import run_magicpoint
    from landmark_discovery.training.interruption import stopping_on_signals, timetable_of_environment
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    with stopping_on_signals(timetable_of_environment()) as timetable:
        run_magicpoint(shapes, chosen, output, timetable)


def label_photographs(
    crops: Crops,
    weights: Annotated[Path, typer.Option(help="MagicPoint (safetensors).")],
    output: OutputFile,
    settings: TrainingSettings = None,
    config: TrainingConfig = None,
) -> None:
    """Find the keypoints of photographs that a detector finds again on many warps of them."""
    chosen = settings_of("label-photographs", settings, config)
    from landmark_discovery.bootstrap_training.runs import run_labelling
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    run_labelling(crops, weights, chosen, output)


def train_superpoint(
    crops: Crops,
    labels: Annotated[Path, typer.Option(help="Their keypoints (.npz), made by `landmarks label-photographs`.")],
    weights: Annotated[Path, typer.Option(help="MagicPoint (safetensors), where the training starts.")],
    output: OutputFile,
    settings: TrainingSettings = None,
    config: TrainingConfig = None,
) -> None:
    """Train detector and descriptor together on pairs of views of photographs."""
    chosen = settings_of("train-superpoint", settings, config)
    from landmark_discovery.bootstrap_training.runs import run_joint_training
    from landmark_discovery.training.interruption import stopping_on_signals, timetable_of_environment
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    with stopping_on_signals(timetable_of_environment()) as timetable:
        run_joint_training(crops, labels, weights, chosen, output, timetable)


def package_bootstrap_weights(
    trainings: Annotated[Path, typer.Option(help="Folder with magicpoint/ and superpoint/, the trained networks.")],
    photographs: Annotated[Path, typer.Option(help="photographs.csv of `landmarks collect-photographs`.")],
    output: OutputFolder,
    settings: TrainingSettings = None,
    config: TrainingConfig = None,
) -> None:
    """Write the weights that come with the package: float16, with digest, model card and training record."""
    chosen = settings_of("package-bootstrap-weights", settings, config)
    from landmark_discovery.bootstrap_training.packaging import package_bootstrap_weights

    package_bootstrap_weights(trainings, photographs, chosen, output)
