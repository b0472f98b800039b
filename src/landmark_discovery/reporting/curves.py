"""Cumulative error curves (method, section 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from landmark_discovery.errors import UserError
from landmark_discovery.evaluation.normalizers import describe_normalizer
from landmark_discovery.files import finite_number, read_json
from landmark_discovery.reporting.figures import (
    DASHES,
    GREY,
    LINES,
    empty_figure,
    label_line_ends,
    new_figure,
    plot_style,
    write_figure,
)

Direction = Literal["forward", "backward"]


@dataclass(frozen=True)
class Curve:
    """Hold one cumulative curve.

    Attributes:
        label: what it belongs to, such as an experiment.
        errors: error of each point, ascending, in percent, (P,); NaN: unknown. Empty: no ground truth.
        cumulative: mean of the errors up to each point, in percent, (P,).
        baseline: error of predicting means, in percent; None: unknown.
        normalizer: what errors are divided by, as in the configuration; None: unknown.
        names: number of each point or landmark, as the file has it; () where it doesn't tell.
    """

    label: str
    errors: NDArray[np.float64]
    cumulative: NDArray[np.float64]
    baseline: float | None = None
    normalizer: str | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Wording:
    """Hold what the plots of a direction call things, and which column and key they read.

    Attributes:
        title: of the plot.
        points: what the errors belong to.
        baseline: what predicts means.
        baseline_key: key of metrics.json.
        column: column of the curve's file with the number of each point.
    """

    title: str
    points: str
    baseline: str
    baseline_key: str
    column: str


WORDING: dict[str, Wording] = {
    "forward": Wording(
        "Forward error: true points predicted from the landmarks",
        "true points",
        "mean shape",
        "mean_shape_nme",
        "point",
    ),
    "backward": Wording(
        "Backward error: landmarks predicted from the true points",
        "landmarks",
        "mean position of each landmark",
        "mean_landmark_nme",
        "landmark",
    ),
}


def plot_curves(evaluations: Mapping[str, str | Path], direction: Direction, outputs: Sequence[str | Path]) -> None:
    """Plot the cumulative curves of one or several evaluations into files.

    Args:
        evaluations: by label, the folder with {forward,backward}_curve.csv and metrics.json.
        direction: "forward" or "backward".
        outputs: files ending in .png or .svg.

    Raises:
        UserError: a file that is missing, has other columns, or can't be written.
    """
    curves = [read_curve(Path(folder), direction, label) for label, folder in evaluations.items()]
    write_figure(curve_figure(curves, direction), outputs)


def read_curve(folder: Path, direction: Direction, label: str) -> Curve:
    """Read a curve and its baseline from the folder of an evaluation.

    Raises:
        UserError: a file is missing or isn't what it should be.
    """
    path = folder / f"{direction}_curve.csv"
    try:
        table = pd.read_csv(path)
        errors = table["nme_percent"].to_numpy(dtype=np.float64)
        cumulative = table["cumulative_nme_percent"].to_numpy(dtype=np.float64)
        metrics = read_json(folder / "metrics.json")
    except KeyError as error:
        raise UserError(f"column {error} is missing", where=path, remedy="make it with `landmarks evaluate`") from error
    except (OSError, ValueError, OverflowError, UserError) as error:
        raise UserError(
            f"not an evaluation ({error})", where=folder, remedy="make it with `landmarks evaluate`"
        ) from error
    wording, normalizer = WORDING[direction], metrics.get("normalizer")
    return Curve(
        label,
        errors,
        cumulative,
        baseline=finite_number(metrics.get(wording.baseline_key)),
        normalizer=normalizer if isinstance(normalizer, str) else None,
        names=tuple(table[wording.column].astype(str)) if wording.column in table else (),
    )


def curve_figure(curves: Sequence[Curve], direction: Direction) -> Figure:
    """Plot cumulative curves over each other, with the baseline of predicting means; says so if there are none."""
    known = [curve for curve in curves if np.isfinite(curve.cumulative).any()]
    wording = WORDING[direction]
    if not known:
        reason = "no ground truth" if all(len(curve.errors) == 0 for curve in curves) else "no landmark was found"
        return empty_figure(f"{wording.title.split(':')[0]}: {reason}")
    with plot_style():
        figure = new_figure(6, 4.1)
        axes = figure.add_subplot()
        axes.set_title(wording.title, pad=12)
        axes.set_xlabel(f"number of {wording.points}, the most accurate first")
        axes.set_ylabel("NME, mean of these (%)")
        _draw_curves(axes, known, wording)
        _describe_normalizers(figure, known)
        return figure


def _draw_curves(axes: Axes, curves: Sequence[Curve], wording: Wording) -> None:
    ends = []
    for position, curve in enumerate(curves):
        color = LINES[position % len(LINES)]
        dashes = DASHES[position // len(LINES) % len(DASHES)]
        ranks = np.arange(1, len(curve.errors) + 1)
        if len(curves) == 1:
            axes.plot(ranks, curve.errors, ".", color=color, alpha=0.35, markersize=6, markeredgewidth=0)
        markers = "o" if len(ranks) <= 12 else ""
        axes.plot(ranks, curve.cumulative, color=color, linestyle=dashes, marker=markers, markersize=4)
        last = int(np.flatnonzero(np.isfinite(curve.cumulative))[-1])
        end = float(curve.cumulative[last])
        ends.append((float(ranks[last]), end, f"{curve.label}: {end:.1f} %", color))
    longest = max(len(curve.errors) for curve in curves)
    axes.set_xlim(0.5 if longest < 20 else 0, longest + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axes.set_ylim(0, 1.12 * _highest(curves))
    _draw_baselines(axes, curves, wording)
    label_line_ends(axes, ends)
    if len(curves) == 1:
        _label_dots(axes, curves[0], wording)


def _highest(curves: Sequence[Curve]) -> float:
    values = [value for curve in curves for value in (np.nanmax(curve.cumulative), curve.baseline or 0.0)]
    single = float(np.nanmax(curves[0].errors)) if len(curves) == 1 else 0.0
    return max(*values, single, 1e-3)


def _draw_baselines(axes: Axes, curves: Sequence[Curve], wording: Wording) -> None:
    # Experiments on the same data share their baseline; to a tenth of a percent they look the same anyhow.
    values = sorted({round(curve.baseline, 1) for curve in curves if curve.baseline is not None})
    for value in values:
        axes.axhline(value, color=GREY, linewidth=1.2, linestyle=(0, (4, 3)))
    if values:
        span = f"{values[0]:.1f}" if len(values) == 1 else f"{values[0]:.1f} to {values[-1]:.1f}"
        words = f"baseline, {wording.baseline}: {span} %"
        axes.annotate(
            words,
            (0, values[-1]),
            xycoords=("axes fraction", "data"),
            xytext=(6, 3),
            textcoords="offset points",
            color=GREY,
            va="bottom",
        )


def _label_dots(axes: Axes, curve: Curve, wording: Wording) -> None:
    axes.annotate(
        f"dots: single {wording.points}",
        (len(curve.errors), float(np.nanmax(curve.errors))),
        xytext=(0, 6),
        textcoords="offset points",
        ha="right",
        va="bottom",
        color=LINES[0],
        alpha=0.75,
        fontsize=9,
    )


def _describe_normalizers(figure: Figure, curves: Sequence[Curve]) -> None:
    names = sorted({curve.normalizer for curve in curves if curve.normalizer})
    if names:
        words = "; or by ".join(describe_normalizer(name) for name in names)
        figure.supxlabel(f"NME: error divided by {words}", fontsize=8.5, color=GREY, x=0.01, ha="left")
