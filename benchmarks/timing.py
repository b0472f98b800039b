"""Times of repeated work, with the device waited for."""

from __future__ import annotations

import time
from collections.abc import Callable

import torch

LEAST_REPEATS = 3
MOST_REPEATS = 9


def synchronize(device: torch.device) -> None:
    """Wait until a GPU has done all that it was given; a CPU always has."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def seconds_of(work: Callable[[], object], device: torch.device) -> float:
    """Time work from an idle device to an idle device."""
    synchronize(device)
    start = time.perf_counter()
    work()
    synchronize(device)
    return time.perf_counter() - start


def repeated_seconds(
    work: Callable[[], object], device: torch.device, budget_s: float, warmups: int = 1
) -> tuple[float, ...]:
    """Time work several times, as often as the budget allows, at least three times.

    Args:
        work: what is timed.
        device: that it runs on.
        budget_s: no repeat is begun that would end beyond it.
        warmups: runs before the first that counts, which compile, choose algorithms and fill caches.
    """
    start = time.perf_counter()
    for _ in range(warmups):
        seconds_of(work, device)
    times: list[float] = []
    while len(times) < LEAST_REPEATS or _another_fits(times, start, budget_s):
        times.append(seconds_of(work, device))
    return tuple(times)


def _another_fits(times: list[float], start: float, budget_s: float) -> bool:
    return len(times) < MOST_REPEATS and time.perf_counter() - start + times[-1] < budget_s
