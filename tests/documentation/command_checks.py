"""Checks of shown commands that run nothing of them: programs, sub-commands, options, targets and files must exist."""

import re
import subprocess
import sys
from functools import cache

from shown_commands import PROGRAMS, ROOT
from typer.main import get_command

from benchmarks.__main__ import app as benchmarks_app
from landmark_discovery.cli.main import app as landmarks_app
from landmark_discovery.errors import UserError

# Programs of the system; what they start of ours is checked as if it stood alone.
SYSTEM = {
    "docker": "a container engine need not be here",
    "dot": "Graphviz need not be here",
    "tred": "Graphviz need not be here",
    "salloc": "needs a cluster",
    "srun": "needs a cluster",
    "sha256sum": "a program of the system",
    "nvidia-smi": "needs a GPU",
    ".": "changes the shell alone",
    "cd": "changes the shell alone",
    "time": "a word of the shell",
}
# Folders of the project: what is named in them must be there.
FOLDERS = ("benchmarks", "config", "docs", "envs", "examples", "profiles", "src", "tests", "workflow")
MADE_BY_COMMANDS = re.compile(r"docs/pictures/|docker/.*\.sif")
PLACEHOLDER = re.compile(r"[A-Z][A-Z_0-9]*|…|\.\.\.|<.*>")
# Where the names of environment variables are read.
READERS = ("src", "tests", "workflow", "docker", "Makefile")
SYSTEMS_VARIABLES = ("OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "NO_MKDOCS_2_WARNING")


def faults(command):
    """Say what is wrong with a command; nothing if it is right."""
    program, *arguments = command.words or ("",)
    found = [f"{name} is a variable that nobody reads" for name in command.variables if not _variable_is_read(name)]
    found += [f"{word} isn't there" for word in command.words if _missing_file(word)]
    if program in CHECKS:
        return found + CHECKS[program](arguments, command.inline)
    if program not in SYSTEM:
        return [*found, f"{program!r} is no program that is known here"]
    nested = next((place for place, word in enumerate(arguments) if word in PROGRAMS), None)
    if nested is not None:
        found += CHECKS[arguments[nested]](arguments[nested + 1 :], command.inline)
    return found


def _landmarks(arguments, inline):
    return _typer_faults(landmarks_app, "landmarks", arguments, inline)


def _typer_faults(app, program, arguments, inline):
    group = get_command(app)
    if not arguments or arguments[0] == "--help" or PLACEHOLDER.fullmatch(arguments[0]):
        return []
    name, *rest = arguments
    if name not in group.commands:
        return [f"{program} has no command {name!r}"]
    command = group.commands[name]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    unknown = [word for word in rest if word.startswith("--") and word.partition("=")[0] not in {*known, "--help"}]
    if unknown or inline or "--help" in rest:
        return [f"{program} {name} has no option {word}" for word in unknown]
    try:
        command.make_context(name, list(rest))
    except UserError:
        # Its output can't be written here: nobody misspelt anything.
        return []
    except Exception as error:
        return [f"{program} {name}: {getattr(error, 'message', error)}"]
    return []


def _python(arguments, inline):
    if not arguments:
        return []
    if arguments[:2] == ["-m", "benchmarks"]:
        return _typer_faults(benchmarks_app, "benchmarks", arguments[2:], inline)
    if arguments[:2] == ["-m", "landmark_discovery"]:
        return _landmarks(arguments[2:], inline)
    if arguments[0] == "-m":
        return (
            []
            if arguments[1] in ("http.server", "venv", "landmark_discovery.documentation")
            else [f"module {arguments[1]} isn't known here"]
        )
    if not (ROOT / arguments[0]).is_file():
        return [f"{arguments[0]} isn't there"]
    options = [word for word in arguments[1:] if word.startswith("--")]
    return [f"{arguments[0]} has no option {word}" for word in options if word not in _help_of(arguments[0])]


@cache
def _help_of(script):
    return subprocess.run([sys.executable, ROOT / script, "--help"], capture_output=True, text=True).stdout


def _make(arguments, inline):
    if inline and any(PLACEHOLDER.fullmatch(word) for word in arguments):
        return []
    result = _make_would_run(tuple(arguments))
    return [] if result.returncode == 0 else [result.stderr.strip().splitlines()[-1]]


@cache
def _make_would_run(arguments):
    return subprocess.run(["make", "-n", "ENGINE=docker", *arguments], cwd=ROOT, capture_output=True, text=True)


def _torchrun(arguments, inline):
    if "-m" not in arguments:
        return []
    place = arguments.index("-m")
    module, *rest = arguments[place + 1 :]
    return (
        _landmarks(rest, inline) if module == "landmark_discovery" else [f"torchrun starts {module}, which isn't ours"]
    )


def _mkdocs(arguments, _inline):
    return [] if arguments and arguments[0] in ("build", "serve") else ["mkdocs has no such command"]


def _nothing_more(_arguments, _inline):
    return []


def _missing_file(word):
    name = word.partition("::")[0]
    folder, slash, _ = name.partition("/")
    if not slash or folder not in FOLDERS or MADE_BY_COMMANDS.match(name) or "*" in name:
        return False
    return not (ROOT / name).exists()


@cache
def _variable_is_read(name):
    if name in SYSTEMS_VARIABLES:
        return True
    return subprocess.run(["grep", "-rqF", "--exclude-dir=documentation", name, *READERS], cwd=ROOT).returncode == 0


CHECKS = {
    "landmarks": _landmarks,
    "python": _python,
    "make": _make,
    "torchrun": _torchrun,
    "mkdocs": _mkdocs,
    # Dry runs of Snakemake check more than its options; of the others, the files that they name are all there is.
    "snakemake": _nothing_more,
    "pytest": _nothing_more,
    "pip": _nothing_more,
}
