"""Tags: lists of distinct, non-empty text, from cells that hold several or from lists."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from formats.numbers import mask_of

Mask = npt.NDArray[np.bool_]


def split_tags(cells: pa.StringArray, separator: str) -> pa.ListArray:
    """The tags of cells such as `ski|vtt`."""
    return tidy_tags(pc.split_pattern(cells, separator))


def tidy_tags(lists: pa.ListArray) -> pa.ListArray:
    """Tags trimmed, without empty ones and repetitions, in the order given; null where none are left."""
    lengths = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    owners = np.repeat(np.arange(len(lists)), lengths)
    tags = pc.utf8_trim_whitespace(pc.cast(lists.flatten(), pa.string()))
    kept = mask_of(pc.not_equal(tags, "")) & _first_of(owners, tags)
    counts = np.bincount(owners[kept], minlength=len(lists))
    offsets = pa.array(np.concatenate(([0], np.cumsum(counts))), pa.int32(), mask=np.append(counts == 0, False))
    return pa.ListArray.from_arrays(offsets, tags.filter(pa.array(kept)))


def _first_of(owners: npt.NDArray[np.int64], tags: pa.StringArray) -> Mask:
    """The first occurrence of each tag within its owner."""
    codes = pc.fill_null(pc.dictionary_encode(tags).indices, 0).to_numpy(zero_copy_only=False)
    pairs = owners * (int(codes.max(initial=0)) + 1) + codes
    first = np.zeros(len(pairs), dtype=np.bool_)
    first[np.unique(pairs, return_index=True)[1]] = True
    return first
