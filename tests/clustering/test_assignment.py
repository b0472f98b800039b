import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.clustering.assignment import flip_map, flip_purity, nearest_of_image, scatter_by_cluster


def whole(*values):
    return np.array(values, dtype=np.int64)


def test_one_detection_an_image_and_cluster_stays_the_nearest():
    kept = nearest_of_image(whole(0, 0, 0, 1), whole(2, 2, 3, 2), np.array([0.5, 0.1, 0.9, 0.7], dtype=np.float32))
    assert kept.tolist() == [False, True, True, True]


def test_of_equally_near_detections_the_first_stays():
    kept = nearest_of_image(whole(0, 0), whole(1, 1), np.array([0.5, 0.5], dtype=np.float32))
    assert kept.tolist() == [True, False]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 5)), max_size=30))
def test_nearest_of_image_agrees_with_a_plain_loop(rows):
    best = {}
    for position, (image, cluster, distance) in enumerate(rows):
        key = (image, cluster)
        if key not in best or distance < rows[best[key]][2]:
            best[key] = position
    table = np.array(rows, dtype=np.int64).reshape(-1, 3)
    kept = nearest_of_image(table[:, 0], table[:, 1], table[:, 2].astype(np.float32))
    assert np.flatnonzero(kept).tolist() == sorted(best.values())


def test_each_cluster_flips_to_the_one_it_meets_in_most_images():
    # Cluster 0 meets 1 in images 0 and 1, and 2 three times, but all of them in image 2.
    image = whole(0, 1, 2, 2, 2, 0)
    cluster = whole(0, 0, 0, 0, 0, 1)
    flipped = whole(1, 1, 2, 2, 2, 0)
    assert flip_map(image, cluster, flipped, 4).tolist() == [1, 0, 0, 0]


def test_a_cluster_never_seen_maps_to_zero_and_the_map_need_not_be_one_to_one():
    assert flip_map(whole(0, 0), whole(1, 2), whole(1, 1), 4).tolist() == [0, 1, 1, 0]


def test_flip_purity_is_the_share_of_twins_where_the_map_says():
    assert flip_purity(whole(0, 0, 1, 1), whole(1, 1, 0, 2), whole(1, 0, 2)) == pytest.approx(0.75)
    assert math.isnan(flip_purity(whole(), whole(), whole(0)))


def test_values_are_laid_out_by_image_and_cluster_with_nan_elsewhere():
    points = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    table = scatter_by_cluster(whole(0, 1), whole(1, 0), points, 2, 2)
    assert table.shape == (2, 2, 2)
    assert table[0, 1].tolist() == [1.0, 2.0]
    assert table[1, 0].tolist() == [3.0, 4.0]
    assert np.isnan(table[0, 0]).all()
    assert np.isnan(table[1, 1]).all()
