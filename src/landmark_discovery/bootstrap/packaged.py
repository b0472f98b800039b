"""The weights of the detector `superpoint-open` that come with the package, and their digest."""

from __future__ import annotations

import hashlib
from importlib import resources
from importlib.resources.abc import Traversable

from landmark_discovery.errors import UserError

WEIGHTS_NAME, DIGEST_NAME = "superpoint_open.safetensors", "superpoint_open.sha256"
REMEDY = "install the package anew, or choose the detector `sift`, which needs no weights"


def package_folder() -> Traversable:
    """Give the folder of the package that holds the weights."""
    return resources.files("landmark_discovery.bootstrap")


def packaged_digest(folder: Traversable) -> str | None:
    """Read the sha256 that the weights of a folder must have; None: it isn't there."""
    try:
        words = folder.joinpath(DIGEST_NAME).read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError):
        return None
    return words[0].lower() if words else None


def require_packaged(folder: Traversable) -> None:
    """Refuse weights that are missing, or whose bytes aren't those that belong to this version of the package.

    Raises:
        UserError: they are.
    """
    weights = folder.joinpath(WEIGHTS_NAME)
    try:
        found = hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        reason = f"the weights that come with the package can't be read ({error.strerror or error})"
        raise UserError(reason, where=str(weights), remedy=REMEDY) from error
    wanted = packaged_digest(folder)
    if found != wanted:
        told = f"not {wanted}" if wanted else f"and {DIGEST_NAME}, which tells what it should be, isn't beside them"
        reason = f"not the weights that come with the package (their sha256 is {found}, {told})"
        raise UserError(reason, where=str(weights), remedy=REMEDY)


def require_digest(folder: Traversable, digest: str) -> None:
    """Refuse weights of a folder that aren't those of another installation, such as an older image's.

    Args:
        folder: of the weights.
        digest: sha256 that they must have.

    Raises:
        UserError: they have another, or none is written down.
    """
    found = packaged_digest(folder)
    if found != digest:
        raise UserError(
            f"this installation brings the weights {found}, the workflow's has {digest}",
            where=str(folder.joinpath(WEIGHTS_NAME)),
            remedy="build the image anew (`make sif`), or install the package anew",
        )
