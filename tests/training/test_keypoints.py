import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.training.keypoints import clustered_keypoints, from_grid, to_grid, warmup_keypoints

NAN = math.nan
CPU = torch.device("cpu")


def whole(*values):
    return np.array(values, dtype=np.int64)


def test_in_warm_up_a_keypoint_is_its_own_id_and_a_missing_one_has_none():
    points = np.array([[[1.0, 2.0], [3.0, 4.0]], [[5.0, 6.0], [NAN, NAN]]])
    keypoints = warmup_keypoints(whole(7, 3), points, CPU)
    assert keypoints.image.tolist() == [7, 3]
    assert keypoints.ids.tolist() == [[0, 1], [0, -1]]
    assert keypoints.points[1, 0].tolist() == [5.0, 6.0]
    assert keypoints.points.dtype == torch.float32


def test_warm_up_ids_tie_no_images_together():
    assert not warmup_keypoints(whole(0), np.zeros((1, 1, 2)), CPU).clustered


@pytest.fixture
def padded(stored):
    """Images 5 and 1 of the store are searched as 0 and 2; a crop pixel is a store pixel, 4 to the right and down."""
    return clustered_keypoints(
        rows=whole(0, 2, 2),
        grid_points=np.array([[0, 0], [1, 2], [7.25, 3]], dtype=np.float32),
        ids=whole(40, 41, 42),
        flipped_ids=whole(50, 51, 52),
        indices=whole(5, 3, 1),
        images=stored,
        size_px=32,
    )


def test_clustered_keypoints_have_one_row_an_image_that_has_any(padded):
    assert padded.image.tolist() == [5, 1]
    assert padded.clustered


def test_rows_are_padded_with_no_point_and_no_id(padded):
    assert padded.ids.tolist() == [[40, -1], [41, 42]]
    assert padded.flipped_ids.tolist() == [[50, -1], [51, 52]]
    assert padded.points[0, 1].isnan().all()


def test_cells_become_the_store_pixels_at_their_centres(padded):
    # Cell 0 covers the crop's pixels 0 to 3, centre 1.5, and the crop starts at pixel 4 of the store.
    assert padded.points[0, 0].tolist() == [5.5, 5.5]
    assert padded.points[1].tolist() == [[9.5, 13.5], [34.5, 17.5]]


def test_the_centre_of_a_cell_lies_between_its_four_pixels():
    assert from_grid(torch.tensor([0.0, 1.0])).tolist() == [1.5, 5.5]
    assert to_grid(torch.tensor([1.5, 5.5])).tolist() == [0.0, 1.0]


@given(st.floats(-10, 300, width=32))
def test_mirroring_pixels_mirrors_cells_and_needs_no_shift(x):
    pixel = torch.tensor(x)
    torch.testing.assert_close(to_grid(255 - pixel), 63 - to_grid(pixel), atol=1e-4, rtol=0)
