"""The section of single test images: the best, the median and the worst."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from landmark_discovery.evaluation.metrics import mean_present
from landmark_discovery.evaluation.predictions import Predictions
from landmark_discovery.reporting import html
from landmark_discovery.reporting.image_errors import ImageErrors
from landmark_discovery.reporting.report.inputs import Run
from landmark_discovery.reporting.report.tiles import draw_error_tiles, draw_tiles, tiles
from landmark_discovery.reporting.tables import percent

EACH = 6
_SIZE_PX = 208


def image_section(run: Run) -> str:
    """Show the best, the median and the worst test images: by their errors, or without ground truth by scores."""
    errors = run.errors
    if errors is None:
        return _by_scores(run)
    parts = []
    for name, chosen in best_median_worst(errors.of_images, EACH).items():
        parts += [html.heading(name, 3), _error_tiles(run, errors, chosen)]
    note = (
        "By forward error. Above: the discovered landmarks; below: a line from each predicted true point to where it "
        "is (white)."
    )
    return html.section("images", "Best, median and worst images", html.paragraph(note, quiet=True), *parts)


def best_median_worst(errors: NDArray[np.float64], each: int) -> dict[str, NDArray[np.int64]]:
    """Choose images by their errors.

    Args:
        errors: (M,), lower is better; NaN: left out.
        each: images of a kind; fewer where there aren't so many.

    Returns:
        Positions by "Best", "Median" (about the median) and "Worst" (the worst first). No image is of two kinds.
    """
    known = np.flatnonzero(np.isfinite(errors))
    order = known[np.argsort(errors[known], kind="stable")]
    each = min(each, len(order) // 3) or min(1, len(order))
    middle = max(each, (len(order) - each) // 2)
    kinds = {"Best": order[:each], "Median": order[middle : middle + each], "Worst": order[::-1][:each]}
    taken: set[int] = set()
    chosen = {}
    for name, positions in kinds.items():
        chosen[name] = np.array([p for p in positions.tolist() if p not in taken], dtype=np.int64)
        taken |= set(chosen[name].tolist())
    return {name: positions for name, positions in chosen.items() if len(positions)}


def _error_tiles(run: Run, errors: ImageErrors, chosen: NDArray[np.int64]) -> str:
    names = errors.image[chosen]
    found = draw_tiles(run.store, names, _landmarks_of(run.predictions[-1], names), _SIZE_PX)
    lines = draw_error_tiles(run.store, names, errors.true[chosen], errors.predicted[chosen], _SIZE_PX)
    items: list[tuple[Any, str, str]] = []
    for picture, drawn, name, error in zip(found, lines, names, errors.of_images[chosen], strict=True):
        pair = np.concatenate([picture, drawn], axis=0)
        items.append((pair, f"{name}: landmarks, and errors of the true points", f"{percent(100 * error, 1)} · {name}"))
    return tiles(items, "tiles captioned")


def _by_scores(run: Run) -> str:
    predictions = run.predictions[-1]
    rows = np.flatnonzero(predictions.split == "test")
    scores = mean_present(predictions.score[rows], axis=-1)
    parts = []
    for kind, chosen in best_median_worst(-scores, EACH).items():
        names = predictions.image[rows[chosen]]
        pictures = draw_tiles(run.store, names, predictions.landmarks[rows[chosen]], _SIZE_PX)
        captions = [f"score {score:.2f} · {name}" for score, name in zip(scores[chosen], names, strict=True)]
        items = [(p, f"{name} with its landmarks", c) for p, name, c in zip(pictures, names, captions, strict=True)]
        parts += [html.heading(_SURENESS[kind], 3), tiles(items, "tiles captioned")]
    note = "There are no true points; images are ordered by the mean score of their landmarks."
    return html.section("images", "Surest and least sure images", html.paragraph(note, quiet=True), *parts)


_SURENESS = {"Best": "Surest", "Median": "Median", "Worst": "Least sure"}


def _landmarks_of(predictions: Predictions, names: NDArray[np.str_]) -> NDArray[np.float64]:
    place = {str(name): row for row, name in enumerate(predictions.image)}
    return predictions.landmarks[[place[str(name)] for name in names]]
