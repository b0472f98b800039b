"""The software and the machine that a process runs with."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

_PACKAGES = (
    "landmark-discovery",
    "torch",
    "faiss-cpu",
    "faiss-gpu",
    "numpy",
    "scipy",
    "opencv-python-headless",
    "pandas",
    "pydantic",
    "safetensors",
    "matplotlib",
    "snakemake",
)


def package_version(name: str) -> str | None:
    """Give the installed version of a distribution; None where it isn't installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


def software_versions() -> dict[str, str]:
    """Name the versions of Python, the system and the installed packages that results depend on."""
    found = {name: package_version(name) for name in _PACKAGES}
    system = {"Python": platform.python_version(), "System": platform.platform()}
    return system | {name: version for name, version in found.items() if version is not None}


def installed_packages() -> dict[str, str]:
    """Name every installed distribution with its version, sorted."""
    found = {distribution.name: distribution.version for distribution in metadata.distributions()}
    return dict(sorted(found.items(), key=lambda item: item[0].lower()))


def memory_gib() -> float:
    """Give the memory that this process may use: the machine's, or its container's limit."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    limits = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
    for limit in limits:
        if limit.exists() and (text := limit.read_text(encoding="utf-8").strip()).isdigit():
            return min(total, int(text) / 2**30)
    return total


def processor_name() -> str | None:
    """Name the processor; None where nothing tells."""
    path = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", path.read_text(encoding="utf-8")) if path.exists() else None
    return named.group(1) if named else platform.processor() or None


def gpu_driver() -> str | None:
    """Give the version of NVIDIA's driver; None without one."""
    said = program_output("nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader")
    return said.splitlines()[0] if said else None


def code_revision(file: str | Path) -> tuple[str, bool | None]:
    """Find the git revision of the working tree that a source file belongs to.

    Args:
        file: a file of the package. Where git doesn't know it, as in an environment that merely lies inside of another
            project's tree, there is no revision.

    Returns:
        The commit, and whether nothing in the tree differs from it; ("unknown", None) outside of git.
    """
    path = Path(file)
    git = ("git", "-C", str(path.parent))
    commit = program_output(*git, "rev-parse", "HEAD")
    known = commit and program_output(*git, "ls-files", "--error-unmatch", path.name)
    root = known and program_output(*git, "rev-parse", "--show-toplevel")
    changes = program_output("git", "-C", root, "status", "--porcelain", "--", *_CODE) if root else None
    return (commit, changes == "") if commit and changes is not None else ("unknown", None)


# Downloads pin themselves in the lock file, which changes no code.
_CODE = (".", ":(exclude)downloads.lock")


def program_output(program: str, *arguments: str) -> str | None:
    """Give what a program prints; None without the program or where it fails."""
    if shutil.which(program) is None:
        return None
    ran = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    return ran.stdout.strip() if ran.returncode == 0 else None
