"""The sections of the training: rounds of the pseudo-ground-truth, losses, and what each step needed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from landmark_discovery.reporting import html
from landmark_discovery.reporting.data_uris import data_uri_of_file
from landmark_discovery.reporting.plots import Plot, layout, line, line_style
from landmark_discovery.reporting.report.inputs import Run
from landmark_discovery.reporting.tables import UNKNOWN, duration, mean_of, memory
from landmark_discovery.reporting.training_plots import (
    ROUND_PANELS,
    STAGE1_PANELS,
    STAGE2_PANELS,
    Panel,
    read_log,
)

_ROUND_WIDTH_PX = 1000
_ROUND_QUALITY = 70
_MOST_POINTS = 400
# Snakemake looks at processor time every 30 s, so that a step's last seconds escape it: at most 5 % of so long a step.
_LOAD_KNOWN_FROM_S = 600


def round_section(run: Run) -> str:
    """Show how the pseudo-ground-truth changed from round to round, with a slider over its pictures."""
    steps = _round_steps(run)
    if not steps:
        return ""
    last = len(steps) - 1
    pictures = "".join(
        f'<img src="{uri}" alt="{escape(words)}" data-words="{escape(words)}"{"" if step == last else " hidden"}>'
        for step, (words, uri) in enumerate(steps)
    )
    note = (
        "Self-training: each round names the network's own detections on training images anew and learns from them. "
        "A mark that settles on one part is a landmark that was learnt."
    )
    slider = (
        f'<label class="slider">Round <input type="range" min="0" max="{last}" step="1" value="{last}"></label>'
        f'<p class="slide-words" aria-live="polite">{escape(steps[last][0])}</p>'
        f'<div class="slides" tabindex="0">{pictures}</div>'
    )
    return html.section(
        "rounds", "From round to round", html.paragraph(note, quiet=True), f'<div class="slider-box">{slider}</div>'
    )


def loss_section(run: Run) -> tuple[str, list[Plot]]:
    """Plot losses, learning rates and the facts of the rounds.

    Returns:
        HTML, and the plots that appear in it; nothing where nothing was trained.
    """
    if not run.files.training:
        return "", []
    first, second = run.files.training
    groups = {
        "Stage 1": _plots(first / "training_log.csv", STAGE1_PANELS, "iteration", "stage1"),
        "Rounds of stage 1": _plots(first / "rounds.csv", ROUND_PANELS, "round", "rounds"),
        "Stage 2": _plots(second / "training_log.csv", STAGE2_PANELS, "iteration", "stage2"),
    }
    parts = []
    for title, plots in groups.items():
        places = "".join(plot.place for plot in plots)
        parts += [html.heading(title, 3), f'<div class="small-plots">{places}</div>'] if plots else []
    return html.section("losses", "Losses", *parts), [plot for plots in groups.values() for plot in plots]


def time_section(benchmarks: Mapping[str, pd.DataFrame]) -> str:
    """List time and memory of each step.

    Args:
        benchmarks: by step, in the order shown, Snakemake's benchmark table (columns s, max_rss in MB, mean_load).
    """
    if not benchmarks:
        return html.section("time", "Time and memory", html.paragraph("Snakemake wrote no benchmark of this run."))
    seconds = {step: mean_of(table, "s") for step, table in benchmarks.items()}
    loads = {step: _load(table, seconds[step]) for step, table in benchmarks.items()}
    with_load = any(load is not None for load in loads.values())
    rows = [
        (_step_words(step), duration(seconds[step]), memory(mean_of(table, "max_rss")), loads[step] or UNKNOWN)
        for step, table in benchmarks.items()
    ]
    rows.append(("Sum", duration(sum(value for value in seconds.values() if value is not None)), "", ""))
    columns = ("Step", "Time", "Memory", "CPU load") if with_load else ("Step", "Time", "Memory")
    table = html.table(columns, [row[: len(columns)] for row in rows], strong=(len(rows) - 1,))
    note = "Memory: the most that was seen, by a look every half a second at first and every 30 s after 15 s."
    note += " CPU load: 100 % is one core kept busy; of steps of ten minutes or more." if with_load else ""
    return html.section("time", "Time and memory", table, html.paragraph(note, quiet=True))


def thinned(table: pd.DataFrame, most: int = _MOST_POINTS) -> pd.DataFrame:
    """Average neighbouring rows of a long log, so that at most `most` remain; the first column takes its last value."""
    block = -(-len(table) // most)
    if block <= 1:
        return table
    groups = table.groupby(np.arange(len(table)) // block)
    means = groups.mean()
    means[table.columns[0]] = groups[table.columns[0]].last()
    return means


def _round_steps(run: Run) -> list[tuple[str, str]]:
    """Give words and picture of each step of the slider."""
    steps = []
    if run.files.bootstrap_picture is not None:
        steps.append(("Bootstrap keypoints, where it starts", _picture(run.files.bootstrap_picture)))
    if run.files.training:
        folder = run.files.training[0]
        facts = read_log(folder / "rounds.csv", ROUND_PANELS, "round").set_index("round")
        pictures = ((number, folder / "rounds" / f"round_{int(number):02d}.png") for number in facts.index)
        steps += [(_round_words(facts, number), _picture(path)) for number, path in pictures if path.is_file()]
    return steps if len(steps) > 1 else []


def _round_words(facts: pd.DataFrame, number: int) -> str:
    row = facts.loc[number]
    return (
        f"Round {number}, after iteration {row['iteration']:,.0f}: {row['detections_kept']:.1f} of "
        f"{row['detections_over_threshold']:.1f} detections an image kept, flip purity {row['flip_purity']:.2f}"
    )


def _picture(path: Path) -> str:
    return data_uri_of_file(path, _ROUND_WIDTH_PX, _ROUND_QUALITY)


def _plots(path: Path, panels: Sequence[Panel], across: str, name: str) -> list[Plot]:
    columns = [across, *dict.fromkeys(column for panel in panels for column, _ in panel.columns)]
    table = thinned(read_log(path, panels, across)[columns])
    return [_panel_plot(table, panel, across, f"{name}-{position}") for position, panel in enumerate(panels)]


def _panel_plot(table: pd.DataFrame, panel: Panel, across: str, identifier: str) -> Plot:
    traces = []
    for position, (column, label) in enumerate(panel.columns):
        color, dash = line_style(position)
        values = table[column].to_numpy(dtype=np.float64)
        traces.append(line(label, table[across].to_numpy(), values, color=color, dash=dash))
    drawn = layout(panel.title, across, "", small=True)
    if panel.logarithmic and (table[[column for column, _ in panel.columns]].to_numpy() > 0).all():
        drawn["yaxis"] |= _logarithmic(table[[column for column, _ in panel.columns]].to_numpy(dtype=np.float64))
    return Plot(f"{identifier}-plot", f"{panel.title} over {across}s", tuple(traces), drawn)


def _logarithmic(values: NDArray[np.float64]) -> dict[str, Any]:
    """Number a logarithmic axis at 1, 2 and 5, or closer: of powers of ten, often only one is in range."""
    digits = (1, 2, 5) if values.max() > 5 * values.min() else (1, 2, 3, 4, 5, 6, 8)
    powers = range(math.floor(math.log10(values.min())) - 1, math.ceil(math.log10(values.max())) + 1)
    places = [digit * 10.0**power for power in powers for digit in digits]
    return {"type": "log", "rangemode": "normal", "tickvals": places, "ticktext": [f"{place:g}" for place in places]}


def _step_words(step: str) -> str:
    spaced = html.words(step).replace("pseudo groundtruth", "pseudo-ground-truth")
    return re.sub(r"stage(\d)", r"stage \1", spaced)


def _load(table: pd.DataFrame, seconds: float | None) -> str | None:
    load = mean_of(table, "mean_load")
    return None if load is None or seconds is None or seconds < _LOAD_KNOWN_FROM_S else f"{load:.0f} %"
