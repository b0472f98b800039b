import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from landmark_discovery.heatmaps.peaks import highest_points
from landmark_discovery.heatmaps.shape_prior import SILENCE, UNEXPECTED, SeenView, ShapePrior, read_views

GRID = 8


def prior(means, weights=None, deviations=None):
    """K landmarks, the deviations of each from its mean predicted by those of the others."""
    count = len(means)
    matrix = torch.zeros(2 * count, 2 * count) if weights is None else torch.tensor(weights, dtype=torch.float32)
    return ShapePrior(torch.tensor(means, dtype=torch.float32), matrix, torch.tensor(deviations or [1.0] * count))


def side_by_side(deviations=(1.0, 1.0)):
    """Two landmarks that move together, the second four cells right of the first."""
    weights = np.zeros((4, 4))
    weights[0, 2] = weights[1, 3] = weights[2, 0] = weights[3, 1] = 1
    return prior([[1.0, 3.0], [5.0, 3.0]], weights, list(deviations))


def maps(*cells, channels=2):
    """One image's heatmaps with cells (channel, x, y, height)."""
    heatmaps = torch.zeros(1, channels, GRID, GRID)
    for channel, x, y, height in cells:
        heatmaps[0, channel, y, x] = height
    return heatmaps


def seen(heatmaps):
    return SeenView(heatmaps, lambda points: points)


def places(heatmaps, shape):
    points, scores = read_views([seen(heatmaps)], subpixel=False, prior=shape)
    return points[0].tolist(), scores[0].tolist()


def test_each_landmark_is_expected_where_the_others_have_moved():
    """The first has moved by (1, 2), the second by (0, -1)."""
    expected = side_by_side().expected(torch.tensor([[[2.0, 5.0], [5.0, 2.0]]]))
    assert expected.tolist() == [[[1.0, 2.0], [6.0, 5.0]]]


def test_a_place_one_deviation_away_is_less_likely_by_half_a_log_unit_and_a_far_one_by_a_limit():
    shape = prior([[2.0, 2.0]], deviations=[2.0])
    distant = torch.tensor([[[2.0, 2.0], [4.0, 2.0], [2.0, 6.0], [2.0, 90.0], [99.0, 2.0]]])
    likely = shape.log_likelihood(distant, torch.tensor([[[2.0, 2.0]]]))
    assert likely.tolist() == [[[0.0, -0.5, -2.0, UNEXPECTED, UNEXPECTED]]]


def test_a_landmark_of_infinite_deviation_is_expected_nowhere():
    shape = prior([[0.0, 0.0]], deviations=[math.inf])
    assert shape.log_likelihood(torch.tensor([[[7.0, 7.0]]]), torch.zeros(1, 1, 2)).item() == 0
    assert places(maps((0, 7, 7, 0.3), channels=1), shape) == ([[7.0, 7.0]], pytest.approx([0.3]))


def test_the_lower_of_two_peaks_is_taken_where_the_other_landmark_asks_for_it():
    """Landmark 1 belongs four cells right of landmark 0; its higher peak lies on the far left."""
    heatmaps = maps((0, 1, 3, 0.9), (1, 0, 6, 0.5), (1, 5, 3, 0.4))
    assert places(heatmaps, None) == ([[1.0, 3.0], [0.0, 6.0]], pytest.approx([0.9, 0.5]))
    assert places(heatmaps, side_by_side()) == ([[1.0, 3.0], [5.0, 3.0]], pytest.approx([0.9, 0.4]))


def test_a_high_peak_beside_the_expectation_stays():
    heatmaps = maps((0, 1, 3, 0.9), (1, 6, 3, 0.5))
    assert places(heatmaps, side_by_side())[0] == [[1.0, 3.0], [6.0, 3.0]]


def test_a_silent_heatmap_leaves_the_landmark_where_it_is_expected():
    heatmaps = maps((0, 2, 5, 0.9))
    assert places(heatmaps, side_by_side()) == ([[2.0, 5.0], [6.0, 5.0]], pytest.approx([0.9, 0.0]))


def test_the_place_taken_is_the_likeliest_of_all_cells_worked_out_one_by_one():
    """Landmark 0 is sure, so that landmark 1 is expected at (5, 3): an independent restatement of one landmark."""
    generator = np.random.default_rng(0)
    heatmaps = maps((0, 1, 3, 1.0))
    heatmaps[0, 1] = torch.from_numpy(generator.uniform(0, 0.3, (GRID, GRID)))
    shape = side_by_side(deviations=(0.01, 1.5))
    cells = [(x, y) for y in range(GRID) for x in range(GRID)]
    value = {
        (x, y): math.log(heatmaps[0, 1, y, x].item() + SILENCE)
        + max(UNEXPECTED, -((x - 5) ** 2 + (y - 3) ** 2) / (2 * 1.5**2))
        for x, y in cells
    }
    # Landmark 0's own heatmap alone has a peak, which no expectation outweighs.
    first = prior([[1.0, 3.0], [5.0, 3.0]], shape.weights.numpy() * np.array([[0, 0, 1, 1]]), [math.inf, 1.5])
    found, _ = places(heatmaps, first)
    assert found[1] == list(max(cells, key=value.__getitem__))


def test_a_landmark_is_refined_between_cells_of_heatmap_and_expectation_together():
    """Two cells of equal height, expected in the middle of them: the place is between."""
    heatmaps = maps((0, 3, 4, 0.5), (0, 4, 4, 0.5), channels=1)
    points, _ = read_views([seen(heatmaps)], subpixel=True, prior=prior([[3.5, 4.0]], deviations=[1.0]))
    # The cells above and below are silent, not impossible.
    assert points[0, 0].tolist() == pytest.approx([3.5, 4.0], abs=0.05)


def test_views_vote_in_the_grid_of_the_unchanged_crop():
    """The second view is shifted by two cells: of its two peaks the right one lies where the landmark is expected."""
    shape = prior([[3.0, 4.0]], deviations=[0.5])
    plain = seen(maps((0, 3, 4, 0.4), (0, 7, 7, 0.9), channels=1))
    peaks = maps((0, 3, 4, 0.6), (0, 5, 4, 0.6), channels=1)
    shifted = SeenView(peaks, lambda points: points - torch.tensor([2.0, 0.0]))
    points, scores = read_views([plain, shifted], subpixel=False, prior=shape)
    assert points.tolist() == [[[3.0, 4.0]]]
    assert scores.tolist() == [[pytest.approx(0.5)]]


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_without_expectations_the_highest_places_are_found(seed):
    generator = torch.Generator().manual_seed(seed)
    heatmaps = torch.rand(2, 3, GRID, GRID, generator=generator)
    shape = prior([[0.0, 0.0]] * 3, deviations=[math.inf] * 3)
    points, scores = read_views([seen(heatmaps)], subpixel=False, prior=shape)
    wanted, heights = highest_points(heatmaps, subpixel=False)
    assert torch.equal(points, wanted)
    assert torch.equal(scores, heights)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_an_image_is_read_alike_in_any_company(seed):
    generator = torch.Generator().manual_seed(seed)
    heatmaps = torch.rand(5, 2, GRID, GRID, generator=generator)
    together, _ = read_views([seen(heatmaps)], subpixel=True, prior=side_by_side())
    alone = [read_views([seen(one)], subpixel=True, prior=side_by_side())[0] for one in heatmaps.split(1)]
    assert torch.equal(together, torch.cat(alone))


def test_heatmaps_below_zero_count_as_silent_and_are_not_changed():
    heatmaps = maps((0, 1, 3, 0.9)) - 0.2
    before = heatmaps.clone()
    assert places(heatmaps, side_by_side())[0] == [[1.0, 3.0], [5.0, 3.0]]
    assert torch.equal(heatmaps, before)


def test_a_landmark_that_came_back_calls_back_those_that_it_had_misled():
    """Landmark 1 calls 0 back, and only then 0, four cells above 2, tells where 2 is."""
    weights = np.zeros((6, 6))
    weights[0, 4] = weights[1, 5] = 1
    chain = prior([[1.0, 2.0], [5.0, 2.0], [1.0, 6.0]], weights, [1.0, math.inf, 1.0])
    heatmaps = maps((0, 7, 0, 0.5), (0, 1, 2, 0.4), (1, 5, 2, 0.9), (2, 7, 4, 0.5), (2, 1, 6, 0.4), channels=3)
    assert places(heatmaps, chain)[0] == [[1.0, 2.0], [5.0, 2.0], [1.0, 6.0]]
