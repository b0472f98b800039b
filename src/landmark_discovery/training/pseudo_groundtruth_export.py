"""The pseudo-ground-truth between the stages, from files to a file: stage 1's landmarks in all training images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.clustering.detections import Detections, detect, joined_detections
from landmark_discovery.clustering.pseudo_groundtruth import (
    Landmarker,
    NamedDetections,
    PseudoGroundTruth,
    drop_inconsistent,
    name_detections,
    write_pseudo_groundtruth,
)
from landmark_discovery.config.schema import Config
from landmark_discovery.data.store import ImageStore
from landmark_discovery.errors import UserError
from landmark_discovery.training.acceleration import network_on
from landmark_discovery.training.coordinates import grid_to_image
from landmark_discovery.training.images import stored_images
from landmark_discovery.training.prediction import fixed_threshold
from landmark_discovery.training.processes import SINGLE, Processes, launched_processes
from landmark_discovery.training.runtime import arithmetic, choose_device
from landmark_discovery.training.weights import TrainedWeights, load_weights


def run_pseudo_groundtruth(store: ImageStore, weights: Path, config: Config, output: Path) -> None:
    """Find the landmarks of all training images with the weights of stage 1 and write them.

    Args:
        store: the prepared data set.
        weights: of stage 1.
        config: keys of the step `export-pseudo-groundtruth`.
        output: file of the pseudo-ground-truth.
    """
    with launched_processes(choose_device(config.device)) as processes:
        truth = compute_pseudo_groundtruth(store, weights, config, processes)
        processes.from_main(lambda: write_pseudo_groundtruth(output, truth))


def compute_pseudo_groundtruth(
    store: ImageStore, weights: Path, config: Config, processes: Processes = SINGLE
) -> PseudoGroundTruth:
    """Find the landmarks of all training images with the weights of stage 1.

    The landmarker is the one that stage 1 clustered with these very weights, so that landmark k is the same in both
    stages. (The authors cluster once more, which numbers the landmarks anew.)
    """
    device = choose_device(config.device)
    trained = load_weights(weights, stage=1)
    landmarker = landmarker_of(trained)
    train = store.indices("train")
    with arithmetic(config.precision, device, deterministic=config.deterministic):
        own = detect(
            network_on(device, trained, config.fast),
            stored_images(store, device, config.fast, config.cpu_threads),
            processes.part(train),
            fixed_threshold(config.stage1.detection, landmarker),
            size_px=trained.model.input_size_px,
            precision=config.precision,
            twins=False,
        )
    candidates = joined_detections(own, train, processes)
    limit = config.clustering.consistency_limit
    points, score = processes.from_main(lambda: _named_points(candidates, landmarker, limit))
    return PseudoGroundTruth(
        image=store.names[train],
        landmarks=grid_to_image(store, train, points, trained.model.input_size_px),
        score=score.astype(np.float64),
        flip_map=landmarker.flip_map,
        centroids=landmarker.centroids[landmarker.selected],
        threshold=landmarker.threshold,
    )


def landmarker_of(weights: TrainedWeights) -> Landmarker:
    """Give the landmarker that is stored with the weights of stage 1."""
    return Landmarker(
        centroids=weights.extras["centroids"].numpy(),
        selected=weights.extras["selected"].numpy(),
        flip_map=weights.extras["flip_map"].numpy(),
        threshold=float(weights.facts["threshold"]),
        position_weight=float(weights.facts["position_weight"]),
    )


def _named_points(
    candidates: Detections, landmarker: Landmarker, limit: float | None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    named, count = name_detections(candidates, landmarker), landmarker.num_landmarks
    _check_all_alive(named, landmarker)
    return drop_inconsistent(named, count, limit).table(count)


def _check_all_alive(named: NamedDetections, landmarker: Landmarker) -> None:
    alive, found = len(np.unique(named.cluster)), named.detections
    if alive < landmarker.num_landmarks:
        raise UserError(
            f"num_landmarks is {landmarker.num_landmarks}, but the detections form only {alive} clusters ({len(found)} "
            f"over {landmarker.threshold:.3f}, in {len(np.unique(found.image))} of {found.num_images} images)",
            where="pseudo-ground-truth",
            remedy="lower num_landmarks, give more or more varied images, or train longer",
        )
