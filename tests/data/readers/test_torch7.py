import contextlib
import struct

import numpy as np
import pytest
from fake_archives import torch7_bytes, torch7_head
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.data.readers.torch7 import Torch7Error, parse_torch7, read_torch7
from landmark_discovery.errors import UserError

POINTS = np.arange(136, dtype=np.float64).reshape(68, 2) / 4


def read(tmp_path, data):
    path = tmp_path / "points.t7"
    path.write_bytes(data)
    return read_torch7(path)


def test_the_points_of_an_image_are_read_as_they_were_written(tmp_path):
    points = read(tmp_path, torch7_bytes(POINTS))

    assert points.dtype == np.float64
    assert np.array_equal(points, POINTS)
    points[0] = 1  # a copy of its own


@pytest.mark.parametrize("kind", ["Byte", "Char", "Short", "Int", "Long", "Float", "Double"])
def test_elements_of_every_kind_are_read(kind):
    assert parse_torch7(torch7_bytes([[1, 2, 3], [4, 5, 120]], kind=kind)).tolist() == [[1, 2, 3], [4, 5, 120]]


def test_the_bytes_of_a_tensor_by_hand():
    data = b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1\x11\0\0\0torch.ShortTensor"
    data += b"\x01\0\0\0" + b"\x02\0\0\0\0\0\0\0" + b"\x01\0\0\0\0\0\0\0" + b"\x01\0\0\0\0\0\0\0"
    data += b"\x04\0\0\0\x02\0\0\0\x03\0\0\0V 1\x12\0\0\0torch.ShortStorage"
    data += b"\x02\0\0\0\0\0\0\0" + b"\x05\0" + b"\xff\xff"

    assert parse_torch7(data).tolist() == [5, -1]
    assert torch7_bytes([5, -1], kind="Short") == data


def test_a_transposed_part_of_a_storage_is_read_in_the_tensors_order():
    # Rows of four; the tensor starts at the second element and takes every second one, column by column.
    storage = [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11]]

    assert parse_torch7(torch7_bytes(storage, (2, 3), (2, 4), first=2)).tolist() == [[1, 5, 9], [3, 7, 11]]


@given(
    st.lists(st.integers(1, 4), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
    st.integers(0, 3),
    st.integers(0, 3),
)
def test_any_order_of_the_dimensions_reads_as_numpy_shows_it(shape, random, before, after):
    flat = np.arange(np.prod(shape) + before + after)
    axes = random.sample(range(len(shape)), len(shape))
    shown = flat[before : len(flat) - after].reshape(shape).transpose(axes)
    strides = [step // flat.itemsize for step in shown.strides]

    assert np.array_equal(parse_torch7(torch7_bytes(flat, shown.shape, strides, before + 1)), shown)


def test_a_file_that_breaks_off_anywhere_is_refused(tmp_path):
    data = torch7_bytes([[1.5, 2], [3, 4]])
    for length in range(len(data)):
        with pytest.raises(Torch7Error):
            parse_torch7(data[:length])

    with pytest.raises(
        UserError, match=r"points\.t7: not a tensor of Torch7 \(8 bytes are to follow where there are 5"
    ):
        read(tmp_path, data[:-35])


@given(st.data())
def test_changed_bytes_give_a_tensor_or_the_readers_own_error(data):
    content = bytearray(torch7_bytes([[1, 2], [3, 4]]))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=4)):
        content[position] = data.draw(st.integers(0, 255))
    with contextlib.suppress(Torch7Error):
        assert parse_torch7(bytes(content)).size <= 4


@given(st.binary(max_size=60))
def test_bytes_of_another_kind_are_refused(data):
    with pytest.raises(Torch7Error):
        parse_torch7(data)


HUGE = 2**62


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "4 bytes are to follow where there are 0"),
        (b"4\n1\n3\nV 1\n18\ntorch.DoubleTensor\n", "an object of type"),
        (b"<!DOCTYPE html><html>", "an object of type"),
        (struct.pack("<i", 0), r"\(it holds nil\)"),
        (struct.pack("<id", 1, 2.5), r"\(it holds a number\)"),
        (struct.pack("<ii", 2, 3) + b"abc", r"\(it holds a string\)"),
        (struct.pack("<iii", 3, 1, 0), r"\(it holds a table\)"),
        (struct.pack("<ii", 6, 1), r"\(it holds an object of type 6\)"),
        (torch7_head(1, "torch.CudaTensor"), "a 'torch.CudaTensor', not a Tensor of Byte, Char"),
        (torch7_head(1, "torch.DoubleStorage"), "a 'torch.DoubleStorage', not a Tensor"),
        (torch7_head(1, "nn.Linear"), "a 'nn.Linear', not"),
        (torch7_head(1, "torch.DoubleTensor", "V 2"), "version 'V 2' of the format"),
        (torch7_head(0, "torch.DoubleTensor"), "object number 0"),
        (torch7_head(1, "torch.DoubleTensor") + struct.pack("<i", 0), "0 dimensions; 1 to 8"),
        (torch7_head(1, "torch.DoubleTensor") + struct.pack("<i", -3), "-3 dimensions"),
        (torch7_head(1, "torch.DoubleTensor") + struct.pack("<i", 2**31 - 1), "2147483647 dimensions"),
        (struct.pack("<iii", 4, 1, -5), "-5 bytes are to follow"),
        (torch7_bytes([1, 2], (3,)), r"sizes \(3,\) where 2 elements are stored"),
        (torch7_bytes([1, 2], (2,), first=2), r"where 2 elements are stored"),
        (torch7_bytes([1, 2], (2,), (HUGE,)), r"where 2 elements are stored"),
        (torch7_bytes([1, 2], (HUGE,), (0,)), r"where 2 elements are stored"),
        (torch7_bytes([1, 2], (HUGE, HUGE), (0, 0)), r"where 2 elements are stored"),
        (torch7_bytes([1, 2], (-2,), (1,)), r"sizes \(-2,\)"),
        (torch7_bytes([1, 2], (2,), (-1,), first=2), r"strides \(-1,\)"),
        (torch7_bytes([1, 2], (2,), (1,), first=0), "first element 0"),
        (torch7_bytes([], (0,), (1,)), r"sizes \(0,\)"),
        (torch7_bytes([1, 2], numbers=(1, 1)), "a DoubleTensor on object 1"),
        (torch7_bytes([1, 2]).replace(b"Storage", b"Storaqe"), "not a Storage of"),
        (torch7_bytes([1, 2])[:-24] + struct.pack("<q", HUGE) + bytes(16), "bytes are to follow where there are 16"),
        (torch7_bytes([1, 2])[:-24] + struct.pack("<q", -2) + bytes(16), "-16 bytes are to follow"),
        (torch7_bytes([1, 2]) + b"\0", "1 bytes stand behind the tensor"),
    ],
)
def test_anything_but_one_tensor_is_refused_with_what_it_is(tmp_path, data, message):
    with pytest.raises(UserError, match=message) as caught:
        read(tmp_path, data)
    assert "it must hold one tensor of numbers" in str(caught.value)


def test_a_stride_that_nothing_steps_along_may_be_anything():
    assert parse_torch7(torch7_bytes([7], (1, 1), (HUGE, HUGE))).tolist() == [[7]]


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(UserError, match=r"none\.t7: no such file"):
        read_torch7(tmp_path / "none.t7")
    with pytest.raises(UserError, match="can't be read"):
        read_torch7(tmp_path)
