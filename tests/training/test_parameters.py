import copy

import pytest
import torch
from torch.nn.utils import clip_grad_norm_
from torch.optim import AdamW, RMSprop

from landmark_discovery.config.training import OptimizerSettings
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.optimizers import descend, make_optimizer
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.processes import SINGLE


def small_network():
    torch.manual_seed(0)
    return HourglassNetwork({0: 1, 1: 8}, width=16, depth=1, groups=2)


def random_images(seed=0):
    return torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(seed))


def loss_of(maps):
    return sum((part - 1).square().mean() for part in maps)


def gradients_by_name(parameters):
    """Cut the gradients of the long tensors into those of the network's parameters."""
    longs = (*parameters.heads, *parameters.trunk)
    return {name: view for long in longs for name, view in long.views(long.values.grad).items()}


@pytest.fixture
def pair():
    """Give a network, and the parameters of a copy of it."""
    network = small_network()
    return network, TrainedParameters(copy.deepcopy(network), "float32")


def test_a_network_keeps_its_weights_and_their_names(pair):
    network, parameters = pair
    own = dict(parameters.network.named_parameters())
    assert list(own) == [name for name, _ in network.named_parameters()]
    for name, parameter in network.named_parameters():
        assert torch.equal(own[name], parameter), name


def test_every_weight_lies_once_in_the_long_tensors(pair):
    network, parameters = pair
    assert sum(values.numel() for values in parameters.all()) == sum(own.numel() for own in network.parameters())
    for number, values in enumerate(parameters.all()):
        torch.nn.init.constant_(values, number)
    heads = {id(parameter) for parameter in parameters.network.head_parameters()}
    for name, parameter in parameters.network.named_parameters():
        expected = (0 if id(parameter) in heads else 2) + (0 if parameter.ndim == 4 else 1)
        assert (parameter == expected).all(), name


def test_weights_of_convolutions_lie_channels_last(pair):
    _, parameters = pair
    convolutions = [parameter for parameter in parameters.network.parameters() if parameter.ndim == 4]
    assert len(convolutions) > 10
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in convolutions)


def test_the_forward_pass_is_the_networks(pair):
    network, parameters = pair
    for found, expected in zip(parameters.forward(random_images()), network(random_images()), strict=True):
        torch.testing.assert_close(found, expected)


def test_gradients_are_those_of_the_networks_own_parameters(pair):
    network, parameters = pair
    loss_of(parameters.forward(random_images())).backward()
    loss_of(network(random_images())).backward()
    found = gradients_by_name(parameters)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(found[name], parameter.grad, atol=1e-6, rtol=1e-4, msg=name)


def test_after_a_step_the_networks_parameters_are_the_new_ones(pair):
    network, parameters = pair
    settings = OptimizerSettings(learning_rate=1e-2)
    optimizer = make_optimizer(parameters, settings)
    descend(loss_of(parameters.forward(random_images())), parameters, optimizer, settings, SINGLE)
    before, after = dict(network.named_parameters()), dict(parameters.network.named_parameters())
    assert all(not torch.equal(after[name], before[name]) for name in before)
    for found, expected in zip(parameters.network(random_images()), parameters.forward(random_images()), strict=True):
        torch.testing.assert_close(found, expected)
    for long in (*parameters.heads, *parameters.trunk):
        for name, view in long.views(long.values).items():
            assert view.data_ptr() == after[name].data_ptr(), name


@pytest.mark.parametrize("norm", [None, 0.05], ids=["unclipped", "clipped"])
@pytest.mark.parametrize("name", ["rmsprop", "adamw"])
def test_steps_with_long_tensors_are_those_with_separate_parameters(name, norm, pair):
    network, parameters = pair
    settings = OptimizerSettings(
        name=name, learning_rate=1e-3, trunk_learning_rate_factor=0.5, weight_decay=0.1, max_gradient_norm=norm
    )
    optimizer = make_optimizer(parameters, settings)
    groups = [
        {"params": network.head_parameters(), "lr": 1e-3},
        {"params": network.trunk_parameters(), "lr": 0.5e-3},
    ]
    separate = AdamW(groups, weight_decay=0.1) if name == "adamw" else RMSprop(groups, weight_decay=0.1)
    for iteration in range(3):
        images = random_images(iteration)
        descend(loss_of(parameters.forward(images)), parameters, optimizer, settings, SINGLE)
        separate.zero_grad()
        loss_of(network(images)).backward()
        if norm is not None:
            assert clip_grad_norm_(network.parameters(), norm) > norm, "there is something to clip"
        separate.step()
    found = dict(parameters.network.named_parameters())
    for key, parameter in network.named_parameters():
        torch.testing.assert_close(found[key], parameter, atol=1e-5, rtol=1e-4, msg=key)


def test_a_cpu_rounds_no_weights_whatever_is_asked_for():
    network = small_network()
    rounded = TrainedParameters(copy.deepcopy(network), "bfloat16").forward(random_images())
    for found, expected in zip(rounded, network(random_images()), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_a_gpu_rounds_the_weights_of_convolutions_and_their_gradients_come_back_exact():
    network = small_network().cuda()
    parameters = TrainedParameters(copy.deepcopy(network), "bfloat16")
    with torch.autocast("cuda", torch.bfloat16):
        found, expected = parameters.forward(random_images().cuda()), network(random_images().cuda())
    for maps, reference in zip(found, expected, strict=True):
        assert (maps - reference).float().norm() < 2e-2 * reference.float().norm()
    loss_of(found).backward()
    assert {values.dtype for values in parameters.all()} == {torch.float32}
    assert {values.grad.dtype for values in parameters.all()} == {torch.float32}
