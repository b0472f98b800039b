"""The sections of the single landmarks: a table that sorts, and what each was found on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from html import escape

from landmark_discovery.files import finite_number
from landmark_discovery.reporting import html
from landmark_discovery.reporting.marks import landmark_mark
from landmark_discovery.reporting.report.inputs import Run
from landmark_discovery.reporting.report.tiles import landmark_gallery
from landmark_discovery.reporting.stability import JUMP_PERCENT
from landmark_discovery.reporting.summary import detection_rates
from landmark_discovery.reporting.tables import UNKNOWN, percent, share


@dataclass(frozen=True)
class Cell:
    """Hold a cell that a table can be sorted by.

    Attributes:
        words: what stands in it, as HTML.
        value: what it is sorted by; None: unknown, always last.
    """

    words: str
    value: float | None


def landmark_section(run: Run) -> str:
    """List the landmarks with what is known of each."""
    errors = dict(_errors(run))
    rows = [_row(run, landmark, errors) for landmark in range(run.num_landmarks)]
    columns = [
        *("Landmark", "Found", "Found, stage 1", "Backward error"),
        *("Spread", "Jumps", "Moves", "Nearest", "Mirror partner"),
    ]
    kept = [position for position, name in enumerate(columns) if name != "Backward error" or run.has_truth]
    table = sortable_table([columns[position] for position in kept], [[row[p] for p in kept] for row in rows])
    note = (
        "Choose a heading to sort. Found: share of the test images. Spread: mean distance to where the other landmarks "
        "expect it, in percent of the crop; jumps: share of the test images in which that is over "
        f"{JUMP_PERCENT:g} %. Moves: mean distance to its mean place in the crop. Nearest: the landmark that lies "
        "nearest, and its mean distance. Mirror partner: what it becomes in a mirrored image."
    )
    return html.section("landmarks", "Landmarks", html.paragraph(note, quiet=True), table)


def gallery_section(run: Run) -> str:
    """Show what each landmark was found on, in test images that training never saw."""
    rates = detection_rates(run.final)
    count = run.config.report.gallery_images
    parts = []
    for landmark in range(run.num_landmarks):
        found = f"found in {share(rates[landmark])} of the test images" if landmark < len(rates) else ""
        parts.append(
            f'<div class="gallery" id="landmark-{landmark}"><h3>{landmark_mark(landmark)}Landmark {landmark}'
            f"<small>{escape(found)}</small></h3>"
            f"{landmark_gallery(run.store, run.predictions[-1], landmark, count)}</div>"
        )
    note = "Test images, from the surest to the least sure. A gallery that shows one part of the object is a good one."
    return html.section("galleries", "What each landmark sits on", html.paragraph(note, quiet=True), *parts)


def sortable_table(columns: list[str], rows: list[list[Cell]]) -> str:
    """Make a table that its headings sort; the first column names the rows."""
    head = "".join(
        f'<th scope="col"{_kind(position)} aria-sort="{"ascending" if position == 0 else "none"}">'
        f'<button type="button">{escape(name)}</button></th>'
        for position, name in enumerate(columns)
    )
    body = "\n".join(
        "<tr>" + "".join(_cell(cell, position) for position, cell in enumerate(row)) + "</tr>" for row in rows
    )
    table = f'<table class="sortable">\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody>\n</table>'
    return html.scrolled(table)


def _row(run: Run, landmark: int, errors: Mapping[int, float | None]) -> list[Cell]:
    stability = run.stability
    rates = [(detection_rates(metrics) or [None] * run.num_landmarks)[landmark] for metrics in run.metrics]
    steadiness = (stability.spread, stability.jumps, stability.movement)
    spread, jumps, movement = (finite_number(values[landmark]) for values in steadiness)
    nearest, partner = stability.nearest(landmark), int(run.partners[landmark])
    near_words = "none" if nearest is None else f"{nearest[0]} at {nearest[1]:.0f} %"
    partner_words = "none" if partner < 0 else "itself" if partner == landmark else str(partner)
    name = f'<a href="#landmark-{landmark}">{landmark_mark(landmark)}{landmark}</a>'
    return [
        Cell(name, landmark),
        Cell(share(rates[1]), rates[1]),
        Cell(share(rates[0]), rates[0]),
        Cell(percent(errors.get(landmark)), errors.get(landmark)),
        Cell(UNKNOWN if spread is None else percent(spread, 1), spread),
        Cell(UNKNOWN if jumps is None else share(jumps), jumps),
        Cell(UNKNOWN if movement is None else percent(movement, 1), movement),
        Cell(near_words, None if nearest is None else nearest[1]),
        Cell(partner_words, None if partner < 0 else partner),
    ]


def _errors(run: Run) -> list[tuple[int, float | None]]:
    curve = run.curves["backward"][0]
    named = zip(curve.names, curve.errors, strict=False)
    return [(int(name), finite_number(float(error))) for name, error in named if name.isdecimal()]


def _cell(cell: Cell, position: int) -> str:
    value = "" if cell.value is None else f"{cell.value:.6g}"
    tag, extra = ("td", "") if position else ("th", ' scope="row"')
    return f'<{tag}{extra}{_kind(position)} data-value="{value}">{cell.words}</{tag}>'


def _kind(position: int) -> str:
    return ' class="number"' if position else ""
