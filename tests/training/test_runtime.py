import os
import subprocess
import sys

import pytest
import torch

from landmark_discovery.errors import UserError
from landmark_discovery.training.runtime import arithmetic, autocast, choose_device

CPU, CUDA = torch.device("cpu"), torch.device("cuda")


@pytest.mark.parametrize(("gpu", "chosen"), [(False, CPU), (True, CUDA)])
def test_auto_takes_a_gpu_where_there_is_one_and_the_cpu_can_be_asked_for_anywhere(monkeypatch, gpu, chosen):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    assert choose_device("auto") == chosen
    assert choose_device("cpu") == CPU


def test_a_gpu_that_is_asked_for_and_not_there_is_an_error_with_a_remedy(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(UserError, match=r"device: cuda: a GPU is asked for and PyTorch sees none.*; set device to cpu"):
        choose_device("cuda")


def test_a_cpu_run_is_deterministic_and_a_gpu_run_need_not_be():
    with arithmetic("float32", CPU):
        assert torch.are_deterministic_algorithms_enabled()
    with arithmetic("float32", CUDA):
        assert not torch.are_deterministic_algorithms_enabled()
        assert not torch.backends.cudnn.deterministic


def test_a_gpu_run_is_deterministic_where_it_is_asked_for(monkeypatch):
    # Set first, so that what is set below ends with the test.
    monkeypatch.setenv("CUBLAS_WORKSPACE_CONFIG", "")
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")
    with arithmetic("float32", CUDA, deterministic=True):
        assert torch.are_deterministic_algorithms_enabled()
        assert not torch.is_deterministic_algorithms_warn_only_enabled()
        assert torch.backends.cudnn.deterministic
        assert os.environ["CUBLAS_WORKSPACE_CONFIG"] == ":4096:8"


@pytest.mark.parametrize(("precision", "matmul"), [("float32", "highest"), ("tf32", "high"), ("bfloat16", "high")])
def test_matrix_products_and_convolutions_have_the_asked_for_precision(precision, matmul):
    with arithmetic(precision, CUDA):
        assert torch.get_float32_matmul_precision() == matmul
        assert torch.backends.cudnn.allow_tf32 == (precision != "float32")


def test_arithmetic_is_as_before_even_after_an_error():
    def state():
        return (
            torch.get_float32_matmul_precision(),
            torch.backends.cudnn.allow_tf32,
            torch.backends.cudnn.deterministic,
            torch.are_deterministic_algorithms_enabled(),
            torch.utils.deterministic.fill_uninitialized_memory,
            torch.get_num_threads(),
        )

    def fail():
        with arithmetic("bfloat16", CPU):
            assert state() != before
            raise KeyError

    before = state()
    with pytest.raises(KeyError):
        fail()
    assert state() == before


def test_threads_share_an_operation_of_a_cpu_only_where_they_are_asked_to():
    with arithmetic("float32", CPU):
        assert torch.get_num_threads() == 1
    with arithmetic("float32", CPU, cpu_threads=3):
        assert torch.get_num_threads() == 3


def test_a_step_that_was_given_a_gpu_does_not_fall_back_to_the_cpu(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("LANDMARKS_GPUS", "1")
    with pytest.raises(UserError, match="device: auto: a GPU is asked for and PyTorch sees none"):
        choose_device("auto")
    assert choose_device("cpu") == CPU


def test_a_cpu_computes_in_float32_whatever_is_asked_for():
    matrix = torch.ones(2, 2)
    with autocast("bfloat16", CPU):
        assert (matrix @ matrix).dtype == torch.float32


def run_alone(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout


def test_deterministic_operations_are_asked_for_without_importing_the_compiler():
    code = """
import sys, torch
from landmark_discovery.training.runtime import arithmetic
with arithmetic("float32", torch.device("cpu")):
    print([name for name in sys.modules if name.startswith("torch._inductor")])
"""
    assert run_alone(code) == "[]\n"


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="counts page faults as Linux does")
def test_memory_that_was_freed_serves_the_next_tensor_without_new_pages():
    code = """
import resource, torch
from landmark_discovery.training.runtime import reuse_freed_memory
def pages_of_ten_tensors():
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(10):
        torch.ones(2 << 20)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
fresh = pages_of_ten_tensors()
kept = reuse_freed_memory()
pages_of_ten_tensors()
print(fresh, pages_of_ten_tensors() if kept else 0)
"""
    fresh, reused = map(int, run_alone(code).split())
    assert reused < fresh / 5
