"""Threads of a CPU that compute parts of a batch beside each other, each operation in one thread.

Where several threads share an operation, all wait for the slowest at its end, some thousand times a training step, and
sums are rounded by their number. Threads with parts of their own meet a few times a step. Each part is computed as it
would be on one core, so that its bytes don't depend on the machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from typing import TypeVar

import torch

from landmark_discovery.streaming import in_parallel

Item = TypeVar("Item")
Result = TypeVar("Result")


class Workers:
    """Hold threads that share batches; with a count of 1 the caller computes by itself.

    Gradient mode, inference mode and autocast belong to a thread: functions must enter them themselves.

    Args:
        count: threads.
    """

    def __init__(self, count: int = 1) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count) if count > 1 else None

    def __reduce__(self) -> tuple[type[Workers], tuple[int]]:
        """Travel to another process as a count: threads don't."""
        return Workers, (self.count,)

    def map(self, function: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Apply a function to a few items at once and give the results in their order."""
        if self._pool is None:
            return list(map(function, items))
        return list(self._pool.map(_alone_with_operations(function), items))

    def stream(self, function: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
        """Apply a function to many items, few at a time, and yield the results in their order."""
        if self.count == 1:
            yield from map(function, items)
            return
        # Whoever stops reading lets the items go that still wait.
        with closing(in_parallel(_alone_with_operations(function), items, self.count)) as results:
            yield from results

    def parts(self, length: int) -> Sequence[slice]:
        """Part so many rows into consecutive slices of about one length, one a thread but none of them empty."""
        count = min(self.count, length)
        bounds = [length * number // count for number in range(count + 1)] if count else []
        return [slice(*ends) for ends in pairwise(bounds)]


ALONE = Workers()


def workers_on(device: torch.device, cpu_threads: int) -> Workers:
    """Give the threads that compute on a device: a GPU is driven by one."""
    return Workers(cpu_threads) if device.type == "cpu" else ALONE


def _alone_with_operations(function: Callable[[Item], Result]) -> Callable[[Item], Result]:
    """Let a function compute each operation in the thread that calls it.

    A new thread learns PyTorch's number of threads by asking for it. A convolution, which doesn't ask, would otherwise
    start as many as the machine has cores.
    """

    def work(item: Item) -> Result:
        if torch.get_num_threads() != 1:
            torch.set_num_threads(1)
        return function(item)

    return work
