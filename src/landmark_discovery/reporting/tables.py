"""Figures as words: percentages, shares, time spans, memory, and fractions that people say."""

from __future__ import annotations

import pandas as pd

UNKNOWN = "–"
_NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_FRACTIONS = (
    (1 / 20, "a twentieth"),
    (1 / 10, "a tenth"),
    (1 / 8, "an eighth"),
    (1 / 7, "a seventh"),
    (1 / 6, "a sixth"),
    (1 / 5, "a fifth"),
    (1 / 4, "a quarter"),
    (1 / 3, "a third"),
    (2 / 5, "two fifths"),
    (1 / 2, "half"),
    (3 / 5, "three fifths"),
    (2 / 3, "two thirds"),
    (3 / 4, "three quarters"),
)
# A fraction is said where it is right to so much of itself.
_NEAR = 0.07


def percent(value: float | None, digits: int = 2) -> str:
    """Write a percentage with two digits after the point; None: undefined."""
    return "undefined" if value is None else f"{value:.{digits}f} %"


def share(value: float | None) -> str:
    """Write a share (0 to 1) as a percentage; only all of something is 100 %, only nothing is 0 %; None: undefined."""
    if value is None:
        return "undefined"
    rounded = f"{100 * value:.0f}"
    if (rounded == "100" and value < 1) or (rounded == "0" and value > 0):
        rounded = f"{100 * value:.1f}" if 0.0005 <= value < 0.9995 else ("under 0.1" if value < 0.5 else "over 99.9")
    return f"{rounded} %"


def number_word(count: int) -> str:
    """Write a count as people do: up to twelve in letters."""
    return _NUMBERS[count] if 0 <= count < len(_NUMBERS) else f"{count:,}"


def fraction_of(ratio: float) -> str:
    """Say a ratio under one as the fraction that people would say, or else in percent, such as "a fifth"."""
    value, words = min(_FRACTIONS, key=lambda item: abs(item[0] - ratio) / item[0])
    return words if abs(value - ratio) <= _NEAR * value else f"{100 * ratio:.0f} %"


def duration(seconds: float | None) -> str:
    """Write a time span as people say it."""
    if seconds is None:
        return UNKNOWN
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def memory(megabytes: float | None) -> str:
    """Write an amount of memory."""
    return UNKNOWN if megabytes is None else f"{megabytes:,.0f} MB"


def mean_of(table: pd.DataFrame, column: str) -> float | None:
    """Average a benchmark's column over its repeats; None where Snakemake measured nothing ("-" or "NA")."""
    if column not in table.columns:
        return None
    mean = pd.to_numeric(table[column], errors="coerce").mean()
    return None if pd.isna(mean) else float(mean)
