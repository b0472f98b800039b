"""Which measurements there are, and running them under a budget of time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import chain

import torch

from benchmarks.conditions import Conditions, Limits
from benchmarks.figures import Figure, Variant
from benchmarks.limits import measure_limits
from benchmarks.network import measure_network
from benchmarks.prediction import measure_evaluation, measure_prediction
from benchmarks.pseudo_groundtruth import measure_clustering, measure_detection
from benchmarks.report import Report, value_text
from benchmarks.training import measure_stage1, measure_stage1_streamed, measure_stage2
from benchmarks.workload import Workload
from landmark_discovery.errors import UserError, nearest_name

Measure = Callable[[Conditions], list[Figure]]
PRECISIONS, PATHS = ("bfloat16", "tf32", "float32"), ("fast", "plain")
COMMON: dict[str, Measure] = {
    "limits": measure_limits,
    "clustering": measure_clustering,
    "evaluation": measure_evaluation,
}
OF_VARIANT: dict[str, Measure] = {
    "network": measure_network,
    "stage1": measure_stage1,
    "stage1-streamed": measure_stage1_streamed,
    "detection": measure_detection,
    "stage2": measure_stage2,
    "prediction": measure_prediction,
}
NAMES = (*COMMON, *OF_VARIANT)


@dataclass(frozen=True)
class Job:
    """Name one measurement, and of which variant."""

    name: str
    variant: Variant | None

    @property
    def measure(self) -> Measure:
        """Give the function that measures."""
        return {**COMMON, **OF_VARIANT}[self.name]

    def __str__(self) -> str:
        """Name it in one line."""
        return self.name if self.variant is None else f"{self.name} ({self.variant})"


def list_jobs(only: Sequence[str], variants: Sequence[Variant]) -> list[Job]:
    """List what is measured: the limits that figures relate to, then the most telling, which a cut-off run has.

    Args:
        only: names of measurements; empty: all.
        variants: of the network, the most telling first.

    Raises:
        UserError: there is no such measurement.
    """
    for name in only:
        if name not in NAMES:
            raise UserError(f"unknown measurement {name!r}", where="--only", remedy=nearest_name(name, NAMES))
    limits, *others = (Job(name, None) for name in COMMON)
    first, *rest = ([Job(name, variant) for name in OF_VARIANT] for variant in variants)
    jobs = [limits, *first, *others, *chain.from_iterable(rest)]
    return [job for job in jobs if job.name in only or not only]


def variants_on(device: torch.device, precisions: Iterable[str], paths: Iterable[str]) -> list[Variant]:
    """List the ways to run the network on a device; a CPU has one: plain, in float32."""
    if device.type == "cpu":
        return [Variant("float32", "plain")]
    return [Variant(precision, path) for path in paths for precision in precisions]


def run_jobs(
    jobs: Sequence[Job], workload: Workload, report: Report, save: Callable[[], None], budget_s: float
) -> None:
    """Measure one job after another into a report, which is saved after each.

    Args:
        jobs: in the order of their importance.
        workload: what is measured.
        report: takes the figures, and why a job has none.
        save: writes the report.
        budget_s: jobs that would begin after it are left out; each may take its share of what is left.
    """
    start = time.perf_counter()
    for number, job in enumerate(jobs):
        left = budget_s - (time.perf_counter() - start)
        report.missing |= _run(job, workload, report, left / (len(jobs) - number)) if left > 0 else _late(job)
        report.seconds = round(time.perf_counter() - start, 1)
        save()


def _run(job: Job, workload: Workload, report: Report, share_s: float) -> dict[str, str]:
    """Measure a job into the report; a failure is noted and doesn't end the run."""
    if job.name == "stage1-streamed" and workload.device.type == "cpu":
        return {str(job): "the images lie in the memory of the CPU that trains"}
    try:
        figures = job.measure(Conditions(workload, share_s, job.variant, Limits.among(report.figures)))
    except Exception as error:
        return {str(job): f"failed, {type(error).__name__}: {' '.join(str(error).split())[:200]}"}
    for figure in figures:
        print(f"{job}: {figure.name} {value_text(figure)} {figure.unit}", file=sys.stderr, flush=True)
    report.figures += figures
    return {}


def _late(job: Job) -> dict[str, str]:
    return {str(job): "no time left"}
