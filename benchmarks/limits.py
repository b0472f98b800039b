"""The limits of the machine: how fast it multiplies matrices and moves memory."""

from __future__ import annotations

import torch

from benchmarks.conditions import COPY, MATRIX_PRODUCT, Conditions
from benchmarks.figures import Figure, rate
from benchmarks.operations import Work
from benchmarks.timing import repeated_seconds

AT_ONCE = 10
BYTES_OF = {"bfloat16": 2, "tf32": 4, "float32": 4}


def measure_limits(conditions: Conditions) -> list[Figure]:
    """Measure a product of square matrices (bfloat16 on a GPU, float32 on a CPU) and a copy on the device."""
    budget_s = conditions.budget_s / 2
    return [_matrix_product(conditions, budget_s), _copy(conditions, budget_s)]


def utilisation(name: str, work: Work, images: int, seconds: tuple[float, ...], conditions: Conditions) -> list[Figure]:
    """Relate the work of a training step's convolutions to the measured limits.

    Args:
        name: what took the time.
        work: for one image.
        images: in each of the times.
        seconds: measured.
        conditions: they say the limits and the size of a number.
    """
    limits, variant = conditions.limits, conditions.variant
    if limits is None or variant is None:
        return []
    operations = work.operations * images / limits.operations_per_s
    traffic = work.values * images * BYTES_OF[variant.precision] / limits.bytes_per_s
    return [
        rate(f"{name}: convolutions' operations against the matrix product", "share", operations, seconds, variant),
        rate(f"{name}: convolutions' traffic against the copy", "share", traffic, seconds, variant),
    ]


def _matrix_product(conditions: Conditions, budget_s: float) -> Figure:
    device, side = conditions.device, conditions.size.matrix_side
    kind = torch.bfloat16 if device.type == "cuda" else torch.float32
    first, second = (torch.randn(side, side, device=device, dtype=kind) for _ in range(2))
    result = torch.empty_like(first)

    def multiply() -> None:
        for _ in range(AT_ONCE):
            torch.matmul(first, second, out=result)

    seconds = repeated_seconds(multiply, device, budget_s)
    return rate(MATRIX_PRODUCT, "TFLOP/s", AT_ONCE * 2 * side**3 / 1e12, seconds)


def _copy(conditions: Conditions, budget_s: float) -> Figure:
    device, count = conditions.device, conditions.size.copied_mib * 2**20
    source = torch.randint(0, 256, (count,), dtype=torch.uint8, device=device)
    target = torch.empty_like(source)

    def copy() -> None:
        for _ in range(AT_ONCE):
            target.copy_(source)

    return rate(COPY, "GB/s", AT_ONCE * 2 * count / 1e9, repeated_seconds(copy, device, budget_s))
