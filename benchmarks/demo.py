"""What takes the time of an experiment: its steps one after another, and the parts of those that train or predict."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import ROOT, machine_facts, version_facts
from landmark_discovery.errors import UserError, nearest_name
from landmark_discovery.files import write_json, write_text
from landmark_discovery.streaming import cpu_count
from landmark_discovery.text_tables import markdown_table

# Start, rest and end: what a step has that no function of is watched.
UNWATCHED_PARTS = 3


@dataclass(frozen=True)
class Step:
    """Name one command of `landmarks` and its arguments, in which {} is the working folder.

    Attributes:
        name: of the step; unlike the command's, none occurs twice.
        arguments: the command and its options.
        configured: whether it takes a configuration.
    """

    name: str
    arguments: str
    configured: bool = True


@dataclass(frozen=True)
class StepTime:
    """Hold how long a step took, and its parts where they are watched."""

    step: str
    seconds: float
    parts: Mapping[str, float]


def _of_stage(stage: int) -> tuple[Step, ...]:
    folder, weights = f"{{}}/evaluation/stage{stage}", f"{{}}/stage{stage}/weights.safetensors"
    predictions = f"{folder}/predictions.npz"
    return (
        Step(
            f"predict-stage{stage}",
            f"predict-dataset --stage {stage} --store {{}}/store --weights {weights} --output {predictions}",
        ),
        Step(
            f"evaluate-stage{stage}",
            f"evaluate --predictions {predictions} --store {{}}/store --output {folder}",
        ),
        *(
            Step(
                f"plot-{direction}-curve-stage{stage}",
                f"plot-curves --direction {direction} --evaluation stage={folder} --output {folder}/{direction}.svg "
                f"--output {folder}/{direction}.png",
                configured=False,
            )
            for direction in ("forward", "backward")
        ),
        Step(
            f"draw-pictures-stage{stage}",
            f"draw-pictures --store {{}}/store --predictions {predictions} --output {{}}/pictures/stage{stage}",
        ),
    )


STEPS = (
    Step("synthesize", "synthesize --output {}/dataset"),
    Step("prepare", "prepare --dataset {}/dataset --output {}/store"),
    Step("bootstrap", f"bootstrap --store {{}}/store --threads {cpu_count()} --output {{}}/keypoints.npz"),
    Step(
        "train-stage1",
        "train-stage1 --store {}/store --keypoints {}/keypoints.npz --output {}/stage1/weights.safetensors",
    ),
    Step(
        "export-pseudo-groundtruth",
        "export-pseudo-groundtruth --store {}/store --weights {}/stage1/weights.safetensors --output {}/truth.npz",
    ),
    Step(
        "train-stage2",
        "train-stage2 --store {}/store --weights {}/stage1/weights.safetensors --pseudo-groundtruth {}/truth.npz "
        "--output {}/stage2/weights.safetensors",
    ),
    *_of_stage(1),
    *_of_stage(2),
    Step("draw-keypoints", "draw-keypoints --store {}/store --keypoints {}/keypoints.npz --output {}/keypoints.png"),
    Step("plot-training", "plot-training --stage1 {}/stage1 --stage2 {}/stage2 --output {}/pictures", configured=False),
    Step("show-config", "show-config --output {}/config.yaml"),
    Step(
        "package-model",
        "package-model --store {}/store --weights {}/stage2/weights.safetensors --output {}/model.safetensors",
    ),
    Step(
        "report",
        "report --configuration {}/config.yaml --store {}/store --evaluation {}/evaluation/stage1 "
        "--evaluation {}/evaluation/stage2 --weights {}/stage2/weights.safetensors --training {}/stage1 "
        "--training {}/stage2 --output {}/report.html",
        configured=False,
    ),
)


def profile_demo(config: Path, output: Path, until: str | None, assignments: Sequence[str]) -> dict[str, Any]:
    """Run the steps of an experiment with drawn images, without Snakemake, and write demo.json and demo.md.

    Args:
        config: of the experiment.
        output: folder of the files.
        until: last step that is run; None: all.
        assignments: keys on top of the configuration.

    Raises:
        UserError: there is no such step, or a step failed.
    """
    names = [step.name for step in STEPS]
    if until is not None and until not in names:
        raise UserError(f"unknown step {until!r}", where="--until", remedy=nearest_name(until, names))
    last = len(STEPS) if until is None else names.index(until) + 1
    options = ["--config", str(config.resolve()), *(part for item in assignments for part in ("--set", item))]
    content: dict[str, Any] = {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "machine": machine_facts(torch.device("cpu")),
        "versions": version_facts(),
    }
    times: list[StepTime] = []
    with tempfile.TemporaryDirectory() as folder:
        for step in STEPS[:last]:
            times.append(_run(step, Path(folder), options))
            content |= {"seconds": sum(time.seconds for time in times), "steps": [asdict(time) for time in times]}
            write_json(output / "demo.json", content)
    write_text(output / "demo.md", demo_markdown(content))
    print(demo_markdown(content))
    return content


def demo_markdown(content: Mapping[str, Any]) -> str:
    """Lay the times out: a table of the steps, then one of the parts of each watched step."""
    total = content["seconds"]
    lines = [
        f"`{content['command']}`, {total:.0f} s on {content['machine']['cpu_count']} cores.\n",
        _table("step", {step["step"]: step["seconds"] for step in content["steps"]}, total),
    ]
    for step in content["steps"]:
        if len(step["parts"]) > UNWATCHED_PARTS:
            lines += ["", _table(f"part of {step['step']}", step["parts"], step["seconds"])]
    return "\n".join(lines) + "\n"


def _table(title: str, seconds: Mapping[str, float], total: float) -> str:
    longest_first = sorted(seconds.items(), key=lambda item: -item[1])
    rows = [(name, f"{value:.1f}", f"{100 * value / total:.0f} %") for name, value in longest_first]
    return markdown_table((title, "s", "share"), rows)


def _run(step: Step, folder: Path, options: Sequence[str]) -> StepTime:
    """Run a step as a process of its own, as the workflow does."""
    arguments = [part.replace("{}", str(folder)) for part in step.arguments.split()]
    arguments += options if step.configured else ()
    parts = folder / "parts.json"
    start, asked_for = time.perf_counter(), time.time()
    environment = {**os.environ, "MPLCONFIGDIR": str(folder / "matplotlib")}
    command = [sys.executable, "-m", "benchmarks.watched_step", str(parts), str(asked_for), *arguments]
    ran = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    if ran.returncode:
        raise UserError(f"the step failed: {ran.stderr.strip().splitlines()[-1:]}", where=step.name)
    print(f"{step.name}: {seconds:.1f} s", file=sys.stderr, flush=True)
    known: dict[str, float] = json.loads(parts.read_text(encoding="utf-8"))
    return StepTime(step.name, round(seconds, 2), known | {"end of Python": seconds - sum(known.values())})
