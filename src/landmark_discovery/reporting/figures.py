"""The look of all plots, and their files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file

INK = "#222222"
GREY = "#6e6e6e"
PALE = "#d9d9d9"
# Okabe and Ito's colours that stand out on white, the strongest contrasts first.
LINES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#490092", "#920000")
DASHES = ("-", (0, (5, 1.5)), (0, (1.5, 1.2)), (0, (6, 1.5, 1.5, 1.5)))
_STYLE: Any = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "axes.titlesize": 10,
    "axes.titlelocation": "left",
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#ececec",
    "grid.linewidth": 0.8,
    "text.color": INK,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "savefig.dpi": 200,
    # SVG ids are random without a salt; words become outlines, so that every viewer shows the same.
    "svg.hashsalt": "landmark-discovery",
    "svg.fonttype": "path",
}
# What makes two equal plots differ in their bytes: time of writing and version of the writer.
_METADATA: dict[str, dict[str, None]] = {
    ".png": {"Software": None},
    ".svg": {"Date": None, "Creator": None},
}


@contextmanager
def plot_style() -> Iterator[None]:
    """Apply the look of all plots inside the block, leaving the caller's matplotlib as it was."""
    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        yield


def new_figure(width_inches: float, height_inches: float) -> Figure:
    """Make an empty figure that no window and no global state knows of; call inside `plot_style`."""
    figure = Figure(figsize=(width_inches, height_inches), layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def empty_figure(words: str) -> Figure:
    """Make a figure that says why there is nothing to plot."""
    with plot_style():
        figure = new_figure(6, 2.2)
        figure.text(0.5, 0.5, words, ha="center", va="center", fontsize=12, color=GREY, wrap=True)
        return figure


def write_figure(figure: Figure, outputs: Sequence[str | Path]) -> None:
    """Write a figure to files ending in .png or .svg; equal figures give equal bytes.

    Raises:
        UserError: another ending, or a file that can't be written.
    """
    for output in map(Path, outputs):
        if output.suffix not in _METADATA:
            raise UserError(
                f"plots can't be written as {output.suffix or 'that'!r}", where=output, remedy="use .png or .svg"
            )
    for output in map(Path, outputs):
        with plot_style(), atomic_file(output) as temporary:
            figure.savefig(temporary, format=output.suffix[1:], metadata=_METADATA[output.suffix])


def label_line_ends(axes: Axes, ends: Sequence[tuple[float, float, str, str]], gap_points: float = 12) -> None:
    """Write labels right of the lines' ends, moved apart where they would cover each other.

    Args:
        axes: with final limits, since distances are measured in them.
        ends: x and y in data units, label and colour of each line.
        gap_points: least vertical distance of two labels.
    """
    low, high = axes.get_ylim()
    height_points = axes.get_figure(root=True).get_figheight() * 72 * axes.get_position().height  # type: ignore[union-attr]
    gap_points = min(gap_points, 0.95 * height_points / max(1, len(ends)))
    heights = spread_apart(np.array([end[1] for end in ends]), gap_points * (high - low) / height_points)
    heights += min(0.0, high - heights.max(initial=high)) + max(0.0, low - heights.min(initial=low))
    for (x, _, label, color), y in zip(ends, heights, strict=True):
        axes.annotate(
            label,
            (x, y),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=color,
            annotation_clip=False,
            fontsize=min(10, 0.85 * gap_points),
        )


def spread_apart(values: np.ndarray[Any, np.dtype[np.float64]], gap: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Move values (N,) as little as needed to lie at least `gap` apart, in the same order."""
    order = np.argsort(values, kind="stable")
    steps = gap * np.arange(len(values))
    # With the wanted gaps subtracted, the task is to make the values ascend: pool neighbours that don't.
    pools: list[list[float]] = []
    for value in values[order] - steps:
        pools.append([float(value)])
        while len(pools) > 1 and np.mean(pools[-2]) > np.mean(pools[-1]):
            last = pools.pop()
            pools[-1] += last
    level = np.array([np.mean(pool) for pool in pools for _ in pool])
    moved = np.empty(len(values))
    moved[order] = level + steps
    return moved
