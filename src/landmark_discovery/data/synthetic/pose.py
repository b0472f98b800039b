"""Where the head stands before the camera: rotation, size and place in the picture (weak perspective)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from landmark_discovery.data.synthetic.template import FloatArray

_PIVOT = np.array([0.0, 2.0, -1.0])
# Room kept between the 68 points and the border, as a share of the picture.
_MARGIN = 0.03


@dataclass(frozen=True)
class Camera:
    """Project head coordinates into a picture.

    Attributes:
        rotation: (3, 3) from head coordinates to directions right, down and towards the viewer.
        scale: pixels a centimetre.
        shift: (2,) pixel of the pivot of the head.
    """

    rotation: FloatArray
    scale: float
    shift: FloatArray

    def project(self, points: FloatArray) -> FloatArray:
        """Map head coordinates (..., 3) to pixels right, down and towards the viewer (..., 3)."""
        turned = (points.reshape(-1, 3) - _PIVOT) @ (self.rotation.T * self.scale)
        turned[:, :2] += self.shift
        return np.asarray(turned.reshape(points.shape))

    def enlarged(self, factor: float) -> Camera:
        """Give the same view of a picture with so many times the pixels; whole numbers stay pixel centres."""
        return Camera(self.rotation, self.scale * factor, (self.shift + 0.5) * factor - 0.5)


def rotation_matrix(yaw_deg: float, pitch_deg: float, roll_deg: float) -> FloatArray:
    """Turn a head: yaw towards the right of the picture, pitch down, roll clockwise; (3, 3)."""
    angles = np.radians([yaw_deg, pitch_deg, roll_deg])
    (a, b, c), (d, e, f) = np.cos(angles), np.sin(angles)
    yaw = np.array([[a, 0, d], [0, 1, 0], [-d, 0, a]])
    pitch = np.array([[1, 0, 0], [0, b, e], [0, -e, b]])
    roll = np.array([[c, -f, 0], [f, c, 0], [0, 0, 1]])
    return np.asarray(roll @ pitch @ yaw)


def place_camera(
    points: FloatArray, rotation_deg: FloatArray, points_height: float, offset: FloatArray, size_px: int
) -> Camera:
    """Choose scale and shift so that the box of the points has the height and the place asked for.

    Args:
        points: (68, 3) head coordinates.
        rotation_deg: (3,) yaw, pitch, roll.
        points_height: height of the box as a share of the picture's; less where the box would be too wide.
        offset: (2,) from the middle, as a share of the room there is, -1 to 1.
        size_px: width and height of the picture.
    """
    rotation = rotation_matrix(*rotation_deg)
    flat = ((points - _PIVOT) @ rotation.T)[:, :2]
    low, high = flat.min(axis=0), flat.max(axis=0)
    room = size_px * (1 - 2 * _MARGIN)
    scale = min(points_height * size_px / (high[1] - low[1]), room / (high[0] - low[0]))
    middle = (size_px - 1) / 2 + offset * (room - (high - low) * scale) / 2
    return Camera(rotation, float(scale), middle - scale * (low + high) / 2)
