import importlib.util

import numpy as np
import pytest
import torch

from landmark_discovery.config.training import ModelSettings
from landmark_discovery.models.hourglass import Block, Hourglass, HourglassNetwork
from landmark_discovery.models.layers import PLAIN
from landmark_discovery.training import runtime
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.captured import CapturedStep
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import warmup_keypoints
from landmark_discovery.training.optimizers import make_optimizer
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.randomness import Randomness, generator_on
from landmark_discovery.training.runtime import accelerated, arithmetic
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.stage1_step import make_batch, training_step

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


def layers_of(network):
    """Give the layers of the network and of all its parts, once each kind."""
    parts = [module for module in network.modules() if isinstance(module, (HourglassNetwork, Hourglass, Block))]
    return {type(part.layers) for part in parts}


def small_network(**changes):
    settings = ModelSettings(**({"input_size_px": 32, "width": 16, "depth": 1, "norm_groups": 2} | changes))
    return HourglassNetwork({0: 1}, settings.width, settings.depth, settings.norm_groups), settings


@pytest.fixture
def with_triton(monkeypatch):
    """Say that Triton is installed, or that it is not."""

    def say(installed):
        monkeypatch.setattr(importlib.util, "find_spec", lambda _: object() if installed else None)
        monkeypatch.setattr(runtime, "_has_compiler", lambda: True)

    return say


def test_without_a_compiler_for_its_stubs_triton_is_not_used(with_triton, monkeypatch):
    with_triton(True)
    monkeypatch.undo()
    monkeypatch.setenv("CC", "/no/such/compiler")
    assert not accelerated(True, CUDA)


def test_the_fast_path_needs_a_gpu_and_triton_and_the_wish(with_triton):
    with_triton(True)
    assert accelerated(True, CUDA)
    assert not accelerated(True, CPU)
    assert not accelerated(False, CUDA)
    with_triton(False)
    assert not accelerated(True, CUDA)


@pytest.mark.parametrize(("fast", "device"), [(False, CUDA), (True, CPU)])
def test_without_the_fast_path_a_network_stays_plain(fast, device, with_triton):
    with_triton(True)
    network, settings = small_network()
    use_fused_layers(network, settings, fast, device)
    assert layers_of(network) == {type(PLAIN)}


def test_on_the_fast_path_every_part_of_a_network_is_fused():
    fused = pytest.importorskip("landmark_discovery.models.fused", exc_type=ImportError)
    network, settings = small_network()
    use_fused_layers(network, settings, True, CUDA)
    assert layers_of(network) == {fused.FusedLayers}


@pytest.mark.parametrize("changes", [{"width": 48}, {"width": 96, "norm_groups": 3}])
def test_a_network_that_is_no_power_of_two_stays_plain(changes, with_triton):
    with_triton(True)
    network, settings = small_network(**changes)
    use_fused_layers(network, settings, True, CUDA)
    assert layers_of(network) == {type(PLAIN)}


def test_a_step_is_recorded_on_the_fast_path_alone(with_triton):
    with_triton(True)

    def step(batch):
        return batch

    generator = generator_on(CPU, 0)
    assert recorded(step, generator, True, CPU) is step
    assert recorded(step, generator, False, CUDA) is step
    assert isinstance(recorded(step, generator, True, CUDA), CapturedStep)


def test_a_few_steps_of_training_are_the_same_with_all_kernels_as_without(stored, tiny_config, kernel_device):
    fused = pytest.importorskip("landmark_discovery.models.fused", exc_type=ImportError)
    points = np.random.default_rng(1).uniform(6, 34, (4, 4, 2))
    keypoints = warmup_keypoints(np.arange(4), points, kernel_device)
    config = tiny_config(stage1={"batch_pairs": 1})
    pixels, crops, size = (part.to(kernel_device) for part in (stored.pixels, stored.crops, stored.stored_size))

    def train(fast):
        images = StoredImages(pixels, crops, size, fused=fast)
        network = initial_network(config, kernel_device)
        if fast:
            network.use_layers(fused.FusedLayers())
        parameters = TrainedParameters(network, "float32")
        optimizer = make_optimizer(parameters, config.stage1.optimizer)
        randomness = Randomness(generator_on(kernel_device, 3), sections=2)
        losses = []
        with arithmetic("float32", kernel_device):
            for first in (0, 2):
                rows = torch.tensor([first, first], device=kernel_device)
                batch = make_batch(images, keypoints, RawBatch(rows, images.read(rows)), config, randomness)
                loss = training_step(parameters, optimizer, batch, config, randomness)
                losses.append([loss.detector.item(), loss.descriptor.item()])
        return np.array(losses)

    np.testing.assert_allclose(train(fast=True), train(fast=False), rtol=1e-4)
