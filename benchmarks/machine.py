"""What the figures were measured on and with."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any

import torch

from landmark_discovery import __version__
from landmark_discovery.provenance.environment import (
    gpu_driver,
    memory_gib,
    package_version,
    processor_name,
    program_output,
)
from landmark_discovery.streaming import cpu_count

ROOT = Path(__file__).parents[1]


def machine_facts(device: torch.device) -> dict[str, Any]:
    """Describe processor, memory and GPU; None where there is none or nothing tells."""
    on_gpu = device.type == "cuda"
    return {
        "device": device.type,
        "gpu": torch.cuda.get_device_name(device) if on_gpu else None,
        "gpu_memory_gib": round(torch.cuda.get_device_properties(device).total_memory / 2**30, 1) if on_gpu else None,
        "gpu_driver": gpu_driver() if on_gpu else None,
        "cpu": processor_name(),
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
        "triton": package_version("triton"),
        "faiss": package_version("faiss-gpu") or package_version("faiss-cpu"),
        "numpy": package_version("numpy"),
    }


def _commit() -> str | None:
    return program_output("git", "-C", str(ROOT), "describe", "--always", "--dirty")
