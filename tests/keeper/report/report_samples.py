"""A vault's life in synthetic logs, for tests that need no chain."""

from itertools import count
from typing import Any

from eth_abi.abi import encode
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from fake_chain import address

from keeper.chain import abi
from keeper.chain.abi import Event
from keeper.report.records import Deed, Story
from keeper.report.states import State

WAD = 10**18
NOBODY = "0x" + "0" * 40
DEAD = "0x000000000000000000000000000000000000dEaD"
VAULT, REBALANCER, ORACLE = (address(name) for name in ("vault", "rebalancer", "oracle"))
A, B, C = (address(name) for name in ("token a", "token b", "token c"))
ALICE, BOB, KEEPER, EXECUTOR, RECIPIENT = (
    address(name) for name in ("alice", "bob", "keeper", "executor", "recipient")
)
DECIMALS = {A: 18, B: 6, C: 8, VAULT: 18}
SYMBOLS = {A: "AAA", B: "BBB", C: "CCC", VAULT: "SHARE"}
START = 1_700_000_000


def hash_of(number: int, fork: str = "") -> str:
    """A block's hash."""
    return to_hex(keccak(text=f"block {number}{fork}"))


class Logs:
    """Writes logs as a node gives them; a block is twelve seconds."""

    def __init__(self, fork: str = ""):
        self.found: list[dict[str, Any]] = []
        self._fork = fork
        self._index = count()
        self._at = (1, "tx")

    def tx(self, block: int, name: str) -> "Logs":
        """What follows is logged by this transaction."""
        self._at = (block, name)
        return self

    def log(self, source: str, event: Event, *values: object) -> "Logs":
        block, name = self._at
        indexed = [to_hex(encode([event.inputs[i]], [values[i]])) for i in event.indexed]
        rest = [(kind, values[i]) for i, kind in enumerate(event.inputs) if i not in event.indexed]
        self.found.append(
            {
                "address": source.lower(),
                "topics": [to_hex(event.topic), *indexed],
                "data": to_hex(encode([kind for kind, _ in rest], [value for _, value in rest])),
                "blockNumber": hex(block),
                "blockHash": hash_of(block, self._fork),
                "transactionHash": to_hex(keccak(text=name)),
                "logIndex": hex(next(self._index)),
            }
        )
        return self

    def move(self, token: str, sender: str, receiver: str, amount: int) -> "Logs":
        return self.log(token, abi.Token.transferred, sender, receiver, amount)

    def seed(self, amounts: dict[str, int], shares: int) -> "Logs":
        """The first mint, by Alice."""
        for token, amount in amounts.items():
            self.move(token, ALICE, VAULT, amount)
        self.move(VAULT, NOBODY, DEAD, 10**16).move(VAULT, NOBODY, ALICE, shares)
        return self.log(VAULT, abi.Vault.minted, ALICE, ALICE, shares, 0)

    def fill(self, sold: tuple[str, int], bought: tuple[str, int], value_out: int, value_in: int) -> "Logs":
        self.move(sold[0], VAULT, EXECUTOR, sold[1]).move(bought[0], EXECUTOR, VAULT, bought[1])
        return self.log(REBALANCER, abi.Rebalancer.rebalanced, KEEPER, EXECUTOR, value_out, value_in, 500, 100)

    @property
    def times(self) -> dict[str, int]:
        return {each["blockHash"]: START + 12 * int(each["blockNumber"], 16) for each in self.found}


def story_of(
    deeds: tuple[Deed, ...], last: int, transfers: tuple[Any, ...] = (), basket: tuple[str, ...] = (A, B)
) -> Story:
    return Story(VAULT, REBALANCER, 1, last, hash_of(last), (A, B, C), basket, deeds, transfers, ((0, ORACLE),))


def state_of(
    block: int, prices: dict[str, int | None], held: dict[str, int], supply: int, nav: int | None = None
) -> State:
    """A state of a basket of what is held, at equal targets."""
    worth = sum(amount * (prices[token] or 0) // 10 ** DECIMALS[token] for token, amount in held.items())
    return State(
        block=block,
        block_hash=hash_of(block),
        time=START + 12 * block,
        basket=tuple(held),
        held=tuple(held.values()),
        targets=(WAD // len(held),) * len(held),
        bands=(WAD // 50,) * len(held),
        prices=prices,
        supply=supply,
        total_supply=supply,
        nav=worth if nav is None else nav,
        nav_per_share=worth * WAD // supply if supply else 0,
        native_price=3_000 * WAD,
    )
