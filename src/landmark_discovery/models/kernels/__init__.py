"""Triton kernels on channels-last features; `models.fused` makes layers of them."""
