"""Plots of a page, as plotly draws them in the browser: what is common to all, and the place where one appears."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from landmark_discovery.reporting import html
from landmark_discovery.reporting.figures import GREY, INK, LINES

# What plotly calls `figures.DASHES`, and as SVG has them.
DASHES = {"solid": "", "dash": "7 3", "dot": "2 3", "dashdot": "7 3 2 3"}
HEIGHT_PX = 340
_SMALL_HEIGHT_PX = 200


@dataclass(frozen=True)
class Plot:
    """Hold one plot.

    Attributes:
        identifier: of its place on the page, unique there.
        words: what it shows, for those who can't see it.
        traces: what plotly draws.
        layout: of plotly.
    """

    identifier: str
    words: str
    traces: tuple[Mapping[str, Any], ...]
    layout: Mapping[str, Any]

    @property
    def place(self) -> str:
        """Give the HTML in which the plot appears."""
        height = self.layout["height"]
        return (
            f'<div><div class="plot" id="{self.identifier}" role="img" aria-label="{escape(self.words)}" '
            f'style="min-height: {height}px"></div>{self._legend}</div>'
        )

    @property
    def _legend(self) -> str:
        """Name the lines, each a button that hides and shows it; unlike plotly's, it wraps and knows keys."""
        named = [(number, trace) for number, trace in enumerate(self.traces) if trace["name"]]
        if len(named) < 2:
            return ""
        items = "".join(
            f'<li><button type="button" aria-pressed="true" data-plot="{self.identifier}" data-trace="{number}">'
            f"{_sample(trace)}{trace['name']}</button></li>"
            for number, trace in named
        )
        return f'<ul class="legend">{items}</ul>'


def plot_data(plots: Iterable[Plot]) -> str:
    """Hand plots to the script of the page, which draws each into its place."""
    drawn = {plot.identifier: {"traces": list(plot.traces), "layout": dict(plot.layout)} for plot in plots}
    return html.data("plots", drawn) if drawn else ""


def layout(title: str, x_title: str, y_title: str, *, small: bool = False, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Lay a plot out, with no colour or font that plotly would choose by itself."""
    size = 12 if small else 13
    words = {"family": "system-ui, -apple-system, Segoe UI, DejaVu Sans, sans-serif", "size": size, "color": INK}
    return {
        "title": {
            "text": title,
            "font": {"size": size + 1},
            "x": 0,
            "xref": "paper",
            "xanchor": "left",
            "y": 0.98,
            "yanchor": "top",
        },
        "font": words,
        "height": _SMALL_HEIGHT_PX if small else HEIGHT_PX,
        "margin": {"l": 48, "r": 10, "t": 34 if small else 40, "b": 34 if small else 46},
        "paper_bgcolor": "#fff",
        "plot_bgcolor": "#fff",
        "hovermode": "closest",
        "dragmode": False,
        "showlegend": False,
        "xaxis": {**_axis(x_title, size), "showgrid": False},
        "yaxis": {**_axis(y_title, size), "rangemode": "tozero"},
        **more,
    }


def line(
    name: str,
    x: ArrayLike,
    y: ArrayLike,
    *,
    color: str,
    dash: str = "solid",
    words: Sequence[str] | None = None,
    **more: Any,  # noqa: ANN401
) -> dict[str, Any]:
    """Make a line of points; NaN leaves a gap.

    Args:
        name: in the legend; "": not in it.
        x: (N,).
        y: (N,).
        color: of the line.
        dash: one of `DASHES`.
        words: what appears where a point is pointed at, as HTML, (N,); None: its numbers.
        **more: keys of plotly's scatter trace.
    """
    said = {} if words is None else {"hovertext": list(words), "hoverinfo": "text"}
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape(name),
        "x": numbers(x),
        "y": numbers(y),
        "line": {"color": color, "dash": dash, "width": 2.2},
        **said,
        **more,
    }


def level(value: float, words: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Make a dashed line across the plot, and the words upon it: a shape and an annotation of the layout."""
    shape = {
        "type": "line",
        "xref": "paper",
        "x0": 0,
        "x1": 1,
        "y0": value,
        "y1": value,
        "line": {"color": GREY, "width": 1.2, "dash": "dash"},
    }
    note = {
        "xref": "paper",
        "x": 0.01,
        "y": value,
        "text": escape(words),
        "showarrow": False,
        "xanchor": "left",
        "yanchor": "bottom",
        "font": {"color": "#595959"},
    }
    return shape, note


def line_style(position: int) -> tuple[str, str]:
    """Give colour and dash of the line at a position; all of the first 32 differ."""
    return LINES[position % len(LINES)], tuple(DASHES)[position // len(LINES) % len(DASHES)]


def numbers(values: ArrayLike) -> list[float | None]:
    """Write numbers for JSON, with six digits that count; None for NaN."""
    return [float(f"{value:.6g}") if np.isfinite(value) else None for value in np.asarray(values, dtype=np.float64)]


def _sample(trace: Mapping[str, Any]) -> str:
    if "line" in trace:
        dashes = DASHES[trace["line"]["dash"]]
        shape = f'<line x1="0" x2="28" y1="5" y2="5" stroke-width="2.5" stroke="{trace["line"]["color"]}" '
        shape += f'stroke-dasharray="{dashes}"/>'
    else:
        shape = f'<circle cx="14" cy="5" r="3.5" fill="{trace["marker"]["color"]}"/>'
    return f'<svg class="sample" viewBox="0 0 28 10" aria-hidden="true">{shape}</svg>'


def _axis(title: str, size: int) -> dict[str, Any]:
    return {
        "title": {"text": title, "standoff": 6},
        "fixedrange": True,
        "showline": True,
        "linecolor": GREY,
        "gridcolor": "#ececec",
        "zeroline": False,
        "ticks": "outside",
        "ticklen": 4,
        "tickcolor": GREY,
        "tickfont": {"size": size - 1},
        "automargin": True,
    }
