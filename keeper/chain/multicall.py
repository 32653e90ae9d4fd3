"""Many reads in one request at one block (Multicall3).

Every batch runs at the block's hash and asks the block number along with the rest, so that an answer that does not
belong to the block is refused instead of mixed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from keeper.chain import abi
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import Block
from keeper.errors import ChainError

# Calls per eth_call: keeps its gas and the size of its answer far below what nodes allow. More go as a batch of them.
_BATCH = 600
# What each call is asked along with the rest.
_SEEN = (abi.Multicall.block_number, abi.Multicall.block_timestamp)


@dataclass(frozen=True, slots=True)
class Read:
    """One view function of one contract."""

    target: str
    function: abi.Function
    arguments: tuple[object, ...] = ()


@dataclass(frozen=True, slots=True)
class Answer:
    """What a read gave: `value`, or None and the raw `data` of a revert or of an answer of another shape."""

    value: Any
    data: bytes

    @property
    def failed(self) -> bool:
        """Whether there is no value."""
        return self.value is None


def read_all(
    client: Client, reads: Sequence[Read], block: Block, multicall: str, time: int | None = None
) -> list[Answer]:
    """Every read's answer at `block`, in order; a read that reverts is an answer without a value.

    :param time: unix s to read the block's state at, in place of its own time: what the state will be by then
    :raises ChainError: no Multicall3 at that address, or a node that answered for another block or another time
    """
    if not reads:
        return []
    batches = [reads[start : start + _BATCH] for start in range(0, len(reads), _BATCH)]
    head = [(multicall, True, function.encode()) for function in _SEEN]
    calldata = [
        abi.Multicall.aggregate3.encode(
            [*head, *((read.target, True, read.function.encode(*read.arguments)) for read in batch)]
        )
        for batch in batches
    ]
    no_multicall = ChainError(
        f"no Multicall3 answers at {multicall} on chain {client.chain_id} ({client.name}): set multicall"
    )
    try:
        returned = client.call_all(multicall, calldata, block, time)
    except Reverted:
        raise no_multicall from None
    answers: list[Answer] = []
    for batch, data in zip(batches, returned, strict=True):
        try:
            results = abi.Multicall.aggregate3.decode(data)
            number, seen_time = (function.decode(result) for function, (_, result) in zip(_SEEN, results, strict=False))
        except (DecodingError, ValueError):
            raise no_multicall from None
        if number != block.number or len(results) != len(_SEEN) + len(batch):
            raise ChainError(
                f"{client.name} answered for block {number} when asked for block {block.number}: use another RPC"
            )
        if time is not None and seen_time != time:
            raise ChainError(f"{client.name} ignores the time that eth_call names (block overrides): use another RPC")
        answers += [
            _answer(read, success, found) for read, (success, found) in zip(batch, results[len(_SEEN) :], strict=True)
        ]
    return answers


def _answer(read: Read, success: bool, data: bytes) -> Answer:
    if not success:
        return Answer(None, data)
    try:
        return Answer(read.function.decode(data), data)
    except (DecodingError, OverflowError, UnicodeDecodeError):
        return Answer(None, data)
