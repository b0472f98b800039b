"""What was measured of detectors as files: tables for programs, and one page for people."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from landmark_discovery.files import atomic_file, write_json, write_text
from landmark_discovery.keypoint_evaluation.conditions import CONDITIONS
from landmark_discovery.keypoint_evaluation.evaluate import DetectorEvaluation
from landmark_discovery.reporting.tables import UNKNOWN
from landmark_discovery.text_tables import markdown_table

# Headings of the page and the columns below them.
_PAIR_COLUMNS = (
    ("keypoints an image", "keypoints"),
    ("repeatability", "repeatability"),
    ("match precision", "match_precision"),
    ("matching accuracy at 3 px", "mma_3px"),
    ("homography AUC at 5 px", "homography_auc_5px"),
)
_PART_COLUMNS = (
    ("keypoints an image", "keypoints"),
    ("hit a part", "part_hit_share"),
    ("at random", "random_part_hit_share"),
    ("hit the same part", "same_part_share"),
    ("at random", "random_same_part_share"),
)


def write_detector_tables(folder: str | Path, evaluation: DetectorEvaluation) -> None:
    """Write detectors.csv, parts.csv (with true points), detectors.md and settings.json, each whole or not at all."""
    path = Path(folder)
    _write_csv(path / "detectors.csv", evaluation.pairs)
    if evaluation.parts is None:
        # What an earlier run may have left doesn't belong to the other files.
        (path / "parts.csv").unlink(missing_ok=True)
    else:
        _write_csv(path / "parts.csv", evaluation.parts)
    write_json(path / "settings.json", evaluation.settings.model_dump(mode="json"))
    write_text(path / "detectors.md", markdown(evaluation))


def markdown(evaluation: DetectorEvaluation) -> str:
    """Write what was measured for people, as Markdown."""
    settings = evaluation.settings
    parts = [
        f"The strongest {settings.max_keypoints} keypoints an image, at least {settings.min_distance_px:g} px apart "
        f"and {settings.border_px:g} px from the border. Repeatability and match precision: within "
        f"{settings.tolerance_px:g} px, of keypoints that lie in both images, so far from the border in either. ± is "
        "the standard error of the mean over images, those of one person or photograph taken together.",
        markdown_table(
            ("images", "condition", "detector", *(heading for heading, _ in _PAIR_COLUMNS)),
            _pair_rows(evaluation.pairs),
        ),
        "\n".join(f"- {name}: {meaning}." for name, meaning in _meanings(evaluation)),
    ]
    if evaluation.parts is not None:
        parts += [
            f"Facial parts, hit within {100 * settings.part_tolerance:g} % of the crop's side; the same part: the "
            "share of other people in whom it is hit too; at random: as many keypoints anywhere in the crop.",
            markdown_table(("detector", *(heading for heading, _ in _PART_COLUMNS)), _part_rows(evaluation.parts)),
        ]
    return "\n\n".join(parts) + "\n"


def _pair_rows(table: pd.DataFrame) -> list[list[str]]:
    # A condition's detectors stand below one another.
    ordered = table.sort_values(["images", "condition"], kind="stable").to_dict("records")
    return [
        [str(row["images"]), str(row["condition"]), str(row["detector"]), *_cells(row, _PAIR_COLUMNS)]
        for row in ordered
    ]


def _part_rows(table: pd.DataFrame) -> list[list[str]]:
    return [[str(row["detector"]), *_cells(row, _PART_COLUMNS)] for row in table.to_dict("records")]


def _meanings(evaluation: DetectorEvaluation) -> list[tuple[str, str]]:
    settings = evaluation.settings
    figures = {"rotation": f" ({settings.rotation_degrees:g} degrees, {settings.scale:g})"}
    return [(name, f"{meaning}{figures.get(name, '')}") for name, meaning in CONDITIONS.items()]


def _cells(row: Mapping[Hashable, Any], columns: Iterable[tuple[str, str]]) -> list[str]:
    return [_cell(row[name], row.get(f"{name}_se", np.nan), 1 if name == "keypoints" else 3) for _, name in columns]


def _cell(value: float, error: float, digits: int) -> str:
    if np.isnan(value):
        return UNKNOWN
    return f"{value:.{digits}f}" + ("" if np.isnan(error) else f" ± {error:.{digits}f}")


def _write_csv(path: Path, table: pd.DataFrame) -> None:
    with atomic_file(path) as temporary:
        table.to_csv(temporary, index=False)
