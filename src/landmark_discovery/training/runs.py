"""Both training stages from files to files: a store and keypoints or pseudo-ground-truth in, weights and logs out."""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from landmark_discovery import __version__
from landmark_discovery.bootstrap.keypoints import BootstrapKeypoints
from landmark_discovery.clustering.pseudo_groundtruth import PseudoGroundTruth
from landmark_discovery.config.schema import Config
from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.training.checkpoints import CheckpointFolder, checkpoint_key, digest_of_arrays
from landmark_discovery.training.coordinates import grid_to_image, image_to_store, positions_in_store
from landmark_discovery.training.images import stored_images
from landmark_discovery.training.interruption import Timetable
from landmark_discovery.training.keypoints import warmup_keypoints
from landmark_discovery.training.logs import LogRow, event_log, no_log, round_line, write_table
from landmark_discovery.training.processes import Processes, launched_processes
from landmark_discovery.training.runtime import choose_device
from landmark_discovery.training.saver import Saver
from landmark_discovery.training.scaling import scaled_stage1, scaled_stage2
from landmark_discovery.training.stage1 import Round, Stage1Result, round_boundaries, train_stage1
from landmark_discovery.training.stage2 import Stage2Result, train_stage2
from landmark_discovery.training.targets import landmark_targets
from landmark_discovery.training.weights import TrainedWeights, load_weights, save_weights, shape_tensors

RoundPicture = Callable[[NDArray[np.float64], Path], None]


def run_stage1(
    store: ImageStore,
    keypoints: BootstrapKeypoints,
    config: Config,
    output: Path,
    draw_round: RoundPicture = lambda *_: None,
    timetable: Timetable | None = None,
) -> None:
    """Train stage 1 and write its weights, with training_log.csv, rounds.csv and rounds/ beside them.

    Until the weights are written, checkpoints/ beside them has the state; from there the next run goes on.

    Args:
        store: the prepared data set.
        keypoints: of its training images.
        config: keys of the step `train-stage1`.
        output: file of the weights.
        draw_round: given the landmarks of all training images (N, K, 2) in original pixels, NaN where there is none,
            and a path, draws a picture of a round.
        timetable: says when to save and when to stop; None: now and then, and never.

    Raises:
        UserError: no image has enough keypoints, or a GPU is asked for and none is there.
        Interrupted: the timetable says stop; the state is saved.
    """
    device = choose_device(config.device)
    with launched_processes(device) as processes:
        scaled = config.model_copy(update={"stage1": scaled_stage1(config.stage1, processes.count)})
        warmup = _warmup_table(store, keypoints, config.bootstrap.min_keypoints)
        inputs = {
            "images": _digest_of_store(store),
            "keypoints": digest_of_arrays({"image": warmup[0], "points": warmup[1]}),
        }
        saver = _saver(output, config, inputs, timetable, processes, device)
        with saver.held():
            result = train_stage1(
                stored_images(store, device, config.fast, config.cpu_threads),
                store.indices("train"),
                warmup_keypoints(*warmup, device),
                scaled,
                on_round=_round_writer(store, scaled, output.parent, draw_round),
                on_log=_log_row(output, processes),
                processes=processes,
                saver=saver,
            )
            processes.from_main(lambda: _write_stage1(result, config, output))
            saver.finish()


def run_stage2(
    store: ImageStore,
    weights: Path,
    truth: PseudoGroundTruth,
    config: Config,
    output: Path,
    timetable: Timetable | None = None,
) -> None:
    """Train stage 2 and write its weights; training_log.csv lies beside them, and checkpoints/ until they are there.

    Args:
        store: the prepared data set.
        weights: of stage 1.
        truth: the pseudo-ground-truth of its training images.
        config: keys of the step `train-stage2`.
        output: file of the weights.
        timetable: says when to save and when to stop; None: now and then, and never.

    Raises:
        UserError: weights and pseudo-ground-truth don't fit the configuration.
        Interrupted: the timetable says stop; the state is saved.
    """
    device = choose_device(config.device)
    trained = load_weights(weights, stage=1)
    _check_fit(trained, truth, config, weights)
    with launched_processes(device) as processes:
        scaled = config.model_copy(update={"stage2": scaled_stage2(config.stage2, processes.count)})
        image = positions_in_store(store, truth.image, "pseudo-ground-truth")
        points = image_to_store(store, image, truth.landmarks)
        inputs = {
            "images": _digest_of_store(store),
            "weights": digest_of_arrays({name: value.numpy() for name, value in trained.network.state_dict().items()}),
            "truth": digest_of_arrays({"image": image, "points": points, "flip_map": truth.flip_map}),
        }
        saver = _saver(output, config, inputs, timetable, processes, device)
        with saver.held():
            result = train_stage2(
                stored_images(store, device, config.fast, config.cpu_threads),
                landmark_targets(image, points, truth.flip_map, device),
                trained.network,
                scaled,
                on_log=_log_row(output, processes),
                processes=processes,
                saver=saver,
            )
            processes.from_main(lambda: _write_stage2(result, truth.flip_map, config, output))
            saver.finish()


def _round_writer(store: ImageStore, config: Config, folder: Path, draw_round: RoundPicture) -> Callable[[Round], None]:
    """Give the function that tells of a round: a line, a row of rounds.csv and a picture."""
    train = store.indices("train")

    def write(finished: Round) -> None:
        number = int(finished.facts["round"])
        print(round_line(finished.facts, len(round_boundaries(config))), file=sys.stderr, flush=True)
        write_table(folder / "rounds.csv", finished.history)
        landmarks = grid_to_image(store, train, finished.grid_landmarks, config.model.input_size_px)
        draw_round(landmarks, folder / "rounds" / f"round_{number:02d}.png")
        # An earlier training may have had more.
        for path in (folder / "rounds").glob("round_*.png"):
            picture = re.fullmatch(r"round_(\d+)\.png", path.name)
            if picture is not None and int(picture[1]) > number:
                path.unlink()

    return write


def _saver(
    output: Path,
    config: Config,
    inputs: Mapping[str, str],
    timetable: Timetable | None,
    processes: Processes,
    device: torch.device,
) -> Saver:
    key = checkpoint_key(config.model_dump(mode="json"), inputs, device, processes.count)
    return Saver(CheckpointFolder(output.parent / "checkpoints", key), timetable or Timetable(), processes)


def _digest_of_store(store: ImageStore) -> str:
    """Digest the prepared images by what was written down when they were prepared, without reading them again."""
    samples = store.samples.to_csv(index=False)
    return hashlib.sha256(f"{store.facts.get('images_sha256')}\n{samples}".encode()).hexdigest()


def _log_row(output: Path, processes: Processes) -> LogRow:
    return event_log(output.parent) if processes.is_main else no_log


def _write_stage1(result: Stage1Result, config: Config, output: Path) -> None:
    write_table(output.parent / "training_log.csv", result.log)
    landmarker = result.landmarker
    extras = {
        "centroids": torch.from_numpy(landmarker.centroids),
        "selected": torch.from_numpy(landmarker.selected),
        "flip_map": torch.from_numpy(landmarker.flip_map),
    }
    found_by = {"threshold": landmarker.threshold, "position_weight": landmarker.position_weight}
    save_weights(output, TrainedWeights(result.network, extras, _facts(config, 1) | found_by))


def _write_stage2(result: Stage2Result, flip_map: NDArray[np.int64], config: Config, output: Path) -> None:
    write_table(output.parent / "training_log.csv", result.log)
    extras = {"flip_map": torch.from_numpy(flip_map)} | shape_tensors(result.prior)
    save_weights(output, TrainedWeights(result.network, extras, _facts(config, 2)))


def _warmup_table(
    store: ImageStore, keypoints: BootstrapKeypoints, least: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Give position and inliers in store pixels of each image with enough of them."""
    inliers = keypoints.inlier.sum(axis=1)
    enough = inliers >= least
    if not enough.any():
        raise UserError(
            f"none of {len(enough)} images has {least} bootstrap keypoints"
            f" ({np.count_nonzero(inliers)} have any, at most {inliers.max(initial=0)})",
            where="stage 1",
            remedy="try another bootstrap.detector, or raise bootstrap.outliers.keep_fraction",
        )
    image = positions_in_store(store, keypoints.image[enough], "bootstrap keypoints")
    points = np.where(keypoints.inlier[..., None], keypoints.points, np.nan)[enough]
    return image, image_to_store(store, image, points)


def _check_fit(trained: TrainedWeights, truth: PseudoGroundTruth, config: Config, weights: Path) -> None:
    if trained.model != config.model:
        raise UserError(
            "trained with another network than the configuration describes",
            where=weights,
            remedy=f"set model to {trained.model.model_dump(mode='json')}, or train stage 1 anew",
        )
    if truth.landmarks.shape[1] != config.num_landmarks:
        raise UserError(
            f"has {truth.landmarks.shape[1]} landmarks, not {config.num_landmarks}",
            where="pseudo-ground-truth",
            remedy="set num_landmarks to it, or train stage 1 anew",
        )


def _facts(config: Config, stage: int) -> dict[str, object]:
    return {
        "stage": stage,
        "num_landmarks": config.num_landmarks,
        "model": config.model.model_dump(mode="json"),
        "seed": config.seed,
        "version": __version__,
    }
