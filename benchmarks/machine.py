"""What the figures were measured on and with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch

from landmark_discovery import __version__
from landmark_discovery.cli.machine import memory_gib

ROOT = Path(__file__).parents[1]


def machine_facts(device: torch.device) -> dict[str, Any]:
    """Describe processor, memory and GPU; None where there is none or nothing tells."""
    on_gpu = device.type == "cuda"
    return {
        "device": device.type,
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "gpu_memory_gib": round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1) if on_gpu else None,
        "gpu_driver": _driver() if on_gpu else None,
        "cpu": _processor(),
        "cpu_count": cpu_count(),
        "threads": torch.get_num_threads(),
        "memory_gib": round(memory_gib(), 1),
        "system": f"{platform.system()} {platform.release()}",
    }


def version_facts() -> dict[str, str | None]:
    """List the versions that figures depend on."""
    cudnn = torch.backends.cudnn.version() if torch.cuda.is_available() else None  # type: ignore[no-untyped-call]
    return {
        "landmark_discovery": __version__,
        "commit": _commit(),
        "python": platform.python_version(),
        "torch": torch.__version__,
        "cuda": torch.version.cuda,
        "cudnn": None if cudnn is None else str(cudnn),
        "triton": _installed("triton"),
        "faiss": _installed("faiss-gpu") or _installed("faiss-cpu"),
        "numpy": _installed("numpy"),
    }


def cpu_count() -> int:
    """Count the processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _processor() -> str | None:
    path = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", path.read_text(encoding="utf-8")) if path.exists() else None
    return named.group(1) if named else platform.processor() or None


def _driver() -> str | None:
    return _output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")


def _commit() -> str | None:
    return _output("git", "-C", str(ROOT), "describe", "--always", "--dirty")


def _output(program: str, *arguments: str) -> str | None:
    """Give the first line that a program prints; None without the program or where it fails."""
    if shutil.which(program) is None:
        return None
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return ran.stdout.strip().split("\n")[0] or None if ran.returncode == 0 else None
