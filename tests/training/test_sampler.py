import torch

from landmark_discovery.training.sampler import EpochSampler


def sampler_of(items, batch_size, seed=0):
    return EpochSampler(torch.tensor(items), batch_size, torch.Generator().manual_seed(seed))


def take(sampler, batches):
    return [sampler.next_batch().tolist() for _ in range(batches)]


def test_an_epoch_visits_every_item_once():
    first, second = take(sampler_of(range(10), 5), 2)
    assert sorted(first + second) == list(range(10))


def test_a_batch_may_span_two_epochs_and_loses_no_item():
    visited = [item for batch in take(sampler_of(range(10), 4), 5) for item in batch]
    assert sorted(visited[:10]) == sorted(visited[10:]) == list(range(10))


def test_a_batch_larger_than_the_epoch_repeats_items_evenly():
    (batch,) = take(sampler_of([4, 5, 6], 7), 1)
    assert sorted(batch[:3]) == sorted(batch[3:6]) == [4, 5, 6]
    assert len(batch) == 7


def test_items_are_given_not_their_positions():
    (batch,) = take(sampler_of([30, 10, 20], 3), 1)
    assert sorted(batch) == [10, 20, 30]


def test_each_epoch_has_an_order_of_its_own():
    first, second = take(sampler_of(range(30), 30), 2)
    assert first != second


def test_the_seed_decides_the_order():
    assert take(sampler_of(range(30), 7, seed=1), 9) == take(sampler_of(range(30), 7, seed=1), 9)
    assert take(sampler_of(range(30), 7, seed=1), 9) != take(sampler_of(range(30), 7, seed=2), 9)
