"""Random numbers for a batch of views, the same however many processes share the batch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor


@dataclass(frozen=True)
class Share:
    """Say which part of a batch is this process's: part `rank` of `count` equal ones."""

    count: int = 1
    rank: int = 0


WHOLE = Share()


class Randomness:
    """Draw one row of random numbers a view.

    Processes that share a batch draw the rows of all of it, from the same seed, and keep their own. So the numbers
    don't depend on the number of processes.

    Args:
        generator: source of randomness; its device is that of the numbers.
        share: of this process in the batch.
        sections: equal sections of the batch, each shared out for itself: 2 for pairs, view 1 first.
    """

    def __init__(self, generator: Generator, share: Share = WHOLE, sections: int = 1) -> None:
        self.generator, self.share, self.sections = generator, share, sections

    @property
    def device(self) -> torch.device:
        """Name the device of the numbers."""
        return self.generator.device

    def uniform(self, count: int, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
        """Draw float32 numbers in [low, high), (count, *shape)."""
        drawn = torch.rand(self._joined(count), *shape, generator=self.generator, device=self.device)
        return self._own(drawn) * (high - low) + low

    def integers(self, low: int, high: int, count: int, *shape: int) -> Tensor:
        """Draw int64 numbers in low..high - 1, (count, *shape)."""
        whole = (self._joined(count), *shape)
        return self._own(torch.randint(low, high, whole, generator=self.generator, device=self.device))

    def chance(self, probability: float, count: int) -> Tensor:
        """Draw True with a probability, (count,)."""
        return self.uniform(count) < probability

    def _joined(self, count: int) -> int:
        return count * self.share.count

    def _own(self, drawn: Tensor) -> Tensor:
        if self.share.count == 1:
            return drawn
        parts = drawn.view(self.sections, self.share.count, -1, *drawn.shape[1:])
        return parts[:, self.share.rank].flatten(0, 1)


def generator_on(device: torch.device, seed: int, stream: int = 0) -> Generator:
    """Make a seeded generator on a device; streams of one seed are independent."""
    (state,) = np.random.SeedSequence((seed, stream)).generate_state(1, np.uint64)
    return Generator(device=device).manual_seed(int(state >> 1))
