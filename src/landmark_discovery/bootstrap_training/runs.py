"""The steps of the bootstrap's training from files to files."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from landmark_discovery import __version__
from landmark_discovery.bootstrap_training.adaptation import label_photographs
from landmark_discovery.bootstrap_training.crops import read_crops
from landmark_discovery.bootstrap_training.descent import History, facts_of
from landmark_discovery.bootstrap_training.joint import train_joint
from landmark_discovery.bootstrap_training.magicpoint import train_magicpoint
from landmark_discovery.bootstrap_training.networks import new_network, on_device
from landmark_discovery.bootstrap_training.shapes.dataset import read_shapes
from landmark_discovery.config.bootstrap_training import BootstrapTrainingConfig
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file, cast_array, read_npz, write_json, write_npz
from landmark_discovery.models.superpoint import NormalisedSuperPoint
from landmark_discovery.provenance.environment import processor_name
from landmark_discovery.training.checkpoints import CheckpointFolder, checkpoint_key
from landmark_discovery.training.interruption import Timetable
from landmark_discovery.training.logs import write_table
from landmark_discovery.training.runtime import arithmetic, choose_device
from landmark_discovery.training.saver import Saver
from landmark_discovery.training.weights import DIGEST, digest_of_tensors


def run_magicpoint(
    shapes: Path, config: BootstrapTrainingConfig, output: Path, timetable: Timetable | None = None
) -> None:
    """Train MagicPoint on drawn shapes and write it, with its log and its record beside it.

    Raises:
        UserError: the shapes can't be read, or a loss is no number.
        Interrupted: the timetable says stop; the state is saved.
    """

    def train(device: torch.device, saver: Saver) -> tuple[NormalisedSuperPoint, History]:
        return train_magicpoint(read_shapes(shapes), config, device, saver)

    _run_training(train, config, {"shapes": shapes}, output, timetable)


def run_labelling(crops: Path, weights: Path, config: BootstrapTrainingConfig, output: Path) -> None:
    """Label the photographs for training with MagicPoint and write the keypoints as .npz.

    Its arrays: crop (N,), positions in the file of squares; points (N, P, 2), NaN beyond the last; crops_sha256.

    Raises:
        UserError: a file can't be read, no square is for training, or none has a keypoint.
    """
    device = choose_device(config.device)
    photographs = read_crops(crops)
    own = np.flatnonzero(photographs.split == "train")
    if len(own) == 0:
        raise UserError("no square is for training", where=crops, remedy="lower photographs.test_share, cut them anew")
    with arithmetic("float32", device, config.cpu_threads):
        network = read_network(weights).folded()
        points = label_photographs(
            photographs.images[own], network, config.adaptation, config.precision, config.seed, device
        )
    found = (~np.isnan(points[..., 0])).sum(axis=1)
    if not found.any():
        raise UserError(
            f"no keypoint in {len(own)} squares of photographs",
            where="adaptation",
            remedy="lower adaptation.threshold, or train MagicPoint longer",
        )
    digest = np.array(digest_of(crops, "sha256").value, dtype=np.str_)
    write_npz(output, {"crop": own, "points": points, "crops_sha256": digest})
    print(f"{len(own)} squares, {found.mean():.1f} keypoints each", file=sys.stderr)


def run_joint_training(
    crops: Path,
    labels: Path,
    weights: Path,
    config: BootstrapTrainingConfig,
    output: Path,
    timetable: Timetable | None = None,
) -> None:
    """Train both heads on labelled photographs, from MagicPoint on, and write the network with log and record.

    Raises:
        UserError: a file can't be read, or a loss is no number.
        Interrupted: the timetable says stop; the state is saved.
    """

    def train(device: torch.device, saver: Saver) -> tuple[NormalisedSuperPoint, History]:
        images, points = _labelled(crops, labels)
        network = on_device(read_network(weights), device)
        return network, train_joint(network, images, points, config, device, saver)

    _run_training(train, config, {"crops": crops, "labels": labels, "weights": weights}, output, timetable)


def _labelled(crops: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Read the labelled squares (N, S, S), and the keypoints of each (N, P, 2)."""
    arrays = read_npz(labels, required=("crop", "points", "crops_sha256"))
    own, points = cast_array(arrays, "crop", np.int64), cast_array(arrays, "points", np.float32)
    remedy = "make them anew by `landmarks label-photographs`"
    if str(arrays["crops_sha256"]) != digest_of(crops, "sha256").value:
        raise UserError(f"the labels are of other squares than {crops}", where=labels, remedy=remedy)
    images = read_crops(crops).images
    fits = own.ndim == 1 and len(own) > 0 and points.shape[:1] == own.shape and points.shape[2:] == (2,)
    if not fits or points.shape[1] == 0 or own.min() < 0 or own.max() >= len(images):
        raise UserError(f"labels {points.shape} of squares {own.shape} don't fit", where=labels, remedy=remedy)
    return images[own], points


def read_network(path: Path) -> NormalisedSuperPoint:
    """Read a network that a step of this training wrote.

    Raises:
        UserError: no such file, or none of these.
    """
    network = new_network(0, torch.device("cpu"))
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            written = (file.metadata() or {}).get(DIGEST)
        if written is None:
            raise ValueError("it has no digest")
        if written != digest_of_tensors(tensors, {}):
            raise ValueError("its numbers aren't those that were written")
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, RuntimeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise UserError(f"not a network of this training ({reason})", where=path, remedy="train it anew") from error
    return network


def _run_training(
    train: Callable[[torch.device, Saver], tuple[NormalisedSuperPoint, History]],
    config: BootstrapTrainingConfig,
    inputs: Mapping[str, Path],
    output: Path,
    timetable: Timetable | None,
) -> None:
    device = choose_device(config.device)
    digests = {name: digest_of(path, "sha256").value for name, path in inputs.items()}
    key = checkpoint_key(config.model_dump(mode="json"), digests, device)
    saver = Saver(CheckpointFolder(output.parent / "checkpoints", key), timetable or Timetable())
    with saver.held(), arithmetic("float32", device, config.cpu_threads):
        network, history = train(device, saver)
        write_table(output.parent / "training_log.csv", history.rows)
        write_json(output.parent / "record.json", _record(config, digests, history, device))
        write_network(output, network)
        saver.finish()


def write_network(path: Path, network: NormalisedSuperPoint) -> None:
    """Write a network for the steps that go on from it, with the digest of its numbers."""
    tensors = {name: value.cpu().contiguous() for name, value in network.state_dict().items()}
    with atomic_file(path) as temporary:
        save_file(tensors, temporary, metadata={DIGEST: digest_of_tensors(tensors, {})})


def _record(
    config: BootstrapTrainingConfig, digests: Mapping[str, str], history: History, device: torch.device
) -> dict[str, Any]:
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else processor_name() or platform.machine()
    return {
        "settings": config.model_dump(mode="json"),
        "inputs_sha256": dict(digests),
        "iterations": int(history.rows[-1]["iteration"]),
        "last_losses": facts_of(history.rows),
        "seconds": round(history.seconds, 1),
        "device": name if device.type == "cuda" else f"{name}, {config.cpu_threads} threads",
        "torch": torch.__version__,
        "version": __version__,
    }
