import math

import pytest
import torch

from landmark_discovery.config.training import DescriptorLossSettings
from landmark_discovery.heatmaps.targets import PIXEL
from landmark_discovery.training.losses import stage1_loss, stage2_loss
from landmark_discovery.training.randomness import Randomness

NAN = math.nan


def loss_of(detector, descriptor, points, ids, **changes):
    settings = DescriptorLossSettings(**({"negative_pairs": 1, "weight": 10.0} | changes))
    randomness = Randomness(torch.Generator().manual_seed(0))
    return stage1_loss(detector, descriptor, torch.tensor(points), torch.tensor(ids), PIXEL, settings, randomness)


def test_the_detector_loss_is_the_sum_of_both_views_mean_squared_errors():
    detector = torch.full((2, 1, 4, 4), -100.0)
    descriptor = torch.zeros(2, 3, 4, 4)
    loss = loss_of(detector, descriptor, [[[1.0, 1.0]], [[NAN, NAN]]], [[0], [-1]])
    assert loss.detector.item() == pytest.approx(1 / 16 + 0)


def test_the_descriptor_loss_is_ten_times_the_mean_over_all_pairs_together():
    descriptor = torch.zeros(2, 1, 8, 8)
    descriptor[0, 0, 1, 1], descriptor[1, 0, 2, 2] = 1.0, 3.0
    # One positive pair at a squared distance of 4; no view has three inner keypoints, so there is no negative.
    loss = loss_of(torch.zeros(2, 1, 8, 8), descriptor, [[[1.0, 1.0]], [[2.0, 2.0]]], [[9], [9]])
    assert loss.descriptor.item() == pytest.approx(10 * 4.0)
    # sigmoid(0) = 0.5 everywhere is 0.25 from 0 and from 1 alike.
    assert loss.total.item() == pytest.approx(10 * 4.0 + 2 * 0.25)


def test_a_pair_with_one_keypoint_outside_the_view_does_not_count():
    descriptor = torch.rand(2, 1, 8, 8)
    loss = loss_of(torch.zeros(2, 1, 8, 8), descriptor, [[[1.0, 1.0]], [[8.0, 2.0]]], [[9], [9]])
    assert loss.descriptor.item() == 0


def test_both_losses_reach_both_maps():
    detector = torch.zeros(2, 1, 8, 8, requires_grad=True)
    descriptor = torch.randn(2, 4, 8, 8, requires_grad=True)
    points = [[[1.0, 1.0], [4.0, 4.0], [6.0, 1.0]], [[1.0, 2.0], [4.0, 5.0], [6.0, 2.0]]]
    loss_of(detector, descriptor, points, [[0, 1, 2], [0, 1, 2]], negative_pairs=20).total.backward()
    assert detector.grad is not None
    assert detector.grad.abs().sum() > 0
    assert descriptor.grad is not None
    assert descriptor.grad.abs().sum() > 0


def test_stage_2_averages_half_the_squared_error_over_all_landmarks_present_or_not():
    heatmaps, targets = torch.ones(1, 2, 2, 2), torch.zeros(1, 2, 2, 2)
    both = stage2_loss(heatmaps, targets, torch.tensor([[True, True]]))
    one = stage2_loss(heatmaps, targets, torch.tensor([[True, False]]))
    assert both.item() == pytest.approx(0.5)
    assert one.item() == pytest.approx(0.25), "an absent landmark counts as matched"
