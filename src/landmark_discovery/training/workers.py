"""Threads of a CPU that compute parts of a batch beside each other, each operation in one thread.

Where several threads share an operation, all wait for the slowest at its end, some thousand times a training step, and
sums are rounded by their number. Threads with parts of their own meet a few times a step. Each part is computed as it
would be on one core, so that its bytes don't depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import torch

from landmark_discovery.streaming import in_parallel

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Hold the threads that share a batch; one is the caller's own.

    Gradient mode, inference mode and autocast belong to a thread: functions must enter them themselves.

    Args:
        count: threads; as many parts has a batch.
    """

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Apply a function to a few items at once and give the results in their order."""
        return list(map(function, items) if self._pool is None else self._pool.map(function, items))

    def stream(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to many items, few at a time, and yield the results in their order."""
        return map(function, items) if self.count == 1 else in_parallel(function, items, self.count)

    def parts(self, length: int) -> Sequence[slice]:
        """Part so many rows into consecutive slices, one a thread, none of them empty."""
        size = -(-length // self.count)
        return [slice(start, start + size) for start in range(0, length, max(size, 1))]


ALONE = Workers()


def workers_on(device: torch.device, cpu_threads: int) -> Workers:
    """Give the threads that compute on a device: a GPU is driven by one."""
    return Workers(cpu_threads) if device.type == "cpu" else ALONE
