"""What is measured: images, keypoints and configuration, at full size or small enough for any machine."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from benchmarks.figures import Variant
from landmark_discovery.config.loading import load_config, merged
from landmark_discovery.config.schema import Config
from landmark_discovery.data.store import CORNERS, RECTANGLES, ImageStore
from landmark_discovery.training.images import StoredImages, stored_images
from landmark_discovery.training.keypoints import TrainingKeypoints, warmup_keypoints
from landmark_discovery.training.runtime import accelerated
from landmark_discovery.training.targets import LandmarkTargets, landmark_targets

SEED = 1993
# Share of an image on each side that the crop leaves out.
MARGIN = 0.15
WRITTEN_AT_ONCE = 256


@dataclass(frozen=True)
class Size:
    """Say how much is measured.

    Attributes:
        images: drawn where no store is given.
        image_px: width and height of the drawn images.
        config: keys of the configuration, on top of the paper's recipe.
        network_batch: images that the network alone sees.
        keypoints: of each training image.
        detected_images: searched in one repeat.
        detections: of each image, clustered.
        evaluated: training and test images of the evaluation.
        matrix_side: of the matrices whose product is the limit.
        copied_mib: memory whose copy is the limit.
    """

    images: int
    image_px: tuple[int, int]
    config: Mapping[str, Any]
    network_batch: int
    keypoints: int
    detected_images: int
    detections: int
    evaluated: tuple[int, int]
    matrix_side: int
    copied_mib: int


# An untrained detector has a peak everywhere, so the detections of an image are limited to what training leaves.
FULL = Size(
    images=4096,
    image_px=(178, 218),
    config={"stage1": {"detection": {"target_detections": 15, "max_detections": 40}}},
    network_batch=32,
    keypoints=30,
    detected_images=4096,
    detections=30,
    evaluated=(19_000, 1_000),
    matrix_side=8192,
    copied_mib=1024,
)
SMALL = Size(
    images=40,
    image_px=(48, 56),
    config={
        "num_landmarks": 4,
        "model": {"input_size_px": 64, "width": 32, "depth": 2, "norm_groups": 4, "descriptor_dim": 16},
        "stage1": {
            "batch_pairs": 2,
            "descriptor_loss": {"negative_pairs": 50},
            "detection": {"target_detections": 6, "max_detections": 10},
        },
        "stage2": {"batch_size": 4},
        "clustering": {"training_clusters": 10, "iterations": 5, "redos": 2},
    },
    network_batch=4,
    keypoints=6,
    detected_images=40,
    detections=6,
    evaluated=(60, 20),
    matrix_side=256,
    copied_mib=4,
)


class Workload:
    """Hold what all measurements share.

    Args:
        store: the images.
        size: how much is measured.
        device: that runs it.
        changes: keys of the configuration, on top of the size's.
    """

    def __init__(self, store: ImageStore, size: Size, device: torch.device, changes: Mapping[str, Any]) -> None:
        self.store, self.size, self.device, self.changes = store, size, device, changes

    def config(self, variant: Variant | None) -> Config:
        """Give the configuration of a variant; training goes on until it is stopped."""
        endless = {"iterations": 10**6, "warmup_iterations": 10**6}
        tree = merged({"recipe": "paper", "stage1": endless, "stage2": {"iterations": 10**6}}, self.size.config)
        chosen: dict[str, Any] = {"device": self.device.type}
        if variant is not None:
            chosen |= {"precision": variant.precision, "fast": variant.path == "fast"}
        return load_config(merged(tree, {**chosen, **self.changes}))

    @cached_property
    def train(self) -> NDArray[np.int64]:
        """List the positions of the training images."""
        return self.store.indices("train")

    @cached_property
    def _images(self) -> StoredImages:
        return stored_images(self.store, self.device, cpu_threads=self.config(None).cpu_threads)

    @property
    def resident_gib(self) -> float:
        """Give the GPU memory that the images take by now."""
        pixels = self._images.pixels if "_images" in vars(self) else None
        return 0.0 if pixels is None or not pixels.is_cuda else pixels.nbytes / 2**30

    def images(self, fast: bool, streamed: bool = False) -> StoredImages:
        """Give the images, on the device if they fit there, or read from memory-mapped files all the same."""
        images = dataclasses.replace(self._images, fused=accelerated(fast, self.device))
        if not streamed:
            return images
        on_disk = stored_images(self.store, torch.device("cpu"))
        return dataclasses.replace(images, pixels=on_disk.pixels)

    def keypoints(self, clusters: int) -> TrainingKeypoints:
        """Draw keypoints with cluster ids, none twice in an image, as a round of stage 1 trains on."""
        rng, shape = np.random.default_rng(SEED), (len(self.train), self.size.keypoints)
        bare = warmup_keypoints(self.train, self._random_points(rng, self.size.keypoints), self.device)
        ids, flipped = (
            torch.from_numpy(rng.random((shape[0], clusters)).argsort(axis=1)[:, : shape[1]]) for _ in range(2)
        )
        return dataclasses.replace(bare, ids=ids.to(self.device), flipped_ids=flipped.to(self.device))

    def targets(self, landmarks: int) -> LandmarkTargets:
        """Draw a pseudo-ground-truth in which each landmark is its own mirror image."""
        rng = np.random.default_rng(SEED)
        return landmark_targets(
            self.train, self._random_points(rng, landmarks), np.arange(landmarks, dtype=np.int64), self.device
        )

    def facts(self) -> dict[str, Any]:
        """Say what was measured."""
        config = self.config(None)
        height, width = self.store.images.shape[1:3]
        return {
            "images": len(self.store),
            "images_drawn": not self.store.facts,
            "stored_width_px": width,
            "stored_height_px": height,
            "images_gib": round(self.store.images.nbytes / 2**30, 3),
            "batch_pairs": config.stage1.batch_pairs,
            "stage2_batch": config.stage2.batch_size,
            "network_batch": self.size.network_batch,
            "keypoints_an_image": self.size.keypoints,
            "detected_images": min(self.size.detected_images, len(self.train)),
            "clustered_detections_an_image": self.size.detections,
            "evaluated_train_images": self.size.evaluated[0],
            "evaluated_test_images": self.size.evaluated[1],
            "matrix_side": self.size.matrix_side,
            "copied_mib": self.size.copied_mib,
            "optimizer": config.stage1.optimizer.name,
            "num_landmarks": config.num_landmarks,
            "model": config.model.model_dump(mode="json"),
            "clustering": config.clustering.model_dump(mode="json"),
            "changes": dict(self.changes),
        }

    def _random_points(self, rng: np.random.Generator, count: int) -> NDArray[np.float64]:
        """Draw points (N, P, 2) inside the crops, in store pixels."""
        crops = self.store.crop_in_store()[self.train]
        low, high = crops[:, None, :2], crops[:, None, 2:]
        return rng.uniform(low, high, (len(self.train), count, 2))


def draw_store(folder: Path, size: Size) -> ImageStore:
    """Draw noise as images of a store, memory-mapped in a folder."""
    width, height = size.image_px
    path, rng = folder / "images.npy", np.random.default_rng(SEED)
    pixels = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=(size.images, height, width, 3))
    for start in range(0, size.images, WRITTEN_AT_ONCE):
        part = pixels[start : start + WRITTEN_AT_ONCE]
        part[:] = rng.integers(0, 256, part.shape, dtype=np.uint8)
    pixels.flush()
    return ImageStore(np.load(path, mmap_mode="r"), _samples(size.images, width, height), None, {})


def _samples(count: int, width: int, height: int) -> pd.DataFrame:
    names = [f"{index:06d}.png" for index in range(count)]
    table = pd.DataFrame({"image": names, "split": "train", "subject": "", "width": width, "height": height})
    inner = [round(MARGIN * width), round(MARGIN * height), round((1 - MARGIN) * width), round((1 - MARGIN) * height)]
    for kind in RECTANGLES:
        corners = [0, 0, width, height] if kind == "window" else inner
        table[[f"{kind}_{corner}" for corner in CORNERS]] = corners
    return table.assign(stored_width=width, stored_height=height)
