"""The detectors that can be measured, chosen by texts such as "sift" and "superpoint-open=weights.safetensors"."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from landmark_discovery.bootstrap.factory import require_superpoint_file
from landmark_discovery.bootstrap.weights import load_superpoint, load_superpoint_open
from landmark_discovery.config.detectors import DETECTORS
from landmark_discovery.config.keypoint_evaluation import KeypointEvaluationSettings
from landmark_discovery.config.published import SUPERPOINT
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.keypoint_evaluation.features import FeatureExtractor, SiftFeatures, SuperPointFeatures


@dataclass(frozen=True)
class DetectorChoice:
    """Name a detector to measure.

    Attributes:
        name: one of `config.detectors.DETECTORS`.
        weights: file of its weights; None: it has none, or those that come with the package.
    """

    name: str
    weights: Path | None = None


def parse_detectors(items: Sequence[str]) -> list[DetectorChoice]:
    """Read texts such as "sift" and "superpoint=superpoint_v1.pth"; no file is looked at.

    Raises:
        UserError: none, an unknown name, a detector twice, no file after "=", or weights for SIFT.
    """
    choices = [_parsed(item) for item in items]
    if not choices:
        raise UserError("no detector to measure", where="--detector", remedy=f"valid: {', '.join(sorted(DETECTORS))}")
    for choice, count in Counter(choices).items():
        if count > 1:
            raise UserError(f"{choice.name!r} is there twice", where="--detector", remedy="give each detector once")
    return choices


def make_extractors(
    choices: Sequence[DetectorChoice], settings: KeypointEvaluationSettings, device: torch.device | str
) -> dict[str, FeatureExtractor]:
    """Make the detectors by the names that tables shall have.

    A detector that is there once has its own name; of several with different weights each also has its file's.

    Raises:
        UserError: weights that are missing or wrong, or two files of one name.
    """
    several = {name for name, count in Counter(choice.name for choice in choices).items() if count > 1}
    extractors: dict[str, FeatureExtractor] = {}
    for choice in choices:
        title = _title(choice) if choice.name in several else choice.name
        if title in extractors:
            raise UserError(f"two detectors would be called {title!r}", remedy="give the files of weights other names")
        extractors[title] = _MAKERS[choice.name](choice.weights, settings, device)
    return extractors


def _parsed(item: str) -> DetectorChoice:
    name, separator, file = item.partition("=")
    if name not in _MAKERS:
        raise UserError(f"unknown detector {name!r}", where="--detector", remedy=nearest_name(name, _MAKERS))
    if separator and not file:
        raise UserError(f"{item!r} names no file", where="--detector", remedy=f"write {name}=FILE")
    if name == "sift" and file:
        raise UserError("SIFT has no weights", where="--detector", remedy="write sift")
    return DetectorChoice(name, Path(file) if file else None)


def _title(choice: DetectorChoice) -> str:
    return f"{choice.name} ({choice.weights.stem if choice.weights else 'packaged'})"


def _make_sift(
    weights: Path | None,  # noqa: ARG001
    settings: KeypointEvaluationSettings,
    device: torch.device | str,  # noqa: ARG001
) -> FeatureExtractor:
    return SiftFeatures(settings)


def _make_superpoint(
    weights: Path | None, settings: KeypointEvaluationSettings, device: torch.device | str
) -> FeatureExtractor:
    path = require_superpoint_file(weights, where="--detector", remedy=f"write superpoint={SUPERPOINT}")
    return SuperPointFeatures(load_superpoint(path), settings, device)


def _make_superpoint_open(
    weights: Path | None, settings: KeypointEvaluationSettings, device: torch.device | str
) -> FeatureExtractor:
    return SuperPointFeatures(load_superpoint_open(weights), settings, device)


_MAKERS: dict[str, Callable[[Path | None, KeypointEvaluationSettings, torch.device | str], FeatureExtractor]] = {
    "sift": _make_sift,
    "superpoint": _make_superpoint,
    "superpoint-open": _make_superpoint_open,
}
