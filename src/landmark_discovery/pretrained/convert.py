"""The authors' checkpoints as weights of ours, which `predict` reads like those of our own training."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from landmark_discovery import __version__
from landmark_discovery.config.training import ModelSettings
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.heatmaps.conventions import AUTHORS_PIXELS
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.pretrained.checkpoint import Checkpoint, read_checkpoint
from landmark_discovery.training.prediction import AUTHORS_DETECTION
from landmark_discovery.training.weights import TrainedWeights, build_network

OTHER_FILE = "give the file that belongs to this configuration"


def convert_checkpoint(
    path: str | Path, stage: int, num_landmarks: int, model: ModelSettings, provenance: Mapping[str, str]
) -> TrainedWeights:
    """Convert one of the authors' files to weights of ours.

    Blocks that the authors' files hold and never use are left out, and in stage 2 the detector's head of stage 1.

    Args:
        path: the authors' file (.pth).
        stage: 1 or 2.
        num_landmarks: landmarks that it must have (K).
        model: the network that it must fit; `input_size_px` and `norm_groups` leave no trace in a file and are believed
            (256 and 32 in the authors' ones).
        provenance: what else is known of the file, such as its address and licence.

    Returns:
        Weights whose facts name the file, its digest and iteration, and the authors' pixel convention. Which landmark
        becomes which in the mirror image is unknown in stage 1 (-1).

    Raises:
        UserError: `read_checkpoint` refuses the file, or it has another K, another network, or parameters that are
            missing, unknown or of the wrong shape.
    """
    source = Path(path)
    checkpoint = read_checkpoint(source, stage)
    if checkpoint.num_landmarks != num_landmarks:
        raise UserError(
            f"has {checkpoint.num_landmarks} landmarks, not {num_landmarks}",
            where=source,
            remedy=f"set num_landmarks to {checkpoint.num_landmarks}, or {OTHER_FILE}",
        )
    network = build_network(model, stage, num_landmarks)
    _check_sizes(source, checkpoint, stage, model)
    _check_fit(source, checkpoint.parameters, network, _every_parameter(model, stage, num_landmarks))
    network.load_state_dict({name: checkpoint.parameters[name] for name in network.state_dict()})
    facts = _facts(stage, num_landmarks, model) | {"source": dict(provenance) | _source_facts(source, checkpoint)}
    return TrainedWeights(network.eval(), _extras(checkpoint, stage), facts)


def _check_sizes(path: Path, checkpoint: Checkpoint, stage: int, model: ModelSettings) -> None:
    """Tell a network of another size by its sizes, before its shapes are compared one by one."""
    parameters = checkpoint.parameters
    found = {"depth": sum(name.startswith("m0.b1_") and name.endswith(".conv1.weight") for name in parameters)}
    if "conv1.bias" in parameters:
        found["width"] = 4 * parameters["conv1.bias"].numel()
    if stage == 1:
        found["descriptor_dim"] = checkpoint.centroids.shape[1]
    for name, size in found.items():
        if size != getattr(model, name):
            raise UserError(
                f"its network has {name} {size}, not {getattr(model, name)}",
                where=path,
                remedy=f"set model.{name} to {size}, or {OTHER_FILE}",
            )


def _every_parameter(model: ModelSettings, stage: int, num_landmarks: int) -> Mapping[str, Tensor]:
    """Give all parameters that a file may hold, shapes alone: both heads and the unused blocks."""
    heads = {0: 1, 1: model.descriptor_dim if stage == 1 else num_landmarks}
    with torch.device("meta"):
        return HourglassNetwork(heads, model.width, model.depth, model.norm_groups, unused_blocks=True).state_dict()


def _check_fit(
    path: Path, found: Mapping[str, Tensor], network: HourglassNetwork, allowed: Mapping[str, Tensor]
) -> None:
    missing = [name for name in network.state_dict() if name not in found]
    if missing:
        raise UserError(f"{len(missing)} parameters are missing, {missing[0]!r} first", where=path, remedy=OTHER_FILE)
    unknown = [name for name in found if name not in allowed]
    if unknown:
        raise UserError(f"{len(unknown)} parameters are unknown, {unknown[0]!r} first", where=path, remedy=OTHER_FILE)
    for name, value in found.items():
        if value.shape != allowed[name].shape:
            shapes = f"{tuple(value.shape)}, not {tuple(allowed[name].shape)}"
            raise UserError(f"{name!r} has the shape {shapes}", where=path, remedy=OTHER_FILE)


def _extras(checkpoint: Checkpoint, stage: int) -> dict[str, Tensor]:
    flip_map = {"flip_map": torch.from_numpy(checkpoint.flip_map)}
    if stage == 2:
        return flip_map
    centroids = torch.from_numpy(checkpoint.centroids)
    return flip_map | {"centroids": centroids, "selected": torch.arange(checkpoint.num_landmarks)}


def _facts(stage: int, num_landmarks: int, model: ModelSettings) -> dict[str, object]:
    facts: dict[str, object] = {
        "stage": stage,
        "num_landmarks": num_landmarks,
        "model": model.model_dump(mode="json"),
        "version": __version__,
        "convention": AUTHORS_PIXELS.name,
    }
    found_by = {"threshold": AUTHORS_DETECTION.threshold, "position_weight": 0.0}
    return facts | found_by if stage == 1 else facts


def _source_facts(path: Path, checkpoint: Checkpoint) -> dict[str, object]:
    return {"file": path.name, "sha256": digest_of(path, "sha256").value, "iteration": checkpoint.iteration}
