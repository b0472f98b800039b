import math

import numpy as np
import pytest
import torch

from landmark_discovery.bootstrap_training.joint import Views, _compared, draw_points, train_joint
from landmark_discovery.bootstrap_training.magicpoint import train_magicpoint
from landmark_discovery.bootstrap_training.networks import new_network
from landmark_discovery.bootstrap_training.shapes.dataset import draw_shapes
from landmark_discovery.config.bootstrap_training import load_bootstrap_training

CPU = torch.device("cpu")
DESCENT = {"iterations": 40, "batch_size": 4, "warmup_iterations": 5}
CONFIG = load_bootstrap_training(
    {
        "precision": "float32",
        "magicpoint": {"input_px": 32, "descent": DESCENT},
        "joint": {"input_px": 32, "points": 24, "descent": DESCENT},
    }
)


def test_half_of_the_points_are_keypoints_where_there_are_some():
    keypoints = torch.full((2, 4, 2), math.nan)
    keypoints[0, :2] = torch.tensor([[5.0, 6.0], [7.0, 8.0]])
    points = draw_points(keypoints, 40, 32, torch.Generator().manual_seed(0))
    assert points.shape == (2, 40, 2)
    assert {tuple(point) for point in points[0, ::2].tolist()} == {(5.0, 6.0), (7.0, 8.0)}
    assert points.isfinite().all()
    assert points.min() >= 0
    assert points.max() <= 31


def comparison(columns, *maps):
    """Compare points of row 5 that two views of 32 pixels show at (factor, shift); all descriptors are alike."""
    nothing = torch.empty(0)
    pair = [
        Views(nothing, torch.tensor([[[factor, 0.0, shift], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]]), nothing, nothing)
        for factor, shift in maps
    ]
    points = torch.tensor([[[column, 5.0] for column in columns]])
    return _compared(torch.ones(2, 8, 4, 4), pair, points, CONFIG.joint).item()


def test_points_are_told_apart_where_the_second_view_shows_them_apart():
    assert comparison([1.0, 5.0], (1.0, 0.0), (4.0, 0.0)) == pytest.approx(math.log(2))
    assert comparison([4.0, 20.0], (1.0, 0.0), (0.25, 0.0)) == pytest.approx(0)


def test_points_that_one_of_the_views_does_not_show_are_not_compared():
    assert comparison([0.0, 10.0, 20.0, 30.0], (1.0, -10.0), (1.0, 10.0)) == pytest.approx(math.log(2))


def test_magicpoint_learns_from_drawn_shapes():
    network, history = train_magicpoint(draw_shapes(18, 48, 0), CONFIG, CPU)
    log = history.rows
    assert log[-1]["detector_loss"] < log[0]["detector_loss"]
    assert not torch.equal(network.convPb.weight, new_network(CONFIG.seed, CPU).convPb.weight)
    assert torch.equal(network.convDb.weight, new_network(CONFIG.seed, CPU).convDb.weight)


def test_both_heads_learn_from_pairs_of_views():
    generator = np.random.default_rng(0)
    photographs = generator.integers(0, 255, (6, 48, 48)).astype(np.uint8)
    keypoints = generator.uniform(0, 47, (6, 8, 2)).astype(np.float32)
    network = new_network(0, CPU)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    log = train_joint(network, photographs, keypoints, CONFIG, CPU).rows
    assert log[-1]["descriptor_loss"] < log[0]["descriptor_loss"]
    assert log[-1]["detector_loss"] < log[0]["detector_loss"]
    for name in ("convPb.weight", "convDb.weight", "conv1a.weight"):
        assert not torch.equal(network.state_dict()[name], before[name]), name
