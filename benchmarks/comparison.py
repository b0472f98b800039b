"""What changed between two reports by more than the spread of their repeats."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.figures import Figure
from benchmarks.report import Report, value_text

# What must be equal for times to be comparable.
SAME_MACHINE = ("device", "gpu", "cpu", "cpu_count")
# Smaller changes are none, however well the repeats agree: peaks of memory have no spread at all.
LEAST_CHANGE = 0.02


@dataclass(frozen=True)
class Change:
    """Hold a figure of an earlier and of a later report."""

    before: Figure
    after: Figure

    @property
    def is_worse(self) -> bool:
        """Say whether the later one is worse than every earlier value, and the earlier one better than every later."""
        return _beyond(self.before, self.after)

    @property
    def is_better(self) -> bool:
        """Say the opposite of `is_worse`, as strictly."""
        return _beyond(self.after, self.before)

    def __str__(self) -> str:
        """Say it in one line."""
        variant = f" ({self.after.variant})" if self.after.variant else ""
        factor = f", times {self.after.median / self.before.median:.2f}" if self.before.median else ""
        return (
            f"{self.after.name}{variant}: {value_text(self.before)} before, {value_text(self.after)} now, "
            f"{self.after.unit}{factor}"
        )


def compare(before: Report, after: Report) -> list[Change]:
    """Pair the figures that both reports have, in the order of the later one."""
    earlier = {figure.key: figure for figure in before.figures}
    return [Change(earlier[figure.key], figure) for figure in after.figures if figure.key in earlier]


def comparison_markdown(before: Report, after: Report) -> str:
    """Write what got worse and what got better; what differs between machines and workloads stands first."""
    changes = compare(before, after)
    measured = {figure.key for figure in after.figures}
    lost = [
        f"{name} ({variant})" for name, variant in (f.key for f in before.figures) if (name, variant) not in measured
    ]
    parts = [
        f"\n## Against `{before.command}` at {before.versions.get('commit') or 'an unknown commit'}\n",
        *_differences(before, after),
        _list("Worse than before, beyond the spread of both", [str(c) for c in changes if c.is_worse]),
        _list("Better than before, beyond the spread of both", [str(c) for c in changes if c.is_better]),
        f"Within the spread: {sum(not c.is_worse and not c.is_better for c in changes)} of {len(changes)} figures.\n",
    ]
    if lost:
        parts.append(_list("Measured before, not now", lost))
    return "\n".join(parts)


def _beyond(good: Figure, bad: Figure) -> bool:
    """Say whether `bad` is worse than `good` beyond the spread of both."""
    sign = 1 if good.higher_is_better else -1
    apart = abs(good.median - bad.median) >= LEAST_CHANGE * abs(good.median)
    return apart and sign * bad.median < sign * good.worst and sign * good.median > sign * bad.best


def _differences(before: Report, after: Report) -> list[str]:
    machines = [
        f"{name} was {before.machine.get(name)}, is {after.machine.get(name)}"
        for name in SAME_MACHINE
        if before.machine.get(name) != after.machine.get(name)
    ]
    workloads = [name for name in after.workload if before.workload.get(name) != after.workload[name]]
    parts = [f"**Not comparable, another machine**: {'; '.join(machines)}.\n"] if machines else []
    return parts + ([f"**Not comparable, another workload**: {', '.join(workloads)}.\n"] if workloads else [])


def _list(title: str, items: Sequence[str]) -> str:
    return f"{title}: {len(items) or 'none'}\n" + "".join(f"\n- {item}" for item in items) + ("\n" if items else "")
