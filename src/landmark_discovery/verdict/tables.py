"""The verdict as tables: for people, for programs, and for what shows test results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from landmark_discovery.errors import UserError
from landmark_discovery.files import read_json, write_json, write_text
from landmark_discovery.reporting import html
from landmark_discovery.text_tables import aligned_table, markdown_table
from landmark_discovery.verdict.judgement import MEANINGS, Judgement, Status, Verdict

COLUMNS = (
    "experiment",
    "figure",
    "published",
    "measured",
    "95 % interval",
    "difference",
    "accepted (tolerance)",
    "baseline",
    "verdict",
)
NOTES = (
    "NME in percent, lower is better; difference: measured minus published, in percentage points.",
    "Measured: mean ± sample standard deviation over the seeds; interval: the 95 % confidence interval of that mean by "
    "Student's t, none for one seed. Two or three seeds give a wide one.",
    "Baseline: what a prediction that ignores the image reaches, the mean shape for a forward error and the mean "
    "landmark for a backward one.",
)
# All that XML 1.0 has no way to write.
_NOT_IN_XML = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_verdict(folder: str | Path, verdict: Verdict) -> None:
    """Write verdict.md, verdict.html, verdict.json and verdict.xml (JUnit) into a folder, each whole or not at all."""
    path = Path(folder)
    write_text(path / "verdict.md", markdown(verdict))
    write_text(path / "verdict.html", verdict_page(verdict))
    write_json(path / "verdict.json", as_json(verdict))
    write_text(path / "verdict.xml", junit_xml(verdict))


def read_verdict(folder: str | Path) -> tuple[str, int]:
    """Read what `write_verdict` wrote.

    Returns:
        The Markdown, and the exit status that follows from the verdict.

    Raises:
        UserError: there is no verdict in the folder, or one that can't be read.
    """
    path = Path(folder)
    try:
        status = read_json(path / "verdict.json").get("exit_status")
        if status not in (0, 1, 2):
            raise ValueError(f"exit_status is {str(status)[:80]!r}")
        return (path / "verdict.md").read_text(encoding="utf-8"), int(status)
    except (OSError, ValueError, UserError) as error:
        raise UserError(
            f"no readable verdict ({error})", where=path, remedy="make it with `landmarks verdict`"
        ) from error


def joint_exit_status(statuses: Sequence[int]) -> int:
    """Give the exit status of several verdicts: 1 for any miss, else 2 for any absent figure, else 0."""
    return 1 if 1 in statuses else max(statuses, default=0)


def summary_line(verdict: Verdict) -> str:
    """Say in one line what came out, such as "4 figures: 3 within, 1 miss"."""
    parts = []
    if verdict.judgements:
        counts = ", ".join(f"{count} {status}" for status, count in verdict.counts.items())
        plural = "s" * (len(verdict.judgements) > 1)
        parts.append(f"{len(verdict.judgements)} figure{plural}: {counts}")
    if verdict.unpublished:
        parts.append(f"no published figure of {', '.join(verdict.unpublished)} is known, so there is nothing to judge")
    return "; ".join(parts)


def markdown(verdict: Verdict) -> str:
    """Write the verdict for people, as Markdown."""
    parts = [f"# Verdict: {', '.join(verdict.experiments)}", f"{summary_line(verdict)}."]
    parts += [f"Judged: {', '.join(f'`{run}`' for run in _runs(verdict))}."] if _runs(verdict) else []
    if verdict.judgements:
        parts.append(markdown_table(COLUMNS, [_row(judgement) for judgement in verdict.judgements]))
    if verdict.others:
        parts += ["Other methods, for comparison, never judged:", markdown_table(_OTHER_COLUMNS, _other_rows(verdict))]
    if verdict.judgements:
        absences = [f"- absent: {text}" for text in _absences(verdict)]
        parts += ["\n".join(absences)] if absences else []
        parts += ["## What is compared", "\n".join(f"- `{name}`: {text}" for name, text in _definitions(verdict))]
        parts += ["## Words", "\n".join(f"- {note}" for note in (*NOTES, *_legend()))]
    return "\n\n".join(parts) + "\n"


def verdict_page(verdict: Verdict) -> str:
    """Write the verdict as a page of the report."""
    parts = [html.paragraph(f"{summary_line(verdict)}.")]
    parts += [html.paragraph(f"Judged: {', '.join(_runs(verdict))}.")] if _runs(verdict) else []
    if verdict.judgements:
        rows = [
            (figure, status, experiment, *cells) for experiment, figure, *cells, status in map(_row, verdict.judgements)
        ]
        parts.append(html.table(("figure", "verdict", "experiment", *COLUMNS[2:-1]), rows))
    if verdict.others:
        rows = [(method, experiment, *cells) for experiment, method, *cells in _other_rows(verdict)]
        parts += [html.heading("Other methods, for comparison, never judged")]
        parts += [html.table(("method", "experiment", *_OTHER_COLUMNS[2:]), rows)]
    if verdict.judgements:
        parts += [html.paragraph(f"Absent: {text}") for text in _absences(verdict)]
        parts += [html.heading("What is compared"), html.definitions(dict(_definitions(verdict)))]
        parts += [html.heading("Words"), *(html.paragraph(note, quiet=True) for note in (*NOTES, *_legend()))]
    return html.page(f"Verdict: {', '.join(verdict.experiments)}", *parts)


def as_json(verdict: Verdict) -> dict[str, Any]:
    """Give the verdict as plain values; None: not measured."""
    return {
        "experiments": list(verdict.experiments),
        "experiments_without_figures": list(verdict.unpublished),
        "runs": _runs(verdict),
        "exit_status": verdict.exit_status,
        "counts": {str(status): count for status, count in verdict.counts.items()},
        "figures": [_plain(judgement) for judgement in verdict.judgements],
        "others": [other.model_dump(mode="json") for other in verdict.others],
        "statuses": {str(status): meaning for status, meaning in MEANINGS.items()},
    }


def junit_xml(verdict: Verdict) -> str:
    """Write the verdict as test results: one case a figure; a miss fails, absent is an error, undecided is skipped."""
    suite = ElementTree.Element(
        "testsuite",
        name="verdict",
        tests=str(len(verdict.judgements)),
        failures=str(verdict.counts.get(Status.miss, 0)),
        errors=str(verdict.counts.get(Status.absent, 0)),
        skipped=str(verdict.counts.get(Status.undecided, 0)),
    )
    for judgement in verdict.judgements:
        suite.append(_test_case(judgement))
    suites = ElementTree.Element("testsuites")
    suites.append(suite)
    ElementTree.indent(suites)
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{ElementTree.tostring(suites, encoding="unicode")}\n'


def plain_table(verdict: Verdict) -> str:
    """Write the verdict for a terminal that may know ASCII alone, with a line below that sums it up."""
    lines = []
    if verdict.judgements:
        kept = (0, 1, 2, 3, 4, 6, 8)
        rows = [[_ascii(row[column]) for column in kept] for row in [COLUMNS, *map(_row, verdict.judgements)]]
        lines = [aligned_table(rows)]
    return "\n".join([*lines, *(f"absent: {text}" for text in _absences(verdict)), summary_line(verdict)])


_OTHER_COLUMNS = ("experiment", "method", "metric", "published", "source")
_JUNIT_ELEMENTS = {Status.miss: "failure", Status.absent: "error", Status.undecided: "skipped"}


def _row(judgement: Judgement) -> tuple[str, ...]:
    figure, summary = judgement.figure, judgement.summary
    return (
        figure.experiment,
        figure.id,
        f"{figure.value:.2f} ({figure.certainty})",
        _measured(judgement),
        "–" if summary is None or summary.std is None else f"{summary.low:.2f} to {summary.high:.2f}",
        "–" if judgement.difference is None else f"{judgement.difference:+.2f}",
        _accepted(judgement),
        "–" if judgement.baseline is None else f"{judgement.baseline:.2f}",
        str(judgement.status),
    )


def _measured(judgement: Judgement) -> str:
    summary = judgement.summary
    if summary is None:
        return "–"
    seeds = f"{summary.count} seed{'s' * (summary.count > 1)}"
    spread = "" if summary.std is None else f" ± {summary.std:.2f}"
    return f"{summary.mean:.2f}{spread} ({seeds})"


def _accepted(judgement: Judgement) -> str:
    figure = judgement.figure
    low, high = figure.accepted
    if figure.sides == "both":
        return f"{low:.2f} to {high:.2f} (±{figure.tolerance:g})"
    return f"at most {high:.2f} (+{figure.tolerance:g})"


def _runs(verdict: Verdict) -> list[str]:
    """Name the results folders that were judged, each once."""
    measured = (one for judgement in verdict.judgements for one in judgement.measurements)
    return list(dict.fromkeys(one.run for one in measured if one.run))


def _other_rows(verdict: Verdict) -> list[tuple[str, ...]]:
    return [
        (other.experiment, other.method, other.metric, f"{other.value:.2f}", other.source) for other in verdict.others
    ]


def _absences(verdict: Verdict) -> list[str]:
    """Say of each absent figure why it is; of one without any run, that there is none."""
    return [
        f"{judgement.figure.id}: {text}"
        for judgement in verdict.judgements
        if judgement.status is Status.absent
        for text in judgement.absences or (f"no run of {judgement.figure.experiment} was given",)
    ]


def _definitions(verdict: Verdict) -> list[tuple[str, str]]:
    return [
        (
            figure.id,
            f"{figure.metric} of stage {figure.stage} ({figure.evaluation}). {figure.definition} Source: "
            f"{figure.source}. Tolerance {figure.tolerance:g}: {figure.tolerance_reason}.",
        )
        for figure in (judgement.figure for judgement in verdict.judgements)
    ]


def _legend() -> tuple[str, ...]:
    return tuple(f"{status}: {meaning}." for status, meaning in MEANINGS.items())


def _plain(judgement: Judgement) -> dict[str, Any]:
    summary = judgement.summary
    return {
        **judgement.figure.model_dump(mode="json"),
        "status": str(judgement.status),
        "measured": [measurement.value for measurement in judgement.measurements],
        "seeds": 0 if summary is None else summary.count,
        "mean": None if summary is None else summary.mean,
        "std": None if summary is None else summary.std,
        "interval": None if summary is None or summary.std is None else [summary.low, summary.high],
        "difference": judgement.difference,
        "baseline": judgement.baseline,
        "absences": list(judgement.absences),
    }


def _test_case(judgement: Judgement) -> ElementTree.Element:
    figure = judgement.figure
    case = ElementTree.Element("testcase", classname=_printable(figure.experiment), name=_printable(figure.id))
    said = f"published {figure.value:.2f} ({figure.certainty}), accepted {_accepted(judgement)}, "
    said += f"measured {_measured(judgement)}"
    if judgement.status in _JUNIT_ELEMENTS:
        reasons = "; ".join((said, *judgement.absences))
        outcome = ElementTree.SubElement(case, _JUNIT_ELEMENTS[judgement.status], message=_printable(reasons))
        outcome.text = MEANINGS[judgement.status]
    else:
        ElementTree.SubElement(case, "system-out").text = _printable(f"{judgement.status}: {said}")
    return case


def _ascii(text: str) -> str:
    return text.replace("±", "+-").replace("–", "-")


def _printable(text: str) -> str:
    return _NOT_IN_XML.sub("?", text)
