"""Saving while training: every few minutes, before what takes long, and when the training is to stop."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from landmark_discovery.files import write_npz
from landmark_discovery.training.checkpoints import Checkpoint, CheckpointFolder
from landmark_discovery.training.feed import RawBatch
from landmark_discovery.training.interruption import Interrupted, Timetable
from landmark_discovery.training.optimizers import LOG_EVERY
from landmark_discovery.training.processes import SINGLE, Processes

State = Callable[[], Checkpoint]


@dataclass(frozen=True)
class Saver:
    """Save a training's state when it is due.

    Attributes:
        folder: of the checkpoints; None: nothing is saved, and nothing stops the training.
        timetable: says when.
        processes: that train together; the main one writes, all of them read.
    """

    folder: CheckpointFolder | None = None
    timetable: Timetable | None = None
    processes: Processes = SINGLE

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other runs from training in the same place."""
        if self.folder is None or not self.processes.is_main:
            yield
            return
        with self.folder.held():
            yield

    def latest(self) -> Checkpoint | None:
        """Read the newest checkpoint that is whole, the same in all processes."""
        folder = self.folder
        return None if folder is None else self.processes.from_main(folder.latest)

    def after_step(self, iteration: int, state: State) -> None:
        """Save, or save and stop, where that is due after a step.

        Raises:
            Interrupted: the state is saved, and the training is to stop.
        """
        if self.folder is None or self.timetable is None:
            return
        if self._stops(iteration):
            # All wait until it is saved: the first process that ends has the others stopped.
            self.processes.from_main(lambda: self._write(state))
            reason = self.timetable.reason or "another process"
            raise Interrupted(f"saved at iteration {iteration} ({reason}); the same command goes on from there")
        if self.processes.is_main and self.timetable.should_save:
            self._write(state)

    def save(self, state: State) -> None:
        """Save now."""
        if self.folder is not None and self.processes.is_main:
            self._write(state)

    def keep_batch(self, batch: RawBatch, image_of_row: Tensor) -> str:
        """Write a batch that went wrong beside the weights, and say where.

        Args:
            batch: that the step trained on.
            image_of_row: position in the store of the image of each row, int64 (N,).
        """
        if self.folder is None:
            return ""
        path = self.folder.root.parent / f"bad_batch_{self.processes.rank}.npz"
        indices = image_of_row[batch.rows].cpu().numpy()
        write_npz(path, {"image_index": indices, "pixels": batch.pixels.cpu().numpy()})
        return f" (the images that it was found with are in {path})"

    def finish(self) -> None:
        """Remove what served to get here, now that the result is there: checkpoints, and batches that went wrong."""
        if self.folder is None or not self.processes.is_main:
            return
        for path in self.folder.root.parent.glob("bad_batch_*.npz"):
            path.unlink()
        if self.timetable is None or not self.timetable.result_is_noted_later:
            self.folder.clear()

    def _write(self, state: State) -> None:
        if self.folder is None or self.timetable is None:
            return
        checkpoint = state()
        if not all(bool(torch.isfinite(checkpoint.tensors[name]).all()) for name in _weights(checkpoint)):
            # The loss will say so; what is there is the last good state.
            return
        path = self.folder.save(checkpoint)
        self.timetable.saved()
        print(f"saved {path}", file=sys.stderr, flush=True)

    def _stops(self, iteration: int) -> bool:
        """Say whether any process is to stop; several ask one another at times, since asking waits for all."""
        timetable = self.timetable
        asked = timetable is not None and timetable.should_stop
        if self.processes.count == 1:
            return asked
        return iteration % LOG_EVERY == 0 and bool(self.processes.total(torch.tensor(float(asked))) > 0)


NO_SAVER = Saver()


def _weights(checkpoint: Checkpoint) -> list[str]:
    return [name for name in checkpoint.tensors if name.startswith("weights.")]
