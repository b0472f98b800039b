"""Reading the parameters of a network that others wrote, and telling in words what is wrong with a file of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor

from landmark_discovery.downloads.torch_files import are_parameters, refuse_packed

TORCH, SAFETENSORS = "a file of torch (.pth)", "a safetensors file"
_LONGEST_HEADER_BYTES = 100_000_000


class NotParameters(Exception):  # noqa: N818 - what is told, with the remedy, by whoever knows which file it is
    """Say why a file doesn't hold the parameters that it should.

    Args:
        reason: what is wrong with it.
        remedy: what to do about that, where it is something else than for any other file.
    """

    def __init__(self, reason: str, remedy: str | None = None) -> None:
        super().__init__(reason)
        self.remedy = remedy


def read_torch_file(path: Path) -> Mapping[str, Tensor]:
    """Read named tensors that torch saved; nothing in the file is run.

    Raises:
        NotParameters: the file can't be read, is of another kind or damaged, or holds something else.
    """

    def load() -> object:
        refuse_packed(path)
        return torch.load(path, map_location="cpu", weights_only=True)

    return _read(path, TORCH, load)


def read_safetensors_file(
    path: Path, check_names: Callable[[Iterable[str]], None] | None = None
) -> Mapping[str, Tensor]:
    """Read named tensors of a safetensors file.

    Args:
        path: the file.
        check_names: raises NotParameters for names that tell what else the file is.

    Raises:
        NotParameters: the file can't be read, is of another kind or damaged, or holds something else.
    """

    def load() -> object:
        with safe_open(path, framework="pt") as file:
            if check_names is not None:
                check_names(file.keys())
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is no mapping

    return _read(path, SAFETENSORS, load)


def check_fit(parameters: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    """Compare parameters with those of a network.

    Args:
        parameters: of a file, of any type of floating point.
        expected: of the network, whose names and shapes they must have.

    Raises:
        NotParameters: some are missing or unknown, have another shape, or hold numbers that aren't finite.
    """
    missing = sorted(set(expected) - set(parameters))
    if missing:
        raise NotParameters(f"{len(missing)} parameters are missing, {missing[0]!r} first")
    unknown = sorted(set(parameters) - set(expected))
    if unknown:
        raise NotParameters(f"{len(unknown)} parameters are unknown, {unknown[0]!r} first")
    for name, parameter in expected.items():
        if parameters[name].shape != parameter.shape:
            found, wanted = tuple(parameters[name].shape), tuple(parameter.shape)
            raise NotParameters(f"{name!r} has the shape {found}, not {wanted}")
        # As the network will hold it: a large float64 is infinite there.
        if not parameters[name].to(parameter.dtype).isfinite().all():
            raise NotParameters(f"{name!r} holds numbers that aren't finite")


def _read(path: Path, kind: str, load: Callable[[], Any]) -> Mapping[str, Tensor]:
    try:
        found = _kind_of(path)
        if found not in (None, kind):
            raise NotParameters(f"it is {found}" + (f", not {kind}" if found in (TORCH, SAFETENSORS) else ""))
        content = load()
    except OSError as error:
        raise NotParameters(f"can't be read: {error.strerror or error}") from error
    except NotParameters:
        raise
    except Exception as error:  # libraries tell of a damaged file by a dozen kinds of error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NotParameters(f"damaged, cut short, or of another format: {reason[:120]}") from error
    if not are_parameters(content):
        raise NotParameters("it holds something else than named tensors")
    parameters: Mapping[str, Tensor] = content
    return parameters


def _kind_of(path: Path) -> str | None:
    """Tell what a file is by its first bytes, where they tell, whatever its name."""
    with path.open("rb") as file:
        first = file.read(64)
    # A safetensors file begins with the length of its header, which is JSON; its lowest byte may be anything.
    if first[8:9] == b"{" and int.from_bytes(first[:8], "little") <= _LONGEST_HEADER_BYTES:
        return SAFETENSORS
    if first.lstrip().startswith(b"<"):
        return "a web page saved under the weights' name"
    return TORCH if first.startswith((b"PK\x03\x04", b"\x80")) else None
