import numpy as np
import pytest
import torch
from fake_superpoint import GivenPoints

from landmark_discovery.bootstrap.superpoint_maps import (
    apply_network,
    find_maxima,
    local_maxima,
    points_over_threshold,
    sample_descriptors,
)
from landmark_discovery.models.superpoint import SuperPoint, score_map


def test_points_at_or_below_the_threshold_are_dropped():
    score = np.array([[0.15, 0.2], [0.1, 0.9]], np.float32)
    points, scores = points_over_threshold(score, float(np.float32(0.15)))
    assert points.tolist() == [[1, 0], [1, 1]]
    assert scores == pytest.approx([0.2, 0.9])


def test_slopes_are_no_maxima_and_equal_neighbours_all_are():
    score = np.array(
        [
            [0.1, 0.2, 0.1, 0.0, 0.0],
            [0.2, 0.9, 0.3, 0.1, 0.5],
            [0.1, 0.3, 0.2, 0.1, 0.5],
        ],
        np.float32,
    )
    kept = local_maxima(score)
    assert np.argwhere(kept > 0).tolist() == [[1, 1], [1, 4], [2, 4]]
    assert kept[1, 1] == score[1, 1]


def test_maxima_are_those_of_a_plain_look_at_all_neighbours():
    score = np.random.default_rng(0).integers(1, 6, (12, 9)).astype(np.float32)
    framed = np.pad(score, 1)
    highest = [[framed[row : row + 3, column : column + 3].max() for column in range(9)] for row in range(12)]
    np.testing.assert_array_equal(local_maxima(score), np.where(score == highest, score, 0))


def test_maxima_over_the_threshold_come_with_their_scores_and_the_map_of_descriptors():
    # (21, 20) is the slope of (20, 20); the logit of "no keypoint" is 20.
    network = GivenPoints([(20, 20, 24.0), (21, 20, 22.0), (5, 3, 20.0), (13, 3, 18.0)])
    points, scores, descriptor_map = find_maxima(network, np.zeros((32, 40), np.uint8), 0.4, "cpu")
    assert points.tolist() == [[5, 3], [20, 20]]
    assert scores == pytest.approx([0.5, np.exp(4) / (1 + np.exp(4) + np.exp(2))], rel=1e-4)
    assert descriptor_map.shape == (256, 4, 5)


def test_an_image_that_is_too_small_has_no_maxima():
    points, scores, descriptor_map = find_maxima(GivenPoints([]), np.zeros((7, 40), np.uint8), 0.0, "cpu")
    assert (points.shape, scores.shape) == ((0, 2), (0,))
    assert sample_descriptors(descriptor_map, points).shape == (0, 256)


def test_the_network_sees_shares_of_white_and_remainders_are_not_scored():
    torch.manual_seed(0)
    network = SuperPoint().eval()
    grey = np.random.default_rng(0).integers(0, 256, (29, 22), dtype=np.uint8)
    score, descriptor_map = apply_network(network, grey, "cpu")
    with torch.no_grad():
        logits, descriptors = network(torch.tensor(grey / 255, dtype=torch.float32)[None, None])
    np.testing.assert_allclose(score, score_map(logits)[0].numpy(), rtol=1e-5)
    torch.testing.assert_close(descriptor_map, descriptors[0])
    assert score.shape == (24, 16)
    assert score.dtype == np.float32


# One row of three cells, described by the directions x, y and z.
THREE_CELLS = torch.eye(3)[:, None, :]


@pytest.mark.parametrize(
    ("x", "expected"),
    [
        (3.5, [1, 0, 0]),
        (11.5, [0, 1, 0]),
        (7.5, [np.sqrt(0.5), np.sqrt(0.5), 0]),
        # A quarter of the way from cell 1 to cell 2.
        (13.5, [0, 3 / np.sqrt(10), 1 / np.sqrt(10)]),
        (0.0, [1, 0, 0]),
        (23.0, [0, 0, 1]),
    ],
)
def test_descriptors_are_sampled_between_the_centres_of_cells(x, expected):
    sampled = sample_descriptors(THREE_CELLS, np.array([[x, 3.5]]))
    np.testing.assert_allclose(sampled, [expected], atol=1e-6)


def test_rows_and_columns_are_told_apart():
    columns = torch.eye(3)[:, :, None]
    np.testing.assert_allclose(sample_descriptors(columns, np.array([[3.5, 19.5]])), [[0, 0, 1]], atol=1e-6)


def test_no_points_have_no_descriptors():
    assert sample_descriptors(THREE_CELLS, np.zeros((0, 2))).shape == (0, 3)
