import math

import pytest
import torch

from landmark_discovery.training.noise import position_noise

MASK = 2**32 - 1


def scrambled(bits):
    """Restate the hash in unsigned integers of any length."""
    bits ^= bits >> 16
    bits = bits * 0x7FEB352D & MASK
    bits ^= bits >> 15
    bits = bits * 0x846CA68B & MASK
    return bits ^ bits >> 16


def plain_noise(seed, position):
    bits = scrambled((position + scrambled(seed)) & MASK)
    low, high = ((bits & 0xFFFF) + 0.5) / 65536, (bits >> 16) / 65536
    return math.sqrt(-2 * math.log(low)) * math.cos(2 * math.pi * high)


def noise(*seeds, positions):
    return position_noise(torch.tensor(seeds), positions)


def test_a_first_number_by_hand():
    # Seed 0 and position 0 hash to 0: the smallest uniform number, 0.5 / 65536, and an angle of 0.
    assert noise(0, positions=1).item() == pytest.approx(math.sqrt(2 * math.log(131072)))
    # Position 1 is 0x7FEB352D, folded 0x7FEBCAFB, times 0x846CA68B and folded again 0x688990C0.
    low, high = (0x90C0 + 0.5) / 65536, 0x6889 / 65536
    expected = math.sqrt(-2 * math.log(low)) * math.cos(2 * math.pi * high)
    assert noise(0, positions=2)[0, 1].item() == pytest.approx(expected, abs=2e-6)


@pytest.mark.parametrize("seed", [0, 1, 77, 2**16, 2**31 - 1])
def test_noise_is_that_of_plain_integers(seed):
    found = noise(seed, positions=300)[0].tolist()
    assert found == pytest.approx([plain_noise(seed, position) for position in range(300)], abs=2e-6)


def test_numbers_are_standard_normal():
    drawn = noise(*range(20), positions=10_000).double()
    # 200,000 numbers: three deviations of each moment's estimate.
    assert drawn.mean().item() == pytest.approx(0, abs=0.007)
    assert drawn.var().item() == pytest.approx(1, abs=0.01)
    assert (drawn**3).mean().item() == pytest.approx(0, abs=0.03)
    assert (drawn**4).mean().item() == pytest.approx(3, abs=0.07)
    assert 4 < drawn.abs().max() < 4.9


def test_shares_within_one_two_and_three_deviations_are_those_of_the_normal_distribution():
    drawn = noise(*range(20), positions=10_000).abs()
    shares = [(drawn < limit).float().mean().item() for limit in (1, 2, 3)]
    assert shares == pytest.approx([math.erf(limit / math.sqrt(2)) for limit in (1, 2, 3)], abs=0.004)


def test_neighbouring_seeds_are_independent():
    correlation = torch.corrcoef(noise(*range(8), positions=20_000))
    torch.testing.assert_close(correlation, torch.eye(8), atol=0.03, rtol=0)


@pytest.mark.parametrize("step", [1, 2, 3, 3 * 178])
def test_neighbouring_positions_are_independent(step):
    """Channels, pixels and lines of a stored image."""
    (drawn,) = noise(5, positions=40_000)
    assert torch.corrcoef(torch.stack([drawn[:-step], drawn[step:]]))[0, 1].item() == pytest.approx(0, abs=0.02)


def test_the_noise_of_one_seed_is_not_that_of_another_moved_along():
    first, second = noise(10, 11, positions=2_000)
    shared = set(first.tolist()) & set(second.tolist())
    # 2,000 x 2,000 pairs of 2^32 values.
    assert len(shared) < 5


def test_the_same_seed_gives_the_same_noise_in_any_batch_and_of_any_length():
    alone, among = noise(9, positions=50), noise(4, 9, 6, positions=80)
    assert torch.equal(alone[0], among[1, :50])
    assert torch.equal(noise(9, positions=50), alone)
