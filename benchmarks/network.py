"""The network alone, as a batch of training and of detection runs it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.conditions import Conditions
from benchmarks.figures import Figure, rate
from benchmarks.limits import utilisation
from benchmarks.operations import stage1_work
from benchmarks.peaks import start_peaks
from benchmarks.timing import repeated_seconds
from benchmarks.workload import SEED
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.acceleration import recorded, use_fused_layers
from landmark_discovery.training.captured import EAGER_STEPS
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.parameters import TrainedParameters
from landmark_discovery.training.randomness import generator_on
from landmark_discovery.training.runtime import arithmetic, autocast
from landmark_discovery.training.stage1 import initial_network
from landmark_discovery.training.workers import Workers, workers_on

BATCHES = 10
# Eager ones, the recording, and one more.
WARMUPS = EAGER_STEPS + 2

Pass = Callable[[RawBatch], tuple[Tensor, ...]]


def measure_network(conditions: Conditions) -> list[Figure]:
    """Measure forward, and forward with backward, replayed as a graph where training does so."""
    work, variant, images = stage1_work(conditions.config.model), conditions.variant, conditions.size.network_batch
    count = images * BATCHES
    forward = _seconds(conditions, training=False)
    start_peaks(conditions.device)
    both = _seconds(conditions, training=True)
    return [
        rate("network forward", "images/s", count, forward, variant),
        rate("network forward + backward", "images/s", count, both, variant),
        *utilisation("network forward + backward", work, count, both, conditions),
        *conditions.peaks("network forward + backward"),
    ]


def _seconds(conditions: Conditions, training: bool) -> tuple[float, ...]:
    """Time batches of random images."""
    config, device = conditions.config, conditions.device
    network = initial_network(config, device).train(training)
    use_fused_layers(network, config.model, config.fast, device)
    generator = generator_on(device, SEED)
    size_px = config.model.input_size_px
    images = torch.rand(conditions.size.network_batch, 3, size_px, size_px, generator=generator, device=device)
    batch = RawBatch(torch.zeros(1, device=device), images.contiguous(memory_format=torch.channels_last))
    # As in training, workers share a batch; a pass forward alone shares each operation.
    with arithmetic(config.precision, device, 1 if training else config.cpu_threads):
        workers = workers_on(device, config.cpu_threads)
        make = partial(_training_pass, workers=workers) if training else _forward_pass
        step = recorded(make(network, batch, config.precision), generator, config.fast, device)

        def batches() -> None:
            for _ in range(BATCHES):
                step(batch)

        for _ in range(WARMUPS):
            step(batch)
        return repeated_seconds(batches, device, conditions.budget_s / 2)


def _forward_pass(network: HourglassNetwork, batch: RawBatch, precision: str) -> Pass:
    def run(raw: RawBatch) -> tuple[Tensor, ...]:
        with torch.no_grad(), autocast(precision, batch.pixels.device):
            maps: tuple[Tensor, ...] = network(raw.pixels)
        return maps

    return run


def _training_pass(network: HourglassNetwork, batch: RawBatch, precision: str, workers: Workers) -> Pass:
    """Go back from random gradients of the maps, so that no loss is timed."""
    parameters = TrainedParameters(network, precision, workers)
    with torch.no_grad(), autocast(precision, batch.pixels.device):
        gradients = [1e-3 * torch.randn_like(maps) for maps in parameters.forward(batch.pixels)]

    def run(raw: RawBatch) -> tuple[Tensor, ...]:
        for parameter in parameters.all():
            parameter.grad = None
        with autocast(precision, raw.pixels.device):
            maps = parameters.forward(raw.pixels)
        torch.autograd.backward(maps, gradients)
        return tuple(part.detach() for part in maps)

    return run
