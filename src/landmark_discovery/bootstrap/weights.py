"""The files of SuperPoint's weights, the original download and our own: loading each into the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import resources
from pathlib import Path

from torch import Tensor

from landmark_discovery.bootstrap.named_tensors import (
    NotParameters,
    check_fit,
    read_safetensors_file,
    read_torch_file,
)
from landmark_discovery.bootstrap.packaged import REMEDY, WEIGHTS_NAME, package_folder, require_packaged
from landmark_discovery.config.published import SUPERPOINT
from landmark_discovery.downloads.fetch import by_hand
from landmark_discovery.downloads.sources import DOWNLOADS_FOLDER, read_sources
from landmark_discovery.errors import UserError
from landmark_discovery.models.layout import channels_last
from landmark_discovery.models.superpoint import SuperPoint

# Of the batch normalisations that `NormalisedSuperPoint` has beside SuperPoint's own parameters.
_TRAINED_PREFIX = "norms."


def load_superpoint(path: str | Path) -> SuperPoint:
    """Load the original weights, superpoint_v1.pth, into a network.

    Raises:
        UserError: no such file, not a file of weights (a web page, half a file, a safetensors file), or not
            SuperPoint's weights.
    """
    return _load(Path(path), read_torch_file, "not SuperPoint's weights", _original_remedy)


def load_superpoint_open(path: str | Path | None = None) -> SuperPoint:
    """Load weights of the detector `superpoint-open`, in float32 whatever the file has.

    Args:
        path: a safetensors file with SuperPoint's parameter names; None: the one that comes with the package.

    Raises:
        UserError: no such file, not a safetensors file (a web page, half a file, a file of torch), not SuperPoint's
            parameters (such as the training's own network), or the package's own file has changed.
    """
    fault = "not weights for superpoint-open"
    if path is not None:
        return _load(Path(path), _read_open_file, fault, _open_remedy)
    require_packaged(package_folder())
    with resources.as_file(package_folder().joinpath(WEIGHTS_NAME)) as packaged:
        return _load(packaged, read_safetensors_file, fault, lambda: REMEDY)


def _load(
    path: Path, read: Callable[[Path], Mapping[str, Tensor]], fault: str, remedy: Callable[[], str]
) -> SuperPoint:
    network = SuperPoint()
    try:
        parameters = read(path)
        check_fit(parameters, network.state_dict())
    except NotParameters as reason:
        raise UserError(f"{fault} ({reason})", where=path, remedy=reason.remedy or remedy()) from reason
    network.load_state_dict(parameters)
    return channels_last(network)


def _read_open_file(path: Path) -> Mapping[str, Tensor]:
    return read_safetensors_file(path, _refuse_training)


def _refuse_training(names: Iterable[str]) -> None:
    """Refuse the training's own file, whose network has normalisations while it learns."""
    if any(name.startswith(_TRAINED_PREFIX) for name in names):
        remedy = f"take weights/{WEIGHTS_NAME}, which the training makes of it"
        raise NotParameters("it is the training's own network", remedy)


def _original_remedy() -> str:
    place = DOWNLOADS_FOLDER / SUPERPOINT
    return (
        f"`landmarks download {SUPERPOINT}` fetches and checks them; or "
        f"{by_hand(read_sources()[SUPERPOINT], place)}, or choose the detector `sift`, which needs no weights"
    )


def _open_remedy() -> str:
    return (
        "give a safetensors file with SuperPoint's parameters, or none to take the package's own; the original "
        f"{SUPERPOINT} belongs to the detector `superpoint`"
    )
