"""What a run of the workflow ends with when a step failed: the step's own words, out of all that Snakemake says."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

_LOG_OF_STEP = re.compile(r"^ +log: (\S+) \(check log file", re.MULTILINE)


def failures(snakemake_logs: Iterable[str | Path]) -> list[str]:
    """Repeat the last words of each step that failed, such as "error: a.jpg: the file is empty; ...".

    Args:
        snakemake_logs: what Snakemake wrote about a run; it names the logs of the failed steps.

    Returns:
        One line a step, which also names its log; none where a log is missing or empty.
    """
    logs = dict.fromkeys(log for path in snakemake_logs for log in _LOG_OF_STEP.findall(_text(Path(path))))
    last = {log: _last_words(_text(Path(log))) for log in logs}
    return [f"{line} [{log}]" for log, line in last.items() if line]


def _last_words(text: str) -> str:
    """Give the last line that says what is wrong, or else the last; torchrun says more after it."""
    lines = text.split("\n")
    return ([line for line in lines if line.startswith("error: ")] or lines)[-1]


def _text(path: Path) -> str:
    """Read a file without what a progress bar overwrote; nothing where it can't be read."""
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    return "\n".join(line.rstrip() for line in re.split(r"[\r\n]+", text) if line.strip())
