"""The choice of a detector of bootstrap keypoints by its name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from landmark_discovery.bootstrap.detector import BootstrapDetector
from landmark_discovery.bootstrap.sift import SiftDetector
from landmark_discovery.bootstrap.superpoint import SuperPointDetector
from landmark_discovery.bootstrap.superpoint_open import SuperPointOpenDetector
from landmark_discovery.bootstrap.weights import load_superpoint, load_superpoint_open
from landmark_discovery.config.data import BootstrapSettings
from landmark_discovery.config.published import SUPERPOINT
from landmark_discovery.errors import UserError, nearest_name

Factory = Callable[[BootstrapSettings, Path | None, int, torch.device], BootstrapDetector]


def make_detector(
    settings: BootstrapSettings, weights: Path | None, input_size_px: int, device: torch.device | str
) -> BootstrapDetector:
    """Make the detector that the configuration names.

    Args:
        settings: the configuration of the bootstrap; `detector` names the detector.
        weights: file of its weights, for a detector that has any; `superpoint-open` brings its own.
        input_size_px: width and height of the self-trained network's input.
        device: where a detector with a network runs.

    Raises:
        UserError: no such detector, or its weights are missing or wrong.
    """
    factories: dict[str, Factory] = {
        "superpoint-open": _make_superpoint_open,
        "superpoint": _make_superpoint,
        "sift": _make_sift,
    }
    if settings.detector not in factories:
        raise UserError(
            f"unknown detector {settings.detector!r}",
            where="bootstrap.detector",
            remedy=nearest_name(settings.detector, factories),
        )
    return factories[settings.detector](settings, weights, input_size_px, torch.device(device))


def require_superpoint_file(weights: Path | None, *, where: str, remedy: str) -> Path:
    """Refuse to go on without a file of the original weights, which don't come with the package.

    Args:
        weights: the file that was given; None: none was.
        where: the key or option that names the detector.
        remedy: how the file is given there.

    Raises:
        UserError: none was given.
    """
    if weights is None:
        raise UserError("SuperPoint needs its weights' file", where=where, remedy=remedy)
    return weights


def _make_superpoint_open(
    settings: BootstrapSettings, weights: Path | None, input_size_px: int, device: torch.device
) -> BootstrapDetector:
    return SuperPointOpenDetector(load_superpoint_open(weights), settings, input_size_px, device)


def _make_superpoint(
    settings: BootstrapSettings,
    weights: Path | None,
    input_size_px: int,  # noqa: ARG001
    device: torch.device,
) -> BootstrapDetector:
    remedy = f"give the path of {SUPERPOINT}, or choose `sift`, which needs none"
    path = require_superpoint_file(weights, where="bootstrap.detector", remedy=remedy)
    return SuperPointDetector(load_superpoint(path), settings, device)


def _make_sift(
    settings: BootstrapSettings,
    weights: Path | None,  # noqa: ARG001
    input_size_px: int,
    device: torch.device,  # noqa: ARG001
) -> BootstrapDetector:
    return SiftDetector(settings, input_size_px)
