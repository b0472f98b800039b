"""Commands that train: alone, or as several processes that torchrun started (docs/several-gpus.md)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

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
    """Add these commands to the command line."""
    app.command("train-stage1")(train_stage1)
    app.command()(export_pseudo_groundtruth)
    app.command("train-stage2")(train_stage2)


def train_stage1(
    store: Store,
    keypoints: Annotated[Path, typer.Option(help="Bootstrap keypoints (.npz).")],
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Self-train detector and descriptor; logs and a picture each round go beside the weights."""
    chosen = settings_of("train-stage1", settings, config, assignments)
    from landmark_discovery.bootstrap.keypoints import read_keypoints
    from landmark_discovery.data.store import read_store
    from landmark_discovery.provenance.record import write_maker
    from landmark_discovery.reporting.pictures import draw_round_grid
    from landmark_discovery.training.interruption import stopping_on_signals, timetable_of_environment
    from landmark_discovery.training.runs import run_stage1
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    images = read_store(store)
    train = images.indices("train")

    def draw_round(landmarks: NDArray[np.float64], path: Path) -> None:
        draw_round_grid(images, landmarks, path, train)

    with stopping_on_signals(timetable_of_environment()) as timetable:
        run_stage1(images, read_keypoints(keypoints), chosen, output, draw_round, timetable)
    write_maker(output)


def export_pseudo_groundtruth(
    store: Store,
    weights: Weights,
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Find the landmarks of all training images with the weights of stage 1, as a file anyone can read."""
    chosen = settings_of("export-pseudo-groundtruth", settings, config, assignments)
    from landmark_discovery.data.store import read_store
    from landmark_discovery.training.pseudo_groundtruth_export import run_pseudo_groundtruth
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    run_pseudo_groundtruth(read_store(store), weights, chosen, output)


def train_stage2(
    store: Store,
    weights: Weights,
    pseudo_groundtruth: Annotated[Path, typer.Option(help="Pseudo-ground-truth (.npz).")],
    output: OutputFile,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Train the landmark detector on the pseudo-ground-truth, from the weights of stage 1 on."""
    chosen = settings_of("train-stage2", settings, config, assignments)
    from landmark_discovery.clustering.pseudo_groundtruth import read_pseudo_groundtruth
    from landmark_discovery.data.store import read_store
    from landmark_discovery.provenance.record import write_maker
    from landmark_discovery.training.interruption import stopping_on_signals, timetable_of_environment
    from landmark_discovery.training.runs import run_stage2
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    truth = read_pseudo_groundtruth(pseudo_groundtruth)
    with stopping_on_signals(timetable_of_environment()) as timetable:
        run_stage2(read_store(store), weights, truth, chosen, output, timetable)
    write_maker(output)
