"""What the compiler's optimiser makes of the contracts behaves as what it was given.

The deployed bytecode, that of `-O gas` and that of `-O none` go through the same life, with wrong arguments among the right
ones, and agree on every answer, revert, event and date. A fault of one optimisation shows as a difference.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from eth_utils.address import to_checksum_address
from proofs.levels import ROOT, Different, Twins, creation_code, twins
from vyper.compiler.output import build_abi_output

from scripts.proofs.branches import compile_source

pytestmark = pytest.mark.long

WAD = 10**18
FAR = 2**40
ALL = 2**256 - 1
NOBODY = "0x" + "00" * 20
OWNER, USER, KEEPER = ("0x" + digits * 20 for digits in ("d1", "d2", "d3"))
DECIMALS = (6, 8, 18)
PRICES = (WAD, 90_000 * WAD, 3_000 * WAD)
TARGETS = (WAD // 2, WAD // 4, WAD // 4)
FEED = "(address,address,uint256,uint256,uint256)"
ASSET = "(address,uint256,uint256,uint256)"
TERMS = "(uint256,bool,uint256,uint256,uint256,uint256,uint256,uint256,uint256,uint256)"
FEES = "(address,uint256,uint256,uint256)"
LEG = "(address,uint256)"
REBALANCE = f"rebalance({LEG}[],{LEG}[],address,bytes,uint256)"
STEPS = 40


@pytest.fixture(scope="module")
def chains() -> Iterator[Twins]:
    """A chain for each level, its people funded."""
    with twins() as started:
        started.fund(OWNER, USER, KEEPER)
        yield started


@dataclass(frozen=True, slots=True)
class Fund:
    """A vault over three tokens, its oracle and feeds, the same on all chains."""

    chains: Twins
    tokens: list[str]
    feeds: list[str]
    oracle: str
    vault: str
    rebalancer: str
    views: dict[str, list[str]]

    @classmethod
    def start(cls, chains: Twins) -> "Fund":
        """Deploy everything; user and keeper are rich and have approved the vault."""
        tokens = [chains.deploy(OWNER, "mocks/Token", ["string", "uint8"], f"T{d}", d) for d in DECIMALS]
        feeds = [chains.deploy(OWNER, "mocks/Feed", ["uint8", "int256"], 8, price // 10**10) for price in PRICES]
        rows = [(t, f, 86_400, p // 100, p * 100) for t, f, p in zip(tokens, feeds, PRICES, strict=True)]
        oracle = chains.deploy(OWNER, "PriceOracle", ["address", f"{FEED}[]"], OWNER, rows)
        units = [100 * t * 10**d // p for t, d, p in zip(TARGETS, DECIMALS, PRICES, strict=True)]
        assets = list(zip(tokens, units, TARGETS, [WAD // 40] * 3, strict=True))
        terms = (3, False, 30 * 86_400, 3_600, 1_800, WAD // 200, WAD // 100, WAD // 400, WAD // 50, 7 * 86_400)
        vault = chains.deploy(
            OWNER,
            "IndexVault",
            ["string", "string", "address", "address", "address", f"{ASSET}[]", TERMS, FEES, "address"],
            *("Twin", "TWIN", OWNER, OWNER, oracle, assets, terms, (KEEPER, WAD // 50, WAD // 1_000, WAD // 500)),
            chains.deploy_blueprint(OWNER, "Rebalancer"),
        )
        rebalancer = to_checksum_address("0x" + chains.call(vault, "rebalancer()")[-40:])
        for token in tokens:
            for who in (USER, KEEPER):
                chains.send(OWNER, token, "mint(address,uint256)", who, 10**40)
                chains.send(who, token, "approve(address,uint256)", vault, ALL)
        views = {vault: "IndexVault", rebalancer: "Rebalancer", oracle: "PriceOracle"}
        return cls(chains, tokens, feeds, oracle, vault, rebalancer, {at: views_of(name) for at, name in views.items()})

    def rebalance(self) -> None:
        """A fill that is sure to succeed: the third token doubled, its surplus is sold for the others."""
        self.chains.wait(3_600)
        self.chains.send(OWNER, self.feeds[2], "set_answer(int256)", 2 * PRICES[2] // 10**10)
        opened = self.chains.send(KEEPER, self.vault, "open_rebalance()")
        self.chains.wait(900)
        sells, buys = [(self.tokens[2], ALL)], [(token, ALL) for token in self.tokens[:2]]
        filled = self.chains.send(KEEPER, self.vault, REBALANCE, sells, buys, NOBODY, b"", FAR)
        assert opened["status"] == filled["status"] == "0x1"

    def act(self, rng: random.Random) -> str:
        """One random step; its name, with whether it succeeded."""
        name = rng.choice(
            (
                *("mint", "redeem", "price", "open", "fill", "fill", "wait", "pause", "unpause", "donate", "feed"),
                *("targets", "rails", "fees", "accrue"),
            )
        )
        shares = rng.choice((0, 1, rng.randrange(10**6), rng.randrange(20 * WAD), 100 * WAD))
        i = rng.randrange(3)
        send, legs = self.chains.send, rng.sample(self.tokens, 3)
        deadline = FAR if rng.random() < 0.95 else 1
        match name:
            case "mint":
                most = [10**40 if rng.random() < 0.97 else 1] * 3
                done = send(USER, self.vault, "mint(uint256,address,uint256[],uint256)", shares, USER, most, deadline)
            case "redeem":
                least = [0 if rng.random() < 0.97 else 10**30] * rng.choice((3, 3, 3, 2))
                to = rng.choice((USER, USER, NOBODY))
                done = send(USER, self.vault, "redeem(uint256,address,uint256[],uint256)", shares, to, least, deadline)
            case "price":
                price = PRICES[i] // 10**10 * rng.randrange(60, 160) // 100
                done = send(OWNER, self.feeds[i], "set_answer(int256)", price)
            case "open":
                done = send(KEEPER, self.vault, "open_rebalance()")
            case "fill":
                sells = [(token, rng.choice((ALL, ALL, rng.randrange(10**20)))) for token in legs[:2]]
                buys = [(token, rng.choice((ALL, ALL, rng.randrange(10**20)))) for token in legs]
                done = send(KEEPER, self.vault, REBALANCE, sells, buys, NOBODY, b"", deadline)
            case "wait":
                self.chains.wait(rng.choice((60, 600, 3_600, 40 * 86_400)))
                for feed, price in zip(self.feeds, PRICES, strict=True):
                    done = send(OWNER, feed, "set_answer(int256)", price // 10**10 * rng.randrange(90, 112) // 100)
            case "pause" | "unpause":
                done = send(rng.choice((OWNER, USER)), self.vault, f"{name}()")
            case "targets":
                first = rng.randrange(WAD)
                second = rng.randrange(WAD - first)
                wanted = [first, second, WAD - first - second - (rng.random() < 0.1)]
                start, end = rng.choice(((0, 0), (0, 3 * 10**9), (2 * 10**9, 2 * 10**9 + 10**7)))
                done = send(OWNER, self.rebalancer, "set_targets(uint256[],uint256,uint256)", wanted, start, end)
            case "rails":
                rails = (rng.choice((WAD // 400, WAD // 100)), rng.choice((WAD // 10, WAD // 400)), WAD // 100)
                done = send(OWNER, self.rebalancer, "set_rails((uint256,uint256,uint256))", rails)
            case "fees":
                fees = (KEEPER, *(rng.choice((0, WAD // 100, WAD // 1_000, 1)) for _ in range(3)))
                done = send(OWNER, self.vault, f"set_fees({FEES})", fees)
            case "accrue":
                done = send(KEEPER, self.vault, "accrue_fees()")
            case "donate":
                done = send(USER, self.tokens[i], "transfer(address,uint256)", self.vault, rng.randrange(10**6))
            case _:
                bounds = rng.choice(((1, 2**128 - 1), (PRICES[i] // 100, PRICES[i] * 100), (2, 1)))
                feed = (self.tokens[i], self.feeds[i], rng.choice((0, 60, 86_400)), *bounds)
                done = send(rng.choice((OWNER, KEEPER)), self.oracle, f"set_feed({FEED})", feed)
        return f"{name} {done['status'] == '0x1'}"

    def look(self) -> None:
        """Ask every view that takes no arguments, and the ones that take the basket's."""
        for contract, views in self.views.items():
            for view in views:
                self.chains.call(contract, view)
        for token in self.tokens:
            self.chains.call(self.oracle, "price(address)", token)
            self.chains.call(token, "balanceOf(address)", self.vault)
        for shares in (1, 123_456_789, 7 * WAD):
            self.chains.call(self.vault, "preview_mint(uint256)", shares)
            self.chains.call(self.vault, "preview_redeem(uint256)", shares)


def views_of(name: str) -> list[str]:
    """Signatures of the views of contracts/`name`.vy that take nothing."""
    abi = build_abi_output(compile_source(ROOT, ROOT / "contracts" / f"{name}.vy"))
    return [f"{f['name']}()" for f in abi if f.get("stateMutability") in ("view", "pure") and not f["inputs"]]


@pytest.mark.parametrize("seed", range(3))
def test_life_of_a_fund__at_every_level__is_the_same(chains: Twins, seed: int) -> None:
    fund, rng = Fund.start(chains), random.Random(seed)
    fund.chains.send(USER, fund.vault, "mint(uint256,address,uint256[],uint256)", 1_000 * WAD, USER, [10**40] * 3, FAR)
    fund.rebalance()
    redeemed = fund.chains.send(USER, fund.vault, "redeem(uint256,address,uint256[],uint256)", WAD, USER, [0] * 3, FAR)
    assert redeemed["status"] == "0x1"
    done = []
    for _ in range(STEPS):
        done.append(fund.act(rng))
        fund.look()
    # A life in which nothing succeeds, or nothing fails, compares nothing.
    assert {"mint True", "fill False"} <= set(done)


def test_codes_of_the_levels__differ() -> None:
    for name in ("PriceOracle", "IndexVault", "Rebalancer"):
        codes = {creation_code(ROOT / "contracts" / f"{name}.vy", level) for level in ("production", "none")}
        assert len(codes) == 2


def test_twins__told_of_a_level_that_disagrees__say_so(chains: Twins) -> None:
    token = chains.deploy(OWNER, "mocks/Token", ["string", "uint8"], "ODD", 18)
    next(iter(chains.boxes.values())).send(OWNER, token, "mint(address,uint256)", USER, 1)
    with pytest.raises(Different, match="balanceOf"):
        chains.call(token, "balanceOf(address)", USER)
