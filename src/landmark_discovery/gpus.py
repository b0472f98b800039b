"""Give each job on a machine GPUs of its own: Snakemake counts them, but doesn't say which.

    landmarks-on-gpus COUNT COMMAND [ARGUMENT]...

The command sees its GPUs alone (CUDA_VISIBLE_DEVICES). They are held by locks that end with it, however it ends. Where
a scheduler has given the job its GPUs, those are its own already.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from landmark_discovery.errors import UserError
from landmark_discovery.locking import try_lock

VISIBLE_VARIABLE = "CUDA_VISIBLE_DEVICES"
# How many GPUs a command was given; it doesn't fall back to the CPU where PyTorch sees none of them.
GIVEN_VARIABLE = "LANDMARKS_GPUS"
# One for all users and containers of a machine, so not in a temporary folder of one's own.
LOCKS_VARIABLE, LOCKS = "LANDMARKS_GPU_LOCKS", "/tmp/landmark-discovery-gpus"
_LOOK_EVERY_S = 1.0
_ASKED_WITHIN_S = 60.0


@dataclass(frozen=True)
class Gpu:
    """Name one GPU.

    Attributes:
        index: its number in nvidia-smi.
        uuid: its own name, the same in every container and for every user.
    """

    index: str
    uuid: str


def visible_gpus(environment: Mapping[str, str]) -> list[Gpu]:
    """List the GPUs that this process may use; none where there is no driver.

    Args:
        environment: CUDA_VISIBLE_DEVICES in it, by numbers or names, restricts them.

    Raises:
        UserError: the driver answers with an error.
    """
    command = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=_ASKED_WITHIN_S, check=True)
    except FileNotFoundError:
        return []
    except (OSError, subprocess.SubprocessError) as error:
        raise UserError(
            f"the NVIDIA driver doesn't answer: {_last_line(error)}",
            where="nvidia-smi",
            remedy="see `landmarks doctor`",
        ) from error
    gpus = [Gpu(*(part.strip() for part in line.split(","))) for line in answer.stdout.splitlines() if "," in line]
    allowed = environment.get(VISIBLE_VARIABLE)
    if allowed is None:
        return gpus
    names = [name.strip() for name in allowed.split(",") if name.strip()]
    # Parts of a GPU (MIG) are not in the driver's list of GPUs.
    parts = [Gpu(name, name) for name in names if name.startswith("MIG-")]
    found = (gpu for name in names for gpu in [*gpus, *parts] if name == gpu.index or gpu.uuid.startswith(name))
    return list(dict.fromkeys(found))


def has_gpus(environment: Mapping[str, str]) -> bool:
    """Say whether there is a GPU that this process may use, and a driver that answers."""
    try:
        return bool(visible_gpus(environment))
    except UserError:
        return False


def hold_gpus(count: int, gpus: Sequence[Gpu], folder: Path) -> list[Gpu]:
    """Take GPUs that no other command holds, and wait until there are so many.

    The locks belong to this process and to what it turns into or starts.

    Args:
        count: GPUs to take.
        gpus: those to choose from.
        folder: of the locks, shared by all users of the machine.

    Returns:
        The GPUs taken, in the order of `gpus`.

    Raises:
        UserError: there are fewer than asked for.
    """
    if count > len(gpus):
        raise UserError(
            f"this step wants {_counted(count)} and sees {len(gpus) or 'none'}",
            where="device",
            remedy="set device: cpu, or let the driver into the container (--nv with Apptainer, --gpus all with "
            "Docker); `landmarks doctor` tells what is seen",
        )
    told = False
    while True:
        held = _lock_free(count, gpus, folder)
        if len(held) == count:
            for handle in held.values():
                os.set_inheritable(handle, True)
            return list(held)
        # Those of another that also waits for several could lack just these.
        for handle in held.values():
            os.close(handle)
        if not told:
            print(f"waiting for {_counted(count)}: others hold {len(gpus) - len(held)} of {len(gpus)}", file=sys.stderr)
            told = True
        time.sleep(_LOOK_EVERY_S)


def run_on_gpus(count: int, command: Sequence[str]) -> NoReturn:
    """Turn this process into a command that sees GPUs of its own.

    Raises:
        UserError: there are fewer than asked for, or there is no such command.
    """
    if count > 0:
        os.environ[GIVEN_VARIABLE] = str(count)
    if count > 0 and not _is_given(count):
        gpus = hold_gpus(count, visible_gpus(os.environ), _lock_folder())
        os.environ[VISIBLE_VARIABLE] = ",".join(gpu.uuid for gpu in gpus)
    try:
        os.execvp(command[0], list(command))
    except OSError as error:
        raise UserError(f"can't start it: {error.strerror}", where=command[0]) from error


def main() -> None:
    """Run `landmarks-on-gpus`."""
    if len(sys.argv) < 3 or not sys.argv[1].isdecimal():
        sys.exit("usage: landmarks-on-gpus COUNT COMMAND [ARGUMENT]...")
    try:
        run_on_gpus(int(sys.argv[1]), sys.argv[2:])
    except UserError as error:
        sys.exit(f"error: {error}")


def _is_given(count: int) -> bool:
    """Say whether a scheduler has given this job just the GPUs that it wants; of more, several jobs may share."""
    given = [name for name in os.environ.get(VISIBLE_VARIABLE, "").split(",") if name]
    return "SLURM_JOB_ID" in os.environ and len(given) == count


def _lock_free(count: int, gpus: Sequence[Gpu], folder: Path) -> dict[Gpu, int]:
    held: dict[Gpu, int] = {}
    for gpu in gpus:
        if len(held) == count:
            break
        handle = _open_lock(folder / f"{gpu.uuid}.lock")
        if try_lock(handle):
            held[gpu] = handle
        else:
            os.close(handle)
    return held


def _open_lock(path: Path) -> int:
    """Open a lock, whoever made it.

    Not with O_CREAT alone, which Linux refuses for another user's file in a folder that all may write to.

    Raises:
        UserError: it can't be opened.
    """
    try:
        while True:
            with suppress(FileNotFoundError):
                return os.open(path, os.O_RDONLY)
            with suppress(FileExistsError):
                handle = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o444)
                os.fchmod(handle, 0o444)
                return handle
    except OSError as error:
        remedy = f"name another folder of locks in {LOCKS_VARIABLE}"
        raise UserError(f"the lock of a GPU can't be opened ({error.strerror})", where=path, remedy=remedy) from error


def _lock_folder() -> Path:
    """Make the folder that all users of the machine share, with nobody's right to remove another's lock."""
    folder = Path(os.environ.get(LOCKS_VARIABLE, LOCKS))
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777 | stat.S_ISVTX)
    return folder


def _counted(count: int) -> str:
    return "a GPU" if count == 1 else f"{count} GPUs"


def _last_line(error: Exception) -> str:
    said = getattr(error, "stdout", None) or getattr(error, "stderr", None) or str(error)
    return str(said).strip().splitlines()[-1]


if __name__ == "__main__":
    main()
