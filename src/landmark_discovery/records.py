"""What a training leaves beside its weights: readable while it trains, and so not declared to Snakemake."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path


def lost_record(weights: Path, stage: int) -> Path | None:
    """Give the first file that is gone from beside the weights of a stage; None where none is, or no weights are."""
    gone = (path for path in _records(weights.parent, stage) if not path.is_file())
    return next(gone, None) if weights.is_file() else None


def _records(folder: Path, stage: int) -> Iterator[Path]:
    yield from (folder / name for name in ("training_log.csv", "made_by.json"))
    if stage == 1:
        rounds = folder / "rounds.csv"
        yield rounds
        lines = rounds.read_text(encoding="utf-8").splitlines() if rounds.is_file() else []
        yield from (folder / "rounds" / f"round_{number:02d}.png" for number in range(len(lines) - 1))
