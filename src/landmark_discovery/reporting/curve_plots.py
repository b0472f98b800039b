"""Cumulative error curves as plots of a page (method, section 6)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from landmark_discovery.evaluation.normalizers import describe_normalizer
from landmark_discovery.files import finite_number
from landmark_discovery.reporting import html
from landmark_discovery.reporting.curves import WORDING, Curve, Direction
from landmark_discovery.reporting.marks import hex_color, plot_symbol
from landmark_discovery.reporting.plots import Plot, layout, level, line, line_style, numbers
from landmark_discovery.reporting.tables import UNKNOWN, percent

_NAMES = {"forward": "True point", "backward": "Landmark"}
_DOT_COLOR = "#9a9a9a"


def curve_plot(curves: Sequence[Curve], direction: Direction, identifier: str, with_dots: bool = True) -> Plot | None:
    """Lay cumulative curves over each other, with the baseline of predicting means.

    Args:
        curves: the first is the one that the page is about.
        direction: "forward" or "backward".
        identifier: of the plot, unique on the page.
        with_dots: show the single errors of the first curve too, landmarks in their colours.

    Returns:
        None where none of the curves has an error.
    """
    known = [curve for curve in curves if np.isfinite(curve.cumulative).any()]
    if not known:
        return None
    wording = WORDING[direction]
    traces = [_line(curve, position, direction) for position, curve in enumerate(known)]
    if with_dots and known[0] is curves[0]:
        traces.append(_dots(known[0], direction))
    longest = max(len(curve.errors) for curve in known)
    shapes, notes = _baselines(known)
    drawn = layout(
        wording.title.split(":")[0],
        f"{wording.points}, the most accurate first",
        "mean NME up to here (%)",
        shapes=shapes,
        annotations=notes,
    )
    drawn["xaxis"] |= {"range": [0.5 - 0.02 * longest, longest + 0.5 + 0.02 * longest]}
    words = f"{wording.title}. {'; '.join(_in_words(curve) for curve in known)}."
    return Plot(identifier, words, tuple(traces), drawn)


def curve_table(curves: Sequence[Curve], direction: Direction) -> str:
    """List the numbers of the first curve, as a table."""
    curve = curves[0]
    rows = [
        (f"{_NAMES[direction]} {name}", str(rank), _percent(error), _percent(mean))
        for rank, (name, error, mean) in enumerate(zip(_names(curve), curve.errors, curve.cumulative, strict=True), 1)
    ]
    return html.table(("", "Rank", "Error", "Mean up to here"), rows) if rows else ""


def normalizer_words(curves: Sequence[Curve]) -> str:
    """Say what the errors of curves are divided by; "" where nothing tells."""
    names = sorted({curve.normalizer for curve in curves if curve.normalizer})
    described = "; or by ".join(describe_normalizer(name) for name in names)
    return f"NME: the distance between predicted and true place, divided by {described}." if described else ""


def _line(curve: Curve, position: int, direction: Direction) -> dict[str, Any]:
    color, dash = line_style(position)
    name = _NAMES[direction]
    words = [
        f"<b>{name} {escape(point)}</b>: {_percent(error)}<br>mean of the best {rank}: {_percent(mean)}"
        f"<br>{escape(curve.label)}"
        for rank, (point, error, mean) in enumerate(zip(_names(curve), curve.errors, curve.cumulative, strict=True), 1)
    ]
    return line(
        curve.label,
        np.arange(1, len(curve.errors) + 1),
        curve.cumulative,
        color=color,
        dash=dash,
        words=words,
        mode="lines+markers",
        marker={"size": 7 if len(curve.errors) <= 30 else 4},
        # Other curves have errors of their own, but the galleries are of this page's.
        customdata=list(_names(curve)) if position == 0 else None,
    )


def _dots(curve: Curve, direction: Direction) -> dict[str, Any]:
    names = _names(curve)
    marks = [int(name) for name in names] if direction == "backward" and all(map(str.isdecimal, names)) else []
    return {
        "type": "scatter",
        "mode": "markers",
        "name": "" if marks else f"single {WORDING[direction].points}, {escape(curve.label)}",
        "x": list(range(1, len(curve.errors) + 1)),
        "y": numbers(curve.errors),
        "marker": {
            "size": 11 if marks else 6,
            "color": [hex_color(mark) for mark in marks] or _DOT_COLOR,
            "symbol": [plot_symbol(mark) for mark in marks] or "circle",
            "line": {"color": "#222", "width": 1.2 if marks else 0},
        },
        "hovertext": [
            f"<b>{_NAMES[direction]} {escape(name)}</b>: {_percent(error)}"
            for name, error in zip(names, curve.errors, strict=True)
        ],
        "hoverinfo": "text",
        "customdata": list(names),
    }


def _baselines(curves: Sequence[Curve]) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    # Runs on the same data share their baseline; to a tenth of a percent they look the same anyhow.
    values = sorted({round(curve.baseline, 1) for curve in curves if curve.baseline is not None})
    span = f"{values[0]:.1f}" if len(values) == 1 else f"{values[0]:.1f} to {values[-1]:.1f}" if values else ""
    drawn = [level(value, f"ignoring the image: {span} %") for value in values]
    return [shape for shape, _ in drawn], [note for _, note in drawn[-1:]]


def _names(curve: Curve) -> tuple[str, ...]:
    return curve.names or tuple(f"of rank {rank}" for rank in range(1, len(curve.errors) + 1))


def _in_words(curve: Curve) -> str:
    last = curve.cumulative[np.isfinite(curve.cumulative)][-1]
    baseline = UNKNOWN if curve.baseline is None else percent(curve.baseline, 1)
    return f"{curve.label}: {percent(float(last), 1)}, ignoring the image {baseline}"


def _percent(value: float) -> str:
    return percent(finite_number(value))
