"""Threads of a CPU: other numbers of them round sums otherwise, so that equal bytes need an equal number."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import faiss

# Of faiss and, unless the key `cpu_threads` says otherwise, that share a batch; on every machine, whatever its cores.
CPU_THREADS = 2


@contextmanager
def fixed_faiss_threads() -> Iterator[None]:
    """Run a block in which faiss computes with CPU_THREADS."""
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(CPU_THREADS)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(before)
