"""Time and peak host memory of a new pseudo-ground-truth, on as many random detections as a data set has.

No network runs: a stand-in gives each image as many peaks as asked for and random descriptors. Everything behind it is
the code that training runs.
"""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine import machine_facts, version_facts
from benchmarks.peaks import GIB, PeakWatch, host_peak_gib, start_peaks
from landmark_discovery.clustering.detections import Detections, detect, joined_detections
from landmark_discovery.clustering.pseudo_groundtruth import find_landmarks, training_clusters
from landmark_discovery.config.loading import load_config, merged, parse_assignments
from landmark_discovery.config.schema import Config
from landmark_discovery.files import write_json
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.text_tables import markdown_table
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import CELL_PX
from landmark_discovery.training.processes import SINGLE

CPU = torch.device("cpu")
SEED = 1993
# Peaks stand on a lattice, just far enough apart not to suppress one another.
SPACING, HALF_SIDE = 3, 1
Value = TypeVar("Value")


@dataclass(frozen=True)
class StepMemory:
    """Hold what one step took.

    Attributes:
        step: its name.
        seconds: it took.
        peak_gib: most resident memory of the process while it ran.
        after_gib: resident memory when it had ended.
        peak_line: line of the package that ran when memory was seen to be highest.
    """

    step: str
    seconds: float
    peak_gib: float
    after_gib: float
    peak_line: str


class RandomPeaks:
    """Stand in for the network: maps with peaks on a lattice and random descriptors.

    Args:
        points: peaks of each image.
        descriptor_dim: length of a descriptor.
    """

    def __init__(self, points: int, descriptor_dim: int) -> None:
        columns = math.ceil(math.sqrt(points))
        self.grid_size = SPACING * columns + SPACING - 1
        self.generator = torch.Generator().manual_seed(SEED)
        places = SPACING * (torch.arange(columns) + 1) - 1
        self.cells = torch.cartesian_prod(places, places)[:points]
        shape = (1, descriptor_dim, self.grid_size, self.grid_size)
        self.descriptors = torch.randn(shape, generator=self.generator)

    def __call__(self, views: Tensor) -> tuple[Tensor, Tensor]:
        """Give raw scores (B, 1, G, G) and descriptors (B, D, G, G), different in each image."""
        count, size = len(views), self.grid_size
        scores = torch.full((count, 1, size, size), -9.0)
        chance = torch.rand(count, len(self.cells), generator=self.generator)
        scores[:, 0, self.cells[:, 1], self.cells[:, 0]] = 4 * chance
        of_image = torch.randn(count, self.descriptors.shape[1], 1, 1, generator=self.generator)
        return scores, of_image * self.descriptors


def measure_host_memory(
    images: int, points: int, descriptor_dim: int, output: Path, assignments: Sequence[str]
) -> dict[str, Any]:
    """Make a new pseudo-ground-truth and write what each step of it took as host_memory_<images>.json.

    Args:
        images: training images.
        points: detections of each.
        descriptor_dim: length of a descriptor.
        output: folder of the file.
        assignments: keys of the configuration, on top of the paper's.
    """
    config = _config(points, descriptor_dim, assignments)
    steps = _measure_steps(images, points, config)
    content = {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": machine_facts(CPU),
        "versions": version_facts(),
        "images": images,
        "points": points,
        "descriptor_dim": descriptor_dim,
        "descriptors_gib": round(images * points * descriptor_dim * 2 * 2 / GIB, 3),
        "num_landmarks": config.num_landmarks,
        "clustering": config.clustering.model_dump(mode="json"),
        "peak_gib": max(step.peak_gib for step in steps),
        "steps": [asdict(step) for step in steps],
    }
    write_json(output / f"host_memory_{images}.json", content)
    print(_markdown(content))
    return content


def random_candidates(images: int, points: int, config: Config) -> Detections:
    """Detect the stand-in's peaks in images of one black pixel, and join them as training does."""
    peaks = RandomPeaks(points, config.model.descriptor_dim)
    pixels = torch.zeros(1, 1, 1, 3, dtype=torch.uint8).expand(images, 1, 1, 3)
    whole = torch.tensor([[0.0, 0.0, 1.0, 1.0]]).expand(images, 4)
    indices = np.arange(images)
    own = detect(
        # Whatever maps views to maps will do.
        cast(HourglassNetwork, peaks),
        StoredImages(pixels, whole, torch.ones(images, 2)),
        indices,
        config.stage1.detection,
        size_px=CELL_PX * peaks.grid_size,
        precision="float32",
    )
    return joined_detections(own, indices, SINGLE)


def _config(points: int, descriptor_dim: int, assignments: Sequence[str]) -> Config:
    detection = {"nms_half_side_cells": HALF_SIDE, "max_detections": points}
    tree = {"recipe": "paper", "model": {"descriptor_dim": descriptor_dim}, "stage1": {"detection": detection}}
    return load_config(merged(tree, parse_assignments(assignments)))


def _measure_steps(images: int, points: int, config: Config) -> list[StepMemory]:
    steps: list[StepMemory] = []
    candidates = _measured("detect", steps, lambda: random_candidates(images, points, config))
    _, named, _ = _measured(
        "find_landmarks",
        steps,
        lambda: find_landmarks(candidates, config.num_landmarks, config.stage1.detection, config.clustering),
    )
    _measured("training_clusters", steps, lambda: training_clusters(named, config.clustering))
    return steps


def _measured(name: str, steps: list[StepMemory], run: Callable[[], Value]) -> Value:
    start_peaks(CPU)
    start = time.perf_counter()
    with PeakWatch() as watch:
        value = run()
    seconds = time.perf_counter() - start
    steps.append(StepMemory(name, round(seconds, 2), round(host_peak_gib(), 3), round(watch.now_gib, 3), watch.line))
    print(f"{name}: {seconds:.1f} s, peak {host_peak_gib():.2f} GiB, near {watch.line}", file=sys.stderr, flush=True)
    return value


def _markdown(content: dict[str, Any]) -> str:
    head = (
        f"`{content['command']}`: {content['images']:,} images, {content['points']} detections each, "
        f"{content['descriptors_gib']:.2f} GiB of descriptors, peak {content['peak_gib']:.2f} GiB\n"
    )
    rows = [
        (s["step"], f"{s['seconds']:.1f}", f"{s['peak_gib']:.2f}", f"{s['after_gib']:.2f}", s["peak_line"])
        for s in content["steps"]
    ]
    return f"{head}\n{markdown_table(('step', 's', 'peak GiB', 'GiB after it', 'peak near'), rows)}"
