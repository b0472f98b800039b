"""The detectors of bootstrap keypoints: what each is called, and which keys of `bootstrap` it reads."""

from __future__ import annotations

from dataclasses import dataclass

# Where a detector finds points in the crop alone, the strongest that lie apart stay.
_SPREAD_KEYS = ("max_keypoints", "min_distance")


@dataclass(frozen=True)
class DetectorFacts:
    """Describe a detector.

    Attributes:
        title: its name in texts.
        threshold: the key of `bootstrap` that brings more keypoints where it is lowered.
        keys: keys of `bootstrap` that some detectors read and others don't, of which it reads these.
        is_network: whether it runs on the device of the configuration.
        licence: of the weights that come with the package; None: it has none, or a download with a licence of its own.
    """

    title: str
    threshold: str
    keys: tuple[str, ...]
    is_network: bool
    licence: str | None = None


DETECTORS = {
    "superpoint-open": DetectorFacts(
        "SuperPoint-open",
        "superpoint_open_threshold",
        ("superpoint_open_threshold", *_SPREAD_KEYS),
        is_network=True,
        licence="MIT; trained from drawn shapes and Debian's wallpapers, docs/bootstrap-weights.md",
    ),
    "superpoint": DetectorFacts(
        "SuperPoint",
        "superpoint_threshold",
        ("superpoint_threshold", "superpoint_nms_px", "superpoint_swap_red_blue"),
        is_network=True,
    ),
    "sift": DetectorFacts(
        "SIFT", "sift_contrast_threshold", ("sift_contrast_threshold", *_SPREAD_KEYS), is_network=False
    ),
}


def unread_keys(detector: str) -> list[str]:
    """List the keys of `bootstrap` that belong to other detectors alone."""
    every = dict.fromkeys(key for facts in DETECTORS.values() for key in facts.keys)
    return [key for key in every if key not in DETECTORS[detector].keys]
