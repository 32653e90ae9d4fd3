"""Whatever stands in ABI data, reading it takes work that its length bounds."""

import pytest
from eth_abi.abi import encode
from eth_abi.exceptions import DecodingError
from eth_abi.grammar import parse
from hypothesis import given, settings
from hypothesis import strategies as st

from keeper.aggregators.calldata import _READERS
from keeper.chain.decoding import decode

# What is read of aggregators, and shapes that are deeper and wider than any of it.
READ = {function.function.inputs for readers in _READERS.values() for function in readers.values()}
SHAPES = [*sorted(READ), ("uint256[][][]", "bytes"), ("(address,bytes)[]", "string"), ("((uint8[2],bytes)[],bool)[]",)]


def values(kind: str) -> st.SearchStrategy:
    """Values of an ABI type."""
    found = parse(kind)
    if found.arrlist:
        *_, last = found.arrlist
        inner = values(found.item_type.to_type_str())
        return st.lists(inner, min_size=last[0] if last else 0, max_size=last[0] if last else 3)
    if kind.startswith("("):
        return st.tuples(*(values(part.to_type_str()) for part in found.components))
    return {
        "uint": lambda: st.integers(0, 2**found.sub - 1),
        "bytes": lambda: st.binary(min_size=found.sub, max_size=found.sub) if found.sub else st.binary(max_size=70),
        "string": lambda: st.text(max_size=40),
        "bool": st.booleans,
        "address": lambda: st.binary(min_size=20, max_size=20).map(lambda raw: "0x" + raw.hex()),
    }[found.base]()


def as_tuples(value: object) -> object:
    return tuple(map(as_tuples, value)) if isinstance(value, list | tuple) else value


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_decode__what_an_encoder_wrote__gives_it_back(shape, data):
    written = tuple(data.draw(values(kind)) for kind in shape)
    assert decode(shape, encode(shape, written)) == as_tuples(written)


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


@pytest.mark.parametrize("levels", [2, 3, 4])
def test_decode__arrays_whose_elements_are_all_the_same_bytes__are_refused(levels):
    # Each array has 60 elements, all of which lie where the first one does: 60^levels of them in some 2 kB per level.
    count = 60
    array = b"".join([word(count), *(word(32 * count) for _ in range(count))])
    bomb = word(32) + array * (levels - 1) + word(count) + word(7) * count
    with pytest.raises(DecodingError, match="same bytes again and again"):
        decode(["uint256" + "[]" * levels], bomb)


@pytest.mark.parametrize("kind", ["uint256", "uint8", "int128", "address", "bool", "bytes32", "(uint256,bool)"])
def test_decode__a_value_that_is_cut_short__is_refused(kind):
    for size in range(32):
        with pytest.raises(DecodingError):
            decode([kind], bytes(size))


@pytest.mark.parametrize("length", [2**255, 2**64, 10**9])
def test_decode__a_length_beyond_the_data__is_refused(length):
    for kind in ("uint256[]", "bytes[]", "(uint8,bytes)[]", "bytes", "string"):
        with pytest.raises(DecodingError):
            decode([kind], word(32) + word(length) + word(0) * 8)


@pytest.mark.parametrize("offset", [2**255, 2**63, 2**63 - 33])
def test_decode__an_offset_beyond_any_memory__is_refused(offset):
    for kind in ("uint256[]", "bytes", "(bytes,uint8)"):
        with pytest.raises(DecodingError):
            decode([kind], word(offset) + word(0) * 8, strict=False)
