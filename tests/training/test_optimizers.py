import math

import pytest
import torch
from torch.optim import AdamW, RMSprop

from landmark_discovery.config.training import OptimizerSettings, Stage1Settings, Stage2Settings
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.optimizers import learning_rate_factor, make_optimizer, set_learning_rate
from landmark_discovery.training.parameters import TrainedParameters


def factors(settings, iterations, total=10):
    return [learning_rate_factor(iteration, total, settings) for iteration in iterations]


def small_parameters():
    return TrainedParameters(HourglassNetwork({0: 1, 1: 8}, width=16, depth=1, groups=2), "float32")


def rates(optimizer):
    return [group["lr"] for group in optimizer.param_groups]


def test_the_rate_falls_to_a_tenth_at_each_milestone_and_not_before():
    settings = OptimizerSettings(milestones=(3, 5), decay=0.1)
    assert factors(settings, range(7)) == pytest.approx([1, 1, 1, 0.1, 0.1, 0.01, 0.01])


def test_the_papers_milestones():
    stage1, stage2 = Stage1Settings().optimizer, Stage2Settings().optimizer
    assert factors(stage1, (0, 149_999, 150_000, 180_000), 200_000) == pytest.approx([1, 1, 0.1, 0.01])
    assert factors(stage2, (0, 49_999, 50_000, 70_000), 200_000) == pytest.approx([1, 1, 0.1, 0.01])


def test_the_rate_grows_linearly_over_the_warm_up():
    settings = OptimizerSettings(warmup_iterations=4, milestones=())
    assert factors(settings, range(6)) == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])


def test_a_cosine_goes_from_1_to_its_final_share():
    settings = OptimizerSettings(schedule="cosine", decay=0.2)
    quarter = 0.2 + 0.8 * (1 + math.cos(math.pi / 4)) / 2
    assert factors(settings, (0, 2.5, 5, 10)) == pytest.approx([1, quarter, 0.6, 0.2])


def test_warm_up_and_cosine_multiply():
    settings = OptimizerSettings(schedule="cosine", decay=0.0, warmup_iterations=10)
    assert factors(settings, (4,), total=8) == pytest.approx([0.5 * 0.5])


def test_every_parameter_is_trained_once_the_trunk_at_its_own_rate():
    parameters = small_parameters()
    optimizer = make_optimizer(parameters, OptimizerSettings(learning_rate=0.5, trunk_learning_rate_factor=0.1))
    assert rates(optimizer) == pytest.approx([0.5, 0.05])
    trained = [values for group in optimizer.param_groups for values in group["params"]]
    network = parameters.network
    assert sum(values.numel() for values in trained) == sum(own.numel() for own in network.parameters())
    for number, group in enumerate(optimizer.param_groups):
        for values in group["params"]:
            torch.nn.init.constant_(values, number)
    assert all((parameter == 0).all() for parameter in network.head_parameters())
    assert all((parameter == 1).all() for parameter in network.trunk_parameters())


def test_a_factor_acts_on_the_first_rate_and_does_not_accumulate():
    optimizer = make_optimizer(small_parameters(), OptimizerSettings(learning_rate=0.5, trunk_learning_rate_factor=0.2))
    set_learning_rate(optimizer, 0.1)
    set_learning_rate(optimizer, 0.1)
    assert rates(optimizer) == pytest.approx([0.05, 0.01])


def test_the_papers_optimiser_is_rmsprop_without_momentum():
    optimizer = make_optimizer(small_parameters(), OptimizerSettings())
    assert isinstance(optimizer, RMSprop)
    for group in optimizer.param_groups:
        constants = {name: group[name] for name in ("lr", "alpha", "eps", "momentum", "weight_decay", "centered")}
        assert constants == {
            "lr": 1e-4, "alpha": 0.99, "eps": 1e-8, "momentum": 0, "weight_decay": 1e-5, "centered": False
        }  # fmt: skip


def test_the_first_step_of_rmsprop_is_ten_times_the_rate():
    parameters = small_parameters()
    network = parameters.network
    optimizer = make_optimizer(parameters, OptimizerSettings(weight_decay=0.0, trunk_learning_rate_factor=0.1))
    head, trunk = network.last_layer(1).weight, network.conv1.weight
    before = [head.detach().clone(), trunk.detach().clone()]
    for values in parameters.all():
        values.grad = torch.full_like(values, -0.5)
    optimizer.step()
    # The mean square is (1 - 0.99) g^2, so that a step is rate * g / (0.1 |g|).
    torch.testing.assert_close(head.detach() - before[0], torch.full_like(head, 1e-3), rtol=1e-2, atol=0)
    torch.testing.assert_close(trunk.detach() - before[1], torch.full_like(trunk, 1e-4), rtol=1e-2, atol=0)


def test_adamw_by_name():
    optimizer = make_optimizer(small_parameters(), OptimizerSettings(name="adamw", weight_decay=0.01))
    assert isinstance(optimizer, AdamW)
    assert optimizer.param_groups[1]["weight_decay"] == 0.01
