"""Device and arithmetic of a run."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import shutil
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from landmark_discovery.errors import UserError
from landmark_discovery.gpus import GIVEN_VARIABLE

# Arguments of mallopt in glibc's malloc.h.
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3
_LARGEST_MMAP_THRESHOLD_BYTES = 32 << 20
_NEVER_TRIM_BYTES = (1 << 31) - 1


def reuse_freed_memory() -> bool:
    """Let this process keep freed memory for its next allocations, where the C library is glibc.

    Each step on a CPU allocates the same features again. Given back to the system in between, they come as new pages
    that the kernel fills with zeros: a quarter of the step's time.

    Returns:
        Whether it does now.
    """
    library = ctypes.CDLL(None)
    if not hasattr(library, "gnu_get_libc_version"):
        return False
    kept = library.mallopt(_M_TRIM_THRESHOLD, _NEVER_TRIM_BYTES)
    return bool(kept and library.mallopt(_M_MMAP_THRESHOLD, _LARGEST_MMAP_THRESHOLD_BYTES))


def choose_device(name: str) -> torch.device:
    """Choose the device called "auto", "cpu" or "cuda".

    Of several processes that torchrun started, each gets a GPU of its own.

    Raises:
        UserError: a GPU is asked for and none is there, or fewer than processes on this machine.
    """
    available = torch.cuda.is_available()
    # Where a GPU was set aside for this process, the CPU would be days, found out late.
    if not available and (name == "cuda" or (name == "auto" and GIVEN_VARIABLE in os.environ)):
        raise UserError(
            "a GPU is asked for and PyTorch sees none" + _built_for_cpu(),
            where=f"device: {name}",
            remedy="set device to cpu, or look at what `landmarks doctor` says of the driver",
        )
    if name == "cpu" or not available:
        return torch.device("cpu")
    return _own_gpu() if int(os.environ.get("WORLD_SIZE", "1")) > 1 else torch.device("cuda")


def _built_for_cpu() -> str:
    return "" if torch.version.cuda else ": this PyTorch is built for CPUs"


def _own_gpu() -> torch.device:
    """Take the GPU that has this process's number on its machine."""
    processes, gpus = int(os.environ["LOCAL_WORLD_SIZE"]), torch.cuda.device_count()
    if processes > gpus:
        raise UserError(
            f"PyTorch sees {gpus} GPUs for {processes} processes",
            where="device",
            remedy=f"start {gpus}, one a GPU, give the run more (--resources gpu={processes}), or set device to cpu",
        )
    device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    # Tensors and collective operations that name no GPU go to the current one.
    torch.cuda.set_device(device)
    return device


def accelerated(fast: bool, device: torch.device) -> bool:
    """Say whether fused kernels and recorded steps are used: if asked for, on a GPU, where Triton can make kernels."""
    return fast and device.type == "cuda" and can_compile_kernels()


def can_compile_kernels() -> bool:
    """Say whether Triton is installed, and what it builds a stub for each kernel with."""
    return importlib.util.find_spec("triton") is not None and _has_compiler()


def _has_compiler() -> bool:
    """Look for the C compiler and Python's headers where Triton does."""
    compiler = shutil.which(os.environ["CC"]) if "CC" in os.environ else shutil.which("gcc") or shutil.which("clang")
    # Debian's own scheme names a folder that Triton doesn't look in.
    scheme = sysconfig.get_default_scheme().replace("posix_local", "posix_prefix")
    return compiler is not None and Path(sysconfig.get_paths(scheme)["include"], "Python.h").is_file()


@contextmanager
def arithmetic(
    precision: str, device: torch.device, cpu_threads: int = 1, deterministic: bool = False
) -> Iterator[None]:
    """Run a block with the matrix products of "float32", "tf32" or "bfloat16".

    On a CPU, and where asked for on a GPU, the same inputs and threads give the same bytes: operations without a
    deterministic form raise.

    Args:
        precision: of a GPU; a CPU always has float32.
        device: that computes.
        cpu_threads: that share each operation on a CPU; `workers.Workers` share batches instead.
        deterministic: ask for the same bytes on a GPU too.
    """
    matmul, mode = torch.get_float32_matmul_precision(), torch.get_deterministic_debug_mode()
    convolution, threads = torch.backends.cudnn.allow_tf32, torch.get_num_threads()
    chosen_by_bytes = torch.backends.cudnn.deterministic
    same_bytes = deterministic or device.type == "cpu"
    exact = precision == "float32" or device.type == "cpu"
    torch.set_float32_matmul_precision("highest" if exact else "high")
    torch.backends.cudnn.allow_tf32 = not exact
    # Not use_deterministic_algorithms: it imports PyTorch's compiler, which takes 1.5 s.
    torch.set_deterministic_debug_mode("error" if same_bytes else "default")
    torch.backends.cudnn.deterministic = same_bytes
    if deterministic:
        # Read by cuBLAS at its first product; without it two streams may share a product's workspace.
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    # Nothing here reads memory before it is written, and filling it costs a twentieth of the time on a CPU.
    filled = torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    if device.type == "cpu":
        torch.set_num_threads(cpu_threads)
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(matmul)
        torch.backends.cudnn.allow_tf32 = convolution
        torch.set_deterministic_debug_mode(mode)
        torch.backends.cudnn.deterministic = chosen_by_bytes
        torch.set_num_threads(threads)
        torch.utils.deterministic.fill_uninitialized_memory = filled  # type: ignore[attr-defined]


def autocast(precision: str, device: torch.device) -> torch.autocast:
    """Give the context of a forward pass: bfloat16 where asked for and on a GPU, otherwise float32."""
    return torch.autocast(device.type, torch.bfloat16, enabled=precision == "bfloat16" and device.type == "cuda")
