"""Commands that make the keypoints that self-training starts from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.cli.options import Assignments, ConfigFile, OutputFile, Settings, Store, settings_of


def register(app: typer.Typer) -> None:
    """Add these commands to the command line."""
    app.command()(bootstrap)


def bootstrap(
    store: Store,
    output: OutputFile,
    weights: Annotated[
        Path | None,
        typer.Option(
            help="Weights: superpoint_v1.pth for the detector superpoint; for superpoint-open a safetensors file, "
            "default: the one that comes with the package."
        ),
    ] = None,
    packaged_sha256: Annotated[
        str | None,
        typer.Option(
            help="Digest that the package's own weights must have; what the workflow passes, so that an "
            "older image brings no others."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Images worked on at once on a CPU.")] = 2,
    settings: Settings = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Detect the first keypoints in the training images and mark outliers."""
    chosen = settings_of("bootstrap", settings, config, assignments)
    from landmark_discovery.bootstrap.factory import make_detector
    from landmark_discovery.bootstrap.keypoints import extract_bootstrap_keypoints, write_keypoints
    from landmark_discovery.bootstrap.packaged import package_folder, require_digest
    from landmark_discovery.config.detectors import DETECTORS
    from landmark_discovery.data.store import read_store
    from landmark_discovery.downloads.checks import require_stamped
    from landmark_discovery.training.runtime import arithmetic, choose_device, reuse_freed_memory

    reuse_freed_memory()
    require_stamped([weights] if weights else [])
    if packaged_sha256 is not None:
        require_digest(package_folder(), packaged_sha256)
    # The settings of a detector that is no network name no device.
    is_network = DETECTORS[chosen.bootstrap.detector].is_network
    device = choose_device(chosen.device if is_network else "cpu")
    detector = make_detector(chosen.bootstrap, weights, chosen.model.input_size_px, device)
    deterministic = is_network and chosen.deterministic
    with arithmetic("float32", device, deterministic=deterministic):
        keypoints = extract_bootstrap_keypoints(read_store(store), detector, chosen.bootstrap, threads=threads)
    write_keypoints(output, keypoints)
    typer.echo(str(keypoints.counts(chosen.bootstrap.min_keypoints)))
