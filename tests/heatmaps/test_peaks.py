import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from landmark_discovery.heatmaps.peaks import highest_points, refine_quarter_cell, suppress_neighbours
from landmark_discovery.heatmaps.suppression import suppress_squares


def grid(height, width, **values):
    scores = torch.zeros(1, height, width)
    for place, value in values.items():
        row, column = (int(part) for part in place.removeprefix("r").split("c"))
        scores[0, row, column] = value
    return scores


def kept_cells(mask):
    return [tuple(cell) for cell in mask[0].nonzero().tolist()]


def test_the_higher_of_two_near_peaks_stays():
    assert kept_cells(suppress_neighbours(grid(8, 8, r2c2=0.5, r4c5=0.9), 2, 0.01)) == [(4, 5)]


def test_peaks_four_cells_apart_both_stay_since_their_squares_only_touch():
    assert kept_cells(suppress_neighbours(grid(8, 8, r2c2=0.5, r2c6=0.9), 2, 0.01)) == [(2, 2), (2, 6)]


def test_a_suppressed_peak_suppresses_nobody():
    scores = grid(3, 12, r1c2=0.3, r1c5=0.6, r1c8=0.9)
    assert kept_cells(suppress_neighbours(scores, 2, 0.01)) == [(1, 2), (1, 8)]


def test_equal_scores_go_to_the_first_cell():
    assert kept_cells(suppress_neighbours(grid(4, 4, r1c1=0.5, r1c2=0.5), 2, 0.01)) == [(1, 1)]


def test_cells_of_score_zero_are_never_kept():
    assert not suppress_neighbours(torch.zeros(2, 4, 4), 2, 0.01).any()


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([(1, 0.01), (2, 0.01), (2, 0.2), (4, 0.01)]))
def test_batched_suppression_agrees_with_the_plain_list(seed, rule):
    half_side, limit = rule
    scores = torch.rand(2, 9, 11, generator=torch.Generator().manual_seed(seed))
    scores = torch.where(scores > 0.6, scores, 0.0)
    mask = suppress_neighbours(scores, half_side, limit)
    for image, kept in zip(scores, mask, strict=True):
        cells = image.nonzero().numpy()
        points = cells[:, ::-1].astype(float)
        values = image[tuple(cells.T)].numpy()
        expected = {tuple(cells[index]) for index in suppress_squares(points, values, half_side, limit)}
        assert {tuple(cell) for cell in kept.nonzero().tolist()} == expected


def test_a_point_moves_a_quarter_cell_toward_its_larger_neighbours():
    scores = grid(8, 8, r3c3=1.0, r3c4=0.5, r3c2=0.2, r2c3=0.4, r4c3=0.1)
    moved = refine_quarter_cell(torch.tensor([[[3, 3]]]), scores)
    assert moved.tolist() == [[[3.25, 2.75]]]


def test_between_equal_neighbours_and_at_the_border_a_point_stays():
    points = torch.tensor([[[3, 3], [1, 3]]])
    scores = grid(8, 8, r3c3=1.0, r3c1=1.0, r3c2=0.0)
    scores[0, 3, 2] = 0.3
    scores[0, 3, 4] = 0.3
    assert refine_quarter_cell(points, scores).tolist() == [[[3.0, 3.0], [1.0, 3.0]]]


def test_at_the_far_edges_the_last_column_and_row_alone_stay():
    rows, columns = torch.meshgrid(torch.arange(8.0), torch.arange(10.0), indexing="ij")
    points = torch.tensor([[[8, 3], [9, 3], [3, 6], [3, 7]]])
    moved = refine_quarter_cell(points, (rows + columns)[None])
    assert moved.tolist() == [[[8.25, 3.25], [9.0, 3.0], [3.25, 6.25], [3.0, 7.0]]]


def test_the_highest_cell_of_each_heatmap_is_found_in_x_y_order_even_in_column_zero():
    heatmaps = torch.zeros(1, 2, 4, 5)
    heatmaps[0, 0, 3, 1] = 0.7
    heatmaps[0, 1, 2, 0] = 0.2
    points, score = highest_points(heatmaps, subpixel=False)
    assert points.tolist() == [[[1.0, 3.0], [0.0, 2.0]]]
    assert score[0].tolist() == pytest.approx([0.7, 0.2])


def test_subpixel_refinement_is_the_centre_of_mass_of_the_49_cells():
    heatmaps = torch.zeros(1, 1, 9, 9)
    heatmaps[0, 0, 4, 4], heatmaps[0, 0, 4, 5], heatmaps[0, 0, 7, 4], heatmaps[0, 0, 4, 8] = 1.0, 0.5, 0.25, 0.75
    points, _ = highest_points(heatmaps, subpixel=True)
    np.testing.assert_allclose(points[0, 0].numpy(), [4 + 0.5 / 1.75, 4 + 3 * 0.25 / 1.75], rtol=1e-6)


def test_at_the_border_the_centre_of_mass_is_that_of_the_cells_there_are():
    heatmaps = torch.zeros(1, 1, 4, 4)
    heatmaps[0, 0, 0, 3], heatmaps[0, 0, 0, 1] = 1.0, 0.25
    assert highest_points(heatmaps, subpixel=True)[0].tolist() == [[[pytest.approx(3 - 2 * 0.25 / 1.25), 0.0]]]


def test_negative_cells_have_no_mass():
    heatmaps = torch.zeros(1, 1, 3, 3)
    heatmaps[0, 0, 1, 1], heatmaps[0, 0, 2, 0] = 1.0, -0.5
    assert highest_points(heatmaps, subpixel=True)[0].tolist() == [[[1.0, 1.0]]]


@settings(max_examples=30, deadline=None)
@given(st.floats(4, 6), st.floats(4, 6))
def test_a_round_peak_is_found_between_the_cells_wherever_it_stands(x, y):
    rows, columns = torch.meshgrid(torch.arange(11.0), torch.arange(11.0), indexing="ij")
    heatmaps = torch.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 2)[None, None]
    found = highest_points(heatmaps, subpixel=True)[0][0, 0]
    assert (found - torch.tensor([x, y])).abs().max() < 0.02


def test_a_landmark_hardly_moves_when_the_higher_of_two_neighbouring_cells_changes():
    def found(higher):
        columns = torch.arange(9.0)
        line = torch.exp(-((columns - 4.5) ** 2) / 2)
        line[higher] += 1e-4
        return highest_points((line[:, None] * line[None, :])[None, None], subpixel=True)[0]

    assert (found(4) - found(5)).abs().max() < 0.02
