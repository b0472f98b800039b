"""What a machine offers to this package, and what is missing there."""

from __future__ import annotations

import importlib
import importlib.util
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from landmark_discovery.config.container import is_inside_container
from landmark_discovery.provenance.environment import memory_gib, package_version

NEEDED = ("torch", "numpy", "opencv-python-headless", "pandas", "pydantic", "typer", "safetensors", "matplotlib")
LEAST_MEMORY_GIB = 4.0
LEAST_DISK_GIB = 2.0


@dataclass(frozen=True)
class Finding:
    """State one fact of the machine.

    Attributes:
        name: what was looked at.
        value: what was found.
        missing: whether the pipeline can't do without what isn't there.
    """

    name: str
    value: str
    missing: bool = False

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{'MISSING' if self.missing else 'ok':<8}{self.name:<24}{self.value}"


def describe_machine() -> list[Finding]:
    """Look at Python, packages, GPU, driver, faiss, memory and disk."""
    return [_container(), _python(), *_packages(), *_gpu(), _faiss(), *_workflow(), _memory(), _disk()]


def _container() -> Finding:
    return Finding("container", "in a container" if is_inside_container() else "none")


def _python() -> Finding:
    return Finding("Python", f"{platform.python_version()} ({sys.executable})", sys.version_info < (3, 11))


def _packages() -> Iterator[Finding]:
    for name in NEEDED:
        found = package_version(name)
        remedy = "not installed; pip install -r envs/requirements.txt"
        yield Finding(name, found or remedy, found is None)


def _gpu() -> Iterator[Finding]:
    if package_version("torch") is None:
        return
    import torch

    from landmark_discovery.training.runtime import can_compile_kernels

    yield Finding("torch built for", f"CUDA {torch.version.cuda}" if torch.version.cuda else "CPU")
    driver = Path("/proc/driver/nvidia/version")
    if driver.exists():
        yield Finding("NVIDIA driver", driver.read_text(encoding="utf-8").splitlines()[0].strip())
    else:
        yield Finding("NVIDIA driver", "none")
    if not torch.cuda.is_available():
        remedy = "; a container gets it by --nv (Apptainer) or --gpus all (Docker)" if is_inside_container() else ""
        yield Finding("GPU", f"none that torch can use; runs take the CPU{remedy}")
    elif not can_compile_kernels():
        yield Finding(
            "kernels", "no C compiler for Triton: install gcc and Python's headers; until then runs are slower"
        )
    for index in range(torch.cuda.device_count()):
        facts = torch.cuda.get_device_properties(index)
        yield Finding(f"GPU {index}", f"{facts.name}, {facts.total_memory / 2**30:.0f} GiB")


def _faiss() -> Finding:
    if importlib.util.find_spec("faiss") is None:
        return Finding("faiss", "not installed; pip install faiss-cpu (or faiss-gpu, never both)", missing=True)
    faiss = importlib.import_module("faiss")
    count = faiss.get_num_gpus() if hasattr(faiss, "get_num_gpus") else 0
    otherwise = "built for the CPU, so PyTorch clusters on the GPU" if _torch_sees_gpu() else "clusters on the CPU"
    return Finding("faiss", f"{faiss.__version__}, {f'sees {count} GPU' if count else otherwise}")


def _torch_sees_gpu() -> bool:
    if package_version("torch") is None:
        return False
    import torch

    return torch.cuda.is_available()


def _workflow() -> Iterator[Finding]:
    found = package_version("snakemake")
    yield Finding("snakemake", found or "not installed; only the workflow needs it")
    board = package_version("tensorboard")
    yield Finding("tensorboard", board or "not installed (optional): no TensorBoard log is written")


def _memory() -> Finding:
    found = memory_gib()
    return Finding("memory", f"{found:.1f} GiB, {os.cpu_count()} CPU cores", found < LEAST_MEMORY_GIB * 0.9)


def _disk() -> Finding:
    free = shutil.disk_usage(Path.cwd()).free / 2**30
    return Finding("disk", f"{free:.1f} GiB free in {Path.cwd()}", free < LEAST_DISK_GIB)
