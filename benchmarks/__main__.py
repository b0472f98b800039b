"""The command line of the benchmarks: `python -m benchmarks speed|agreement|memory|demo|compare`."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from landmark_discovery.errors import UserError

app = typer.Typer(
    help="Measure how fast the method runs here and what memory it takes.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
Output = Annotated[Path, typer.Option(help="Folder for the JSON file; speed and demo write a Markdown table too.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", help="A key of the configuration, such as recipe=short.", metavar="KEY=VALUE"),
]


@app.command()
def speed(
    output: Output = Path("results/benchmarks"),
    store: Annotated[Path | None, typer.Option(help="Prepared data set; without, images are drawn.")] = None,
    small: Annotated[bool, typer.Option("--small", help="A small network and few images: seconds on a CPU.")] = False,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    seconds: Annotated[float, typer.Option(help="Measurements that would begin later are left out.")] = 110,
    only: Annotated[list[str] | None, typer.Option(help="Measurement; may be given several times.")] = None,
    precision: Annotated[list[str] | None, typer.Option(help="Precision; may be given several times.")] = None,
    path: Annotated[list[str] | None, typer.Option(help="fast or plain; may be given several times.")] = None,
    against: Annotated[Path | None, typer.Option(help="benchmarks.json of an earlier run.")] = None,
    assignments: Changes = None,
) -> None:
    """Measure training, pseudo-ground-truth, prediction and evaluation."""
    from benchmarks.speed import Options, measure_speed

    given = (only or [], precision or [], path or [], against, assignments or [])
    measure_speed(output, Options(store, small, device, seconds, *given))


@app.command()
def compare(
    before: Annotated[Path, typer.Argument(help="benchmarks.json of an earlier run.")],
    after: Annotated[Path, typer.Argument(help="benchmarks.json of a later run.")],
) -> None:
    """Say what got slower or faster by more than the spread."""
    from benchmarks.comparison import comparison_markdown
    from benchmarks.report import read_report

    typer.echo(comparison_markdown(read_report(before), read_report(after)))


@app.command()
def memory(
    images: Annotated[int, typer.Option(min=1, help="Training images.")] = 16_277,
    points: Annotated[int, typer.Option(min=1, help="Detections an image.")] = 30,
    descriptor_dim: Annotated[int, typer.Option(min=1, help="Length of a descriptor.")] = 256,
    output: Output = Path("results/benchmarks"),
    assignments: Changes = None,
) -> None:
    """Measure time and peak host memory of a new pseudo-ground-truth on random descriptors."""
    from benchmarks.host_memory import measure_host_memory

    measure_host_memory(images, points, descriptor_dim, output, assignments or [])


@app.command()
def agreement(
    output: Output = Path("results/benchmarks"),
    store: Annotated[Path | None, typer.Option(help="Prepared data set; without, images are drawn.")] = None,
    iterations: Annotated[int, typer.Option(min=1, help="Of stage 1, with each precision on each path.")] = 200,
    device: Annotated[str, typer.Option(help="auto or cuda.")] = "auto",
    assignments: Changes = None,
) -> None:
    """Measure how far the fast path's losses are from the plain one's, on the same samples."""
    from benchmarks.agreement import measure_agreement
    from benchmarks.speed import stored_or_drawn
    from benchmarks.workload import FULL, Workload
    from landmark_discovery.config.loading import parse_assignments
    from landmark_discovery.training.runtime import choose_device

    chosen = choose_device(device)
    with stored_or_drawn(store, FULL) as images:
        workload = Workload(images, FULL, chosen, parse_assignments(assignments or []))
        typer.echo(measure_agreement(workload, iterations, output))


@app.command()
def demo(
    output: Output = Path("results/benchmarks"),
    config: Annotated[Path, typer.Option(help="Configuration of the experiment.")] = Path("config.yaml"),
    until: Annotated[str | None, typer.Option(help="Last step that is run.")] = None,
    assignments: Changes = None,
) -> None:
    """Run an experiment with drawn images step by step and say what takes the time."""
    from benchmarks.demo import profile_demo

    profile_demo(config, output, until, assignments or [])


def main() -> None:
    """Run the command line; an error of the user is one line on stderr and the exit status 2."""
    # Progress bars would stand between the lines that say what was measured.
    os.environ.setdefault("TQDM_DISABLE", "1")
    try:
        app()
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
