"""The authors' checkpoints (.pth), read without running anything that stands in them (method, section 3)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy._core import multiarray
from numpy.typing import NDArray
from torch import Tensor

from landmark_discovery.downloads.torch_files import are_parameters, refuse_packed
from landmark_discovery.errors import UserError

# The authors' spellings.
PARAMETERS, CENTROIDS, FLIP_MAP = "state_dict", "centroid", "flipppingCorrespondance"
OWN_KEY = {1: CENTROIDS, 2: FLIP_MAP}
PARALLEL_PREFIX = "module."
FETCH_ANEW = "fetch the file anew"

# What rebuilds a NumPy array of numbers, under its old and its new name, and nothing else.
_FUNCTIONS: tuple[Callable[..., Any], ...] = (multiarray._reconstruct, multiarray.scalar)
_ARRAY_GLOBALS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    np.ndarray,
    np.dtype,
    *(type(np.dtype(name)) for name in ("float32", "float64", "int32", "int64")),
    *((f, f"numpy.{core}.multiarray.{f.__name__}") for core in ("core", "_core") for f in _FUNCTIONS),
]
# Torch's message also tells how to load such a file all the same: only the name in it is passed on.
_BLOCKED = re.compile(r"GLOBAL (\S+)|<class '([^']+)'>")


@dataclass(frozen=True)
class Checkpoint:
    """Hold what prediction needs of one of the authors' files.

    Attributes:
        parameters: of the network, by our names (without `module.`).
        centroids: (K, D); (K, 0) in stage 2, which has none.
        flip_map: the landmark that each landmark becomes when the image is mirrored, (K,); -1 in stage 1: unknown.
        iteration: that the file was saved at; None: it doesn't say.
    """

    parameters: Mapping[str, Tensor]
    centroids: NDArray[np.float32]
    flip_map: NDArray[np.int64]
    iteration: int | None

    @property
    def num_landmarks(self) -> int:
        """Count the landmarks (K)."""
        return len(self.flip_map)


def read_checkpoint(path: str | Path, stage: int) -> Checkpoint:
    """Read one of the authors' files; tensors, numbers and NumPy arrays are all that it may hold.

    Args:
        path: the file.
        stage: 1 or 2.

    Raises:
        UserError: no such file, a web page, half a file, something in it that could run, one of the other stage, or a
            file of stage 1 from before the first clustering, which has no centroids.
    """
    source = Path(path)
    content = _load(source)
    if not isinstance(content, dict):
        raise _wrong(source, f"it holds a {type(content).__name__}, not a dictionary")
    _check_stage(source, content, stage)
    if stage == 1:
        centroids = _centroids(source, content[CENTROIDS])
        flip_map = np.full(len(centroids), -1)
    else:
        flip_map = _flip_map(source, content[FLIP_MAP])
        centroids = np.empty((len(flip_map), 0), np.float32)
    parameters = _parameters(source, content[PARAMETERS])
    return Checkpoint(parameters, centroids, flip_map, _whole_number(content.get("iteration")))


def _load(path: Path) -> object:
    try:
        with path.open("rb") as file:
            first_bytes = file.read(64).lstrip()
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path, remedy=FETCH_ANEW) from error
    if first_bytes.startswith(b"<"):
        raise _wrong(path, "a web page saved under its name", FETCH_ANEW)
    try:
        refuse_packed(path)
        with torch.serialization.safe_globals(_ARRAY_GLOBALS):
            content: object = torch.load(path, map_location="cpu", weights_only=True)
            return content
    except Exception as error:  # torch tells of a damaged file by a dozen kinds of error
        raise _unreadable(path, str(error)) from error


def _unreadable(path: Path, message: str) -> UserError:
    blocked = _BLOCKED.search(message)
    if blocked is None:
        return _wrong(path, "damaged, cut short, or of another format", FETCH_ANEW)
    name = blocked[1] or blocked[2]
    return UserError(
        f"asks for {name!r}, which no weights need and which could run anything; it was blocked",
        where=path,
        remedy="don't trust this file; fetch the authors' own",
    )


def _check_stage(path: Path, content: Mapping[object, object], stage: int) -> None:
    if OWN_KEY[stage] not in content and OWN_KEY[3 - stage] in content:
        raise UserError(f"a file of stage {3 - stage}", where=path, remedy=f"give that of stage {stage}")
    for key in (PARAMETERS, OWN_KEY[stage]):
        if key not in content:
            found = ", ".join(name for name in list(content)[:8] if isinstance(name, str)) or "nothing"
            raise _wrong(path, f"{key!r} is missing; it has {found}")


def _parameters(path: Path, state: object) -> dict[str, Tensor]:
    if not isinstance(state, dict) or not are_parameters(state):
        raise _wrong(path, f"its {PARAMETERS!r} holds something else than named tensors")
    return {name.removeprefix(PARALLEL_PREFIX): value for name, value in state.items()}


def _centroids(path: Path, value: object) -> NDArray[np.float32]:
    if value is None:
        raise UserError(
            "has no centroids: it is from the end of warm-up, and predictions of stage 1 need them",
            where=path,
            remedy="give a file from after the first clustering",
        )
    centroids = _numbers(path, CENTROIDS, value, axes=2)
    if not np.isfinite(centroids).all():
        raise _wrong(path, f"{CENTROIDS!r} has numbers that aren't finite")
    return centroids.astype(np.float32)


def _flip_map(path: Path, value: object) -> NDArray[np.int64]:
    found = _numbers(path, FLIP_MAP, value, axes=1)
    if not np.isin(found, np.arange(len(found))).all():
        raise _wrong(path, f"{FLIP_MAP!r} has numbers that are no landmark of 0 to {len(found) - 1}")
    return found.astype(np.int64)


def _numbers(path: Path, key: str, value: object, axes: int) -> NDArray[Any]:
    try:
        # A tensor can repeat one number, and a list one part, more often than there is memory for.
        fits = _count(value, axes, path.stat().st_size) <= path.stat().st_size
        array = np.asarray(value) if fits else np.empty(0, dtype=object)
    except (TypeError, ValueError, RuntimeError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "iuf" or array.ndim != axes or array.size == 0:
        raise _wrong(path, f"{key!r} is no array of numbers with {axes} axes")
    return array


def _count(value: object, axes: int, limit: int) -> int:
    """Count the numbers of nested lists, as far as `limit`; more nested than there are axes, they are too many."""
    if isinstance(value, Tensor):
        return value.numel()
    if not isinstance(value, list | tuple):
        return np.size(value) if isinstance(value, np.ndarray) else 1
    if not axes:
        return limit + 1
    total = 0
    for part in value:
        total += max(1, _count(part, axes - 1, limit))
        if total > limit:
            break
    return total


def _whole_number(value: object) -> int | None:
    return int(value) if isinstance(value, int | np.integer) and abs(int(value)) < 2**63 else None


def _wrong(path: Path, reason: str, remedy: str = "give one of the authors' files") -> UserError:
    return UserError(f"not one of the authors' checkpoints ({reason})", where=path, remedy=remedy)
