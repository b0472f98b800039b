from itertools import islice

import pytest
import torch

from landmark_discovery.training.randomness import WHOLE, Share
from landmark_discovery.training.sampler import epoch_batches, pair_batches, row_batches


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def take(batches, count):
    return [batch.tolist() for batch in islice(batches, count)]


def epochs(count, batch_size, seed=0):
    return epoch_batches(count, batch_size, generator(seed))


def test_an_epoch_visits_every_row_once():
    first, second = take(epochs(10, 5), 2)
    assert sorted(first + second) == list(range(10))


def test_a_batch_may_span_two_epochs_and_loses_no_row():
    visited = [row for batch in take(epochs(10, 4), 5) for row in batch]
    assert sorted(visited[:10]) == sorted(visited[10:]) == list(range(10))


def test_a_batch_larger_than_the_epoch_repeats_rows_evenly():
    (batch,) = take(epochs(3, 7), 1)
    assert sorted(batch[:3]) == sorted(batch[3:6]) == [0, 1, 2]
    assert len(batch) == 7


def test_each_epoch_has_an_order_of_its_own():
    first, second = take(epochs(30, 30), 2)
    assert first != second


def test_the_seed_decides_the_order():
    assert take(epochs(30, 7, seed=1), 9) == take(epochs(30, 7, seed=1), 9)
    assert take(epochs(30, 7, seed=1), 9) != take(epochs(30, 7, seed=2), 9)


def test_a_process_alone_takes_the_whole_batch():
    assert take(row_batches(10, 4, generator()), 5) == take(epochs(10, 4), 5)


@pytest.mark.parametrize("count", [2, 4])
def test_the_rows_of_all_processes_together_are_the_batch_of_one(count):
    whole = take(row_batches(30, 8, generator()), 6)
    parts = [take(row_batches(30, 8 // count, generator(), Share(count, rank)), 6) for rank in range(count)]
    assert [[row for part in step for row in part] for step in zip(*parts, strict=True)] == whole


@pytest.mark.parametrize("count", [2, 4])
def test_the_pairs_of_all_processes_together_are_the_pairs_of_one(count):
    def pairs(size, share=WHOLE):
        batches = take(pair_batches(30, size, 0.5, generator(), share), 6)
        return [list(zip(batch[:size], batch[size:], strict=True)) for batch in batches]

    parts = [pairs(8 // count, Share(count, rank)) for rank in range(count)]
    assert [[pair for part in step for pair in part] for step in zip(*parts, strict=True)] == pairs(8)


def test_view_2_is_another_image_as_often_as_asked():
    shares = []
    for probability in (0.0, 0.5, 1.0):
        (batch,) = islice(pair_batches(1000, 4000, probability, generator()), 1)
        first, second = batch.chunk(2)
        shares.append((first != second).float().mean().item())
    # A partner is the image itself once in a thousand.
    assert shares[0] == 0
    assert shares[1] == pytest.approx(0.5 * 0.999, abs=0.03)
    assert shares[2] == pytest.approx(0.999, abs=0.003)
