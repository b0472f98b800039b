"""The order in which images are visited."""

from __future__ import annotations

import torch
from torch import Generator, Tensor


class EpochSampler:
    """Visit all items in a new random order each epoch, in batches of one size that may span two epochs.

    Args:
        items: what to visit, int64 (N,).
        batch_size: items a batch; may exceed N.
        generator: on the device of the items.
    """

    def __init__(self, items: Tensor, batch_size: int, generator: Generator) -> None:
        self.items, self.batch_size, self.generator = items, batch_size, generator
        self._queue = items[:0]

    def next_batch(self) -> Tensor:
        """Give the next (batch_size,) items."""
        while len(self._queue) < self.batch_size:
            order = torch.randperm(len(self.items), generator=self.generator, device=self.items.device)
            self._queue = torch.cat([self._queue, self.items[order]])
        batch, self._queue = self._queue[: self.batch_size], self._queue[self.batch_size :]
        return batch
