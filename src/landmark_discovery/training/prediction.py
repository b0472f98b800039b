"""Landmarks that a trained network finds in stored images, on its grid (method, section 5)."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from tqdm import tqdm

from landmark_discovery.clustering.detections import detect
from landmark_discovery.clustering.pseudo_groundtruth import Landmarker, name_detections
from landmark_discovery.config.training import DetectionSettings, Stage2Settings
from landmark_discovery.heatmaps.conventions import PIXEL_CENTRES, PixelConvention
from landmark_discovery.heatmaps.shape_prior import SeenView, ShapePrior, read_views
from landmark_discovery.models.hourglass import HourglassNetwork
from landmark_discovery.training.images import StoredImages
from landmark_discovery.training.keypoints import from_grid, to_grid
from landmark_discovery.training.runtime import autocast
from landmark_discovery.training.views import ViewGeometry, plain_views, turned_views
from landmark_discovery.training.workers import ALONE

# Images whose landmarks are found at once; on a CPU each worker has so many.
BATCH, CPU_BATCH = 64, 16
# Degrees and factors of the views whose landmarks are averaged, the unchanged one first.
TURNS = ((0.0, 1.0), (12.0, 1.0), (-12.0, 1.0), (0.0, 0.88), (0.0, 1.12))
# How the authors' own weights are read (method, sections 4 and 5).
AUTHORS_DETECTION = DetectionSettings(
    threshold=0.15, target_detections=None, nms_half_side_cells=2, nms_iou=0.01, max_detections=None
)
AUTHORS_STAGE2 = Stage2Settings(subpixel=False, average_turned_views=False)

Found = tuple[NDArray[np.float32], NDArray[np.float32]]


def predict_stage1(
    network: HourglassNetwork,
    landmarker: Landmarker,
    images: StoredImages,
    indices: NDArray[np.int64],
    detection: DetectionSettings,
    *,
    size_px: int,
    precision: str,
    convention: PixelConvention = PIXEL_CENTRES,
) -> Found:
    """Detect and name landmarks by the nearest centroid.

    Returns:
        Points (N, K, 2) on the grid, in the convention, and scores (N, K); NaN: not found.
    """
    fixed = fixed_threshold(detection, landmarker)
    candidates = detect(
        network,
        images,
        indices,
        fixed,
        size_px=size_px,
        precision=precision,
        refine=False,
        twins=False,
        convention=convention,
    )
    return name_detections(candidates, landmarker).table(landmarker.num_landmarks)


def fixed_threshold(settings: DetectionSettings, landmarker: Landmarker) -> DetectionSettings:
    """Take the landmarker's threshold in place of choosing one anew."""
    return settings.model_copy(update={"threshold": landmarker.threshold, "target_detections": None})


def predict_stage2(
    network: HourglassNetwork,
    flip_map: NDArray[np.int64],
    images: StoredImages,
    indices: NDArray[np.int64],
    settings: Stage2Settings,
    *,
    size_px: int,
    precision: str,
    convention: PixelConvention = PIXEL_CENTRES,
    prior: ShapePrior | None = None,
) -> Found:
    """Find the place of each landmark in heatmaps that are averaged over the image and its mirror image.

    Pixel centres make mirroring exact, so that nothing has to be shifted; the authors' convention shifts by one cell.

    Args:
        network: of stage 2, in eval mode, on the device of the images.
        flip_map: (K,); -1: no mirror image.
        images: the stored images.
        indices: which of them, (N,).
        settings: subpixel and average_turned_views count.
        size_px: width and height of the network's input.
        precision: of the network on a GPU.
        convention: of the network; turned views and a prior need pixel centres.
        prior: of the shape that the landmarks form; None takes the maximum of each heatmap.

    Returns:
        Points (N, K, 2) on the grid, in the convention, and scores (N, K).
    """
    channels = torch.from_numpy(flip_map).to(images.device)
    turns = TURNS if settings.average_turned_views else TURNS[:1]
    views_of = replace(images, workers=ALONE).views_of
    shape = None if prior is None else prior.to(images.device)

    def see(views: Tensor, turned: ViewGeometry, plain: ViewGeometry) -> SeenView:
        with autocast(precision, images.device):
            upright, mirrored = _maps_with_mirrored(network, views).chunk(2)
        return seen_view(average_with_mirrored(upright, mirrored, channels, convention), turned, plain)

    @torch.inference_mode()
    def find(batch: Tensor) -> NDArray[np.float32]:
        """Give x, y and score of the landmarks of some images, (B, K, 3)."""
        # Their positions come from memory: from a GPU, reading what lies in memory would wait for all that it computes.
        pixels, index = images.read(batch), batch.to(images.device, non_blocking=True)
        plain = plain_views(images.crops[index], size_px)
        turned = [turned_views(plain, *turn) for turn in turns]
        seen = [see(views_of(pixels, index, view), view, plain) for view in turned]
        points, scores = read_views(seen, settings.subpixel, shape)
        found: NDArray[np.float32] = torch.cat([points, scores[..., None]], dim=2).cpu().numpy()
        return found

    size = CPU_BATCH if images.device.type == "cpu" else BATCH
    batches = (torch.from_numpy(indices[start : start + size]) for start in range(0, len(indices), size))
    # A single batch is part of something longer, which has a bar of its own.
    silent, count = len(indices) <= BATCH, -(-len(indices) // size)
    found = tqdm(images.workers.stream(find, batches), "predicting", count, unit="batch", leave=False, disable=silent)
    all_found = np.concatenate(list(found))
    return all_found[..., :2], all_found[..., 2]


def _maps_with_mirrored(network: HourglassNetwork, views: Tensor) -> Tensor:
    (maps,) = network(torch.cat([views, views.flip(3)]))
    result: Tensor = maps
    return result


def seen_view(heatmaps: Tensor, turned: ViewGeometry, plain: ViewGeometry) -> SeenView:
    """Tell how points on the grid of a view, which may be turned, map to that of the plain one."""

    def to_plain(points: Tensor) -> Tensor:
        return points if turned is plain else to_grid(plain.to_view(turned.to_store(from_grid(points))))

    return SeenView(heatmaps, to_plain)


def average_with_mirrored(upright: Tensor, mirrored: Tensor, flip_map: Tensor, convention: PixelConvention) -> Tensor:
    """Average heatmaps (B, K, G, G) with those of the mirror images.

    Channel flip_map[k] of a mirror image is landmark k.

    A landmark without a mirror image (-1) keeps its upright heatmap.
    """
    turned = convention.mirrored_back(mirrored)[:, flip_map.clamp(min=0)]
    return torch.where((flip_map >= 0).view(1, -1, 1, 1), (upright + turned) / 2, upright)
