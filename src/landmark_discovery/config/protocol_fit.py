"""Whether a protocol of evaluation fits the true points: their number tells, before anything trains."""

from __future__ import annotations

import csv
from pathlib import Path

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError

VALID_NORMALIZERS = "valid: i-j (distance of true points i and j, such as 36-45), box, landmark-box"
BOX_NORMALIZERS = ("box", "landmark-box")


def check_true_points(config: Config) -> None:
    """Refuse a protocol that doesn't fit the true points of a folder of the user's, where there are any.

    Raises:
        UserError: as `chosen_points` and `normalizer_pair`.
    """
    if config.dataset.kind != "folder" or config.dataset.path is None:
        return
    table = Path(config.dataset.path) / f"{config.evaluation.truth}.csv"
    count = _count_points(table)
    if count is None:
        return
    try:
        chosen_points(config.evaluation, count)
        if config.evaluation.normalizer not in BOX_NORMALIZERS:
            normalizer_pair(config.evaluation.normalizer, count)
    except UserError as error:
        raise UserError(error.what, where=table, remedy=error.remedy) from error


def chosen_points(settings: EvaluationSettings, count: int) -> list[int]:
    """List the numbers of the true points that a protocol takes, of `count` that an image has.

    Raises:
        UserError: the protocol is for another number of points, or takes points that aren't there.
    """
    if settings.expected_points not in (None, count):
        raise UserError(
            f"the protocol is for {settings.expected_points} true points an image, the ground truth has {count}",
            remedy="choose another protocol, or change expected_points",
        )
    points = list(range(count) if settings.points is None else settings.points)
    if not points or max(points) >= count or len(set(points)) != len(points):
        raise UserError(
            f"points {', '.join(map(str, points)) or 'none'} can't be taken from {count} true points",
            remedy=f"valid: numbers from 0 to {count - 1}, at least one, none twice",
        )
    return points


def normalizer_pair(name: str, count: int) -> tuple[int, int]:
    """Read which two of `count` true points a normaliser `i-j` names.

    Raises:
        UserError: the name isn't of this form, or a point that isn't there.
    """
    parts = name.split("-")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise UserError(f"unknown normaliser {name!r}", remedy=VALID_NORMALIZERS)
    first, second = int(parts[0]), int(parts[1])
    if max(first, second) >= count:
        raise UserError(
            f"normaliser {name!r} names point {max(first, second)}, but the ground truth has points 0 to {count - 1}",
            remedy=f"choose another; {VALID_NORMALIZERS}",
        )
    return first, second


def _count_points(table: Path) -> int | None:
    """Count the points by the header; None where there is no table, or one whose faults `landmarks prepare` names."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = next((cells for cells in csv.reader(file) if any(cell.strip() for cell in cells)), [])
    except (OSError, UnicodeDecodeError, csv.Error):
        return None
    return (len(header) - 1) // 2 if len(header) > 2 and len(header) % 2 else None
