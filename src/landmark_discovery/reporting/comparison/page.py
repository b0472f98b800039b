"""The comparison of runs: a page, a table for programs and one for the terminal."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from landmark_discovery.errors import UserError
from landmark_discovery.files import write_text
from landmark_discovery.reporting import html
from landmark_discovery.reporting.changes import changed_keys, configuration_value
from landmark_discovery.reporting.comparison.groups import CONFIDENCE, Group, difference, group_runs, spread
from landmark_discovery.reporting.comparison.runs import FinishedRun, differing_meanings, read_runs
from landmark_discovery.reporting.curve_plots import curve_plot, normalizer_words
from landmark_discovery.reporting.curves import Direction
from landmark_discovery.reporting.interactive import interactive_page
from landmark_discovery.reporting.plots import Plot
from landmark_discovery.reporting.tables import UNKNOWN, duration, percent, share
from landmark_discovery.text_tables import aligned_table

_ANYWAY = "Their figures have different meanings and can't be compared as numbers; look at one run at a time."


@dataclass(frozen=True)
class _Figure:
    key: str
    words: str
    stage: int = 2
    is_count: bool = False


# What runs are compared by.
_FIGURES = (
    _Figure("forward_nme", "Forward error"),
    _Figure("backward_nme", "Backward error"),
    _Figure("distinct_landmarks", "Distinct", is_count=True),
    _Figure("forward_nme", "Forward, stage 1", stage=1),
    _Figure("backward_nme", "Backward, stage 1", stage=1),
)
_BASELINES = (_Figure("mean_shape_nme", "Mean shape"), _Figure("mean_landmark_nme", "Mean position"))
_DIFFERENCE_COLUMNS = ("Group", "Mean", "Difference", "95 % interval", "Clear")
_DIRECTIONS: tuple[Direction, ...] = ("forward", "backward")


def write_comparison(folder: str | Path, results: Sequence[str | Path], *, anyway: bool = False) -> str:
    """Write compare.html and compare.csv into a folder.

    Args:
        folder: gets the two files; others in it stay.
        results: folders of finished runs, the yardstick first.
        anyway: also compare runs whose figures have different meanings, and say so.

    Returns:
        The table for a terminal.

    Raises:
        UserError: a folder that is no finished run, one run alone or twice, or runs that can't be compared.
    """
    runs = read_runs(results)
    differing = differing_meanings(runs)
    if differing and not anyway:
        raise UserError(
            f"figures of these runs have different meanings: they differ in {', '.join(differing)}",
            remedy="compare runs of one data set and protocol, or give --anyway",
        )
    groups = group_runs(runs)
    write_text(Path(folder) / "compare.html", comparison_page(runs, groups, differing))
    write_text(Path(folder) / "compare.csv", comparison_csv(runs))
    return plain_text(runs, groups, differing)


def comparison_page(runs: Sequence[FinishedRun], groups: Sequence[Group], differing: Sequence[str]) -> str:
    """Make the page: table, differences, overlaid curves, and what differs in the configurations."""
    curves, plots = _curve_section(runs)
    said = f"They differ in {', '.join(differing)}. {_ANYWAY}" if differing else ""
    warning = f'<p class="answer"><strong>Not comparable.</strong> {escape(said)}</p>' if said else ""
    sections = [
        html.section("figures", "Figures", warning, html.table(_columns(), [_row(run) for run in runs]), _notes(runs)),
        "" if differing else _difference_section(groups),
        curves,
        _configuration_section(runs),
    ]
    title = f"{len(runs)} runs beside each other"
    return interactive_page(title, ", ".join(run.label for run in runs), sections, plots)


def comparison_csv(runs: Sequence[FinishedRun]) -> str:
    """Write the figures as CSV, a line a run; an empty cell is undefined."""
    lines = io.StringIO()
    writer = csv.writer(lines, lineterminator="\n")
    figures = (*_FIGURES, *_BASELINES)
    names = [f"{figure.key}_stage{figure.stage}" for figure in figures]
    writer.writerow(["run", "folder", "num_landmarks", "seed", *names, "found_share_stage2", "training_seconds"])
    for run in runs:
        values = [run.figure(figure.key, figure.stage) for figure in figures]
        known = [run.configuration["num_landmarks"], run.seed, *values, run.found, run.training_seconds]
        writer.writerow([run.label, str(run.folder), *("" if value is None else value for value in known)])
    return lines.getvalue()


def plain_text(runs: Sequence[FinishedRun], groups: Sequence[Group], differing: Sequence[str]) -> str:
    """Write the table and the differences for a terminal that may know ASCII alone."""
    lines = [_aligned([_columns(), *map(_row, runs)])]
    if differing:
        lines += ["", f"NOT COMPARABLE: they differ in {', '.join(differing)}. {_ANYWAY}"]
    elif len(groups) > 1 or len(groups[0].runs) > 1:
        for figure in _FIGURES:
            rows = [[group.name, *_difference_cells(groups[0], group, figure)] for group in groups]
            lines += ["", _aligned([(figure.words, *_DIFFERENCE_COLUMNS[1:]), *rows])]
    return "\n".join(lines)


def _columns() -> list[str]:
    named = [figure.words for figure in (*_FIGURES, *_BASELINES)]
    return ["Run", "K", "Seed", *named, "Found", "Training time"]


def _row(run: FinishedRun) -> list[str]:
    figures = [_value(figure, run.figure(figure.key, figure.stage)) for figure in (*_FIGURES, *_BASELINES)]
    count = str(run.configuration["num_landmarks"])
    return [run.label, count, str(run.seed), *figures, share(run.found), duration(run.training_seconds)]


def _value(figure: _Figure, value: float | None) -> str:
    if figure.is_count:
        return "undefined" if value is None else f"{value:g}"
    return percent(value)


def _notes(runs: Sequence[FinishedRun]) -> str:
    words = (
        "Errors in percent, lower is better; stage 2 where nothing else is said. Mean shape and mean position: what "
        "ignoring the image gives. Training time: both stages and the pseudo-ground-truth between them, as each "
        "machine needed. "
    )
    return html.paragraph(words + normalizer_words([run.curves["forward"] for run in runs]), quiet=True)


def _difference_section(groups: Sequence[Group]) -> str:
    note = (
        "Runs that differ in the seed alone are one group: mean ± sample standard deviation (number of runs). "
        f"Difference: to the first group, with its {CONFIDENCE:.0%} interval by Welch's t. One run has no spread, so a "
        "difference to it may be chance."
    ).replace("95%", "95 %")
    parts = [html.paragraph(note, quiet=True)]
    for figure in _FIGURES:
        rows = [[group.name, *_difference_cells(groups[0], group, figure)] for group in groups]
        parts += [html.heading(figure.words, 3), html.table(_DIFFERENCE_COLUMNS, rows)]
    return html.section("differences", "Differences, and their spread over seeds", *parts)


def _difference_cells(first: Group, group: Group, figure: _Figure) -> list[str]:
    yardstick, ours = (spread(some.values(figure.key, figure.stage)) for some in (first, group))
    if ours is None:
        return ["undefined", UNKNOWN, UNKNOWN, UNKNOWN]
    deviation = "" if ours.std is None else f" ± {ours.std:.2f}"
    mean = f"{ours.mean:.2f}{deviation} (n = {ours.count})"
    if group is first or yardstick is None:
        return [mean, UNKNOWN, UNKNOWN, UNKNOWN]
    found = difference(yardstick, ours)
    if found.interval is None:
        return [mean, f"{found.value:+.2f}", "n = 1 has no spread", "unknown"]
    low, high = found.interval
    return [mean, f"{found.value:+.2f}", f"{low:+.2f} to {high:+.2f}", "yes" if found.is_clear else "no"]


def _curve_section(runs: Sequence[FinishedRun]) -> tuple[str, list[Plot]]:
    parts, plots = [], []
    for title, stage in (("Stage 2", 2), ("Stage 1", 1)):
        parts.append(html.heading(title, 3))
        for direction in _DIRECTIONS:
            curves = [(run.curves if stage == 2 else run.first_curves)[direction] for run in runs]
            plot = curve_plot(curves, direction, f"{direction}-stage{stage}-plot", with_dots=False)
            if plot is not None:
                plots.append(plot)
                parts.append(plot.place)
    if not plots:
        return "", []
    note = "Choose a name in the legend to hide or show its curve."
    return html.section("curves", "Error curves", html.paragraph(note, quiet=True), *parts), plots


def _configuration_section(runs: Sequence[FinishedRun]) -> str:
    first = runs[0].configuration
    changes: dict[str, dict[str, str]] = {}
    for run in runs[1:]:
        for key, ours, _ in changed_keys(run.configuration, first):
            changes.setdefault(key, {})[run.label] = configuration_value(ours)
    rows = [
        (key, _at(first, key), *(values.get(run.label, _at(first, key)) for run in runs[1:]))
        for key, values in changes.items()
    ]
    if not rows:
        return html.section(
            "configuration", "What differs in the configurations", html.paragraph("Nothing but their names.")
        )
    columns = ("Key", *(run.label for run in runs))
    return html.section("configuration", "What differs in the configurations", html.table(columns, rows, numbers=False))


def _at(configuration: Mapping[str, object], key: str) -> str:
    value: object = configuration
    for part in key.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return configuration_value(value)


def _aligned(words: Sequence[Sequence[str]]) -> str:
    return aligned_table([[cell.replace("±", "+-").replace(UNKNOWN, "-") for cell in row] for row in words])
