import math

import numpy as np
import pytest
import torch

from landmark_discovery.training import targets as module
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.stage2 import landmark_network, train_stage2
from landmark_discovery.training.targets import (
    LandmarkTargets,
    found_points,
    landmark_targets,
    learnt_shape,
    targets_at,
)

NAN = math.nan
CPU = torch.device("cpu")


def some_targets(count=3):
    """Two landmarks an image in store pixels, of `count` images."""
    points = np.tile([[[9.5, 13.5], [NAN, NAN]]], (count, 1, 1))
    return landmark_targets(np.arange(count), points, np.array([0, 1]), CPU)


@pytest.fixture
def finding(monkeypatch):
    """Let every network find given points (N, K, 2) on the grid."""

    def find(points):
        scores = np.ones(np.shape(points)[:2], dtype=np.float32)
        monkeypatch.setattr(module, "predict_stage2", lambda *_, **__: (np.float32(points), scores))

    return find


def test_points_on_the_grid_become_targets_in_store_pixels(stored):
    """Cells are 4 pixels wide, and the crop starts at pixel 4."""
    points = np.array([[[1.0, 2.0], [NAN, NAN]]] * 3, dtype=np.float32)
    moved = targets_at(points, some_targets(), stored, 32)
    assert moved.points[0, 0].tolist() == pytest.approx([4 + 4 * 1 + 1.5, 4 + 4 * 2 + 1.5])
    assert torch.isnan(moved.points[:, 1]).all()
    assert torch.equal(moved.image, some_targets().image)


def test_what_stands_where_the_others_expect_it_is_learnt_and_the_rest_is_not(stored, tiny_config, finding):
    generator = np.random.default_rng(0)
    shared = generator.uniform(2, 5, (40, 1, 2))
    points = shared + np.array([[[-1.0, 0.0], [1.0, 0.0]]])
    points[7, 1] = [0.0, 7.0]
    finding(points)
    targets = LandmarkTargets(torch.zeros(40, dtype=torch.int64), torch.zeros(40, 2, 2), torch.tensor([1, 0]))
    found = found_points(None, stored, targets, tiny_config(stage2={"consistency_limit": 0.15}))
    assert np.isnan(found[7]).any()
    assert not np.isnan(np.delete(found, 7, axis=0)).any()


def test_the_second_generation_starts_anew_and_learns_what_the_first_finds(stored, tiny_config, finding, monkeypatch):
    config = tiny_config(num_landmarks=2, stage2={"iterations": 2, "generations": 2})
    start = initial_network(config, CPU)
    finding(np.full((3, 2, 2), 3.0))
    learnt = []
    monkeypatch.setattr(
        "landmark_discovery.training.stage2.targets_at",
        lambda points, targets, images, size_px: learnt.append(points) or targets_at(points, targets, images, size_px),
    )
    result = train_stage2(stored, some_targets(), start, config)
    assert len(learnt) == 1
    assert (learnt[0] == 3.0).all()
    assert [row["iteration"] for row in result.log] == [2, 4]
    fresh = landmark_network(start, config).state_dict()
    assert all(torch.isfinite(tensor).all() for tensor in result.network.state_dict().values())
    assert fresh.keys() == result.network.state_dict().keys()


def test_the_shape_is_that_of_the_landmarks_that_the_network_finds(stored, tiny_config, finding):
    """The second stands two cells right of the first, wherever that is."""
    shared = np.random.default_rng(0).uniform(2, 5, (40, 1, 2))
    finding(shared + np.array([[[-1.0, 0.0], [1.0, 0.0]]]))
    targets = LandmarkTargets(torch.zeros(40, dtype=torch.int64), torch.zeros(40, 2, 2), torch.tensor([1, 0]))
    prior = learnt_shape(None, stored, targets, tiny_config(stage2={"shape_prior": True}))
    expected = prior.expected(torch.tensor([[[2.0, 4.0], [9.0, 9.0]]]))
    assert expected[0, 1].tolist() == pytest.approx([4.0, 4.0], abs=0.1)
    assert learnt_shape(None, stored, targets, tiny_config(stage2={"shape_prior": False})) is None


def test_what_a_generation_finds_with_its_shape_is_what_the_next_learns(stored, tiny_config, monkeypatch):
    seen = []

    def noting(*_, prior, **__):
        seen.append(prior)
        return np.full((3, 2, 2), 3.0, dtype=np.float32), np.ones((3, 2), dtype=np.float32)

    monkeypatch.setattr(module, "predict_stage2", noting)
    settings = {"iterations": 1, "generations": 2, "shape_prior": True}
    config = tiny_config(num_landmarks=2, stage2=settings)
    result = train_stage2(stored, some_targets(), initial_network(config, CPU), config)
    # Each generation's shape is learnt from its own maxima, and the first's is used to find targets.
    assert [prior is None for prior in seen] == [True, False, True]
    assert result.prior.mean.shape == (2, 2)


def test_without_a_shape_prior_none_is_learnt(stored, tiny_config):
    config = tiny_config(num_landmarks=2, stage2={"iterations": 1})
    assert train_stage2(stored, some_targets(), initial_network(config, CPU), config).prior is None


def test_one_generation_is_the_first_of_two(stored, tiny_config, finding):
    finding(np.full((3, 2, 2), 3.0))
    config = tiny_config(num_landmarks=2, stage2={"iterations": 2})
    start = initial_network(config, CPU)
    rows = []
    for generations in (1, 2):
        settings = config.stage2.model_copy(update={"generations": generations})
        rows.append(train_stage2(stored, some_targets(), start, config.model_copy(update={"stage2": settings})).log)
    assert rows[1][: len(rows[0])] == rows[0]
