"""What one measurement runs under."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import torch

from benchmarks.figures import Figure, Variant, cost
from benchmarks.peaks import gpu_peak_gib, host_peak_gib
from benchmarks.workload import Size, Workload
from landmark_discovery.config.schema import Config

# Names of the figures that are the limits.
MATRIX_PRODUCT = "matrix product"
COPY = "copy on the device"


@dataclass(frozen=True)
class Limits:
    """Hold measured limits.

    Attributes:
        operations_per_s: of a large matrix product, in bfloat16 on a GPU.
        bytes_per_s: of a large copy on the device, read plus written.
    """

    operations_per_s: float
    bytes_per_s: float

    @classmethod
    def among(cls, figures: Iterable[Figure]) -> Limits | None:
        """Find the limits among figures; None where they weren't measured."""
        medians = {figure.name: figure.median for figure in figures}
        if MATRIX_PRODUCT not in medians or COPY not in medians:
            return None
        return cls(medians[MATRIX_PRODUCT] * 1e12, medians[COPY] * 1e9)


@dataclass(frozen=True)
class Conditions:
    """Hold what one measurement runs under.

    Attributes:
        workload: what is measured.
        budget_s: time that it may take, beyond what it takes at least.
        variant: of the network; None where none is used.
        limits: of the machine; None where they weren't measured.
    """

    workload: Workload
    budget_s: float
    variant: Variant | None = None
    limits: Limits | None = None

    @property
    def device(self) -> torch.device:
        """Name the device."""
        return self.workload.device

    @property
    def size(self) -> Size:
        """Say how much is measured."""
        return self.workload.size

    @cached_property
    def config(self) -> Config:
        """Give the configuration of the variant."""
        return self.workload.config(self.variant)

    def peaks(self, name: str) -> list[Figure]:
        """Give the peak memory since `start_peaks`, that of a GPU without the images that lie there."""
        figures = [cost(f"{name}: peak host memory", "GiB", [host_peak_gib()], self.variant)]
        if self.device.type == "cuda":
            beside = gpu_peak_gib(self.device) - self.workload.resident_gib
            figures.append(cost(f"{name}: peak GPU memory beside the images", "GiB", [beside], self.variant))
        return figures
