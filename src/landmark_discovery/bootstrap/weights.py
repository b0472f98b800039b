"""The file of SuperPoint's original weights, a download like others: loading it into our network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landmark_discovery.config.published import SUPERPOINT
from landmark_discovery.downloads.fetch import by_hand
from landmark_discovery.downloads.sources import DOWNLOADS_FOLDER, read_sources
from landmark_discovery.downloads.torch_files import are_parameters, refuse_packed
from landmark_discovery.errors import UserError
from landmark_discovery.models.superpoint import SuperPoint


def load_superpoint(path: str | Path) -> SuperPoint:
    """Load the original weights, superpoint_v1.pth, into a network.

    Raises:
        UserError: no such file, not a file of weights (a web page, half a file), or not SuperPoint's weights.
    """
    network = SuperPoint()
    weights = _read_weights(Path(path))
    _check_fit(Path(path), weights, network.state_dict())
    network.load_state_dict(weights)
    return network


def _read_weights(path: Path) -> Mapping[str, Tensor]:
    try:
        with path.open("rb") as file:
            first_bytes = file.read(64).lstrip()
        if first_bytes.startswith(b"<"):
            raise _not_weights(path, "a web page saved under the weights' name")
        refuse_packed(path)
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise _not_weights(path, f"can't be read: {error.strerror or error}") from error
    except UserError:
        raise
    except Exception as error:  # torch tells of a damaged file by a dozen kinds of error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _not_weights(path, f"damaged, cut short, or of another format: {reason[:120]}") from error
    if not are_parameters(content):
        raise _not_weights(path, "it holds something else than named tensors")
    parameters: Mapping[str, Tensor] = content
    return parameters


def _check_fit(path: Path, weights: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing = sorted(set(expected) - set(weights))
    if missing:
        raise _not_weights(path, f"{len(missing)} parameters are missing, {missing[0]!r} first")
    unknown = sorted(set(weights) - set(expected))
    if unknown:
        raise _not_weights(path, f"{len(unknown)} parameters are unknown, {unknown[0]!r} first")
    for name, parameter in expected.items():
        if weights[name].shape != parameter.shape:
            found, wanted = tuple(weights[name].shape), tuple(parameter.shape)
            raise _not_weights(path, f"{name!r} has the shape {found}, not {wanted}")


def _not_weights(path: Path, reason: str) -> UserError:
    place = DOWNLOADS_FOLDER / SUPERPOINT
    return UserError(
        f"not SuperPoint's weights ({reason})",
        where=path,
        remedy=f"`landmarks download {SUPERPOINT}` fetches and checks them; or "
        f"{by_hand(read_sources()[SUPERPOINT], place)}, or choose the detector `sift`, which needs no weights",
    )
