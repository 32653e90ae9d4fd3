"""A vault's life in synthetic logs, for tests that need no chain."""

import random
from collections.abc import Iterable, Mapping, Sequence
from itertools import count
from typing import Any, NamedTuple

from eth_abi.abi import encode
from eth_utils.conversions import to_hex
from eth_utils.crypto import keccak
from fake_chain import address
from hypothesis import strategies as st

from keeper.chain import abi
from keeper.chain.abi import Event
from keeper.report import pricing
from keeper.report.books import Books, of_vault
from keeper.report.costs import cost
from keeper.report.decode import decode
from keeper.report.lots import Method
from keeper.report.path import holdings_at, walk
from keeper.report.performance import Performance, measure
from keeper.report.pricing import Counted, value_down, value_up
from keeper.report.records import Deed, Filled, Story
from keeper.report.states import PoolTerms, Receipt, State

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
PRICE = st.integers(1, 10**23)
AMOUNT = st.integers(1, 10**21)


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


def told(logs: Logs, last: int, basket: tuple[str, ...] = (A, B)) -> Story:
    """What the logs tell, up to block `last`."""
    found = decode(logs.found, VAULT, REBALANCER, basket, logs.times)
    return story_of(found.deeds, last, found.transfers, basket)


def filled(logs: Logs) -> Filled:
    """The one thing that the logs tell: a fill."""
    (fill,) = fills_of(told(logs, 9))
    return fill


def fills_of(story: Story) -> list[Filled]:
    return [deed for deed in story.deeds if isinstance(deed, Filled)]


def counted(story: Story, prices: Mapping[int, Mapping[str, int]]) -> dict[tuple[int, int], Counted]:
    """All fills at the prices of their blocks."""
    return {
        (fill.place.block, fill.place.index): pricing.count(
            fill, VAULT, DECIMALS, {token: (price,) for token, price in prices[fill.place.block].items()}
        )
        for fill in fills_of(story)
    }


class Quarter(NamedTuple):
    performance: Performance
    books: Books
    story: Story


def quarter(symbols: Mapping[str, str] = SYMBOLS) -> Quarter:
    """Ninety days of three assets whose prices wander, kept within bands of 2 %, with a fee a week, a mint and a redemption."""
    dice, logs, pool = random.Random(7), Logs(), address("pool")
    held = {A: 20 * WAD, B: 40_000 * 10**6, C: 66_666_666}
    prices = {A: 2_000 * WAD, B: WAD, C: 60_000 * WAD}
    supply = 1_000 * WAD + 10**16
    logs.tx(1, "seed").seed(held, 1_000 * WAD)
    states = [state_of(1, dict(prices), dict(held), supply)]
    for day in range(1, 91):
        block = 1 + 7_200 * day
        for token, spread in ((A, 0.028), (C, 0.024)):
            prices[token] = prices[token] * round(1e9 * (1 + dice.gauss(0, spread))) // 10**9
        logs.tx(block, f"day {day}")
        if day % 7 == 0:
            logs.move(VAULT, NOBODY, RECIPIENT, supply // 5_200).log(
                VAULT, abi.Vault.streaming_fee, RECIPIENT, supply // 5_200
            )
            supply += supply // 5_200
        if day in (30, 60):
            _come_or_go(logs, held, supply // 10, supply, comes=day == 30)
            supply += supply // 10 * (1 if day == 30 else -1)
        worth = {token: value_down(held[token], prices[token], DECIMALS[token]) for token in held}
        target = sum(worth.values()) // 3
        over, under = max(worth, key=worth.__getitem__), min(worth, key=worth.__getitem__)
        if max(worth[over] - target, target - worth[under]) * 50 > sum(worth.values()):
            moved = min(worth[over] - target, target - worth[under])
            sold = moved * 10 ** DECIMALS[over] // prices[over]
            bought = moved * (10_000 - dice.randint(4, 35)) // 10_000 * 10 ** DECIMALS[under] // prices[under]
            value_out = value_up(sold, prices[over], DECIMALS[over])
            logs.fill((over, sold), (under, bought), value_out, value_down(bought, prices[under], DECIMALS[under]))
            held[over] -= sold
            held[under] += bought
        states.append(state_of(block, dict(prices), dict(held), supply))
    story = told(logs, states[-1].block, (A, B, C))
    of_fills = counted(story, {state.block: {t: state.price(t) for t in held} for state in states})
    path, by_block = walk(story, states, of_fills, DECIMALS), {state.block: state for state in states}
    fills = []
    for step in path.steps:
        if not isinstance(step.deed, Filled):
            continue
        place, fill = step.deed.place, of_fills[step.deed.place.block, step.deed.place.index]
        ((sold_token, sold),), ((bought_token, bought),) = fill.sold.items(), fill.bought.items()
        swaps = ((pool, sold_token, bought_token, sold, bought * 10_002 // 10_000),)
        gas = Receipt(place.tx, place.block, place.block_hash, True, KEEPER, 400_000, 10**9, 0, {}, swaps)
        values = [step.deed.value_out]
        pools = {pool: PoolTerms("uniswap_v3", 5 * 10**14)}
        at = by_block[place.block].prices
        fills.append(cost(step.deed, fill, step.nav_change, values, 0, gas, pools, at, DECIMALS, 3_000 * WAD))
    found = measure(story, states, path, fills, [], symbols, DECIMALS)
    return Quarter(found, of_vault(story, by_block, of_fills, DECIMALS, Method.FIFO), story)


def _come_or_go(logs: Logs, held: dict[str, int], shares: int, supply: int, comes: bool) -> None:
    """Bob mints, or Alice redeems, so many of the shares in kind."""
    for token, there in list(held.items()):
        amount = -(-there * shares // supply) if comes else there * shares // supply
        logs.move(token, *((BOB, VAULT) if comes else (VAULT, ALICE)), amount)
        held[token] = there + (amount if comes else -amount)
    if comes:
        logs.move(VAULT, NOBODY, BOB, shares).log(VAULT, abi.Vault.minted, BOB, BOB, shares, 0)
    else:
        logs.move(VAULT, ALICE, NOBODY, shares).log(VAULT, abi.Vault.redeemed, ALICE, ALICE, shares, 0)


def life(actions: Iterable[tuple[str, int]]) -> Logs:
    """Alice's seed in block 1, then an action in each block: kind and amount."""
    logs = Logs().tx(1, "seed").seed({A: 10**21, B: 10**12}, 1_000 * WAD)
    for block, (kind, amount) in enumerate(actions, start=2):
        logs.tx(block, f"{kind} {block}")
        match kind:
            case "mint":
                logs.move(VAULT, NOBODY, RECIPIENT, 1).log(VAULT, abi.Vault.streaming_fee, RECIPIENT, 1)
                logs.move(A, ALICE, VAULT, amount).move(B, ALICE, VAULT, 3)
                logs.move(VAULT, NOBODY, RECIPIENT, 2).move(VAULT, NOBODY, ALICE, amount)
                logs.log(VAULT, abi.Vault.minted, ALICE, ALICE, amount, 2)
            case "redeem":
                logs.move(VAULT, ALICE, NOBODY, 5).move(A, VAULT, ALICE, 1 + amount % 10**9)
                logs.log(VAULT, abi.Vault.claim_made, ALICE, B, 1).log(VAULT, abi.Vault.redeemed, ALICE, ALICE, 5, 0)
            case "fill":
                logs.fill((A, 1 + amount % 10**15), (B, 1 + amount % 10**6), 7, 6)
            case "gift":
                logs.move(A, BOB, VAULT, amount)
            case "transfer":
                logs.move(VAULT, ALICE, BOB, 3)
    return logs


ACTIONS = st.lists(st.tuples(st.sampled_from(["mint", "redeem", "fill", "gift", "transfer"]), AMOUNT), max_size=10)


def lived(
    actions: Iterable[tuple[str, int]], prices: Sequence[int]
) -> tuple[Story, list[State], dict[tuple[int, int], Counted]]:
    """A story, its states and its fills, with prices that go round."""
    logs = life(actions)
    last = len(actions) + 2
    story = told(logs, last)
    states = []
    for block in range(1, last + 1):
        holdings = holdings_at(story, block)
        at = {A: prices[block % len(prices)], B: prices[(block + 1) % len(prices)]}
        due = holdings.total + (block % 3) * 10**6
        states.append(state_of(block, at, {A: holdings.held(A), B: holdings.held(B)}, due))
    return story, states, counted(story, {state.block: state.prices for state in states})
