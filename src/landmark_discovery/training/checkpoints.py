"""Everything that a training needs to go on as if it had never stopped, in files that are whole or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from landmark_discovery import __version__
from landmark_discovery.digests import digest_of
from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file, write_text
from landmark_discovery.locking import open_alone
from landmark_discovery.writable import REMEDY

KEPT = 2
_FORMAT = "landmark-discovery-checkpoint"
_DAMAGED = (SafetensorError, UserError, OSError, ValueError, LookupError, TypeError, RecursionError)


@dataclass(frozen=True)
class Checkpoint:
    """Hold the state of a training after some iterations.

    Attributes:
        tensors: weights, optimiser, random generators and tables, by name.
        facts: JSON-ready: iteration, place in the schedule, rows of the log.
    """

    tensors: Mapping[str, Tensor]
    facts: Mapping[str, Any]


class CheckpointFolder:
    """Keep the newest checkpoints of one training; those of other settings are never read.

    Args:
        folder: of the checkpoints of a stage.
        key: digest of all that the training depends on; each key has a folder of its own.
    """

    def __init__(self, folder: str | Path, key: str) -> None:
        self.root = Path(folder)
        self.folder = self.root / key

    def save(self, checkpoint: Checkpoint) -> Path:
        """Write a checkpoint, with its digest beside it, then remove all but it and the one before.

        Raises:
            UserError: the folder can't be written, or the disk is full; the earlier ones are still there.
        """
        path = self.folder / f"{int(checkpoint.facts['order']):09d}.safetensors"
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in checkpoint.tensors.items()}
        with atomic_file(path) as temporary:
            save_file(tensors, temporary, metadata={_FORMAT: json.dumps(dict(checkpoint.facts), allow_nan=True)})
            digest = digest_of(temporary, "sha256").value
        write_text(_digest_file(path), f"{digest}  {path.name}\n")
        self._keep_newest(path)
        return path

    def latest(self) -> Checkpoint | None:
        """Read the newest checkpoint that is whole; damaged ones are named and passed over; None: there is none."""
        paths = self._paths()
        if not paths and any(self.root.glob("*/*.safetensors")):
            _tell(f"{self.root} has checkpoints of other settings or inputs; training starts afresh")
        for path in reversed(paths):
            checkpoint = _read(path)
            if checkpoint is not None:
                _tell(f"going on from {path}, iteration {checkpoint.facts['iteration']}")
                return checkpoint
        return None

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keep other processes from training here; waits for one that does.

        Raises:
            UserError: the folder can't be written, or the disk is full.
        """
        try:
            handle, _ = open_alone(
                self.root / ".lock",
                lambda: _tell(f"another process trains in {self.root.parent}; waiting until it has ended"),
            )
        except OSError as error:
            raise UserError(f"can't be written ({error.strerror})", where=self.root, remedy=REMEDY) from error
        try:
            yield
        finally:
            # The lock goes last, and not before this: whoever trains next would make, and hold, another.
            if not any(self.root.glob("*/*.safetensors")):
                shutil.rmtree(self.root, ignore_errors=True)
            os.close(handle)

    def clear(self) -> None:
        """Remove all checkpoints of the stage, whatever their key: its result is there."""
        for path in self.root.glob("*/"):
            shutil.rmtree(path, ignore_errors=True)

    def _keep_newest(self, newest: Path) -> None:
        paths = self._paths()
        end = paths.index(newest) + 1
        # Later ones are those that were damaged: the training went on from before them.
        for other in paths[: max(end - KEPT, 0)] + paths[end:]:
            _digest_file(other).unlink(missing_ok=True)
            other.unlink(missing_ok=True)

    def _paths(self) -> list[Path]:
        return sorted(path for path in self.folder.glob("*.safetensors") if not path.name.startswith("."))


def checkpoint_key(
    settings: Mapping[str, Any], inputs: Mapping[str, str], device: torch.device, processes: int = 1
) -> str:
    """Digest what a training depends on: another key can't take over its state.

    Args:
        settings: of the training.
        inputs: digests of its inputs.
        device: that trains; the random states of a CPU mean nothing to a GPU.
        processes: that train together, which decides how far each has come in the data.
    """
    made_by = {"version": __version__, "torch": torch.__version__, "device": device.type, "processes": processes}
    text = json.dumps({"settings": settings, "inputs": inputs} | made_by, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def digest_of_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Digest named arrays: names, types, shapes and bytes."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        digest.update(f"{name} {array.dtype} {array.shape}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def _read(path: Path) -> Checkpoint | None:
    try:
        expected = _digest_file(path).read_text(encoding="utf-8").split()[0]
        if digest_of(path, "sha256").value != expected:
            raise ValueError("its bytes aren't those that were written")
        with safe_open(path, framework="pt") as file:
            facts = json.loads((file.metadata() or {})[_FORMAT])
            if not isinstance(facts, dict) or not all(type(facts.get(key)) is int for key in ("order", "iteration")):
                raise ValueError("its description isn't one of ours")
            return Checkpoint({name: file.get_tensor(name) for name in file.keys()}, facts)  # noqa: SIM118
    except _DAMAGED as error:
        _tell(f"{path} is damaged ({error}); looking for the one before")
        return None


def _digest_file(path: Path) -> Path:
    return path.with_suffix(".sha256")


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
