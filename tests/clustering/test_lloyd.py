import numpy as np
import pytest
import torch

from landmark_discovery.clustering.kmeans import kmeans
from landmark_discovery.clustering.lloyd import best_of, lloyd
from landmark_discovery.config.training import ClusteringSettings

LINE = torch.tensor([[0.0], [2.0], [10.0], [12.0]])


def plain_lloyd(points, centroids, iterations):
    """Restate the iterations with loops; no cluster may become empty."""
    for _ in range(iterations):
        members = [[] for _ in centroids]
        for point in points:
            members[int(np.argmin(((centroids - point) ** 2).sum(axis=1)))].append(point)
        centroids = np.array([np.mean(group, axis=0) for group in members])
    return centroids


def test_centroids_move_to_the_means_of_their_points():
    centroids, objective = lloyd(LINE, torch.tensor([[1.5], [3.0]]), 1)
    torch.testing.assert_close(centroids, torch.tensor([[1.0], [11.0]]))
    assert objective.item() == pytest.approx(4.0), "each point lies 1 from its centroid"


def test_many_iterations_are_those_of_a_plain_loop():
    points = np.random.default_rng(0).standard_normal((60, 3))
    expected = plain_lloyd(points, points[:4], 7)
    centroids, _ = lloyd(torch.from_numpy(points), torch.from_numpy(points[:4]), 7)
    np.testing.assert_allclose(centroids.numpy(), expected, atol=1e-9)


def test_an_empty_cluster_takes_half_of_the_largest():
    points = torch.tensor([[1.0], [2.0], [3.0], [4.0], [100.0]])
    centroids, _ = lloyd(points, torch.tensor([[2.5], [100.0], [1000.0]]), 5)
    assert sorted(centroids.flatten().tolist()) == pytest.approx([1.5, 3.5, 100.0])


def test_points_that_are_all_the_same_give_finite_centroids():
    centroids, objective = lloyd(torch.ones(5, 2), torch.ones(3, 2), 4)
    assert torch.isfinite(centroids).all()
    assert objective.item() == pytest.approx(0.0, abs=1e-4)


def test_of_several_starts_the_one_that_ends_nearest_to_its_points_counts():
    poor, good = torch.tensor([[-5.0], [-4.0]]), torch.tensor([[0.0], [12.0]])
    assert torch.equal(best_of(LINE, [poor, good], 0), good)
    assert torch.equal(best_of(LINE, [good, poor], 0), good)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("given", [False, True])
def test_a_gpu_clusters_as_well_as_the_cpu(given):
    generator = np.random.default_rng(0)
    centres = generator.standard_normal((8, 16)) * 5
    points = (centres[generator.integers(0, 8, 2000)] + generator.standard_normal((2000, 16))).astype(np.float32)
    settings = ClusteringSettings(iterations=20, redos=5)
    initial = (centres + 0.1).astype(np.float32) if given else None
    on_cpu = kmeans(points, 8, settings, initial)
    on_gpu = kmeans(points, 8, settings, initial, torch.device("cuda"))
    apart = np.linalg.norm(on_cpu[:, None] - on_gpu[None], axis=2).min(axis=1)
    assert apart.max() < 0.2
