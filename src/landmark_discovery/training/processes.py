"""The processes that train together, one a GPU; alone, every method is the obvious one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from itertools import count as counter
from typing import Any, TypeVar, cast

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore, Store
from torch.distributed.rendezvous import rendezvous

from landmark_discovery.errors import UserError
from landmark_discovery.training.randomness import Share

Value = TypeVar("Value")
# The others wait for the main process while it clusters, which takes long with many images. That a process has died
# is noticed by torchrun, not by waiting.
PATIENCE = timedelta(hours=6)
# What lies on the host (detections, pseudo-ground-truth) travels from there, and takes no GPU's memory.
GPU_BACKENDS = "cpu:gloo,cuda:nccl"


@dataclass(frozen=True)
class Processes:
    """Hold this process's place among those that share each batch.

    Attributes:
        count: processes.
        rank: number of this one; 0 is the main one, which clusters and writes.
    """

    count: int = 1
    rank: int = 0

    @property
    def is_main(self) -> bool:
        """Say whether this process writes results."""
        return self.rank == 0

    @property
    def share(self) -> Share:
        """Give this process's part of each batch."""
        return Share(self.count, self.rank)

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Average tensors over the processes, in place, by one collective operation.

        The gradients are a few long tensors (`parameters`), so that a single all_reduce after the backward pass does
        what DistributedDataParallel does in buckets, driven by hooks on the host. It is an operation like any other on
        its stream, so that it fits inside the recorded CUDA graph of a step.
        """
        if self.count == 1:
            return
        joined = torch.cat([tensor.flatten() for tensor in tensors]).div_(self.count)
        dist.all_reduce(joined)
        for tensor, part in zip(tensors, torch.split(joined, [tensor.numel() for tensor in tensors]), strict=True):
            tensor.copy_(part.view_as(tensor))

    def total(self, value: Tensor) -> Tensor:
        """Add up a tensor over the processes."""
        if self.count == 1:
            return value
        total = value.clone()
        dist.all_reduce(total)
        return total

    def part(self, indices: NDArray[np.int64]) -> NDArray[np.int64]:
        """Give this process's part of a list of images, consecutive and about equally long.

        Raises:
            UserError: in all processes, where there are fewer images than processes.
        """
        if len(indices) < self.count:
            raise UserError(f"{self.count} processes have only {len(indices)} images", remedy="start fewer processes")
        return np.array_split(indices, self.count)[self.rank]

    def gathered(self, array: NDArray[Any]) -> NDArray[Any]:
        """Join the arrays (n, ...) of all processes, in their order, on the main one; others get an empty one.

        Args:
            array: of this process; n differs between them and may be 0, the rest of the shape and the type don't.
        """
        if self.count == 1:
            return array
        lengths = [0] * self.count
        dist.all_gather_object(lengths, len(array))
        if not self.is_main:
            if array.size:
                dist.send(_bytes(np.ascontiguousarray(array)), dst=0)
            return array[:0]
        # Each part is received in its place, so that the main process never holds a column twice.
        joined = np.empty((sum(lengths), *array.shape[1:]), array.dtype)
        own, *others = np.split(joined, np.cumsum(lengths)[:-1])
        own[:] = array
        for rank, part in enumerate(others, start=1):
            if part.size:
                dist.recv(_bytes(part), src=rank)
        return joined

    def from_main(self, compute: Callable[[], Value]) -> Value:
        """Compute on the main process and give the value to all; what is written, is written so.

        Raises:
            UserError: in each other process, when the main one meets any error, which it raises itself.
        """
        if self.count == 1:
            return compute()
        if not self.is_main:
            return cast(Value, _received())
        try:
            value = compute()
        except Exception as error:
            dist.broadcast_object_list([None, _said(error)])
            raise
        dist.broadcast_object_list([value, None])
        return value


SINGLE = Processes()


@contextmanager
def launched_processes(device: torch.device) -> Iterator[Processes]:
    """Join the processes that torchrun started, or be the only one.

    Args:
        device: of this process, from `runtime.choose_device`.
    """
    count = int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield SINGLE
        return
    rank = int(os.environ["RANK"])
    # Groups that follow one another must not meet by the addresses that the one before left in the store.
    store = PrefixStore(f"group{next(_groups)}", _store())
    backends = GPU_BACKENDS if device.type == "cuda" else "gloo"
    dist.init_process_group(backends, timeout=PATIENCE, store=store, rank=rank, world_size=count)
    yield Processes(count, rank)
    # Not after an error: with a process gone, closing the group could wait for it, while ending closes it at once.
    dist.destroy_process_group()


_groups = counter()


@cache
def _store() -> Store:
    """Open the store through which the processes find one another, as torchrun's environment says; once."""
    store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    return cast(Store, store)


def _received() -> object:
    outcome: list[Any] = [None, None]
    dist.broadcast_object_list(outcome)
    value, error = outcome
    if error is not None:
        raise UserError(error)
    return value


def _said(error: Exception) -> str:
    return str(error) if isinstance(error, UserError) else f"{type(error).__name__} in the main process: {error}"


def _bytes(array: NDArray[Any]) -> Tensor:
    """See a contiguous array as bytes, which every backend moves, whatever the type."""
    return torch.from_numpy(array.reshape(-1).view(np.uint8))
