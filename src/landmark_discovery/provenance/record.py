"""The record of what made the results of an experiment."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import landmark_discovery
from landmark_discovery.config.loading import load_config, read_config_file
from landmark_discovery.config.steps import canonical_json
from landmark_discovery.digests import digest_of
from landmark_discovery.downloads.lock import read_lock
from landmark_discovery.errors import UserError
from landmark_discovery.files import read_json, write_json
from landmark_discovery.provenance.environment import (
    code_revision,
    gpu_driver,
    installed_packages,
    memory_gib,
    processor_name,
    software_versions,
)
from landmark_discovery.reporting.summary import read_benchmarks
from landmark_discovery.reporting.tables import mean_of
from landmark_discovery.streaming import cpu_count

FACTS = "facts.json"
MAKER = "made_by.json"


def provenance(
    configuration: str | Path,
    benchmarks: Sequence[str | Path] = (),
    inputs: Sequence[str | Path] = (),
    lock: str | Path | None = None,
) -> dict[str, Any]:
    """Write down code, configuration, software, machine, inputs, seeds and times of an experiment.

    Code, software and machine are those that this is called with; `trained_by` has those that made the weights, which a
    later run, for a changed figure alone, doesn't make anew.

    Args:
        configuration: file of the experiment, such as results/demo/config.yaml.
        benchmarks: Snakemake's benchmark files, one a step; those that aren't there are left out.
        inputs: files that results depend on. A folder is a data set and stands for its facts.json; a `.sha256` file
            stands for the file whose digest it holds.
        lock: digests of downloads (downloads.lock).

    Returns:
        Plain values for JSON: code, trained_by (by stage), configuration, seeds, versions, packages, machine, inputs,
        downloads, steps, and started, ended and seconds of all steps together (None without benchmarks).

    Raises:
        UserError: a configuration that isn't valid, or an input that can't be read.
    """
    values = load_config(read_config_file(configuration), where=configuration).model_dump(mode="json")
    steps = [step_record(path) for path in benchmarks if Path(path).is_file()]
    digest = hashlib.sha256(canonical_json(values).encode()).hexdigest()
    return {
        "code": code_facts(),
        "trained_by": _makers(Path(configuration).parent),
        "configuration": {"file": str(configuration), "sha256": digest, "values": values},
        "seeds": dict(seeds(values)),
        "versions": software_versions() | _gpu_versions(),
        "packages": installed_packages(),
        "machine": _machine(),
        "inputs": [input_record(path) for path in inputs],
        "downloads": [] if lock is None else _downloads(lock),
        **time_span(steps),
        "steps": steps,
    }


def step_record(benchmark: str | Path) -> dict[str, Any]:
    """Read when a step ran and what it needed from its Snakemake benchmark.

    Snakemake writes that file when the step ends and says in it how long the step took; so the end is the time of the
    file, which a copy must keep.

    Returns:
        step, started, ended (ISO 8601, UTC), seconds of the last repeat, max_rss_mb; None where nothing was measured.

    Raises:
        UserError: not a benchmark.
    """
    path = Path(benchmark)
    try:
        ((step, table),) = read_benchmarks([path]).items()
        seconds, ended = mean_of(table.tail(1), "s"), path.stat().st_mtime
        started = None if seconds is None else _iso(ended - seconds)
        max_rss_mb = mean_of(table.tail(1), "max_rss")
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"not a benchmark of Snakemake ({error})", where=path, remedy="delete it") from error
    return {
        "step": step,
        "started": started,
        "ended": _iso(ended),
        "seconds": seconds,
        "max_rss_mb": max_rss_mb,
    }


def time_span(steps: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the start of the first step, the end of the last, and the sum of their durations; None without steps."""
    started = min((step["started"] for step in steps if step["started"] is not None), default=None)
    ended = max((step["ended"] for step in steps), default=None)
    seconds = [step["seconds"] for step in steps if step["seconds"] is not None]
    return {"started": started, "ended": ended, "seconds": sum(seconds) if seconds else None}


def input_record(path: str | Path) -> dict[str, Any]:
    """Describe an input by its size and SHA-256 digest.

    Args:
        path: a file; the folder of a data set, which stands for its facts.json; or a `.sha256` file, which stands for
            the file that it lies beside.

    Returns:
        path, bytes (None: the file isn't there), sha256, and digest_of: the file that the digest was taken of or from.

    Raises:
        UserError: no such file, or a folder without facts.json.
    """
    given = Path(path)
    kept = _kept_digest(given)
    if kept is not None:
        named = given.with_suffix("")
        size = named.stat().st_size if named.is_file() else None
        return {"path": str(named), "bytes": size, "sha256": kept, "digest_of": str(given)}
    file = given / FACTS if given.is_dir() else given
    if not file.is_file():
        raise UserError("no such input", where=file, remedy=f"give a file, or a data set with its {FACTS}")
    return {
        "path": str(given),
        "bytes": file.stat().st_size,
        "sha256": digest_of(file, "sha256").value,
        "digest_of": str(file),
    }


def seeds(values: Mapping[str, Any], section: str = "") -> Iterator[tuple[str, int]]:
    """List every seed of a configuration by its dotted key."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from seeds(value, f"{section}{key}.")
        elif (key == "seed" or key.endswith("_seed")) and isinstance(value, int):
            yield f"{section}{key}", value


def _kept_digest(path: Path) -> str | None:
    if path.suffix != ".sha256" or not path.is_file():
        return None
    found = re.match(r"\s*([0-9a-fA-F]{64})\b", path.read_text(encoding="utf-8", errors="replace"))
    return found[1].lower() if found else None


def write_maker(weights: Path) -> None:
    """Write down beside weights, as made_by.json, which code made them, on which machine and when."""
    facts = {"code": code_facts(), "versions": software_versions() | _gpu_versions(), "machine": _machine()}
    write_json(weights.parent / MAKER, {**facts, "ended": datetime.now(UTC).isoformat(timespec="seconds")})


def _makers(results: Path) -> dict[str, Any]:
    """Read who made the weights of each stage, where that was written down."""
    paths = sorted(results.glob(f"stage*/{MAKER}"))
    return {path.parent.name: read_json(path, remedy="train the stage anew") for path in paths}


def code_facts() -> dict[str, Any]:
    """Give version and revision of this code, and whether it was clean."""
    revision, clean = code_revision(landmark_discovery.__file__)
    return {"version": landmark_discovery.__version__, "revision": revision, "clean": clean}


def _gpu_versions() -> dict[str, str]:
    import torch

    cudnn = torch.backends.cudnn.version() if torch.version.cuda else None  # type: ignore[no-untyped-call]
    found = {"CUDA": torch.version.cuda, "cuDNN": cudnn, "NVIDIA driver": gpu_driver()}
    return {name: str(version) for name, version in found.items() if version is not None}


def _machine() -> dict[str, Any]:
    import torch

    return {
        "gpus": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        "cpu": processor_name(),
        "cpu_cores": cpu_count(),
        "memory_gib": round(memory_gib(), 1),
    }


def _downloads(lock: str | Path) -> list[dict[str, Any]]:
    pins = read_lock(lock)
    return [{"name": name, "bytes": pin.size_bytes, "sha256": pin.sha256} for name, pin in sorted(pins.items())]


def _iso(seconds_since_epoch: float) -> str:
    return datetime.fromtimestamp(seconds_since_epoch, UTC).isoformat(timespec="seconds")
