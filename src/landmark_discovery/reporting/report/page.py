"""The whole report: sections below each other, with a table of contents, in one file that needs no other."""

from __future__ import annotations

from pathlib import Path

from landmark_discovery.files import write_text
from landmark_discovery.reporting.interactive import interactive_page
from landmark_discovery.reporting.report.curves import curve_section
from landmark_discovery.reporting.report.definitions import definition_section
from landmark_discovery.reporting.report.facts import (
    configuration_section,
    dataset_section,
    licence_section,
    provenance_section,
)
from landmark_discovery.reporting.report.images import image_section
from landmark_discovery.reporting.report.inputs import ReportFiles, Run, read_run
from landmark_discovery.reporting.report.landmarks import gallery_section, landmark_section
from landmark_discovery.reporting.report.overview import overview
from landmark_discovery.reporting.report.training import loss_section, round_section, time_section


def write_report(output: str | Path, files: ReportFiles) -> None:
    """Write the report of a run, whole or not at all; equal files give equal bytes.

    Args:
        output: the HTML file.
        files: of the run.

    Raises:
        UserError: a file that is missing, can't be read or belongs to another run, or an output that can't be written.
    """
    write_text(output, report_page(read_run(files)))


def report_page(run: Run) -> str:
    """Make the report of a run as HTML."""
    curves, curve_plots = curve_section(run)
    losses, loss_plots = loss_section(run)
    sections = [
        overview(run),
        curves,
        landmark_section(run),
        gallery_section(run),
        image_section(run),
        round_section(run),
        losses,
        time_section(run.benchmarks),
        dataset_section(run.cards),
        configuration_section(run.config.model_dump(mode="json")),
        provenance_section(run.provenance),
        licence_section(run.licences, run.config),
        definition_section(run),
    ]
    return interactive_page(run.config.experiment, _facts(run), sections, [*curve_plots, *loss_plots])


def _facts(run: Run) -> str:
    config = run.config
    made = "the authors' weights" if config.pretrained else f"recipe {config.recipe}, seed {config.seed}"
    return (
        f"Object landmarks discovered without annotation. Data set {config.dataset.name}, "
        f"{run.num_landmarks} landmarks, {made}."
    )
