import faiss
import numpy as np
import pytest
import torch

from landmark_discovery.clustering.kmeans import CPU, _kmeans_in_torch, assign, gpu_count, kmeans, spread_start
from landmark_discovery.config.training import ClusteringSettings
from landmark_discovery.errors import UserError

SETTINGS = ClusteringSettings(iterations=20, redos=3)
LINE = np.array([[0], [2], [10], [12]], dtype=np.float32)


def four_clouds(count=50, spread=0.1, seed=0):
    centres = np.array([[0, 0], [10, 0], [0, 10], [10, 10]], dtype=np.float32)
    noise = np.random.default_rng(seed).normal(scale=spread, size=(4, count, 2))
    return centres, (centres[:, None] + noise).reshape(-1, 2).astype(np.float32)


def nearest_gaps(points, centres):
    return np.linalg.norm(points[:, None] - centres, axis=2).min(axis=1)


def test_the_centroids_of_four_clouds_are_their_centres():
    centres, points = four_clouds()
    found = kmeans(points, 4, SETTINGS)
    assert nearest_gaps(centres, found).max() < 0.1
    np.testing.assert_allclose(sorted(found.sum(axis=1)), [0, 10, 10, 20], atol=0.2)


def test_the_same_seed_gives_the_same_bytes():
    _, points = four_clouds()
    assert kmeans(points, 4, SETTINGS).tobytes() == kmeans(points, 4, SETTINGS).tobytes()


def test_given_centroids_are_where_clustering_starts():
    _, points = four_clouds()
    # Started with both centroids in one pair of clouds, two means can only split left from right.
    found = kmeans(points, 2, SETTINGS, initial=np.array([[0, 5], [10, 5]], dtype=np.float32))
    np.testing.assert_allclose(found, [[0, 5], [10, 5]], atol=0.1)


def test_no_more_points_a_centroid_are_trained_on_than_allowed():
    _, points = four_clouds(count=200)
    few = ClusteringSettings(iterations=5, redos=1, points_per_centroid=2)
    sampled = kmeans(points, 4, few)
    # Each centroid is the mean of at most 8 points in all, so none is the mean of a cloud of 200.
    means = points.reshape(4, 200, 2).mean(axis=1)
    assert nearest_gaps(sampled, means).min() > 1e-4


def test_in_torch_too_each_redo_goes_on_from_the_last_result():
    # Of the points 0, 2, 10 and 12, those nearer to 2 than to 0 have the mean 8; from there on, 2 belongs to 0.
    once, twice = (
        _kmeans_in_torch(LINE, 2, ClusteringSettings(iterations=1, redos=redos), LINE[:2], CPU) for redos in (1, 2)
    )
    assert once[:, 0].tolist() == [0, 8]
    assert twice[:, 0].tolist() == [1, 11]


def test_in_torch_too_the_points_a_centroid_are_counted_for_each_centroid():
    one, two = (
        _kmeans_in_torch(LINE, 2, ClusteringSettings(iterations=9, points_per_centroid=points), LINE[:2], CPU)
        for points in (1, 2)
    )
    assert np.isin(one, LINE).all(), "a point each"
    assert two[:, 0].tolist() == [1, 11]


def test_fewer_points_than_clusters_is_an_error_with_both_counts():
    with pytest.raises(UserError, match=r"7 clusters are asked for, but only 3 detections"):
        kmeans(np.zeros((3, 2), np.float32), 7, SETTINGS)


def test_the_spread_start_takes_one_point_of_each_far_cloud():
    centres, points = four_clouds()
    for seed in range(5):
        start = spread_start(points, 4, np.random.default_rng(seed))
        assert nearest_gaps(centres, start).max() < 1.0


def test_the_spread_start_of_equal_points_is_that_point():
    start = spread_start(np.ones((5, 3), np.float32), 3, np.random.default_rng(0))
    assert start.tolist() == [[1.0] * 3] * 3


def test_each_descriptor_gets_its_nearest_centroid_and_squared_distance():
    cluster, distance = assign(np.array([[1, 0], [7, 0]], np.float32), np.array([[0, 0], [10, 0]], np.float32))
    assert cluster.tolist() == [0, 1]
    assert distance.tolist() == [1.0, 9.0]


def test_no_descriptors_get_no_clusters():
    cluster, distance = assign(np.zeros((0, 2), np.float32), np.zeros((3, 2), np.float32))
    assert cluster.shape == distance.shape == (0,)


@pytest.mark.gpu
def test_gpu_and_cpu_find_the_same_centroids(monkeypatch):
    if gpu_count() == 0:
        pytest.skip("faiss sees no GPU")
    _, points = four_clouds()
    start = points[::50].copy()
    on_gpu = kmeans(points, 4, SETTINGS, start, torch.device("cuda"))
    monkeypatch.setattr(faiss, "get_num_gpus", lambda: 0)
    np.testing.assert_allclose(on_gpu, kmeans(points, 4, SETTINGS, initial=start), atol=1e-4)
