"""Device, arithmetic and randomness of a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Generator

from landmark_discovery.errors import UserError


def choose_device(name: str) -> torch.device:
    """Choose the device called "auto", "cpu" or "cuda".

    Raises:
        UserError: a GPU is asked for and none is there.
    """
    available = torch.cuda.is_available()
    if name == "cuda" and not available:
        raise UserError(
            "a GPU is asked for and PyTorch sees none",
            where="device: cuda",
            remedy="set device to auto or cpu, or look at what `landmarks doctor` says of the driver",
        )
    return torch.device("cuda" if name == "cuda" or (name == "auto" and available) else "cpu")


@contextmanager
def arithmetic(precision: str, device: torch.device) -> Iterator[None]:
    """Run a block with the matrix products of "float32", "tf32" or "bfloat16".

    On a CPU the same inputs and number of threads give the same bytes: operations without a deterministic form raise.
    """
    matmul, deterministic = torch.get_float32_matmul_precision(), torch.are_deterministic_algorithms_enabled()
    convolution = torch.backends.cudnn.allow_tf32
    exact = precision == "float32" or device.type == "cpu"
    torch.set_float32_matmul_precision("highest" if exact else "high")
    torch.backends.cudnn.allow_tf32 = not exact
    torch.use_deterministic_algorithms(device.type == "cpu")
    # Nothing here reads memory before it is written, and filling it costs a twentieth of the time on a CPU.
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution
        torch.use_deterministic_algorithms(deterministic)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Give the context of a forward pass: bfloat16 where asked for and on a GPU, otherwise float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16" and device.type == "cuda")


def generator_on(device: torch.device, seed: int) -> Generator:
    """Make a seeded generator on a device."""
    return Generator(device=device).manual_seed(seed)
