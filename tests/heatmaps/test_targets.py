import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.heatmaps.peaks import highest_points
from landmark_discovery.heatmaps.targets import BUMP, PIXEL, cell_indices, draw_landmarks, draw_points

NAN = math.nan


def test_cells_are_numbered_row_by_row_and_round_to_the_nearest_centre():
    points = torch.tensor([[0.0, 0.0], [3.4, 0.0], [2.5, 1.0], [-0.5, 3.0]])
    assert cell_indices(points, 4).tolist() == [0, 3, 4 + 3, 12]


@pytest.mark.parametrize("point", [(-0.51, 0.0), (3.5, 0.0), (0.0, 3.5), (NAN, NAN), (1.0, NAN)])
def test_a_point_outside_the_grid_or_nan_has_the_number_behind_the_last_cell(point):
    assert cell_indices(torch.tensor([point]), 4).item() == 16


def test_a_pixel_target_is_one_cell():
    target = draw_points(torch.tensor([[[1.0, 2.0], [NAN, NAN]]]), 4, PIXEL)
    assert target.shape == (1, 1, 4, 4)
    assert target[0, 0, 2, 1] == 1
    assert target.sum() == 1


def test_a_point_in_row_and_column_zero_is_drawn_there():
    assert draw_points(torch.tensor([[[0.0, 0.0]]]), 4, PIXEL)[0, 0, 0, 0] == 1


def test_a_bump_has_the_papers_values():
    target = draw_points(torch.tensor([[[2.0, 2.0]]]), 5, BUMP)[0, 0]
    edge, corner = 0.41111228, 0.16901332
    expected = torch.tensor([[corner, edge, corner], [edge, 1.0, edge], [corner, edge, corner]])
    torch.testing.assert_close(target[1:4, 1:4], expected)
    assert target.sum().item() == pytest.approx(1 + 4 * 0.41111228 + 4 * 0.16901332, rel=1e-6)


def test_a_bump_at_the_corner_is_cut_off_and_one_outside_draws_nothing():
    corner = draw_points(torch.tensor([[[0.0, 0.0]]]), 4, BUMP)[0, 0]
    assert corner.sum().item() == pytest.approx(1 + 2 * 0.41111228 + 0.16901332, rel=1e-6)
    assert draw_points(torch.tensor([[[-1.0, 2.0]]]), 4, BUMP).sum() == 0


def test_overlapping_keypoints_keep_the_larger_value():
    target = draw_points(torch.tensor([[[1.0, 1.0], [2.0, 1.0]]]), 4, BUMP)[0, 0]
    assert target[1, 1] == 1
    assert target[1, 2] == 1
    assert target[0, 1].item() == pytest.approx(0.41111228)


def test_each_landmark_is_drawn_into_its_channel_and_two_in_one_channel_add_up():
    points = torch.tensor([[[1.0, 1.0], [1.0, 2.0], [NAN, NAN]]])
    maps = draw_landmarks(points, torch.tensor([[2, 2, 0]]), 3, 4)
    assert maps.shape == (1, 3, 4, 4)
    assert maps[0, :2].sum() == 0
    assert maps[0, 2, 1, 1].item() == pytest.approx(1 + 0.41111228)


@given(st.lists(st.tuples(st.floats(0, 15), st.floats(0, 15)), min_size=1, max_size=6))
def test_encoding_and_decoding_a_landmark_is_right_within_half_a_cell(pairs):
    points = torch.tensor([pairs])
    channels = torch.arange(len(pairs))[None]
    for subpixel in (False, True):
        found, score = highest_points(draw_landmarks(points, channels, len(pairs), 16), subpixel)
        # The bump stands on the nearest cell; at the border its cut-off side pulls the centre of mass inward.
        inner = ((points >= 1) & (points < 14)).all(dim=-1)
        error = (found - points).abs().amax(dim=-1)
        assert (error[inner] <= 0.5 + 1e-5).all()
        assert (score == 1).all()
