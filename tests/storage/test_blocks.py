from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays_of

from storage import BlockRef, DamageError, DataDirectory, Store
from storage.blocks import Blocks
from storage.disk import Disk


def file_of(directory: DataDirectory, ref: BlockRef) -> Path:
    return directory.path / "workspaces/default/blocks" / ref.name


def test_arrays_come_back_as_they_were(store: Store) -> None:
    texts = pa.array(["é", None, "z"])
    tags = pa.array([["a"], [], None])
    codes = pa.array(["x", "y", "x"]).dictionary_encode()
    numbers = np.arange(5, dtype=np.uint32)[::2]
    block = store.blocks.open(
        store.blocks.write("part", {"texts": texts, "tags": tags, "codes": codes, "numbers": numbers}, {"kind": "é"})
    )
    assert block.metadata == {"kind": "é"}
    assert list(block.arrays) == ["texts", "tags", "codes", "numbers"]
    assert block.arrays["texts"].equals(texts)
    assert block.arrays["tags"].equals(tags)
    assert block.arrays["codes"].equals(codes)
    assert block.arrays["numbers"].dtype == np.uint32
    assert block.arrays["numbers"].tolist() == [0, 2, 4]


kinds = (
    arrays_of.boolean_dtypes()
    | arrays_of.integer_dtypes(endianness="<")
    | arrays_of.unsigned_integer_dtypes(endianness="<")
    | arrays_of.floating_dtypes(endianness="<", sizes=(32, 64))
)


@given(st.lists(kinds.flatmap(lambda kind: arrays_of.arrays(kind, st.integers(0, 40))), max_size=4))
def test_any_numpy_array_comes_back_read_only_and_bit_for_bit(
    tmp_path_factory: pytest.TempPathFactory, arrays: list[np.ndarray]
) -> None:
    folder = tmp_path_factory.mktemp("blocks")
    blocks = Blocks(folder, Disk(folder, 0))
    block = blocks.open(blocks.write("part", {str(index): array for index, array in enumerate(arrays)}))
    for index, array in enumerate(arrays):
        found = block.arrays[str(index)]
        assert (found.dtype, found.tobytes()) == (array.dtype, array.tobytes())
        assert not found.flags.writeable


def test_any_arrow_tool_reads_a_block(directory: DataDirectory, store: Store) -> None:
    ref = store.blocks.write("part", {"x": np.array([1, 2]), "y": pa.array(["a"])}, {"kind": "k"})
    table = pa.ipc.open_file(file_of(directory, ref).read_bytes()).read_all()
    assert table.to_pylist() == [{"x": [1, 2], "y": ["a"]}]


@pytest.mark.parametrize("array", [np.zeros((2, 2)), np.array(["a"]), np.array([1 + 2j]), [1, 2], "text"])
def test_what_is_no_array_of_numbers_is_refused(store: Store, array: object) -> None:
    with pytest.raises(TypeError, match=r"bad: .* does not go into a block"):
        store.blocks.write("part", {"bad": array})
    assert store.blocks.names() == []


def test_a_name_tells_its_size_and_checksum_and_never_repeats(directory: DataDirectory, store: Store) -> None:
    first, second = store.blocks.write("part", {}), store.blocks.write("part", {})
    assert first.name != second.name
    assert BlockRef.of(first.name) == first
    assert file_of(directory, first).stat().st_size == first.size
    with pytest.raises(ValueError, match="is not the name of a block"):
        store.blocks.open("../tamis.db")


def test_arrays_outlive_the_removal_of_their_file(store: Store) -> None:
    ref = store.blocks.write("part", {"x": np.arange(100_000)})
    block = store.blocks.open(ref)
    store.blocks.discard([ref.name])
    assert store.blocks.names() == []
    assert int(block.arrays["x"].sum()) == 4_999_950_000
    with pytest.raises(DamageError, match="the file is missing"):
        store.blocks.open(ref)


def test_only_blocks_that_nothing_names_can_be_discarded(store: Store) -> None:
    ref = store.blocks.write("part", {})
    store.append([b"names part"], blocks=[ref.name])
    with pytest.raises(ValueError, match="is not a block waiting to be named"):
        store.blocks.discard([ref.name])
    assert store.blocks.names() == [ref.name]
