import pytest
import torch

from landmark_discovery.training.randomness import WHOLE, Randomness, Share, generator_on

CPU = torch.device("cpu")


def randomness(seed=0, share=WHOLE, sections=1):
    return Randomness(generator_on(CPU, seed), share, sections)


def draws(source, count):
    """Draw one of each kind, twice."""
    return [
        draw
        for _ in range(2)
        for draw in (
            source.uniform(count),
            source.uniform(count, 3, low=-2.0, high=5.0),
            source.integers(2, 9, count, 4),
            source.chance(0.4, count),
        )
    ]


def put_together(parts, sections):
    """Join the draws of processes: each has its part of each section."""
    halves = [part.chunk(sections) for part in parts]
    return torch.cat([half[section] for section in range(sections) for half in halves])


@pytest.mark.parametrize("sections", [1, 2])
@pytest.mark.parametrize("processes", [2, 4])
def test_what_processes_draw_put_together_is_what_one_draws(processes, sections):
    shares = [draws(randomness(7, Share(processes, rank), sections), 8 // processes) for rank in range(processes)]
    for whole, *parts in zip(draws(randomness(7), 8), *shares, strict=True):
        assert torch.equal(put_together(parts, sections), whole)


def test_the_sections_of_a_process_are_its_views_of_the_same_pairs():
    # Of four pairs, views 1 first, the second of two processes has pairs 2 and 3.
    whole = randomness(1).uniform(8)
    part = randomness(1, Share(2, 1), sections=2).uniform(4)
    assert torch.equal(part, whole[[2, 3, 6, 7]])


def test_numbers_lie_in_their_ranges_and_fill_them():
    source = randomness()
    numbers = source.uniform(10_000, low=-2.0, high=5.0)
    assert -2 <= numbers.min() < -1.99
    assert 4.99 < numbers.max() <= 5
    assert source.integers(2, 5, 1000).unique().tolist() == [2, 3, 4]
    assert source.integers(0, 2**31, 3).dtype == torch.int64


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_a_chance_is_true_as_often_as_asked(probability):
    assert randomness().chance(probability, 20_000).float().mean().item() == pytest.approx(
        probability, abs=0.01 if 0 < probability < 1 else 0
    )


def test_a_seeded_generator_repeats_itself():
    first, second = (torch.rand(3, generator=generator_on(CPU, 5)) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, torch.rand(3, generator=generator_on(CPU, 6)))


def test_streams_of_one_seed_and_neighbouring_seeds_are_independent():
    streams = [(seed, stream) for seed in (0, 1, 2) for stream in (0, 1)]
    drawn = torch.stack([torch.rand(20_000, generator=generator_on(CPU, *named)) for named in streams])
    torch.testing.assert_close(torch.corrcoef(drawn), torch.eye(len(streams)), atol=0.03, rtol=0)
