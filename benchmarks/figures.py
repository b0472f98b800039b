"""Measured figures: several values of one quantity, with their median and spread."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Variant:
    """Name a way to run the network: its arithmetic, and whether near the hardware.

    Attributes:
        precision: "bfloat16", "tf32" or "float32", as in the configuration.
        path: "fast" or "plain", the configuration's `fast: true` and `fast: false`.
    """

    precision: str
    path: str

    def __str__(self) -> str:
        """Name it as a column of a table."""
        return f"{self.precision}, {self.path}"


@dataclass(frozen=True)
class Figure:
    """Hold the values of one quantity, one a repeat.

    Attributes:
        name: what was measured; with the variant, unique in a report.
        unit: of the values; "share" is a part of 1.
        values: at least one.
        higher_is_better: what a change means.
        variant: of the network; None where none is used.
    """

    name: str
    unit: str
    values: tuple[float, ...]
    higher_is_better: bool
    variant: Variant | None = None

    @property
    def median(self) -> float:
        """Give the middle of the values."""
        return statistics.median(self.values)

    @property
    def best(self) -> float:
        """Give the best value."""
        return max(self.values) if self.higher_is_better else min(self.values)

    @property
    def worst(self) -> float:
        """Give the worst value."""
        return min(self.values) if self.higher_is_better else max(self.values)

    @property
    def key(self) -> tuple[str, Variant | None]:
        """Tell it from the other figures of a report."""
        return self.name, self.variant

    def as_json(self) -> dict[str, Any]:
        """Give what stands in a report, median and spread included."""
        return {
            "name": self.name,
            "precision": self.variant and self.variant.precision,
            "path": self.variant and self.variant.path,
            "unit": self.unit,
            "higher_is_better": self.higher_is_better,
            "median": self.median,
            "lowest": min(self.values),
            "highest": max(self.values),
            "values": list(self.values),
        }

    @classmethod
    def from_json(cls, tree: Mapping[str, Any]) -> Figure:
        """Read what `as_json` gave."""
        variant = None if tree["precision"] is None else Variant(tree["precision"], tree["path"])
        return cls(tree["name"], tree["unit"], tuple(tree["values"]), tree["higher_is_better"], variant)


def rate(name: str, unit: str, count: float, seconds: Iterable[float], variant: Variant | None = None) -> Figure:
    """Give how many of something are done a second; `count` are done in each of the times."""
    return Figure(name, unit, tuple(count / time for time in seconds), higher_is_better=True, variant=variant)


def cost(name: str, unit: str, values: Iterable[float], variant: Variant | None = None) -> Figure:
    """Give what should be low, such as seconds or memory."""
    return Figure(name, unit, tuple(values), higher_is_better=False, variant=variant)
