"""The section of the error curves: point at a landmark or a true point to see its error and its gallery."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from landmark_discovery.reporting import html
from landmark_discovery.reporting.curve_plots import curve_plot, curve_table, normalizer_words
from landmark_discovery.reporting.curves import WORDING, Curve, Direction
from landmark_discovery.reporting.data_uris import data_uri
from landmark_discovery.reporting.image_errors import ImageErrors
from landmark_discovery.reporting.plots import Plot
from landmark_discovery.reporting.report.inputs import Run
from landmark_discovery.reporting.report.tiles import point_strip
from landmark_discovery.reporting.tables import percent

_STRIP_QUALITY = 72
_CHOICE = {"forward": "True point", "backward": "Landmark"}
_DIRECTIONS: tuple[Direction, ...] = ("forward", "backward")


def curve_section(run: Run) -> tuple[str, list[Plot]]:
    """Show both curves, each with a panel for the point that is pointed at.

    Returns:
        HTML, and the plots that appear in it.
    """
    if not run.has_truth:
        return html.section(
            "curves", "Error curves", html.paragraph("There are no true points, so there are no errors to plot.")
        ), []
    parts, plots = [], []
    for direction in _DIRECTIONS:
        plot = curve_plot(run.curves[direction], direction, f"{direction}-plot")
        if plot is None:
            parts.append(html.paragraph(f"{WORDING[direction].title}: no landmark was found."))
            continue
        plots.append(plot)
        details = _details(run, direction)
        parts += [_plot_with_panel(plot, direction, details), html.data(f"{direction}-details", details)]
        title = f"The numbers of the {direction} curve, stage 2"
        parts.append(html.folded(title, curve_table(run.curves[direction], direction), printed=False))
    note = "Point at a mark, or choose one, to see its error and where it sits. "
    head = html.paragraph(note + normalizer_words(run.curves["forward"]), quiet=True)
    return html.section("curves", "Error curves", head, *parts), plots


def _plot_with_panel(plot: Plot, direction: Direction, details: Mapping[str, Any]) -> str:
    options = "".join(
        f'<option value="{escape(name)}">{escape(name)}</option>' for name in sorted(details, key=_as_number)
    )
    words = _CHOICE[direction]
    return (
        f'<div class="plot-with-panel">{plot.place}<aside class="panel" data-plot="{plot.identifier}" '
        f'data-details="{direction}-details"><label>{words} <select>{options}</select></label>'
        '<div class="shown" aria-live="polite"></div></aside></div>'
    )


def _details(run: Run, direction: Direction) -> dict[str, Any]:
    """Say of each point of a curve, by its name, what its panel shows."""
    curve = run.curves[direction][0]
    baseline = WORDING[direction].baseline
    said = {
        name: {
            "words": f"Error {percent(float(error) if np.isfinite(error) else None)}, "
            f"number {rank} of {len(curve.names)} in accuracy; {baseline}, all {WORDING[direction].points}: "
            f"{percent(curve.baseline)}."
        }
        for rank, (name, error) in enumerate(zip(curve.names, curve.errors, strict=False), start=1)
    }
    pictures = _galleries(curve) if direction == "backward" else _strips(run)
    return {name: {**facts, **pictures.get(name, {})} for name, facts in said.items()}


def _galleries(curve: Curve) -> dict[str, dict[str, str]]:
    """Name the gallery of each landmark, which stands elsewhere on the page."""
    return {name: {"gallery": f"landmark-{name}"} for name in curve.names}


def _strips(run: Run) -> dict[str, dict[str, str]]:
    """Draw each true point in some test images beside its prediction."""
    errors = run.errors
    if errors is None:
        return {}
    drawn = {str(point): _strip(run, errors, column) for column, point in enumerate(errors.points)}
    note = "From the most to the least accurate test image; ring: true place, dot: predicted from the landmarks."
    return {name: {"picture": uri, "note": note} for name, uri in drawn.items() if uri}


def _strip(run: Run, errors: ImageErrors, column: int) -> str | None:
    picture = point_strip(
        run.store, errors.image, errors.true[:, column], errors.predicted[:, column], errors.errors[:, column]
    )
    return None if picture is None else data_uri(picture, _STRIP_QUALITY)


def _as_number(name: str) -> tuple[int, int, str]:
    return (0, int(name), "") if name.isdecimal() else (1, 0, name)
