"""A training step that a GPU replays as one graph, so that no time goes into launching its kernels one by one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

import torch
from torch import Generator

from landmark_discovery.training.feed import RawBatch

Result = TypeVar("Result")
EAGER_STEPS = 3


class CapturedStep(Generic[Result]):
    """Run the first steps one kernel at a time, then record one and replay it for all that follow.

    Every batch has the shapes of the first. The step reads nothing else that changes from one step to the next, but
    in place: weights, states of the optimiser, learning rates as tensors, the generator.

    Args:
        step: maps a batch to tensors, without waiting for the GPU.
        generator: that the step draws from, on the GPU.
    """

    def __init__(self, step: Callable[[RawBatch], Result], generator: Generator) -> None:
        self.step, self.generator = step, generator
        self._eager_steps_left = EAGER_STEPS
        self._aside: torch.cuda.Stream | None = None
        self._graph: torch.cuda.CUDAGraph | None = None
        self._batch: RawBatch | None = None
        self._result: Result | None = None

    def __call__(self, batch: RawBatch) -> Result:
        """Train on a batch; the tensors of the result are overwritten by the next step."""
        if self._eager_steps_left:
            self._eager_steps_left -= 1
            return self._run_aside(batch)
        if self._graph is None or self._batch is None or self._result is None:
            return self._record(batch)
        self._batch.rows.copy_(batch.rows, non_blocking=True)
        self._batch.pixels.copy_(batch.pixels, non_blocking=True)
        self._graph.replay()
        return self._result

    def _run_aside(self, batch: RawBatch) -> Result:
        """Run on another stream, as a recording must be preceded by (PyTorch, "CUDA graphs")."""
        # The same for all these steps: the allocator keeps the freed memory of each stream apart.
        stream = self._aside = self._aside or torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            result = self.step(batch)
        torch.cuda.current_stream().wait_stream(stream)
        return result

    def _record(self, batch: RawBatch) -> Result:
        self._batch = RawBatch(batch.rows.clone(), batch.pixels.clone())
        self._graph = torch.cuda.CUDAGraph()
        self._graph.register_generator_state(self.generator)
        # Threads that read the next images may pin memory meanwhile, which the other modes forbid.
        with torch.cuda.graph(self._graph, capture_error_mode="thread_local"):
            self._result = self.step(self._batch)
        self._graph.replay()
        return self._result
