"""The file of SuperPoint's original weights: fetching it, and loading it into our network."""

from __future__ import annotations

import hashlib
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from landmark_discovery.errors import UserError
from landmark_discovery.files import atomic_file
from landmark_discovery.models.superpoint import SuperPoint

TIMEOUT_S = 60
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True)
class WeightsSource:
    """Say where a file of weights is published, and under which terms.

    Attributes:
        address: where it is fetched from.
        sha256: digest of its bytes, in hexadecimal.
        licence: what it may be used for.
    """

    address: str
    sha256: str
    licence: str


SUPERPOINT_SOURCE = WeightsSource(
    address="https://github.com/magicleap/SuperPointPretrainedNetwork/raw/master/superpoint_v1.pth",
    sha256="52b6708629640ca883673b5d5c097c4ddad37d8048b33f09c8ca0d69db12c40e",
    licence="non-commercial research only, no redistribution",
)


def fetch_superpoint_weights(path: str | Path, source: WeightsSource = SUPERPOINT_SOURCE) -> None:
    """Fetch SuperPoint's weights, unless they are there already; either way their digest is checked.

    Args:
        path: where the file shall be.
        source: address, digest and licence.

    Raises:
        UserError: the address can't be reached, or the bytes have another digest; nothing is left at `path` then.
    """
    target = Path(path)
    if target.exists():
        _check_digest(target, _digest_of_file(target), source, "move that file away")
        return
    with atomic_file(target) as temporary:
        digest = hashlib.sha256()
        with temporary.open("wb") as file:
            for chunk in _download(source, target):
                digest.update(chunk)
                file.write(chunk)
        _check_digest(target, digest.hexdigest(), source, "what came is no copy of it (a web page?)")


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


def _download(source: WeightsSource, target: Path) -> Iterator[bytes]:
    # Network errors are OSErrors: told here, lest they pass for a full disk.
    try:
        with urllib.request.urlopen(source.address, timeout=TIMEOUT_S) as response:
            while chunk := response.read(_CHUNK_BYTES):
                yield chunk
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", None) or error
        raise UserError(
            f"can't fetch SuperPoint's weights ({reason})", where=target, remedy=_by_hand(source, target)
        ) from error


def _check_digest(path: Path, found: str, source: WeightsSource, first: str) -> None:
    if found != source.sha256:
        raise UserError(
            f"not SuperPoint's weights: its sha256 is {found}",
            where=path,
            remedy=f"{first}, then {_by_hand(source, path)}",
        )


def _by_hand(source: WeightsSource, target: Path) -> str:
    return (
        f"fetch {source.address} by hand (sha256 {source.sha256}; licence: {source.licence}) and put it at {target}, "
        "or choose the detector `sift`, which needs no weights"
    )


def _digest_of_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UserError(
            f"can't be read ({error.strerror})", where=path, remedy="give it a path that is a readable file"
        ) from error


def _read_weights(path: Path) -> Mapping[str, Tensor]:
    try:
        with path.open("rb") as file:
            first_bytes = file.read(64).lstrip()
        if first_bytes.startswith(b"<"):
            raise _not_weights(path, "a web page saved under the weights' name")
        content: Any = torch.load(path, map_location="cpu", weights_only=True)
    except OSError as error:
        raise _not_weights(path, f"can't be read: {error.strerror or error}") from error
    except UserError:
        raise
    except Exception as error:  # torch tells of a damaged file by a dozen kinds of error
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise _not_weights(path, f"damaged, cut short, or of another format: {reason[:120]}") from error
    if not isinstance(content, dict) or not all(isinstance(value, Tensor) for value in content.values()):
        raise _not_weights(path, "it holds something else than named tensors")
    return content


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
    return UserError(f"not SuperPoint's weights ({reason})", where=path, remedy=_by_hand(SUPERPOINT_SOURCE, path))
