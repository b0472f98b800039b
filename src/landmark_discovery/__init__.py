"""Discover object landmarks in images without any annotation."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from landmark_discovery.inference.detector import LandmarkDetector

__all__ = ["LandmarkDetector", "__version__"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """Import the detector when it is asked for, and PyTorch with it."""
    if name == "LandmarkDetector":
        from landmark_discovery.inference.detector import LandmarkDetector

        return LandmarkDetector
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
