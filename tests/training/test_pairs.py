import itertools
import math

import pytest
import torch
from torch.autograd import gradcheck

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.heatmaps.targets import cell_indices
from landmark_discovery.training.pairs import (
    distances_to_map,
    inner_points,
    match_ids,
    negative_loss,
    positive_loss,
    read_cells,
)
from landmark_discovery.training.randomness import Randomness

NAN = math.nan
GRID = 8


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def settings(**changes):
    return DescriptorLossSettings(**({"negative_pairs": 3, "negative_distance": 3 / GRID} | changes))


def negatives(maps, points, chosen, seed=0):
    """Score maps (B, G * G, D) as `stage1_loss` does."""
    cells = cell_indices(points, GRID).clamp(max=GRID**2 - 1)
    _, squared = distances_to_map(maps, cells)
    return negative_loss(squared, points, chosen, GRID, Randomness(generator(seed)))


def plain_distances(maps, cells):
    """Restate `distances_to_map` with one subtraction a pair."""
    anchors = torch.stack([descriptors[chosen] for descriptors, chosen in zip(maps, cells, strict=True)])
    return anchors, (anchors[:, :, None] - maps[:, None]).square().sum(dim=3)


def test_keypoints_of_equal_id_are_matched_and_others_are_not():
    assert match_ids(torch.tensor([[5, 7, -1]]), torch.tensor([[7, 9, 5, -1]])).tolist() == [[2, 0, -1]]


def test_where_a_view_has_an_id_twice_the_first_keypoint_counts():
    assert match_ids(torch.tensor([[4]]), torch.tensor([[1, 4, 4]])).tolist() == [[1]]
    assert match_ids(torch.tensor([[4, 4]]), torch.tensor([[1, 4]])).tolist() == [[1, -1]]


def test_positive_loss_sums_squared_distances_over_matches():
    descriptors = torch.tensor([[[1.0, 2.0], [9.0, 9.0]]])
    other = torch.tensor([[[0.0, 0.0], [4.0, 6.0]]])
    loss = positive_loss(descriptors, other, torch.tensor([[1, -1]]))
    assert loss.total.item() == 3**2 + 4**2
    assert loss.count.item() == 1


def test_inner_keypoints_leave_out_the_outermost_cells():
    points = torch.tensor([[[0.0, 3.0], [1.0, 1.0], [6.0, 6.0], [7.0, 2.0], [NAN, NAN]]])
    assert inner_points(points, GRID).tolist() == [[False, True, True, False, False]]


def test_descriptors_and_distances_are_those_of_plain_subtraction():
    maps = torch.randn(2, 16, 5, generator=generator())
    cells = torch.tensor([[0, 7, 7], [3, 15, 0]])
    for found, expected in zip(distances_to_map(maps, cells), plain_distances(maps, cells), strict=True):
        torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_descriptor_is_at_no_negative_distance_from_itself():
    maps = 100 + torch.randn(1, 64, 32, generator=generator())
    _, squared = distances_to_map(maps, torch.arange(64)[None])
    assert squared.min() >= 0


def away_from_zero(maps, cells):
    """Both results of `distances_to_map`, but for the distance of a descriptor from itself, which has a kink there."""
    anchors, squared = distances_to_map(maps, cells)
    itself = torch.zeros_like(squared, dtype=torch.bool).scatter(2, cells[..., None], True)
    return anchors, squared.masked_fill(itself, 0.0)


def test_gradients_of_descriptors_and_distances_are_those_of_finite_differences():
    maps = torch.randn(2, 9, 3, dtype=torch.float64, generator=generator(), requires_grad=True)
    # A cell twice, so that gradients meet at it.
    cells = torch.tensor([[0, 4, 4], [8, 2, 5]])
    assert gradcheck(lambda values: away_from_zero(values, cells), (maps,))


def test_gradients_agree_with_plain_autograd_even_where_a_descriptor_meets_itself():
    cells = torch.tensor([[0, 4, 4], [8, 2, 5]])
    source = generator(2)
    weights = (torch.randn(2, 3, 4, generator=source), torch.randn(2, 3, 9, generator=source))
    gradients = []
    for distances in (distances_to_map, plain_distances):
        maps = torch.randn(2, 9, 4, generator=generator(3)).requires_grad_()
        sum((weight * part).sum() for weight, part in zip(weights, distances(maps, cells), strict=True)).backward()
        gradients.append(maps.grad)
    torch.testing.assert_close(*gradients, atol=1e-4, rtol=1e-4)


def test_rounded_maps_give_exact_distances_and_a_rounded_gradient():
    maps = torch.randn(1, 16, 8, generator=generator()).bfloat16().requires_grad_()
    cells = torch.tensor([[3, 9]])
    anchors, squared = distances_to_map(maps, cells)
    assert anchors.dtype == squared.dtype == torch.float32
    torch.testing.assert_close(squared, plain_distances(maps.detach().float(), cells)[1], atol=1e-5, rtol=1e-4)
    squared.sum().backward()
    assert maps.grad.dtype == torch.bfloat16
    exact = maps.detach().double().requires_grad_()
    plain_distances(exact, cells)[1].sum().backward()
    assert (maps.grad.double() - exact.grad).norm() < 1e-2 * exact.grad.norm()


def test_descriptors_are_read_at_their_cells():
    maps = torch.arange(8.0).view(1, 4, 2)
    assert read_cells(maps, torch.tensor([[3, 1]])).tolist() == [[[6.0, 7.0], [2.0, 3.0]]]


def test_pairs_of_keypoints_come_first_and_those_too_near_are_void():
    # Equal descriptors everywhere: each pair that counts costs the squared margin, up to the 1e-9 under the root.
    maps = torch.zeros(1, GRID * GRID, 4)
    points = torch.tensor([[[1.0, 1.0], [2.0, 1.0], [6.0, 6.0]]])
    loss = negatives(maps, points, settings(negative_pairs=3))
    assert loss.count.item() == 2, "three pairs fill the budget, and the one a cell apart is void"
    assert loss.total.item() == pytest.approx(2 * 0.8**2, rel=1e-3)


def test_random_pixels_fill_the_rest_of_the_budget():
    maps = torch.zeros(1, GRID * GRID, 4)
    points = torch.tensor([[[1.0, 1.0], [1.0, 6.0], [6.0, 6.0]]])
    loss = negatives(maps, points, settings(negative_pairs=50, negative_distance=0.0))
    assert loss.count.item() == 50


def test_more_keypoint_pairs_than_the_budget_are_capped():
    maps = torch.zeros(1, GRID * GRID, 4)
    points = torch.tensor([[[x, y] for x in (1.0, 3.0, 5.0) for y in (1.0, 3.0, 5.0)]])
    loss = negatives(maps, points, settings(negative_pairs=10, negative_distance=0.0))
    assert loss.count.item() == 10


def test_a_view_with_fewer_than_three_inner_keypoints_has_no_negatives():
    maps = torch.zeros(2, GRID * GRID, 4)
    two = [[1.0, 1.0], [6.0, 6.0], [0.0, 0.0]]
    three = [[1.0, 1.0], [6.0, 6.0], [1.0, 6.0]]
    loss = negatives(maps, torch.tensor([two, three]), settings(negative_pairs=3))
    assert loss.count.item() == 3


def test_descriptors_farther_apart_than_the_margin_cost_nothing():
    maps = torch.arange(GRID * GRID).float().view(1, -1, 1)
    points = torch.tensor([[[1.0, 1.0], [1.0, 6.0], [6.0, 6.0]]])
    loss = negatives(maps, points, settings())
    assert loss.total.item() == 0
    assert loss.count.item() == 3


def test_random_pairs_agree_with_a_plain_loop():
    chosen = settings(negative_pairs=40, negative_distance=3 / GRID)
    maps = torch.randn(1, GRID * GRID, 3, generator=generator(1)) * 0.3
    points = torch.tensor([[[0.0, 0.0], [1.0, 1.0], [2.0, 5.0], [6.0, 6.0], [NAN, NAN]]])
    loss = negatives(maps, points, chosen, seed=7)

    source = generator(7)
    inner = [(1, 1), (2, 5), (6, 6)]
    picks = (torch.rand(1, 40, generator=source) * len(inner)).long()[0].tolist()
    xs, ys = torch.randint(1, GRID, (1, 40, 2), generator=source)[0].T.tolist()
    pairs = list(itertools.combinations(inner, 2))
    pairs += [(inner[pick], (x, y)) for pick, x, y in zip(picks, xs, ys, strict=True)][: 40 - len(pairs)]
    total, count = 0.0, 0
    for (x1, y1), (x2, y2) in pairs:
        if math.hypot(x1 - x2, y1 - y2) < 3:
            continue
        difference = maps[0, y1 * GRID + x1] - maps[0, y2 * GRID + x2]
        distance = math.sqrt(difference.square().sum().item() + 1e-9)
        total += max(0.0, 0.8 - distance) ** 2
        count += 1
    assert loss.count.item() == count
    assert loss.total.item() == pytest.approx(total, rel=1e-4)
