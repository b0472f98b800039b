"""The command that measures detectors of keypoints."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import Device, OutputFolder
from landmark_discovery.config.keypoint_evaluation import read_keypoint_evaluation


def register(app: typer.Typer) -> None:
    """Add this command to the command line."""
    app.command("evaluate-detectors")(evaluate_detectors)


def evaluate_detectors(
    detector: Annotated[
        list[str],
        typer.Option(
            help="Detector: sift, superpoint=superpoint_v1.pth, superpoint-open, superpoint-open=FILE; may be given "
            "several times.",
            metavar="NAME[=WEIGHTS]",
        ),
    ],
    output: OutputFolder,
    store: Annotated[
        Path | None, typer.Option(help="Prepared data set of faces, whose test images are measured on.")
    ] = None,
    photographs: Annotated[
        Path | None,
        typer.Option(
            help="Crops of photographs (.npz), made by `landmarks cut-photographs`; those of the split test count."
        ),
    ] = None,
    settings: Annotated[
        str | None, typer.Option(help="Keys that differ from the defaults as JSON.", metavar="JSON")
    ] = None,
    device: Annotated[Device, typer.Option(help="Where networks run.")] = Device.auto,
    cpu_threads: Annotated[
        int, typer.Option(min=1, help="Of the network on a CPU; other numbers round sums otherwise.")
    ] = 2,
) -> None:
    """Measure detectors of keypoints: found again, matched rightly, and on the same parts of faces."""
    chosen = read_keypoint_evaluation(settings or "{}")
    from landmark_discovery.data.store import read_store
    from landmark_discovery.downloads.checks import require_stamped
    from landmark_discovery.keypoint_evaluation.detectors import make_extractors, parse_detectors
    from landmark_discovery.keypoint_evaluation.evaluate import evaluate
    from landmark_discovery.keypoint_evaluation.image_sets import cut_faces, read_test_photographs
    from landmark_discovery.keypoint_evaluation.tables import markdown, write_detector_tables
    from landmark_discovery.training.runtime import arithmetic, choose_device

    choices = parse_detectors(detector)
    require_stamped([choice.weights for choice in choices if choice.weights])
    torch_device = choose_device(device.value)
    extractors = make_extractors(choices, chosen, torch_device)
    faces = None if store is None else cut_faces(read_store(store), chosen)
    images = None if photographs is None else read_test_photographs(photographs, chosen.max_images)
    with arithmetic("float32", torch_device, cpu_threads):
        evaluation = evaluate(extractors, faces, images, chosen)
    write_detector_tables(output, evaluation)
    typer.echo(markdown(evaluation), nl=False)
