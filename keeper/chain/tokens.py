"""What tokens call themselves, and their decimals."""

from collections.abc import Iterable
from dataclasses import dataclass

from keeper.chain import abi
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.reverts import printable
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block


@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20 as it describes itself."""

    address: str
    symbol: str
    decimals: int


def read_tokens(client: Client, addresses: Iterable[str], block: Block, multicall: str) -> dict[str, Token]:
    """The tokens by address; what does not tell its decimals is none and is left out.

    :raises ChainError: the endpoint fails
    """
    wanted = list(dict.fromkeys(addresses))
    reads = [Read(address, function) for address in wanted for function in (abi.Token.symbol, abi.Token.decimals)]
    answers = read_all(client, reads, block, multicall)
    return {
        address: Token(address, symbol_text(symbol, address), decimals.value)
        for address, symbol, decimals in zip(wanted, answers[::2], answers[1::2], strict=True)
        # Whatever a decoder makes of it: nothing is what an address without code answers.
        if not decimals.failed and decimals.data
    }


def symbol_text(answer: Answer, address: str) -> str:
    """A token's symbol, a few of which (MKR) are bytes32; what stands there is foreign text."""
    text = answer.value
    if answer.failed and len(answer.data) == 32:
        text = answer.data.rstrip(b"\0").decode("utf-8", errors="replace")
    return printable(text, 16) if text else f"{address[:6]}…{address[-4:]}"
