"""The images of each batch, chosen on the host so that they can be read ahead."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from landmark_discovery.training.randomness import WHOLE, Share


def epoch_batches(count: int, batch_size: int, generator: Generator) -> Iterator[Tensor]:
    """Visit rows 0..count - 1 in a new random order each epoch, in batches of one size that may span epochs.

    Args:
        count: rows (N).
        batch_size: rows a batch; may exceed N.
        generator: on the host.

    Yields:
        int64 (batch_size,), without end.
    """
    queue = torch.empty(0, dtype=torch.int64)
    while True:
        while len(queue) < batch_size:
            queue = torch.cat([queue, torch.randperm(count, generator=generator)])
        yield queue[:batch_size]
        queue = queue[batch_size:]


def row_batches(count: int, batch_size: int, generator: Generator, share: Share = WHOLE) -> Iterator[Tensor]:
    """Give this process's part of `epoch_batches`, int64 (batch_size,); the whole batch is `share.count` as large."""
    for rows in epoch_batches(count, batch_size * share.count, generator):
        yield _own(rows, share)


def pair_batches(
    count: int, pairs: int, partner_probability: float, generator: Generator, share: Share = WHOLE
) -> Iterator[Tensor]:
    """Choose pairs of views: an image with itself or, with a probability, with another image.

    Args:
        count: rows (N).
        pairs: pairs a batch and process (B).
        partner_probability: that view 2 shows another image.
        generator: on the host.
        share: part of the pairs that is this process's.

    Yields:
        Rows of view 1, then of view 2, int64 (2 B,), without end.
    """
    for first in epoch_batches(count, pairs * share.count, generator):
        other = torch.randint(count, first.shape, generator=generator)
        chance = torch.rand(first.shape, generator=generator)
        second = torch.where(chance < partner_probability, other, first)
        yield torch.cat([_own(first, share), _own(second, share)])


def _own(rows: Tensor, share: Share) -> Tensor:
    return rows.view(share.count, -1)[share.rank]
