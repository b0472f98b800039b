import itertools
import math

import pytest
import torch

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.training.pairs import (
    descriptors_at,
    inner_points,
    match_ids,
    negative_loss,
    positive_loss,
    squared_distances_to_map,
)

NAN = math.nan
GRID = 8


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def settings(**changes):
    return DescriptorLossSettings(**({"negative_pairs": 3, "negative_distance": 3 / GRID} | changes))


def test_keypoints_of_equal_id_are_matched_and_others_are_not():
    assert match_ids(torch.tensor([[5, 7, -1]]), torch.tensor([[7, 9, 5, -1]])).tolist() == [[2, 0, -1]]


def test_where_a_view_has_an_id_twice_the_first_keypoint_counts():
    assert match_ids(torch.tensor([[4]]), torch.tensor([[1, 4, 4]])).tolist() == [[1]]
    assert match_ids(torch.tensor([[4, 4]]), torch.tensor([[1, 4]])).tolist() == [[1, -1]]


def test_positive_loss_sums_squared_distances_over_matches():
    maps = torch.zeros(1, 2, 4)
    maps[0, :, 1] = torch.tensor([1.0, 2.0])
    other = torch.zeros(1, 2, 4)
    other[0, :, 3] = torch.tensor([4.0, 6.0])
    loss = positive_loss(maps, other, torch.tensor([[1, 0]]), torch.tensor([[2, 3]]), torch.tensor([[1, -1]]))
    assert loss.total.item() == 3**2 + 4**2
    assert loss.count.item() == 1


def test_inner_keypoints_leave_out_the_outermost_cells():
    points = torch.tensor([[[0.0, 3.0], [1.0, 1.0], [6.0, 6.0], [7.0, 2.0], [NAN, NAN]]])
    assert inner_points(points, GRID).tolist() == [[False, True, True, False, False]]


def test_distances_come_from_one_matrix_product():
    maps = torch.rand(2, 5, 16)
    cells = torch.tensor([[0, 7], [3, 15]])
    distances = squared_distances_to_map(maps, cells)
    for batch, (row, cell) in itertools.product(range(2), enumerate([0, 1])):
        anchor = maps[batch, :, cells[batch, cell]]
        expected = (maps[batch] - anchor[:, None]).square().sum(dim=0)
        torch.testing.assert_close(distances[batch, row], expected, atol=1e-5, rtol=1e-4)


def test_descriptors_are_read_at_their_cells():
    maps = torch.arange(8.0).view(1, 2, 4)
    assert descriptors_at(maps, torch.tensor([[3, 1]])).tolist() == [[[3.0, 1.0], [7.0, 5.0]]]


def test_pairs_of_keypoints_come_first_and_those_too_near_are_void():
    # Equal descriptors everywhere: each pair that counts costs the squared margin, up to the 1e-9 under the root.
    maps = torch.zeros(1, 4, GRID * GRID)
    points = torch.tensor([[[1.0, 1.0], [2.0, 1.0], [6.0, 6.0]]])
    loss = negative_loss(maps, points, settings(negative_pairs=3), GRID, generator())
    assert loss.count.item() == 2, "three pairs fill the budget, and the one a cell apart is void"
    assert loss.total.item() == pytest.approx(2 * 0.8**2, rel=1e-3)


def test_random_pixels_fill_the_rest_of_the_budget():
    maps = torch.zeros(1, 4, GRID * GRID)
    points = torch.tensor([[[1.0, 1.0], [1.0, 6.0], [6.0, 6.0]]])
    loss = negative_loss(maps, points, settings(negative_pairs=50, negative_distance=0.0), GRID, generator())
    assert loss.count.item() == 50


def test_more_keypoint_pairs_than_the_budget_are_capped():
    maps = torch.zeros(1, 4, GRID * GRID)
    points = torch.tensor([[[x, y] for x in (1.0, 3.0, 5.0) for y in (1.0, 3.0, 5.0)]])
    loss = negative_loss(maps, points, settings(negative_pairs=10, negative_distance=0.0), GRID, generator())
    assert loss.count.item() == 10


def test_a_view_with_fewer_than_three_inner_keypoints_has_no_negatives():
    maps = torch.zeros(2, 4, GRID * GRID)
    two = [[1.0, 1.0], [6.0, 6.0], [0.0, 0.0]]
    three = [[1.0, 1.0], [6.0, 6.0], [1.0, 6.0]]
    loss = negative_loss(maps, torch.tensor([two, three]), settings(negative_pairs=3), GRID, generator())
    assert loss.count.item() == 3


def test_descriptors_farther_apart_than_the_margin_cost_nothing():
    maps = torch.arange(GRID * GRID).float().view(1, 1, -1)
    points = torch.tensor([[[1.0, 1.0], [1.0, 6.0], [6.0, 6.0]]])
    loss = negative_loss(maps, points, settings(), GRID, generator())
    assert loss.total.item() == 0
    assert loss.count.item() == 3


def test_random_pairs_agree_with_a_plain_loop():
    chosen = settings(negative_pairs=40, negative_distance=3 / GRID)
    maps = torch.randn(1, 3, GRID * GRID, generator=generator(1)) * 0.3
    points = torch.tensor([[[0.0, 0.0], [1.0, 1.0], [2.0, 5.0], [6.0, 6.0], [NAN, NAN]]])
    loss = negative_loss(maps, points, chosen, GRID, generator(7))

    source = generator(7)
    inner = [(1, 1), (2, 5), (6, 6)]
    picks = (torch.rand(1, 40, generator=source) * len(inner)).long()[0].tolist()
    xs, ys = torch.randint(1, GRID, (2, 1, 40), generator=source)[:, 0].tolist()
    pairs = list(itertools.combinations(inner, 2))
    pairs += [(inner[pick], (x, y)) for pick, x, y in zip(picks, xs, ys, strict=True)][: 40 - len(pairs)]
    total, count = 0.0, 0
    for (x1, y1), (x2, y2) in pairs:
        if math.hypot(x1 - x2, y1 - y2) < 3:
            continue
        difference = maps[0, :, y1 * GRID + x1] - maps[0, :, y2 * GRID + x2]
        distance = math.sqrt(difference.square().sum().item() + 1e-9)
        total += max(0.0, 0.8 - distance) ** 2
        count += 1
    assert loss.count.item() == count
    assert loss.total.item() == pytest.approx(total, rel=1e-4)
