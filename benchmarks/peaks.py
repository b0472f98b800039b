"""Peak memory of this process and of the GPU, from a moment on."""

from __future__ import annotations

import gc
import resource
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Self

import torch

STATUS = Path("/proc/self/status")
CLEAR = Path("/proc/self/clear_refs")
GIB = 2**30
PACKAGE = "landmark_discovery"
WATCH_EVERY_S = 0.005


def start_peaks(device: torch.device) -> None:
    """Let go of what is no longer used and begin anew with the peaks."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    try:
        # Linux: sets the peak resident size to the present one.
        CLEAR.write_text("5", encoding="ascii")
    except OSError:
        return


def host_peak_gib() -> float:
    """Give the peak resident memory since `start_peaks`, or of the whole process where that can't be begun anew."""
    fields = _status()
    if "VmHWM" in fields:
        return fields["VmHWM"] / GIB
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / GIB


class PeakWatch:
    """Look at the resident memory while a block runs, and note which line of the package ran when it was highest.

    Attributes:
        line: "file:line" inside the package; "" where nothing was seen, or the system doesn't tell.
        now_gib: resident memory at the end of the block.
    """

    def __init__(self) -> None:
        self.line, self.now_gib, self._highest = "", 0.0, 0
        self._thread_watched = threading.get_ident()
        self._ended = threading.Event()
        self._watcher = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        """Begin to look."""
        self._watcher.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking."""
        self._ended.set()
        self._watcher.join()
        self.now_gib = _status().get("VmRSS", 0) / GIB

    def _watch(self) -> None:
        while not self._ended.wait(WATCH_EVERY_S):
            now = _status().get("VmRSS", 0)
            line = _package_line(sys._current_frames().get(self._thread_watched))
            if now > self._highest and line:
                self._highest, self.line = now, line


def _package_line(frame: FrameType | None) -> str:
    """Name the innermost line of the package on a stack."""
    while frame is not None:
        parts = Path(frame.f_code.co_filename).parts
        if PACKAGE in parts:
            return f"{'/'.join(parts[parts.index(PACKAGE) + 1 :])}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def gpu_peak_gib(device: torch.device) -> float:
    """Give the most GPU memory that tensors took since `start_peaks`."""
    return torch.cuda.max_memory_allocated(device) / GIB


def _status() -> dict[str, int]:
    """Read the sizes of this process, in bytes."""
    if not STATUS.exists():
        return {}
    fields = (line.split(":", 1) for line in STATUS.read_text(encoding="ascii", errors="replace").splitlines())
    return {name: int(value.split()[0]) * 1024 for name, value in fields if value.strip().endswith(" kB")}
