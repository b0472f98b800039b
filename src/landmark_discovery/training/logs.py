"""What a run tells while it trains: a line a round, tables, and TensorBoard's log."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from landmark_discovery.files import write_text

LogRow = Callable[[Mapping[str, float]], None]


def no_log(_row: Mapping[str, float]) -> None:
    """Write nothing."""


def event_log(folder: Path) -> LogRow:
    """Write TensorBoard's log into a folder, where TensorBoard is installed; otherwise nothing."""
    if importlib.util.find_spec("tensorboard") is None:
        return no_log
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(folder / "tensorboard")

    def write(row: Mapping[str, float]) -> None:
        for name, value in row.items():
            if name != "iteration":
                writer.add_scalar(name, value, int(row["iteration"]))

    return write


def round_line(facts: Mapping[str, float], count: int) -> str:
    """Tell of one of `count` rounds, numbered from 0 as in rounds.csv and the report, in a line."""
    return (
        f"round {int(facts['round'])} (last: {count - 1}), iteration {int(facts['iteration'])}: "
        f"{facts['detections_over_threshold']:.1f} detections an image over {facts['threshold']:.3f}, "
        f"{facts['detections_kept']:.1f} kept, {int(facts['clusters_alive'])} clusters alive, "
        f"flip purity {facts['flip_purity']:.2f}, {int(facts['images_kept'])} images, "
        f"losses {facts['detector_loss']:.4f} detector, {facts['descriptor_loss']:.4f} descriptor"
    )


def write_table(path: Path, rows: Sequence[Mapping[str, float]]) -> None:
    """Write rows as CSV."""
    write_text(path, pd.DataFrame(list(rows)).to_csv(index=False))
