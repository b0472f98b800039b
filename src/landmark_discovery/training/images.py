"""The images of a store as the network sees them, on the device that trains."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
import torch
from torch import Generator, Tensor

from landmark_discovery.config.training import AugmentationSettings
from landmark_discovery.data.store import ImageStore
from landmark_discovery.training.colour import change_colours
from landmark_discovery.training.views import ViewGeometry, sample_views

GPU_MEMORY_SHARE = 0.6


@dataclass(frozen=True)
class StoredImages:
    """Hold stored images, their crops and sizes.

    Attributes:
        pixels: (N, H, W, 3) uint8; on the device if it has room, memory-mapped otherwise.
        crops: (N, 4) in store pixels, on the device.
        stored_size: (N, 2) width and height, on the device.
    """

    pixels: Tensor
    crops: Tensor
    stored_size: Tensor

    @property
    def device(self) -> torch.device:
        """Name the device of the views."""
        return self.crops.device

    def __len__(self) -> int:
        """Count the images."""
        return len(self.pixels)

    def gather(self, indices: Tensor) -> Tensor:
        """Read images (B,) as float (B, 3, H, W) in 0..255, on the device."""
        chosen = self.pixels[indices.to(self.pixels.device)]
        return chosen.to(self.device, non_blocking=True).permute(0, 3, 1, 2).float()

    def views(self, indices: Tensor, geometry: ViewGeometry) -> Tensor:
        """Read images (B,) and sample their views, (B, 3, S, S) in [0, 1]."""
        return _network_input(sample_views(self.gather(indices), self.stored_size[indices], geometry))

    def augmented_views(
        self, indices: Tensor, geometry: ViewGeometry, settings: AugmentationSettings, generator: Generator
    ) -> Tensor:
        """Read images (B,), change their colours and sample their views, (B, 3, S, S) in [0, 1]."""
        changed = change_colours(self.gather(indices), settings, generator)
        return _network_input(sample_views(changed, self.stored_size[indices], geometry))


def _network_input(views: Tensor) -> Tensor:
    return (views / 255).contiguous(memory_format=torch.channels_last)


def stored_images(store: ImageStore, device: torch.device) -> StoredImages:
    """Open the images of a store for a device; they move into a GPU's memory if they fit beside the training."""
    with warnings.catch_warnings():
        # The memory map is read-only, and nothing here writes to it.
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        pixels = torch.from_numpy(store.images)
    if device.type == "cuda" and pixels.numel() < GPU_MEMORY_SHARE * torch.cuda.mem_get_info(device)[0]:
        pixels = pixels.to(device)
    crops = torch.from_numpy(store.crop_in_store().astype(np.float32)).to(device)
    size = torch.from_numpy(store.stored_size.astype(np.float32)).to(device)
    return StoredImages(pixels, crops, size)
