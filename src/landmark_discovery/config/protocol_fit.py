"""Whether a protocol of evaluation fits the true points: their number tells, before anything trains."""

from __future__ import annotations

import csv
from collections.abc import Collection
from pathlib import Path

from landmark_discovery.config.evaluation import EvaluationSettings
from landmark_discovery.config.point_tables import LANDMARKS, landmark_tables
from landmark_discovery.config.schema import Config
from landmark_discovery.errors import UserError

VALID_NORMALIZERS = "valid: i-j (distance of true points i and j, such as 36-45), box, landmark-box"
BOX_NORMALIZERS = ("box", "landmark-box")
# True points an image in the tables of data sets that are made here.
_MADE_TABLES = {
    "synthetic": {"landmarks": 68},
    "celeba": {"landmarks": 68, "landmarks_5": 5},
    "ls3d": {"landmarks": 68},
}


def check_true_points(config: Config) -> None:
    """Refuse a protocol that doesn't fit the true points of a data set, where there are any.

    Raises:
        UserError: as `chosen_points` and `normalizer_pair`, or the protocol's table of points isn't there.
    """
    settings, dataset = config.evaluation, config.dataset
    if dataset.kind != "folder":
        made, place = _MADE_TABLES[dataset.kind], f"data set {dataset.kind}"
        require_table(settings.truth, made, place)
        _check_fit(settings, made.get(settings.truth), place)
    elif dataset.path is not None:
        folder = Path(dataset.path)
        table = folder / f"{settings.truth}.csv"
        require_table(settings.truth, landmark_tables(folder), folder)
        _check_fit(settings, _count_points(table), table)


def require_table(name: str, present: Collection[str], where: str | Path) -> None:
    """Refuse a protocol whose table of true points isn't there; without the first table there is no ground truth.

    Raises:
        UserError: another table than the first isn't there.
    """
    if name in (LANDMARKS, *present):
        return
    raise UserError(
        f"the protocol measures by the true points of {name}.csv, which isn't there",
        where=where,
        remedy=f"choose another protocol, or set evaluation.truth; there: {', '.join(present) or 'none'}",
    )


def _check_fit(settings: EvaluationSettings, count: int | None, where: str | Path) -> None:
    """Check a protocol against the number of true points of an image; None: not known."""
    if count is None:
        return
    try:
        chosen_points(settings, count)
        if settings.normalizer not in BOX_NORMALIZERS:
            normalizer_pair(settings.normalizer, count)
    except UserError as error:
        raise UserError(error.what, where=where, remedy=error.remedy) from error


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
        UserError: the name isn't of this form, or a point that isn't there or stands twice.
    """
    parts = name.split("-")
    if len(parts) != 2 or not all(part.isdecimal() for part in parts):
        raise UserError(f"unknown normaliser {name!r}", remedy=VALID_NORMALIZERS)
    first, second = int(parts[0]), int(parts[1])
    if first == second:
        raise UserError(f"normaliser {name!r} is a point's distance from itself", remedy=VALID_NORMALIZERS)
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
