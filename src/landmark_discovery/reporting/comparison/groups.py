"""Runs that differ in nothing but the seed, and how groups of them differ by more than that."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from scipy.special import stdtrit

from landmark_discovery.reporting.comparison.runs import FinishedRun

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Group:
    """Hold runs of one configuration, one a seed.

    Attributes:
        name: of the group.
        runs: at least one.
    """

    name: str
    runs: tuple[FinishedRun, ...]

    def values(self, key: str, stage: int = 2) -> list[float]:
        """List a figure of the runs that have it."""
        found = [run.figure(key, stage) for run in self.runs]
        return [value for value in found if value is not None]


@dataclass(frozen=True)
class Spread:
    """Hold what the runs of a group measured.

    Attributes:
        count: runs that have the figure.
        mean: over them.
        std: sample standard deviation; None for one run.
    """

    count: int
    mean: float
    std: float | None


@dataclass(frozen=True)
class Difference:
    """Hold by how much one group's mean exceeds another's.

    Attributes:
        value: the difference.
        interval: 95 % confidence interval by Welch's t; None where a group has one run alone.
    """

    value: float
    interval: tuple[float, float] | None

    @property
    def is_clear(self) -> bool | None:
        """Say whether the interval leaves out zero; None without an interval."""
        return None if self.interval is None else not self.interval[0] <= 0 <= self.interval[1]


def group_runs(runs: Sequence[FinishedRun]) -> list[Group]:
    """Put runs together whose configurations differ in the seed alone, in the order given.

    Two runs of one seed, repeated on a GPU for instance, are two of the group all the same.
    """
    recipes = dict.fromkeys(run.recipe for run in runs)
    members = [tuple(run for run in runs if run.recipe == recipe) for recipe in recipes]
    return [Group(_name(group), group) for group in members]


def spread(values: Sequence[float]) -> Spread | None:
    """Average the values of several runs; None without any."""
    if not values:
        return None
    return Spread(len(values), statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None)


def difference(first: Spread, second: Spread) -> Difference:
    """Tell how far the mean of the second group lies over that of the first.

    Neither the number of runs nor their spread need be the same (Welch).
    """
    value = second.mean - first.mean
    if first.std is None or second.std is None:
        return Difference(value, None)
    errors = [group.std**2 / group.count for group in (first, second) if group.std is not None]
    total = sum(errors)
    if total == 0:
        return Difference(value, (value, value))
    counts = (first.count, second.count)
    freedom = total**2 / sum(error**2 / (count - 1) for error, count in zip(errors, counts, strict=True))
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * math.sqrt(total)
    return Difference(value, (value - half, value + half))


def _name(runs: Sequence[FinishedRun]) -> str:
    if len(runs) == 1:
        return runs[0].label
    return f"{runs[0].label} and {len(runs) - 1} more run{'s' * (len(runs) > 2)}"
