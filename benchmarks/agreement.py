"""How far the losses of the fast path are from those of the plain one, from the same weights on the same samples."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path

import torch

from benchmarks.figures import Variant
from benchmarks.machine import machine_facts, version_facts
from benchmarks.stage1_step import stage1_step
from benchmarks.suite import PATHS, PRECISIONS
from benchmarks.workload import Workload
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_json
from landmark_discovery.text_tables import markdown_table
from landmark_discovery.training.feed import feed
from landmark_discovery.training.randomness import generator_on
from landmark_discovery.training.runtime import arithmetic
from landmark_discovery.training.sampler import pair_batches

JSON_NAME = "agreement.json"
REFERENCE = Variant("float32", "plain")
# Losses of so many iterations are averaged: single ones differ by their samples alone.
AVERAGED = 20

Losses = Mapping[Variant, Sequence[float]]


def measure_agreement(workload: Workload, iterations: int, output: Path) -> str:
    """Train stage 1 for some iterations in each precision on both paths, and write all losses and a table.

    Raises:
        UserError: on a CPU, which has the plain path alone.
    """
    if workload.device.type == "cpu":
        raise UserError("a CPU has the plain path alone", where="--device", remedy="measure on a GPU")
    losses: dict[Variant, list[float]] = {}
    for variant in (Variant(precision, path) for precision in reversed(PRECISIONS) for path in reversed(PATHS)):
        losses[variant] = losses_of(workload, variant, iterations)
        print(f"{variant}: {losses[variant][0]:.5f} to {losses[variant][-1]:.5f}", file=sys.stderr, flush=True)
    text = agreement_table(losses)
    write_json(
        output / JSON_NAME,
        {
            "machine": machine_facts(workload.device),
            "versions": version_facts(),
            "workload": workload.facts(),
            "losses": {str(variant): values for variant, values in losses.items()},
        },
    )
    return text


def losses_of(workload: Workload, variant: Variant, iterations: int) -> list[float]:
    """Train stage 1 at its full learning rate and give each iteration's loss; equal seeds choose equal samples."""
    config = workload.config(variant)
    images, keypoints = workload.images(config.fast), workload.keypoints(config.clustering.training_clusters)
    step = stage1_step(config, images, keypoints)
    probability = config.stage1.descriptor_loss.partner_probability
    order = generator_on(torch.device("cpu"), config.seed, stream=1)
    chosen = pair_batches(len(keypoints.image), config.stage1.batch_pairs, probability, order)
    with arithmetic(config.precision, workload.device):
        return [float(step(raw).total) for raw in feed(images, keypoints.image.cpu(), islice(chosen, iterations))]


def agreement_table(losses: Losses) -> str:
    """Relate the losses of each variant to those of the plain path in its precision, and in float32."""
    rows = []
    for variant, values in losses.items():
        plain = losses[Variant(variant.precision, "plain")]
        rows.append(
            [
                str(variant),
                *(f"{relative_difference(values[:1], one[:1]):.1e}" for one in (plain, losses[REFERENCE])),
                *(f"{relative_difference(values, one):.1e}" for one in (plain, losses[REFERENCE])),
                f"{statistics.fmean(values[-AVERAGED:]):.5f}",
            ]
        )
    header = [
        "",
        "first loss, from plain",
        "from float32, plain",
        "losses, from plain (median)",
        "from float32, plain (median)",
        f"mean of the last {AVERAGED}",
    ]
    return markdown_table(header, rows)


def relative_difference(losses: Sequence[float], others: Sequence[float]) -> float:
    """Give the median over the iterations of |a - b| / |b|."""
    return statistics.median(abs(own - other) / abs(other) for own, other in zip(losses, others, strict=True))
