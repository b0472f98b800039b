"""Trained weights as safetensors files that say what they are."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file
from landmark_discovery.heatmaps.conventions import CONVENTIONS, PIXEL_CENTRES, PixelConvention
from landmark_discovery.models.hourglass import HourglassNetwork

NETWORK = "network."
FORMAT = "landmark-discovery"


@dataclass(frozen=True)
class TrainedWeights:
    """Hold a trained network with what prediction needs beside it.

    Attributes:
        network: in eval mode, on the CPU.
        extras: tensors beside the network's: centroids, flip_map.
        facts: stage, model settings, threshold, provenance, pixel convention (none: pixel centres); JSON-ready.
    """

    network: HourglassNetwork
    extras: Mapping[str, Tensor]
    facts: Mapping[str, Any]

    @property
    def model(self) -> ModelSettings:
        """Give the settings that the network was built with."""
        return ModelSettings(**self.facts["model"])

    @property
    def convention(self) -> PixelConvention:
        """Give the convention of the network's maps."""
        return CONVENTIONS[_convention_name(self.facts)]


def build_network(settings: ModelSettings, stage: int, num_landmarks: int) -> HourglassNetwork:
    """Build the network of a stage, with torch's default initialisation."""
    heads = {0: 1, 1: settings.descriptor_dim} if stage == 1 else {1: num_landmarks}
    return HourglassNetwork(heads, settings.width, settings.depth, settings.norm_groups)


def channels_last(network: HourglassNetwork) -> HourglassNetwork:
    """Lay the weights out channels last, in place; convolutions are faster so, on CPU and GPU."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network


def save_weights(path: str | Path, weights: TrainedWeights) -> None:
    """Write a network, its extras and facts into one file; equal weights give equal bytes."""
    tensors = {NETWORK + name: tensor for name, tensor in weights.network.state_dict().items()}
    tensors |= dict(weights.extras)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    # One key alone: safetensors writes several in random order.
    metadata = {FORMAT: json.dumps(weights.facts, sort_keys=True)}
    with atomic_file(path) as temporary:
        save_file(contiguous, temporary, metadata=metadata)


def load_weights(
    path: str | Path, stage: int, conventions: Collection[PixelConvention] = (PIXEL_CENTRES,)
) -> TrainedWeights:
    """Read the weights of a stage.

    Args:
        path: the file.
        stage: 1 or 2.
        conventions: of pixels that the caller follows; only prediction follows the authors'.

    Raises:
        UserError: no such file, not a weights file of ours, one of the other stage, or one of another convention.
    """
    facts, tensors = _read(Path(path))
    if facts["stage"] != stage:
        raise UserError(f"weights of stage {facts['stage']}", where=path, remedy=f"give those of stage {stage}")
    _check_convention(Path(path), facts, [convention.name for convention in conventions])
    network = build_network(ModelSettings(**facts["model"]), stage, facts["num_landmarks"])
    state = {name.removeprefix(NETWORK): value for name, value in tensors.items() if name.startswith(NETWORK)}
    try:
        network.load_state_dict(state)
    except RuntimeError as error:
        raise UserError("its tensors don't fit its own description", where=path, remedy="train it anew") from error
    extras = {name: value for name, value in tensors.items() if not name.startswith(NETWORK)}
    return TrainedWeights(network.eval(), extras, facts)


def _convention_name(facts: Mapping[str, Any]) -> str:
    name: str = facts.get("convention", PIXEL_CENTRES.name)
    return name


def _check_convention(path: Path, facts: Mapping[str, Any], followed: Collection[str]) -> None:
    name = _convention_name(facts)
    if name not in followed:
        raise UserError(
            f"follows the pixel convention {name!r}, not {' or '.join(followed)}",
            where=path,
            remedy="use it for prediction alone" if name in CONVENTIONS else "convert the authors' file anew",
        )


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    if not path.exists():
        raise UserError("no such file", where=path, remedy="train the stage first")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors: dict[str, Tensor] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise UserError(f"not a safetensors file ({error})", where=path, remedy="train it anew") from error
    if FORMAT not in metadata:
        raise UserError("a safetensors file, but not one of ours", where=path, remedy="train the stage first")
    return json.loads(metadata[FORMAT]), tensors
