import functools
import os
import pickle
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from landmark_discovery.data.readers.pickles import read_array_pickle
from landmark_discovery.errors import UserError

BOX = np.array([1.5, 2, 30, 40])
PROTOCOLS = range(6)


@pytest.fixture
def save(tmp_path):
    def write(content, protocol=2):
        path = tmp_path / "boxes.pickle"
        path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol=protocol))
        return path

    return write


class Calls:
    """Pickles as the call of a function."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_arrays_of_every_protocol_are_read_in_the_pickles_order(save, protocol):
    points = np.arange(136.0).reshape(68, 2)
    arrays = read_array_pickle(save({"b.jpg": BOX, "a.jpg": points, "c.jpg": BOX}, protocol))

    assert list(arrays) == ["b.jpg", "a.jpg", "c.jpg"]
    assert np.array_equal(arrays["a.jpg"], points)
    assert np.array_equal(arrays["c.jpg"], BOX)
    assert arrays["b.jpg"].dtype == np.float64


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("dtype", ["<f2", "<f4", ">f8", "<i2", ">i4", "<i8", "|i1", "|u1", "<u4"])
def test_numbers_of_any_size_and_byte_order_become_float64(save, protocol, dtype):
    values = np.array([[1, 2], [3, 100]], dtype=dtype)

    assert read_array_pickle(save({"a": values}, protocol))["a"].tolist() == [[1, 2], [3, 100]]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_column_by_column_arrays_and_parts_of_arrays(save, protocol):
    values = np.arange(12.0).reshape(3, 4)
    content = {"fortran": np.asfortranarray(values), "part": values[::2, 1:3], "turned": values.T}
    arrays = read_array_pickle(save(content, protocol))

    for name, array in content.items():
        assert np.array_equal(arrays[name], array)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_lists_tuples_and_single_numbers_of_numpy(save, protocol):
    content = {
        "list": [1, 2.5, np.float32(3), np.int64(4)],
        "tuple": ((1, 2), (3, 4)),
        "rows": [np.array([1, 2]), np.array([3, 4])],
        "number": 7,
        "zero": np.array(7),
    }
    arrays = read_array_pickle(save(content, protocol))

    assert arrays["list"].tolist() == [1, 2.5, 3, 4]
    assert arrays["tuple"].tolist() == arrays["rows"].tolist() == [[1, 2], [3, 4]]
    assert arrays["number"].tolist() == arrays["zero"].tolist() == 7


@given(
    st.lists(st.lists(st.floats(allow_nan=False), min_size=3, max_size=3), min_size=1, max_size=3),
    st.sampled_from(PROTOCOLS),
)
def test_every_finite_number_comes_back_to_the_last_bit(tmp_path_factory, rows, protocol):
    path = tmp_path_factory.mktemp("pickles") / "boxes.pickle"
    path.write_bytes(pickle.dumps({"array": np.array(rows), "list": rows}, protocol=protocol))
    arrays = read_array_pickle(path)

    assert arrays["array"].tolist() == rows
    assert arrays["list"].tolist() == rows


def python2_pickle(module="numpy.core.multiarray"):
    """Write what Python 2 and an old NumPy did: texts for names and bytes, and the module's old name."""
    data = struct.pack("<4d", *BOX)
    text = b"U" + bytes([len(data)]) + data
    return (
        b"\x80\x02}U\x0a000001.jpg"
        b"c" + module.encode() + b"\n_reconstruct\n"
        b"cnumpy\nndarray\nK\x00\x85U\x01b\x87R"
        b"(K\x01K\x04\x85cnumpy\ndtype\nU\x02f8K\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb"
        b"\x89" + text + b"tbs."
    )


@pytest.mark.parametrize("module", ["numpy.core.multiarray", "numpy._core.multiarray"])
def test_python_2_and_old_names_of_numpy(save, module):
    assert pickle.loads(python2_pickle(), encoding="latin1")["000001.jpg"].tolist() == BOX.tolist()
    assert read_array_pickle(save(python2_pickle(module)))["000001.jpg"].tolist() == BOX.tolist()


def test_names_as_bytes_are_names(save):
    assert list(read_array_pickle(save({b"000001.jpg": BOX}, 4))) == ["000001.jpg"]


DANGERS = {
    "system": (Calls(os.system, "touch {}"), r"(posix|nt)\.system"),
    "eval": (Calls(eval, "open({!r}, 'w')"), r"(__builtin__|builtins)\.eval"),
    "exec": (Calls(exec, "open({!r}, 'w')"), r"(__builtin__|builtins)\.exec"),
    "open": (Calls(open, "{}", "w"), r"(__builtin__|builtins|io|_io)\.open"),
    "getattr": (Calls(getattr, Calls(os.system, "touch {}"), "x"), r"(__builtin__|builtins)\.getattr|posix\.system"),
    "partial": (functools.partial(os.system, "touch {}"), r"functools\.partial"),
    "load": (Calls(pickle.loads, b"x"), r"_?pickle\.loads"),
    "numpy": (Calls(np.load, "{}"), r"numpy\.load"),
    "fromfile": (Calls(np.fromfile, "{}"), r"numpy(\..*)?\.fromfile"),
    "nested": ([1, (2, {"x": Calls(os.system, "touch {}")})], r"posix\.system"),
}


def aimed(danger, target):
    """Put the path of a file into the arguments of the calls."""
    if isinstance(danger, Calls):
        function, arguments = danger.call
        return Calls(function, *(aimed(argument, target) for argument in arguments))
    if isinstance(danger, list | tuple):
        return type(danger)(aimed(item, target) for item in danger)
    if isinstance(danger, dict):
        return {name: aimed(item, target) for name, item in danger.items()}
    return danger.format(target) if isinstance(danger, str) else danger


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", DANGERS)
def test_nothing_that_a_pickle_asks_for_is_run_and_it_is_named(save, tmp_path, name, protocol):
    danger, blocked = DANGERS[name]
    target = tmp_path / "written"
    path = save({"a": BOX, "b": aimed(danger, target)}, protocol)

    with pytest.raises(UserError, match=rf"boxes\.pickle: the pickle asks for ({blocked}), which isn't run; "):
        read_array_pickle(path)
    assert not target.exists()


def test_a_pickle_that_runs_something_on_its_way_to_a_good_dict(save, tmp_path):
    target = tmp_path / "written"
    call = pickle.dumps(Calls(os.system, f"touch {target}"), protocol=2)[2:-1]
    path = save(b"\x80\x02" + call + b"0" + pickle.dumps({"a": BOX}, protocol=2)[2:])

    with pytest.raises(UserError, match=r"posix\.system"):
        read_array_pickle(path)
    assert not target.exists()


@pytest.mark.parametrize("state", [{"numbers": "x"}, (None, {"__init__": "x"}), (None, {"__new__": "x"})])
@pytest.mark.parametrize(
    "name", [("_codecs", "encode"), ("numpy", "dtype"), ("numpy", "ndarray"), ("numpy.core.multiarray", "scalar")]
)
def test_a_pickle_can_not_change_what_stands_in_for_its_names(save, name, state):
    changing = b"c" + "\n".join(name).encode() + b"\n" + pickle.dumps(state, protocol=2)[2:-1] + b"b0"
    with pytest.raises(UserError, match="not a readable pickle"):
        read_array_pickle(save(b"\x80\x02" + changing + pickle.dumps({"a": BOX}, protocol=2)[2:]))

    for protocol in PROTOCOLS:
        assert read_array_pickle(save({"a": BOX, "b": [np.float64(1)]}, protocol))["a"].tolist() == BOX.tolist()


def array_with(shape=b"K\x04\x85", code=b"U\x02f8", state=b"NNN", content=32):
    data = python2_pickle().replace(b"U\x02f8", code).replace(b"<NNNJ", b"<" + state + b"J")
    data = data.replace(b"(K\x01K\x04\x85", b"(K\x01" + shape)
    return data.replace(b"U" + bytes([32]), b"U" + bytes([content])) if content != 32 else data


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"a": np.array([BOX, None], dtype=object)}, "values of type 'O8', which aren't numbers"),
        ({"a": np.array(["x"])}, "values of type 'U1'"),
        ({"a": np.array([b"x"])}, "values of type 'S1'"),
        ({"a": np.array([True])}, "values of type 'b1'"),
        ({"a": np.array([1j])}, "values of type 'c16'"),
        ({"a": np.array(["2020-01-01"], dtype="M8[D]")}, "values of type 'M8'"),
        ({"a": np.zeros(2, dtype=[("x", "f8")])}, "values of type 'V8'"),
        ({"a": "text"}, "'a' doesn't hold numbers alone .it holds a str"),
        ({"a": [1, True]}, "it holds a bool"),
        ({"a": [1, None]}, "it holds a NoneType"),
        ({"a": {"b": 1}}, "it holds a dict"),
        ({"a": [[1, 2], [3]]}, "'a' doesn't hold numbers alone"),
        ({"a": [[1, [2]]]}, "'a' doesn't hold numbers alone .it holds a list"),
        ({"a": [10**400]}, "'a' doesn't hold numbers alone"),
        ({1: BOX}, "the key 1 is no text, or stands twice"),
        ({"a": BOX, b"a": BOX}, "the key 'a' is no text, or stands twice"),
        ([1, 2], "it doesn't hold a dict"),
        (BOX, "it doesn't hold a dict"),
        (array_with(shape=b"K\x05\x85"), r"an array of shape \(5,\) whose bytes aren't there"),
        (array_with(shape=b"J\xff\xff\xff\xff\x85"), r"an array of shape \(-1,\)"),
        (array_with(shape=b"\x8a\x08" + (2**62).to_bytes(8, "little") + b"\x85"), "whose bytes aren't there"),
        (array_with(shape=b"N"), "an array of shape None"),
        (array_with(state=b"(lNN"), "values made of several parts"),
        (b"", "not a readable pickle of numbers"),
        (b"<!DOCTYPE html><html></html>", "not a readable pickle of numbers"),
        (pickle.dumps({"a": BOX}) + b"more", "something stands behind its end"),
        (b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n)R.", "it doesn't hold a dict"),
        (b"\x80\x02}U\x01acnumpy\nndarray\n)Rs.", "an array that isn't described"),
        (b"\x80\x02}U\x01ac_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00zip\x86Rs.", "the encoding 'zip'"),
        (b"\x80\x02}U\x01a]q\x00h\x00as.", "'a' doesn't hold numbers alone"),  # a list that holds itself
        (b"\x80\x02}r\xff\xff\xff\x7fU\x01aK\x01s.", "place 2,147,483,647 of 15"),
        (b"p2147483647\n}.", "not a readable pickle"),
        (b"\x80\x04\x8e" + (2**40).to_bytes(8, "little") + b"x", "not a readable pickle"),
        (b"\x80\x05\x96" + (2**40).to_bytes(8, "little") + b"x", "not a readable pickle"),
        ({"a": [[1] * 1000] * 1000}, "more numbers than it has bytes"),
        (dict.fromkeys("abcdefgh", np.zeros(1000, dtype=np.int8)), "more numbers than it has bytes"),
        (b"\x80\x02}U\x01aX\x01\x00\x00\x00xQs.", "not a readable pickle"),  # a persistent name
    ],
)
def test_what_is_no_dict_of_numbers_is_refused(save, content, message):
    with pytest.raises(UserError, match=message) as caught:
        read_array_pickle(save(content))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_pickle_that_breaks_off_anywhere_is_refused(save, protocol):
    data = pickle.dumps({"a.jpg": BOX, "b.jpg": [1, 2.5]}, protocol=protocol)
    for length in range(len(data)):
        with pytest.raises(UserError):
            read_array_pickle(save(data[:length]))


@given(st.data())
def test_changed_bytes_end_in_numbers_or_in_the_projects_own_error(tmp_path_factory, data):
    content = bytearray(pickle.dumps({"a": BOX, "b": [np.float32(1), 2]}, protocol=data.draw(st.sampled_from([2, 5]))))
    for position in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[position] = data.draw(st.integers(0, 127))
    path = tmp_path_factory.mktemp("pickles") / "boxes.pickle"
    path.write_bytes(bytes(content))
    try:
        arrays = read_array_pickle(path)
    except UserError:
        return
    assert all(array.dtype == np.float64 for array in arrays.values())


DOUBLED = b"2\x86"
NESTED_SHAPE = b")R(K\x01" + b")" + DOUBLED * 34 + b"N\x89U\x00tb"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"})" + b"\x85" * 10**6 + b"K\x01s.", "nests more than 16 things", id="a million tuples"),
        pytest.param(b"})" + DOUBLED * 40 + b"K\x01s.", "nests more than 16 things", id="each twice in the next"),
        pytest.param(b"}U\x01a" + RECONSTRUCT + NESTED_SHAPE + b"s.", "nests more than 16 things", id="a shape"),
        pytest.param(b"}h\x07K\x01s.", "takes what isn't there", id="nothing at that place"),
        pytest.param(b"((0K\x01t0}K\x01K\x02tK\x01s.", "takes what isn't there", id="a mark taken as a thing"),
        pytest.param(b"K\x01s.", "takes what isn't there", id="no dict to put it in"),
    ],
)
def test_what_python_would_hang_on_or_die_of_is_refused(save, content, message):
    with pytest.raises(UserError, match=message):
        read_array_pickle(save(b"\x80\x02" + content))


def test_an_array_that_is_made_without_a_call_and_never_filled_is_empty(save):
    assert read_array_pickle(save(b"\x80\x02}U\x01a" + RECONSTRUCT + b")\x81s."))["a"].shape == (0,)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(UserError, match=r"none\.pickle: no such file"):
        read_array_pickle(tmp_path / "none.pickle")
    with pytest.raises(UserError, match="can't be read"):
        read_array_pickle(tmp_path)
