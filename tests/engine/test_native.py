import numpy as np
import pytest

from engine.native import Kernel, kernel


@kernel("u4[]", "out T[]", T=("u1", "i8"))
def counted(rows, counts):
    for row in rows:
        counts[row] += 1


@kernel("u4[]", "out T[]", "i8", T=("u1", "i8"))
def counted_often(rows, counts, times):
    for _ in range(times):
        counted(rows, counts)
    return counts.size


@pytest.mark.parametrize("kind", [np.uint8, np.int64])
def test_a_kernel_takes_each_of_its_types_and_arrays_that_cannot_be_written_to(kind):
    rows = np.array([1, 1, 3], np.uint32)
    rows.flags.writeable = False
    counts = np.zeros(4, kind)
    assert counted_often(rows, counts, 2) == 4
    assert counts.tolist() == [0, 4, 0, 2]


def test_a_kernel_refuses_types_it_does_not_declare():
    with pytest.raises(TypeError):
        counted(np.array([1], np.uint32), np.zeros(4, np.float64))


def test_what_a_kernel_writes_to_must_be_writable():
    counts = np.zeros(4, np.uint8)
    counts.flags.writeable = False
    with pytest.raises(TypeError):
        counted(np.array([1], np.uint32), counts)


def test_a_type_that_is_none_is_told_when_declared():
    with pytest.raises(ValueError, match="'text' is no type"):
        kernel("text")


def test_without_a_place_for_the_cache_a_kernel_is_compiled_all_the_same():
    """A function without a file of its own has no place where numba could keep what it compiles."""
    made: dict[str, object] = {}
    exec("def doubled(number):\n    return number * 2\n", made)
    assert kernel("i8")(made["doubled"])(21) == 42
    assert isinstance(kernel("i8")(made["doubled"]), Kernel)
