"""Every Triton kernel compiles for an H100, which need not be there: the interpreter sees no errors of types."""

import importlib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import landmark_discovery

pytest.importorskip("triton")

PACKAGE = Path(landmark_discovery.__file__).parent
# Types of the arguments of each file's kernels; what is not named is a whole number, and "F" the type of the features.
FEATURES = dict.fromkeys(("features", "gradient", "added", "output", "first", "second", "third", "shortcut"), "F")
EXACT = dict.fromkeys(("partial", "statistics", "weight", "bias", "weight_gradient", "bias_gradient"), "*fp32")
TYPES = {
    "models/kernels/group_norm.py": FEATURES | EXACT | {"epsilon": "fp32"},
    "models/kernels/resampling.py": FEATURES | {"scale": "fp32"},
    "training/kernels/views.py": {"pixels": "*u8", "views": "*fp32", "parameters": "*fp32", "seeds": "*i64"},
}
# Those of the paper's widest layers: 32 images of 64 x 64 cells, 256 channels in 32 groups.
CONSTANTS = {
    "CHANNELS": 256,
    "CHUNK": 64,
    "GROUP": 8,
    "ROWS": 32,
    "STEPS": 8,
    "TILES": 16,
    "IMAGES": 32,
    "PARTS": 32,
    "PARTS_STEPS": 16,
    "PARAMETERS": 17,
    # The real blur reaches 2 pixels, which takes three times as long to compile and differs in no type.
    "RADIUS": 1,
    "BLOCK": 256,
}


def test_the_types_of_every_file_of_kernels_are_known_here():
    files = {path.relative_to(PACKAGE).as_posix() for path in PACKAGE.glob("*/kernels/*.py")}
    assert {file for file in files if not file.endswith("__init__.py")} == set(TYPES)


@pytest.mark.slow
@pytest.mark.parametrize("file", TYPES)
def test_kernels_compile_for_an_h100(file, tmp_path):
    environment = os.environ | {"TRITON_INTERPRET": "0", "TRITON_CACHE_DIR": str(tmp_path)}
    done = subprocess.run([sys.executable, __file__, file], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def compile_file(file):
    """Compile the kernels of a file, in a process that doesn't interpret them, and print how many."""
    from triton.runtime.jit import JITFunction

    module = importlib.import_module(f"landmark_discovery.{file.removesuffix('.py').replace('/', '.')}")
    # Those with an underscore are parts of the others.
    kernels = [kernel for name, kernel in vars(module).items() if isinstance(kernel, JITFunction) and name[0] != "_"]
    for kernel in kernels:
        for features, has_added in (("*bf16", True), ("*fp32", False)):
            compile_for_h100(kernel, TYPES[file], features, CONSTANTS | {"HAS_ADDED": has_added})
    print(len(kernels))


def compile_for_h100(kernel, types, features, constants):
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    known = {name: features if kind == "F" else kind for name, kind in types.items()}
    known |= dict.fromkeys(constants, "constexpr")
    signature = {name: known.get(name, "i32") for name in kernel.arg_names}
    values = {(place,): constants[name] for place, name in enumerate(kernel.arg_names) if name in constants}
    triton.compile(ASTSource(kernel, signature, values), target=GPUTarget("cuda", 90, 32))


if __name__ == "__main__":
    compile_file(sys.argv[1])
