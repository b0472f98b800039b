"""Work on items that come one after another, with few of them in memory at a time."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_parallel(work: Callable[[Item], Result], items: Iterable[Item], workers: int) -> Generator[Result, None, None]:
    """Yield the results of threads in the order of the items, of which no more than twice the workers wait."""
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[Future[Result]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > 2 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def one_ahead(items: Iterator[Item]) -> Iterator[Item]:
    """Yield the items, and let a thread fetch the next one while the caller works on this one."""
    with ThreadPoolExecutor(1) as pool:
        fetched = pool.submit(_next_if_any, items)
        while found := fetched.result():
            fetched = pool.submit(_next_if_any, items)
            yield found[0]


def batched(items: Iterable[Item], fit: Callable[[Sequence[Item]], bool]) -> Iterator[list[Item]]:
    """Take consecutive items together for as long as they fit; one that doesn't fit even alone comes alone."""
    batch: list[Item] = []
    for item in items:
        if batch and not fit([*batch, item]):
            yield batch
            batch = []
        batch.append(item)
    if batch:
        yield batch


def cpu_count() -> int:
    """Count the CPUs that this process may use, where the system tells."""
    # A container often has fewer than the machine.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _next_if_any(items: Iterator[Item]) -> tuple[Item] | None:
    # StopIteration can't be the exception of a future.
    return next(((item,) for item in items), None)
