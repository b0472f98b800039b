"""Gaussian noise that is a function of a seed and a position, so that every way to compute it gives the same."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def position_noise(seeds: Tensor, positions: int) -> Tensor:
    """Draw standard normal numbers, the same for the same seed and position.

    A 32-bit hash (Wellons 2018, "lowbias32") of seed and position gives two 16-bit uniform numbers, and they a normal
    one (Box, Muller 1958), at most 4.9 from 0.

    Args:
        seeds: int64 in 0..2^31 - 1, (B,).
        positions: numbers a seed (P).

    Returns:
        float32 (B, P).
    """
    position = torch.arange(positions, device=seeds.device, dtype=torch.int32)
    bits = _scrambled(position + _scrambled(seeds.to(torch.int32))[:, None])
    low = (bits & 0xFFFF).float().add_(0.5).mul_(1 / 65536)
    high = _shifted(bits, 16).float().mul_(2 * math.pi / 65536)
    return low.log_().mul_(-2).sqrt_().mul_(high.cos_())


def _scrambled(bits: Tensor) -> Tensor:
    bits = bits ^ _shifted(bits, 16)
    bits = bits * 0x7FEB352D
    bits = bits ^ _shifted(bits, 15)
    bits = bits * (0x846CA68B - 2**32)
    return bits ^ _shifted(bits, 16)


def _shifted(bits: Tensor, places: int) -> Tensor:
    """Shift right as an unsigned number."""
    return (bits >> places) & ((1 << (32 - places)) - 1)
