"""Decodes ABI data that strangers wrote, in work that its length bounds.

The ABI lets offsets point at the same bytes again and again: a few kilobytes of nested arrays stand for more elements than
any memory holds. No encoder writes such data, so it is refused.
"""

from collections.abc import Sequence
from typing import Any

from eth_abi.codec import ABIDecoder
from eth_abi.decoding import ContextFramesBytesIO, UnsignedIntegerDecoder
from eth_abi.exceptions import DecodingError
from eth_abi.registry import ABIRegistry, BaseEquals
from eth_abi.registry import registry as shared

# The decoder looks at a word once for its value, and once more in every tuple around it to check that its offsets hold.
# The deepest type that is read here has four of them.
_READS_PER_BYTE = 8


class _Counted(ContextFramesBytesIO):
    """Counts what is read."""

    def __init__(self, data: bytes):
        super().__init__(data)  # type: ignore[no-untyped-call]  # eth_abi has types, but not here
        self._left = _READS_PER_BYTE * len(data)

    def read(self, size: int | None = -1, /) -> bytes:
        found: bytes = super().read(size)
        # What is read at the end of the data is empty, and as much work as a word.
        self._left -= max(len(found), 32)
        if self._left < 0:
            raise DecodingError("offsets that point at the same bytes again and again")
        return found


class _Decoder(ABIDecoder):
    stream_class = _Counted


def _strict_registry() -> ABIRegistry:
    """One of our own: another package may have taught the shared one to fill up numbers that are cut short, as ape does."""
    registry: ABIRegistry = shared.copy()  # type: ignore[no-untyped-call]
    registry.unregister_decoder("uint")
    is_uint = BaseEquals("uint")  # type: ignore[no-untyped-call]
    registry.register_decoder(is_uint, UnsignedIntegerDecoder, label="uint")
    return registry


_decoder = _Decoder(_strict_registry())


def decode(types: Sequence[str], data: bytes, *, strict: bool = True) -> tuple[Any, ...]:
    """The values of ABI-encoded data.

    :param strict: whether padding has to be whole and zero, which Solidity does not ask for
    :raises DecodingError: it is too short or malformed, or stands for much more than its length
    """
    try:
        return _decoder.decode(types, data, strict=strict)
    except OverflowError:
        raise DecodingError("an offset that no memory reaches") from None
