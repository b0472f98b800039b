"""The whole report: sections below each other, with a table of contents, in one file that needs no other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape, unescape
from pathlib import Path

from landmark_discovery.files import write_text
from landmark_discovery.reporting import html
from landmark_discovery.reporting.plots import Plot, plot_data
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

_TITLE = re.compile(r'<section id="([^"]+)">\n<h2>(.*?)</h2>')


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
        licence_section(run.licences, run.config.dataset.kind),
        definition_section(run),
    ]
    return interactive_page(run.config.experiment, _facts(run), sections, [*curve_plots, *loss_plots])


def interactive_page(title: str, subtitle: str, sections: Sequence[str], plots: Sequence[Plot]) -> str:
    """Put sections into a page with a table of contents and plots.

    Args:
        title: plain words.
        subtitle: plain words below it.
        sections: made by `html.section`; empty ones are left out.
        plots: that appear in the sections.
    """
    head = f'<header><h1>{escape(title)}</h1><p class="quiet">{escape(subtitle)}</p></header>'
    links = [
        f'<li><a href="#{identifier}">{escape(unescape(words))}</a></li>'
        for identifier, words in _TITLE.findall("\n".join(sections))
    ]
    contents = f"<ul>{''.join(links)}</ul>"
    return html.page(
        title,
        head,
        f'<details class="contents"><summary>Contents</summary><nav aria-label="Contents">{contents}</nav></details>',
        f'<nav class="sidebar" aria-label="Contents">{contents}</nav>',
        "<noscript><p>The plots and the slider need JavaScript; every number stands in a table too.</p></noscript>",
        f"<main>\n{chr(10).join(section for section in sections if section)}\n</main>",
        plot_data(plots),
        style=html.asset("report.css"),
        scripts=([plotly_script()] if plots else []) + [html.asset("report.js")],
    )


def plotly_script() -> str:
    """Give plotly's JavaScript, which draws the plots without any network."""
    from plotly.offline import get_plotlyjs  # type: ignore[import-untyped]

    return str(get_plotlyjs())


def _facts(run: Run) -> str:
    config = run.config
    made = "the authors' weights" if config.pretrained else f"recipe {config.recipe}, seed {config.seed}"
    return (
        f"Object landmarks discovered without annotation. Data set {config.dataset.name}, "
        f"{run.num_landmarks} landmarks, {made}."
    )
