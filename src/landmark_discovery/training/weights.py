"""Trained weights as safetensors files that say what they are."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file
from landmark_discovery.heatmaps.conventions import CONVENTIONS, PIXEL_CENTRES, PixelConvention
from landmark_discovery.heatmaps.shape_prior import ShapePrior
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.checkpoints import digest_of_arrays

NETWORK = "network."
FORMAT = "landmark-discovery"
DIGEST = "sha256"
_REMEDY = "train it anew"
_SHAPE = ("shape.mean", "shape.weights", "shape.deviation")
_FLOATS = (torch.float16, torch.float32, torch.float64)


@dataclass(frozen=True)
class TrainedWeights:
    """Hold a trained network with what prediction needs beside it.

    Attributes:
        network: in eval mode, on the CPU.
        extras: tensors beside the network's: centroids, flip_map, the shape prior's.
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

    def shape_prior(self) -> ShapePrior:
        """Give the shape of the landmarks that stage 2 learnt; `require_landmarks` makes sure that it is there."""
        return ShapePrior(*(self.extras[name] for name in _SHAPE))


def build_network(settings: ModelSettings, stage: int, num_landmarks: int) -> HourglassNetwork:
    """Build the network of a stage, with torch's default initialisation."""
    heads = {0: 1, 1: settings.descriptor_dim} if stage == 1 else {1: num_landmarks}
    return HourglassNetwork(heads, settings.width, settings.depth, settings.norm_groups)


def shape_tensors(prior: ShapePrior | None) -> dict[str, Tensor]:
    """Name the tensors of a shape prior as weights hold them."""
    return {} if prior is None else dict(zip(_SHAPE, (prior.mean, prior.weights, prior.deviation), strict=True))


def save_weights(path: str | Path, weights: TrainedWeights) -> None:
    """Write a network, its extras and facts into one file; equal weights give equal bytes."""
    tensors = {NETWORK + name: tensor for name, tensor in weights.network.state_dict().items()}
    tensors |= dict(weights.extras)
    contiguous = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    described = {**weights.facts, DIGEST: digest_of_tensors(contiguous, weights.facts)}
    # One key alone: safetensors writes several in random order.
    metadata = {FORMAT: json.dumps(described, sort_keys=True)}
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
        UserError: no such file, not a weights file of ours, one of the other stage, one of another convention, or one
            whose tensors and description don't belong together.
    """
    facts, tensors = _read(Path(path))
    if facts["stage"] != stage:
        raise UserError(f"weights of stage {facts['stage']}", where=path, remedy=f"give those of stage {stage}")
    _check_convention(Path(path), facts, [convention.name for convention in conventions])
    model = ModelSettings(**facts["model"])
    state = {name.removeprefix(NETWORK): value for name, value in tensors.items() if name.startswith(NETWORK)}
    _check_fit(Path(path), state, model, stage, facts["num_landmarks"])
    network = build_network(model, stage, facts["num_landmarks"])
    network.load_state_dict(state)
    extras = {name: value for name, value in tensors.items() if not name.startswith(NETWORK)}
    return TrainedWeights(network.eval(), extras, facts)


def require_landmarks(path: str | Path, weights: TrainedWeights, *, shape: bool = False) -> None:
    """Refuse weights that lack what names landmarks beside the network, or have it in a form that can't be used.

    Args:
        path: of the file, for the error.
        weights: read from it.
        shape: whether heatmaps are to be read with the shape of the landmarks.

    Raises:
        UserError: no shape where one is asked for, stage 1 without fitting centroids, selected, threshold and
            position_weight, either stage without a flip map of its landmarks, or a shape that isn't one of them.
    """
    if shape and not any(name in weights.extras for name in _SHAPE):
        raise UserError(
            "holds no shape of its landmarks",
            where=path,
            remedy="train stage 2 anew, or set stage2.shape_prior to false",
        )
    count = weights.facts["num_landmarks"]
    right = _is_map(weights.extras.get("flip_map"), count, -1, count) and _is_shape_or_none(weights.extras, count)
    if not right or (weights.facts["stage"] == 1 and not _has_landmarker(weights)):
        raise UserError(
            "what names its landmarks is missing, or doesn't fit its own description", where=path, remedy=_REMEDY
        )


def _has_landmarker(weights: TrainedWeights) -> bool:
    centroids, facts = weights.extras.get("centroids"), weights.facts
    if not all(_is_number(facts.get(name)) for name in ("threshold", "position_weight")):
        return False
    wanted = weights.model.descriptor_dim + (2 if facts["position_weight"] else 0)
    if centroids is None or centroids.shape[1:] != (wanted,) or centroids.dtype not in _FLOATS:
        return False
    selected = weights.extras.get("selected")
    return bool(centroids.isfinite().all()) and _is_map(selected, facts["num_landmarks"], 0, len(centroids))


def _is_map(tensor: Tensor | None, count: int, low: int, high: int) -> bool:
    """Tell whether a tensor has `count` whole numbers from `low` on and below `high`."""
    if tensor is None or tensor.shape != (count,) or tensor.dtype not in (torch.int32, torch.int64):
        return False
    return bool(((tensor >= low) & (tensor < high)).all())


def _is_shape_or_none(extras: Mapping[str, Tensor], count: int) -> bool:
    """Tell whether a shape prior of `count` landmarks is there, or nothing of one."""
    parts = [extras.get(name) for name in _SHAPE]
    shapes = ((count, 2), (2 * count, 2 * count), (count,))
    if all(part is None for part in parts):
        return True
    if any(p is None or p.shape != s or p.dtype != torch.float32 for p, s in zip(parts, shapes, strict=True)):
        return False
    mean, weights, deviation = (part for part in parts if part is not None)
    return bool(mean.isfinite().all() and weights.isfinite().all() and (deviation > 0).all())


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and 0 <= value <= sys.float_info.max


def _check_fit(path: Path, state: Mapping[str, Tensor], model: ModelSettings, stage: int, num_landmarks: int) -> None:
    """Compare shapes with those of a network without content: one that is described too large is never built."""
    try:
        with torch.device("meta"):
            expected = build_network(model, stage, num_landmarks).state_dict()
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise UserError("it describes a network that can't be built", where=path, remedy=_REMEDY) from error
    shapes = {name: tensor.shape for name, tensor in state.items() if tensor.is_floating_point()}
    if shapes != {name: tensor.shape for name, tensor in expected.items()}:
        raise UserError("its tensors don't fit its own description", where=path, remedy=_REMEDY)


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
    except Exception as error:  # its header may name types that torch hasn't
        raise UserError(f"not a safetensors file ({error})", where=path, remedy=_REMEDY) from error
    if FORMAT not in metadata:
        raise UserError("a safetensors file, but not one of ours", where=path, remedy="train the stage first")
    facts = _checked_facts(path, metadata[FORMAT])
    # Without it, a file is taken as it is.
    digest = facts.pop(DIGEST, None)
    if digest is not None and digest != digest_of_tensors(tensors, facts):
        raise UserError("its bytes aren't those that were written", where=path, remedy=_REMEDY)
    return facts, tensors


def digest_of_tensors(tensors: Mapping[str, Tensor], facts: Mapping[str, Any]) -> str:
    """Digest tensors and facts: safetensors itself doesn't notice a byte that has changed."""
    # As bytes, since a damaged header may name types that NumPy hasn't.
    described = {f"{name} {value.dtype} {tuple(value.shape)}": value for name, value in tensors.items()}
    arrays = {name: value.reshape(-1).view(torch.uint8).numpy() for name, value in described.items()}
    return digest_of_arrays({**arrays, FORMAT: np.array(json.dumps(facts, sort_keys=True))})


def _checked_facts(path: Path, text: str) -> dict[str, Any]:
    try:
        facts: dict[str, Any] = json.loads(text)
        ModelSettings.model_validate(facts["model"])
        numbers = (facts["stage"], facts["num_landmarks"])
        right = all(type(number) is int and number >= 1 for number in numbers)
        right = right and isinstance(_convention_name(facts), str)
    # pydantic's error is a ValueError.
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise UserError("its description can't be read", where=path, remedy=_REMEDY) from error
    if not right:
        raise UserError("its description can't be read", where=path, remedy=_REMEDY)
    return facts
