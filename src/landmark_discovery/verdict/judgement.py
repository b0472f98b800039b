"""Whether measured figures agree with the published ones."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scipy.special import stdtrit

from landmark_discovery.verdict.figures import FigureList, OtherFigure, PublishedFigure
from landmark_discovery.verdict.measurements import Measurement

CONFIDENCE = 0.95
# Decimal figures such as 3.19 + 0.5 aren't exact in binary: the ends of a range must count all the same.
_ROUNDING = 1e-9


class Status(StrEnum):
    """What a judgement may say; `MEANINGS` has the words."""

    within = "within"
    better = "better"
    miss = "miss"
    undecided = "undecided"
    absent = "absent"


MEANINGS = {
    Status.within: "the measured figure, or with several seeds the whole confidence interval of their mean, lies in "
    "the accepted range",
    Status.better: "it is lower than the published figure by more than the tolerance, where only worse is refused",
    Status.miss: "it lies outside of the accepted range, and so does, of several seeds, each single one and their mean",
    Status.undecided: "the interval lies partly inside and partly outside of the accepted range: more seeds would tell",
    Status.absent: "a run has no metrics file, the figure is undefined there, or it was measured by another definition",
}


@dataclass(frozen=True)
class Summary:
    """Hold what several seeds measured, in percent.

    Attributes:
        count: number of seeds.
        mean: mean over the seeds.
        std: sample standard deviation; None for one seed.
        low: lower end of the 95 % confidence interval of the mean; with one seed the value itself.
        high: upper end.
    """

    count: int
    mean: float
    std: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Judgement:
    """Hold the verdict on one published figure.

    Attributes:
        figure: what was published.
        status: the verdict.
        measurements: one a run.
        summary: of the runs that have the figure; None: no run has it.
        baseline: mean of the runs' baselines in percent; None: unknown.
    """

    figure: PublishedFigure
    status: Status
    measurements: tuple[Measurement, ...]
    summary: Summary | None
    baseline: float | None

    @property
    def difference(self) -> float | None:
        """Give measured minus published in percentage points; None: not measured."""
        return None if self.summary is None else self.summary.mean - self.figure.value

    @property
    def absences(self) -> tuple[str, ...]:
        """Say why runs lack the figure."""
        return tuple(measurement.absence for measurement in self.measurements if measurement.value is None)


@dataclass(frozen=True)
class Verdict:
    """Hold the judgements of one or more experiments.

    Attributes:
        experiments: all that were asked for.
        judgements: one a published figure.
        others: figures of other methods, for comparison.
    """

    experiments: tuple[str, ...]
    judgements: tuple[Judgement, ...]
    others: tuple[OtherFigure, ...] = ()

    @property
    def unpublished(self) -> tuple[str, ...]:
        """Name the experiments for which no figure is published."""
        judged = {judgement.figure.experiment for judgement in self.judgements}
        return tuple(name for name in self.experiments if name not in judged)

    @property
    def counts(self) -> dict[Status, int]:
        """Count the judgements of each status that occurs, in the order of the statuses."""
        found = [judgement.status for judgement in self.judgements]
        return {status: found.count(status) for status in Status if status in found}

    @property
    def exit_status(self) -> int:
        """Give the exit status that follows: 1 for any miss, else 2 for any absent figure, else 0."""
        if Status.miss in self.counts:
            return 1
        return 2 if Status.absent in self.counts else 0


def summarise(values: Sequence[float]) -> Summary | None:
    """Average the values of several seeds, with the confidence interval of their mean by Student's t.

    Args:
        values: one a seed, in percent.

    Returns:
        None for no values.
    """
    count = len(values)
    if count == 0:
        return None
    mean = statistics.fmean(values)
    if count == 1:
        return Summary(1, mean, None, mean, mean)
    std = statistics.stdev(values)
    half = float(stdtrit(count - 1, (1 + CONFIDENCE) / 2)) * std / math.sqrt(count)
    return Summary(count, mean, std, mean - half, mean + half)


def judge(figure: PublishedFigure, measurements: Sequence[Measurement]) -> Judgement:
    """Hold what runs measured against a published figure.

    A figure that one of several runs lacks is absent, lest a failed run make the others look better.

    Args:
        figure: what was published.
        measurements: one a run.
    """
    values = [measurement.value for measurement in measurements if measurement.value is not None]
    baselines = summarise([measurement.baseline for measurement in measurements if measurement.baseline is not None])
    summary = summarise(values)
    complete = summary is not None and summary.count == len(measurements)
    status = _status(figure, summary, values) if complete and summary is not None else Status.absent
    return Judgement(figure, status, tuple(measurements), summary, None if baselines is None else baselines.mean)


def judge_all(listed: FigureList, measured: Mapping[str, Sequence[Measurement]]) -> Verdict:
    """Hold what was measured against all figures of a list.

    Args:
        listed: what was published for the experiments in question (`FigureList.of`).
        measured: measurements by the figure's id, one a run.
    """
    judgements = tuple(judge(figure, measured.get(figure.id, ())) for figure in listed.figures)
    return Verdict(listed.experiments, judgements, listed.others)


def _status(figure: PublishedFigure, summary: Summary, values: Sequence[float]) -> Status:
    low, high = figure.accepted
    if summary.low >= low - _ROUNDING and summary.high <= high + _ROUNDING:
        better = figure.sides == "worse" and summary.high < figure.value - figure.tolerance - _ROUNDING
        return Status.better if better else Status.within
    # Two seeds have an interval so wide that it reaches everything: where not one of them is inside, more won't help.
    outside = [value > high + _ROUNDING or value < low - _ROUNDING for value in (*values, summary.mean)]
    return Status.miss if all(outside) else Status.undecided
