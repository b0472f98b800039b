"""The speed of everything that takes time, on one machine, as one report."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.comparison import comparison_markdown
from benchmarks.figures import Variant
from benchmarks.machine import machine_facts, version_facts
from benchmarks.report import Report, markdown, read_report
from benchmarks.suite import PATHS, PRECISIONS, list_jobs, run_jobs, variants_on
from benchmarks.workload import FULL, SMALL, Size, Workload, draw_store
from landmark_discovery.config.loading import parse_assignments
from landmark_discovery.data.store import ImageStore, read_store
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.training.runtime import choose_device


@dataclass(frozen=True)
class Options:
    """Say what is measured, on what, for how long.

    Attributes:
        store: prepared data set; None: images are drawn.
        small: a small network and few images.
        device: "auto", "cpu" or "cuda".
        budget_s: measurements that would begin later are left out.
        only: names of measurements; empty: all.
        precisions: of the network; empty: all.
        paths: "fast", "plain"; empty: both.
        against: JSON file of an earlier report, to compare with.
        assignments: keys of the configuration.
    """

    store: Path | None = None
    small: bool = False
    device: str = "auto"
    budget_s: float = 110
    only: Sequence[str] = ()
    precisions: Sequence[str] = ()
    paths: Sequence[str] = ()
    against: Path | None = None
    assignments: Sequence[str] = ()

    def variants(self, device: torch.device) -> list[Variant]:
        """List the ways to run the network.

        Raises:
            UserError: a precision or path that doesn't exist.
        """
        for option, given, valid in (("precision", self.precisions, PRECISIONS), ("path", self.paths, PATHS)):
            for name in given:
                if name not in valid:
                    raise UserError(f"unknown {option} {name!r}", where=f"--{option}", remedy=nearest_name(name, valid))
        return variants_on(device, self.precisions or PRECISIONS, self.paths or PATHS)


def measure_speed(output: Path, options: Options) -> Report:
    """Measure, and write the report into a folder after each measurement.

    Raises:
        UserError: an option that isn't allowed, or files that can't be read or written.
    """
    device = choose_device(options.device)
    jobs = list_jobs(options.only, options.variants(device))
    earlier = None if options.against is None else read_report(options.against)
    size = SMALL if options.small else FULL
    with stored_or_drawn(options.store, size) as images:
        workload = Workload(images, size, device, parse_assignments(options.assignments))
        command = " ".join(["python -m benchmarks", *sys.argv[1:]])
        report = Report(command, machine_facts(device), version_facts(), workload.facts())

        def text() -> str:
            return markdown(report) + ("" if earlier is None else comparison_markdown(earlier, report))

        run_jobs(jobs, workload, report, lambda: report.write(output, text()), options.budget_s)
    print(text())
    return report


@contextmanager
def stored_or_drawn(store: Path | None, size: Size) -> Iterator[ImageStore]:
    """Read a prepared data set or, where none is given, draw images for as long as the block runs."""
    if store is not None:
        yield read_store(store)
        return
    with tempfile.TemporaryDirectory() as folder:
        yield draw_store(Path(folder), size)
