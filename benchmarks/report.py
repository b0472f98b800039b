"""A report of figures: what was measured on what, as JSON and as a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.figures import Figure, Variant
from landmark_discovery.errors import UserError
from landmark_discovery.files import write_json, write_text
from landmark_discovery.text_tables import markdown_table

JSON_NAME, MARKDOWN_NAME = "benchmarks.json", "benchmarks.md"


@dataclass
class Report:
    """Hold all that is known so far; it grows with each measurement.

    Attributes:
        command: that measured.
        machine: what it ran on.
        versions: of what it ran.
        workload: what was measured.
        figures: measured so far.
        missing: measurements that weren't made, each with the reason.
        seconds: that the whole took so far.
    """

    command: str
    machine: Mapping[str, Any]
    versions: Mapping[str, Any]
    workload: Mapping[str, Any]
    figures: list[Figure] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """Give what the JSON file holds."""
        return {**vars(self), "figures": [figure.as_json() for figure in self.figures]}

    def write(self, folder: Path, text: str) -> None:
        """Write benchmarks.json, and a text as benchmarks.md, each whole or not at all."""
        write_json(folder / JSON_NAME, self.as_json())
        write_text(folder / MARKDOWN_NAME, text)


def read_report(path: str | Path) -> Report:
    """Read the JSON file of a report.

    Raises:
        UserError: no such file, or no report.
    """
    try:
        tree = json.loads(Path(path).read_text(encoding="utf-8"))
        return Report(**{**tree, "figures": [Figure.from_json(figure) for figure in tree["figures"]]})
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(f"no report of these benchmarks ({error})", where=path, remedy="measure anew") from error


def markdown(report: Report) -> str:
    """Lay a report out as tables: what needs no network, then a column a way to run it."""
    variants = list(dict.fromkeys(figure.variant for figure in report.figures if figure.variant is not None))
    parts = [
        "# Benchmarks\n",
        f"`{report.command}`, {report.seconds:.0f} s. Each figure: the median (lowest to highest; repeats).\n",
        _facts(report.machine),
        _facts(report.versions),
    ]
    common = [figure for figure in report.figures if figure.variant is None]
    if common:
        parts.append(_table(["", "unit", "value"], [[f.name, f.unit, value_text(f)] for f in common]))
    if variants:
        parts.append(_table(["", "unit", *map(str, variants)], _rows(report.figures, variants)))
    if report.missing:
        parts.append("Not measured:\n\n" + "\n".join(f"- {name}: {why}" for name, why in report.missing.items()) + "\n")
    return "\n".join(parts)


def value_text(figure: Figure) -> str:
    """Write the median and the spread of a figure."""
    middle, low, high = (number_text(v, figure.unit) for v in (figure.median, min(figure.values), max(figure.values)))
    return middle if len(figure.values) == 1 else f"{middle} ({low} to {high}; {len(figure.values)})"


def number_text(value: float, unit: str) -> str:
    """Write a number to three digits, shares in percent."""
    if unit == "share":
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _rows(figures: Sequence[Figure], variants: Sequence[Variant]) -> list[list[str]]:
    by_key = {figure.key: figure for figure in figures}
    names = dict.fromkeys((figure.name, figure.unit) for figure in figures if figure.variant is not None)
    return [
        [name, unit, *(value_text(by_key[name, v]) if (name, v) in by_key else "" for v in variants)]
        for name, unit in names
    ]


def _facts(facts: Mapping[str, Any]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in facts.items() if value is not None) + ".\n"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return markdown_table(header, rows) + "\n"
