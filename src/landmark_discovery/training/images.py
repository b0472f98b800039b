"""The images of a store as the network sees them, on the device that trains."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from landmark_discovery.data.store import ImageStore
from landmark_discovery.training.colour import ColourChange, change_colours, no_colour_change
from landmark_discovery.training.runtime import accelerated
from landmark_discovery.training.views import ViewGeometry, sample_views
from landmark_discovery.training.workers import ALONE, Workers, workers_on

GPU_MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class StoredImages:
    """Hold stored images, their crops and sizes.

    Attributes:
        pixels: (N, H, W, 3) uint8; on the device if it has room, memory-mapped otherwise.
        crops: (N, 4) in store pixels, on the device.
        stored_size: (N, 2) width and height, on the device.
        fused: make views in one kernel (`fused_views`); only on a GPU.
        workers: that share each batch of views; only on a CPU several.
    """

    pixels: Tensor
    crops: Tensor
    stored_size: Tensor
    fused: bool = False
    workers: Workers = ALONE

    @property
    def device(self) -> torch.device:
        """Name the device of the views."""
        return self.crops.device

    @property
    def resident(self) -> bool:
        """Say whether the pixels lie on the device."""
        return self.pixels.device == self.device

    def __len__(self) -> int:
        """Count the images."""
        return len(self.pixels)

    def read(self, indices: Tensor) -> Tensor:
        """Read images (B,) as uint8 (B, H, W, 3), on the device."""
        if self.resident:
            return self.pixels[indices.to(self.device, non_blocking=True)]
        return self.read_host(indices.cpu()).to(self.device, non_blocking=True)

    def read_host(self, indices: Tensor) -> Tensor:
        """Read images (B,) into memory from which they travel to a GPU while it computes, uint8 (B, H, W, 3)."""
        shape = (len(indices), *self.pixels.shape[1:])
        batch = torch.empty(shape, dtype=torch.uint8, pin_memory=self.device.type == "cuda")
        return torch.index_select(self.pixels, 0, indices, out=batch)

    def views(self, indices: Tensor, geometry: ViewGeometry) -> Tensor:
        """Read images (B,) and sample their views, (B, 3, S, S) in [0, 1]."""
        return self.views_of(self.read(indices), indices, geometry)

    def views_of(
        self, pixels: Tensor, indices: Tensor, geometry: ViewGeometry, change: ColourChange | None = None
    ) -> Tensor:
        """Change the colours of images that are read already and sample their views.

        Args:
            pixels: uint8 (B, H, W, 3).
            indices: their positions in the store, (B,).
            geometry: of B views.
            change: of B images; None: no change.

        Returns:
            (B, 3, S, S) in [0, 1], channels last.
        """
        size = self.stored_size[indices]
        if self.fused:
            from landmark_discovery.training.fused_views import fused_views

            return fused_views(pixels, size, geometry, change or no_colour_change(len(pixels), self.device))

        def part(rows: slice) -> Tensor:
            own = None if change is None else change.of(rows)
            return _plain_views(pixels[rows], size[rows], geometry.of(rows), own)

        if self.workers.count == 1:
            return part(slice(None)).contiguous(memory_format=torch.channels_last)
        parts = self.workers.map(part, self.workers.parts(len(pixels)))
        return torch.cat(parts).contiguous(memory_format=torch.channels_last)


def stored_images(store: ImageStore, device: torch.device, fast: bool = False, cpu_threads: int = 1) -> StoredImages:
    """Open the images of a store for a device; they move into a GPU's memory if they fit beside the training.

    Args:
        store: the prepared data set.
        device: of the views.
        fast: make views in one kernel where the device can.
        cpu_threads: workers that share each batch on a CPU.
    """
    with warnings.catch_warnings():
        # The memory map is read-only, and nothing here writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        pixels = torch.from_numpy(store.images)
    if device.type == "cuda" and pixels.numel() < GPU_MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]:
        pixels = pixels.to(device)
    crops = torch.from_numpy(store.crop_in_store().astype(np.float32)).to(device)
    size = torch.from_numpy(store.stored_size.astype(np.float32)).to(device)
    return StoredImages(pixels, crops, size, accelerated(fast, device), workers_on(device, cpu_threads))


def _plain_views(pixels: Tensor, stored_size: Tensor, geometry: ViewGeometry, change: ColourChange | None) -> Tensor:
    """Change the colours of images (B, H, W, 3) and sample their views, with PyTorch's own operations."""
    floats = pixels.permute(0, 3, 1, 2).float()
    changed = floats if change is None else change_colours(floats, change)
    return sample_views(changed, stored_size, geometry).div_(255)
