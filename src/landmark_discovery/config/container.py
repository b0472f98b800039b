"""The container image that the steps run in, and what of the machine it lets them see."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

from landmark_discovery import __version__
from landmark_discovery.errors import UserError

Variant = Literal["cpu", "gpu"]
CONTAINER_VARIABLE = "LANDMARKS_CONTAINER"
# What the environment inside an image depends on.
LOCK_FILES: dict[Variant, tuple[str, ...]] = {
    "cpu": ("envs/constraints.txt", "envs/requirements-common.txt", "envs/requirements.txt"),
    "gpu": ("envs/constraints.txt", "envs/requirements-common.txt", "envs/requirements-gpu.txt"),
}


def image_tag(root: Path, variant: Variant) -> str:
    """Name an image by version, environment and variant, such as `0.1.0-3f2a9c01be-cpu`.

    Args:
        root: of the project.
        variant: PyTorch's and faiss's builds in it.
    """
    digest = hashlib.sha256(b"".join((root / name).read_bytes() for name in LOCK_FILES[variant])).hexdigest()
    return f"{__version__}-{digest[:10]}-{variant}"


def container_image(setting: str, environment: Mapping[str, str], root: Path, variant: Variant) -> str:
    """Name the image that the workflow asks for.

    Args:
        setting: the key `container`; `{tag}` in it is filled in, and a path begins at the root of the project.
        environment: LANDMARKS_CONTAINER in it counts before the key.
        root: of the project.
        variant: the tag's.
    """
    name = (environment.get(CONTAINER_VARIABLE) or setting).replace("{tag}", image_tag(root, variant))
    return name if "://" in name else str(root / Path(name).expanduser())


def require_image(image: str) -> None:
    """Refuse an image that is to be a file and isn't there.

    Raises:
        UserError: so it is.
    """
    if "://" not in image and not Path(image).is_file():
        raise UserError(
            "there is no such container image",
            where=image,
            remedy=f"make it with `make sif{'-gpu' if image.endswith('-gpu.sif') else ''}`, or name another: --config "
            f"container=docker://REGISTRY/NAME:{{tag}}, or {CONTAINER_VARIABLE}",
        )


def bound_folders(folders: Iterable[str | Path], working_folder: Path) -> list[str]:
    """List what must be bound into a container beside the working folder, each once, without what lies in another.

    Args:
        folders: that the steps read or write; those that don't exist are left out. Of a link both are bound, its own
            name and what it leads to.
        working_folder: is bound anyhow.
    """
    named = {Path(folder).expanduser().absolute() for folder in folders if Path(folder).expanduser().exists()}
    here = (working_folder.absolute(), working_folder.resolve())
    found = named | {folder.resolve() for folder in named}
    outside = sorted(folder for folder in found if not any(map(folder.is_relative_to, here)))
    return [str(one) for one in outside if not any(one != other and one.is_relative_to(other) for other in outside)]


def bind_variable(folders: Iterable[str], environment: Mapping[str, str]) -> str:
    """Write the value of APPTAINER_BIND that binds these folders, after what the user or the site has bound."""
    before = environment.get("APPTAINER_BIND") or environment.get("SINGULARITY_BIND", "")
    own = [part for part in before.split(",") if part]
    return ",".join(dict.fromkeys([*own, *folders]))


def is_inside_container(environment: Mapping[str, str] = os.environ, root: Path = Path("/")) -> bool:
    """Say whether this process runs in a container of Apptainer, Docker or Podman."""
    marks = (root / ".dockerenv", root / "run" / ".containerenv", root / ".singularity.d")
    # Podman sets `container`; with a read-only root it leaves no file.
    return not environment.keys().isdisjoint(("APPTAINER_CONTAINER", "container")) or any(
        mark.exists() for mark in marks
    )
