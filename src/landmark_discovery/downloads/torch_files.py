"""Files that torch wrote and others publish: what is checked before and after torch reads them."""

from __future__ import annotations

import zipfile
from pathlib import Path

import torch
from torch import Tensor


def refuse_packed(path: Path) -> None:
    """Refuse an archive that unpacks to more than its own bytes: torch never writes one, and it would fill the memory.

    Raises:
        ValueError: it does.
        zipfile.BadZipFile: it begins as an archive and isn't one.
    """
    with path.open("rb") as file:
        if file.read(4) != b"PK\x03\x04":
            return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
    if unpacked > path.stat().st_size:
        raise ValueError(f"its {path.stat().st_size:,} bytes would unpack to {unpacked:,}")


def are_parameters(content: object) -> bool:
    """Tell whether something is a dict from names to parameters: tensors of fractions that are all there."""
    return isinstance(content, dict) and all(
        isinstance(name, str) and isinstance(value, Tensor) and _is_parameter(value) for name, value in content.items()
    )


def _is_parameter(tensor: Tensor) -> bool:
    return tensor.layout == torch.strided and tensor.device.type == "cpu" and tensor.is_floating_point()
