"""New pseudo-ground-truths: the search of the training images, and the clusterings of what is found."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.conditions import Conditions
from benchmarks.figures import Figure, cost, rate
from benchmarks.peaks import start_peaks
from benchmarks.timing import repeated_seconds
from benchmarks.workload import SEED
from landmark_discovery.clustering.detections import Detections, detect
from landmark_discovery.clustering.pseudo_groundtruth import find_landmarks, training_clusters
from landmark_discovery.training.acceleration import use_fused_layers
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.stage1 import initial_network

DETECTION = "new pseudo-ground-truth, detection with mirror images"
CLUSTERING = "new pseudo-ground-truth, clustering"


def measure_detection(conditions: Conditions) -> list[Figure]:
    """Measure the search of training images and their mirror images for a new pseudo-ground-truth."""
    config, workload, device = conditions.config, conditions.workload, conditions.device
    network = initial_network(config, device).eval()
    use_fused_layers(network, config.model, config.fast, device)
    images = workload.images(config.fast)
    searched = workload.train[: conditions.size.detected_images]
    settings, size_px = config.stage1.detection, config.model.input_size_px

    def search() -> None:
        detect(network, images, searched, settings, size_px=size_px, precision=config.precision)

    start_peaks(device)
    with arithmetic(config.precision, device):
        seconds = repeated_seconds(search, device, conditions.budget_s)
    return [rate(DETECTION, "images/s", len(searched), seconds, conditions.variant), *conditions.peaks(DETECTION)]


def measure_clustering(conditions: Conditions) -> list[Figure]:
    """Measure both clusterings of a new pseudo-ground-truth, on random descriptors."""
    config, size = conditions.config, conditions.size
    found = _random_detections(size.detected_images, size.detections, conditions)
    every = config.stage1.detection.model_copy(update={"threshold": 0.0, "target_detections": None})

    def cluster() -> None:
        _, named, _ = find_landmarks(found, config.num_landmarks, every, config.clustering, conditions.device)
        training_clusters(named, config.clustering, conditions.device)

    start_peaks(conditions.device)
    seconds = repeated_seconds(cluster, conditions.device, conditions.budget_s, warmups=0)
    return [cost(CLUSTERING, "s", seconds), *conditions.peaks(CLUSTERING)]


def _random_detections(images: int, points: int, conditions: Conditions) -> Detections:
    """Draw detections with random descriptors, as many in each image."""
    rng, model = np.random.default_rng(SEED), conditions.config.model
    count = images * points
    own, flipped = (rng.standard_normal((count, model.descriptor_dim), dtype=np.float32) for _ in range(2))
    return Detections(
        image=np.repeat(np.arange(images), points),
        point=rng.uniform(0, model.grid_size - 1, (count, 2)).astype(np.float32),
        score=rng.uniform(0.1, 1, count).astype(np.float32),
        descriptor=_unit(own),
        flipped_descriptor=_unit(flipped),
        num_images=images,
        grid_size=model.grid_size,
    )


def _unit(descriptors: NDArray[np.float32]) -> NDArray[np.floating[Any]]:
    return np.asarray(descriptors / np.linalg.norm(descriptors, axis=1, keepdims=True), dtype=np.float16)
