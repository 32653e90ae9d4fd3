"""Many reads in one call at one block (Multicall3).

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

# Calls per request: a hundred vaults. What they burn and answer stays below what nodes allow, 50 million gas at the least.
_BATCH = 3_000


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
    answers: list[Answer] = []
    for start in range(0, len(reads), _BATCH):
        answers.extend(_batch(client, reads[start : start + _BATCH], block, multicall, time))
    return answers


def _batch(client: Client, reads: Sequence[Read], block: Block, multicall: str, time: int | None) -> list[Answer]:
    calls = [(multicall, True, abi.Multicall.block_number.encode())]
    calls += [(multicall, True, abi.Multicall.block_timestamp.encode())]
    calls += [(read.target, True, read.function.encode(*read.arguments)) for read in reads]
    try:
        data = client.call(multicall, abi.Multicall.aggregate3.encode(calls), block, time=time)
        results = abi.Multicall.aggregate3.decode(data)
        number = abi.Multicall.block_number.decode(results[0][1])
        seen_time = abi.Multicall.block_timestamp.decode(results[1][1])
    except (Reverted, DecodingError, IndexError):
        raise ChainError(
            f"no Multicall3 answers at {multicall} on chain {client.chain_id} ({client.name}): set multicall"
        ) from None
    if number != block.number or len(results) != len(calls):
        raise ChainError(
            f"{client.name} answered for block {number} when asked for block {block.number}: use another RPC"
        )
    if time is not None and seen_time != time:
        raise ChainError(f"{client.name} ignores the time that eth_call names (block overrides): use another RPC")
    return [_answer(read, success, data) for read, (success, data) in zip(reads, results[2:], strict=True)]


def _answer(read: Read, success: bool, data: bytes) -> Answer:
    if not success:
        return Answer(None, data)
    try:
        return Answer(read.function.decode(data), data)
    except (DecodingError, UnicodeDecodeError):
        return Answer(None, data)
