"""How training went: losses, learning rate and rounds as small plots of one width."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from numpy.typing import NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.reporting.figures import (
    GREY,
    LINES,
    PALE,
    empty_figure,
    new_figure,
    plot_style,
    write_figure,
)

_COLUMNS = 2
_PANEL_INCHES = (2.9, 1.9)


@dataclass(frozen=True)
class Panel:
    """Hold what one small plot shows.

    Attributes:
        title: quantity and unit.
        columns: columns of the table, each a line, with their labels ("" for a single line).
        logarithmic: whether the axis is.
        smoothed: draw the values pale and their running mean strong.
        top: fixed upper end of the axis; None: from the data.
    """

    title: str
    columns: tuple[tuple[str, str], ...]
    logarithmic: bool = False
    smoothed: bool = False
    top: float | None = None


STAGE1_PANELS = (
    Panel("Loss", (("loss", ""),), logarithmic=True, smoothed=True),
    Panel("Detector loss", (("detector_loss", ""),), logarithmic=True, smoothed=True),
    Panel("Descriptor loss, weighted", (("descriptor_loss", ""),), logarithmic=True, smoothed=True),
    Panel("Learning rate", (("learning_rate", ""),)),
)
STAGE2_PANELS = (
    Panel("Loss", (("loss", ""),), logarithmic=True, smoothed=True),
    Panel("Learning rate", (("learning_rate", ""),)),
)
ROUND_PANELS = (
    Panel("Detections an image", (("detections_over_threshold", "over threshold"), ("detections_kept", "kept"))),
    Panel("Detection threshold (score)", (("threshold", ""),)),
    Panel("Clusters alive", (("clusters_alive", ""),)),
    Panel("Flip purity (share, at best 1)", (("flip_purity", ""),), top=1.04),
    Panel("Images kept for training", (("images_kept", ""),)),
    Panel("Losses of the round", (("detector_loss", "detector"), ("descriptor_loss", "descriptor")), True),
)


def plot_stage1(training_log: str | Path, rounds: str | Path, outputs: Sequence[Sequence[str | Path]]) -> None:
    """Plot losses and rounds of stage 1.

    Args:
        training_log: CSV with iteration, loss, detector_loss, descriptor_loss, learning_rate.
        rounds: CSV with round, iteration, threshold, detections_over_threshold, detections_kept, clusters_alive,
            flip_purity, images_kept, detector_loss, descriptor_loss.
        outputs: files of the losses, then files of the rounds, ending in .png or .svg.
    """
    write_figure(small_multiples(read_log(training_log, STAGE1_PANELS, "iteration"), STAGE1_PANELS), outputs[0])
    table = read_log(rounds, ROUND_PANELS, "round")
    write_figure(small_multiples(table, ROUND_PANELS, across="round"), outputs[1])


def plot_stage2(training_log: str | Path, outputs: Sequence[str | Path]) -> None:
    """Plot loss and learning rate of stage 2 from a CSV with iteration, loss and learning_rate."""
    write_figure(small_multiples(read_log(training_log, STAGE2_PANELS, "iteration"), STAGE2_PANELS), outputs)


def read_log(path: str | Path, panels: Sequence[Panel], across: str) -> pd.DataFrame:
    """Read a log and check that it has the columns that the panels show.

    Raises:
        UserError: no such file, or a column that is missing.
    """
    try:
        table = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise UserError(f"not a readable log ({error})", where=path, remedy="train again") from error
    wanted = [across, *(column for panel in panels for column, _ in panel.columns)]
    missing = [column for column in wanted if column not in table.columns]
    if missing:
        raise UserError(f"column {missing[0]!r} is missing", where=path, remedy=f"needed: {', '.join(wanted)}")
    return table


def small_multiples(table: pd.DataFrame, panels: Sequence[Panel], across: str = "iteration") -> Figure:
    """Plot each panel's columns over the column `across`, two panels beside each other."""
    if table.empty:
        return empty_figure("nothing was logged")
    with plot_style():
        rows = -(-len(panels) // _COLUMNS)
        figure = new_figure(_COLUMNS * _PANEL_INCHES[0], rows * _PANEL_INCHES[1] + 0.2)
        grid = figure.subplots(rows, _COLUMNS, sharex=True, squeeze=False).ravel()
        for axes, panel in zip(grid, panels, strict=False):
            _draw_panel(axes, table, panel, across)
        for axes in grid[len(panels) :]:
            axes.set_visible(False)
        for axes in grid[-_COLUMNS:]:
            axes.set_xlabel(across)
        return figure


def running_mean(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Average each value (N,) with its neighbours within half a window, fewer at the ends."""
    half = window // 2
    total = np.concatenate([[0.0], np.cumsum(values)])
    first = np.maximum(np.arange(len(values)) - half, 0)
    last = np.minimum(np.arange(len(values)) + half + 1, len(values))
    return np.asarray((total[last] - total[first]) / (last - first))


def _draw_panel(axes: Axes, table: pd.DataFrame, panel: Panel, across: str) -> None:
    axes.set_title(panel.title, fontsize=9)
    axes.tick_params(labelsize=8.5)
    x = table[across].to_numpy(dtype=np.float64)
    lines = [(table[column].to_numpy(dtype=np.float64), label) for column, label in panel.columns]
    for position, (values, _) in enumerate(lines):
        _draw_line(axes, x, values, LINES[position], panel.smoothed)
    _set_limits(axes, np.concatenate([values for values, _ in lines]), panel)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=5))
    for position, (values, label) in enumerate(lines):
        _label_line(axes, x, values, label, LINES[position])


def _label_line(axes: Axes, x: NDArray[np.float64], values: NDArray[np.float64], label: str, color: str) -> None:
    """Name a line inside the plot, above its right end."""
    # The label is about as wide as the last third of the line and clears the highest value there.
    below = values[-(len(values) // 3 + 1) :]
    if label and np.isfinite(below).any():
        axes.annotate(
            label,
            (x[-1], float(np.nanmax(below))),
            xytext=(0, 5),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=color,
            fontsize=8.5,
        )


def _draw_line(axes: Axes, x: NDArray[np.float64], values: NDArray[np.float64], color: str, smoothed: bool) -> None:
    if smoothed and len(values) >= 20:
        axes.plot(x, values, color=PALE, linewidth=0.8)
        axes.plot(x, running_mean(values, max(3, len(values) // 20)), color=color, linewidth=1.6)
    else:
        axes.plot(x, values, color=color, linewidth=1.6, marker="o" if len(values) <= 40 else "", markersize=3)


def _set_limits(axes: Axes, values: NDArray[np.float64], panel: Panel) -> None:
    present = values[np.isfinite(values)]
    if panel.logarithmic and len(present) and present.min() > 0:
        axes.set_yscale("log")
        axes.set_ylim(present.min() / 1.3, present.max() * (1.3 if len(panel.columns) == 1 else 2))
        # Plain numbers at 1, 2 and 5: powers of ten are hard to read and often only one of them is in range.
        axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(_plain_numbers())
        axes.yaxis.set_minor_locator(NullLocator())
    elif len(present):
        axes.set_ylim(
            min(0.0, float(present.min())),
            panel.top or max((1.15 if len(panel.columns) == 1 else 1.3) * float(present.max()), 1e-9),
        )
    else:
        axes.text(0.5, 0.5, "undefined", transform=axes.transAxes, ha="center", va="center", color=GREY)


def _plain_numbers() -> FuncFormatter:
    return FuncFormatter(lambda value, _: f"{value:g}")
