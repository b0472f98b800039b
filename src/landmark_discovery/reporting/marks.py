"""The mark of a landmark on a page and in a plot: its colour, shape and number, as in every picture."""

from __future__ import annotations

from functools import lru_cache

from landmark_discovery.reporting.colors import MARKERS, landmark_colors, landmark_marker

# What plotly calls the shapes of `MARKERS`.
_SYMBOLS = dict(zip(MARKERS, ("circle", "square", "diamond", "triangle-up"), strict=True))
_SHAPES = {
    "disc": '<circle cx="8" cy="8" r="5.5"/>',
    "square": '<rect x="3" y="3" width="10" height="10"/>',
    "diamond": '<path d="M8 1.5 14.5 8 8 14.5 1.5 8z"/>',
    "triangle": '<path d="M8 2 14.5 13.5h-13z"/>',
}


@lru_cache(maxsize=256)
def hex_color(landmark: int) -> str:
    """Give the colour of a landmark as in `#e69f00`."""
    red, green, blue = (int(channel) for channel in landmark_colors(landmark + 1)[landmark])
    return f"#{red:02x}{green:02x}{blue:02x}"


def plot_symbol(landmark: int) -> str:
    """Name the shape of a landmark's marker as plotly does."""
    return _SYMBOLS[landmark_marker(landmark)]


def landmark_mark(landmark: int) -> str:
    """Draw the marker of a landmark as HTML, for the eye alone: its number stands beside it."""
    shape = _SHAPES[landmark_marker(landmark)]
    return f'<svg class="mark" viewBox="0 0 16 16" aria-hidden="true" fill="{hex_color(landmark)}">{shape}</svg>'
