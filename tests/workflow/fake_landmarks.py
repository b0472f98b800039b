"""Stands in for the command `landmarks`: writes small files under the names that the real one would write."""

import json
import sys
from itertools import pairwise
from pathlib import Path

FILES_OF_FOLDER = {
    "synthesize": ("samples.csv",),
    "prepare": ("samples.csv", "facts.json"),
    "annotate": ("samples.csv", "facts.json"),
    "evaluate": ("metrics.json", "forward_curve.csv", "backward_curve.csv"),
    "draw-pictures": ("landmarks.png", "galleries.png", "clusters/landmark_00.png", "clusters/landmark_01.png"),
    "plot-training": ("stage1_losses.svg", "stage1_rounds.svg", "stage2_losses.svg"),
}


# Beside the weights that a command writes.
FILES_BESIDE = {
    "train-stage1": ("training_log.csv", "rounds.csv", "rounds/round_00.png", "made_by.json"),
    "train-stage2": ("training_log.csv", "made_by.json"),
}


def main() -> None:
    """Write the outputs; the whole configuration is written for what reads it again."""
    command, *options = sys.argv[1:]
    values = list(pairwise(options))
    outputs = [Path(value) for option, value in values if option == "--output"]
    settings = dict(values).get("--settings", "{}")
    json.loads(settings)
    content = settings if command == "show-config" else f"{command} {settings}\n"
    for output in outputs:
        for path in files_of(command, output):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"header\n{content}" if path.name == "rounds.csv" else content, encoding="utf-8")
    print(f"fake {command}")


def files_of(command: str, output: Path) -> list[Path]:
    """Name what a command writes for an output."""
    if command in FILES_OF_FOLDER:
        return [output / name for name in FILES_OF_FOLDER[command]]
    return [output, *(output.parent / name for name in FILES_BESIDE.get(command, ()))]


if __name__ == "__main__":
    main()
