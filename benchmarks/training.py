"""Both training stages as users run them: the trainers' own loops, timed at each row of their logs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

import torch

from benchmarks.conditions import Conditions
from benchmarks.figures import Figure, cost, rate
from benchmarks.limits import utilisation
from benchmarks.operations import stage1_work
from benchmarks.peaks import start_peaks
from benchmarks.stage1_step import stage1_step
from benchmarks.timing import LEAST_REPEATS, MOST_REPEATS, repeated_seconds
from landmark_discovery.training.captured import EAGER_STEPS
from landmark_discovery.training.feed import feed
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import TrainingKeypoints
from landmark_discovery.training.optimizers import LOG_EVERY
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.stage1 import initial_network, train_stage1
from landmark_discovery.training.stage2 import train_stage2

OnLog = Callable[[dict[str, float]], None]
STAGE1 = "stage 1"
STREAMED = "stage 1, images streamed from the host"


def measure_stage1(conditions: Conditions) -> list[Figure]:
    """Measure stage 1 end to end, and what of it the device waits for data."""
    return _measure_stage1(conditions, STAGE1, streamed=False)


def measure_stage1_streamed(conditions: Conditions) -> list[Figure]:
    """Measure stage 1 with images that are read from memory-mapped files while it trains."""
    return _measure_stage1(conditions, STREAMED, streamed=True)


def measure_stage2(conditions: Conditions) -> list[Figure]:
    """Measure stage 2 end to end."""
    config, workload = conditions.config, conditions.workload
    images, targets = workload.images(config.fast), workload.targets(config.num_landmarks)
    network = initial_network(config, conditions.device)

    def train(on_log: OnLog) -> None:
        train_stage2(images, targets, network, config, on_log=on_log)

    start_peaks(conditions.device)
    seconds = logged_seconds(train, conditions.budget_s)
    return _rates("stage 2", config.stage2.batch_size, seconds, conditions)


def logged_seconds(train: Callable[[OnLog], object], budget_s: float) -> tuple[float, ...]:
    """Time the iterations between two rows of a training's log, which wait for the device.

    The first stretch doesn't count: kernels are compiled and the step is recorded in it.

    Args:
        train: trains until its log raises an exception.
        budget_s: no further stretch is begun that would end beyond it.
    """
    marks = [time.perf_counter()]

    def on_log(_: dict[str, float]) -> None:
        marks.append(time.perf_counter())
        count, fits = len(marks) - 2, 2 * marks[-1] - marks[-2] - marks[0] < budget_s
        if count >= LEAST_REPEATS and (count >= MOST_REPEATS or not fits):
            raise _EnoughError

    with suppress(_EnoughError):
        train(on_log)
    return tuple(later - earlier for earlier, later in pairwise(marks[1:]))


class _EnoughError(Exception):
    """End a training whose time is known."""


def _measure_stage1(conditions: Conditions, name: str, streamed: bool) -> list[Figure]:
    config, workload = conditions.config, conditions.workload
    images = workload.images(config.fast, streamed)
    keypoints = workload.keypoints(config.clustering.training_clusters)
    views = 2 * config.stage1.batch_pairs

    def train(on_log: OnLog) -> None:
        train_stage1(images, workload.train, keypoints, config, on_log=on_log)

    start_peaks(conditions.device)
    seconds = logged_seconds(train, conditions.budget_s / 2)
    return [
        *_rates(name, views, seconds, conditions),
        *_waiting(name, seconds, _fixed_batch_seconds(conditions, images, keypoints), conditions),
        *utilisation(name, stage1_work(config.model), views * LOG_EVERY, seconds, conditions),
    ]


def _rates(name: str, images: int, seconds: tuple[float, ...], conditions: Conditions) -> list[Figure]:
    """Give what a training of so many images an iteration reached, and its peaks."""
    return [
        rate(f"{name}: iterations", "iterations/s", LOG_EVERY, seconds, conditions.variant),
        rate(f"{name}: images", "images/s", LOG_EVERY * images, seconds, conditions.variant),
        *conditions.peaks(name),
    ]


def _waiting(name: str, seconds: tuple[float, ...], alone: tuple[float, ...], conditions: Conditions) -> list[Figure]:
    """Give the share of time in which the device waits, below 0 where that is less than the spread."""
    step_s = statistics.median(alone)
    return [
        rate(f"{name}: step on one batch that is there", "iterations/s", LOG_EVERY, alone, conditions.variant),
        cost(f"{name}: device waits for data", "share", [1 - step_s / time for time in seconds], conditions.variant),
    ]


def _fixed_batch_seconds(
    conditions: Conditions, images: StoredImages, keypoints: TrainingKeypoints
) -> tuple[float, ...]:
    """Time as many steps as stand between two rows of the log, on one batch that lies on the device."""
    config, device = conditions.config, conditions.device
    rows = torch.arange(2 * config.stage1.batch_pairs) % len(keypoints.image)
    batch = next(feed(images, keypoints.image.cpu(), [rows]))
    step = stage1_step(config, images, keypoints)
    with arithmetic(config.precision, device):
        for _ in range(EAGER_STEPS + 1):
            step(batch)
        return repeated_seconds(lambda: [step(batch) for _ in range(LOG_EVERY)], device, conditions.budget_s / 2)
