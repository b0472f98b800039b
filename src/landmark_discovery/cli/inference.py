"""The command that finds landmarks in anybody's images and videos."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import Device, OutputFolder


class Precision(StrEnum):
    """Arithmetic of the network on a GPU."""

    float32 = "float32"
    tf32 = "tf32"
    bfloat16 = "bfloat16"


class OnBadImage(StrEnum):
    """What becomes of an image that can't be used."""

    stop = "stop"
    skip = "skip"


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(predict)


def predict(
    paths: Annotated[list[Path], typer.Argument(help="Images, videos, and folders of both.", metavar="PATH")],
    weights: Annotated[Path, typer.Option(help="Model file (model.safetensors), made by a run of the workflow.")],
    output: OutputFolder,
    boxes: Annotated[
        Path | None,
        typer.Option(help="Boxes of the objects: a table (image,x_min,y_min,x_max,y_max) or COCO's JSON."),
    ] = None,
    overlays: Annotated[bool, typer.Option(help="Draw the landmarks onto images and videos.")] = True,
    on_bad_image: Annotated[
        OnBadImage, typer.Option(help="What can't be used ends the run, or is named and left out.")
    ] = OnBadImage.stop,
    device: Annotated[Device, typer.Option(help="auto takes a GPU where there is one.")] = Device.auto,
    precision: Annotated[
        Precision, typer.Option(help="Arithmetic on a GPU; a CPU always uses float32.")
    ] = Precision.float32,
    batch_size: Annotated[int, typer.Option(min=1, max=64, help="Objects that go through the network at once.")] = 64,
    cpu_threads: Annotated[
        int, typer.Option(min=1, help="That share the objects on a CPU; figures don't depend on it.")
    ] = 2,
) -> None:
    """Find landmarks in images and videos: a table, COCO keypoints, and pictures, in pixels of the originals."""
    # Read when the first video is opened; what FFmpeg says of a broken one is said here in one line.
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    from landmark_discovery.inference.detector import LandmarkDetector
    from landmark_discovery.inference.predict import predict_files
    from landmark_discovery.training.runtime import reuse_freed_memory

    reuse_freed_memory()
    detector = LandmarkDetector(
        weights, device=device.value, precision=precision.value, batch_size=batch_size, cpu_threads=cpu_threads
    )
    summary = predict_files(
        detector, paths, output, boxes=boxes, overlays=overlays, skip_bad=on_bad_image is OnBadImage.skip
    )
    typer.echo(summary)
