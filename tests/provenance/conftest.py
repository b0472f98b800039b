import os

import pytest

# 2026-01-02 03:04:05 UTC.
MOMENT = 1767323045


@pytest.fixture(scope="session")
def moment():
    return MOMENT


@pytest.fixture
def write_benchmark(tmp_path):
    """Write a benchmark of Snakemake that ended at a moment, and give its path."""

    def write(name, *rows, ended=MOMENT, folder=tmp_path / "benchmarks"):
        path = folder / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(["s\th:m:s\tmax_rss\tmean_load", *rows]) + "\n", encoding="utf-8")
        os.utime(path, (ended, ended))
        return path

    return write
