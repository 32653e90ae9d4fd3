"""A vault over mock tokens and feeds, and the people around it.

Everything that a test turns is in plain sight: tokens anybody may mint, feeds that answer what they are told, a scripted executor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import ape

WAD = 10**18
FAR = 2**40  # a deadline that no test reaches
ALL = 2**256 - 1  # "all the surplus"
ZERO = "0x0000000000000000000000000000000000000000"
DEAD_SHARES = 10**12

INTERVAL, BAND = 1, 2  # IIndexVault.Trigger


@dataclass(frozen=True, slots=True)
class Terms:
    """IIndexVault.Terms; seconds and WAD."""

    triggers: int = INTERVAL | BAND
    require_all: bool = False
    interval: int = 30 * 86400
    cooldown: int = 3600
    duration: int = 1800
    start_premium: int = WAD // 200
    max_discount: int = WAD // 100
    closing_tolerance: int = WAD // 400
    max_loss: int = WAD // 50
    loss_window: int = 7 * 86400

    def as_tuple(self) -> tuple[Any, ...]:
        """In the order of the contract's struct."""
        return tuple(getattr(self, name) for name in self.__slots__)


@dataclass(frozen=True, slots=True)
class AssetPlan:
    """One asset of a basket to build: WAD prices and targets, whole numbers of decimals."""

    symbol: str
    decimals: int
    price: int
    target: int
    band: int = WAD // 40
    odd: bool = False


SIX_EIGHT_EIGHTEEN = (
    AssetPlan("USD", 6, WAD, WAD // 2),
    AssetPlan("BTC", 8, 90_000 * WAD, WAD // 4),
    AssetPlan("ETH", 18, 3_000 * WAD, WAD // 4),
)


@dataclass(slots=True)
class World:
    """A vault and everything it stands on. Amounts in base units, prices and ratios in WAD."""

    project: Any
    chain: Any
    plans: tuple[AssetPlan, ...]
    terms: Terms
    deployer: Any
    owner: Any
    guardian: Any
    depositor: Any
    keeper: Any
    attacker: Any
    stranger: Any
    tokens: list[Any] = field(default_factory=list)
    feeds: list[Any] = field(default_factory=list)
    oracle: Any = None
    vault: Any = None

    # ------------------------------------------------------------ building

    def build(self) -> "World":
        """Deploy tokens, feeds, oracle and vault; a whole share is worth 100 USD at the first mint."""
        for plan in self.plans:
            contract = self.project.OddToken if plan.odd else self.project.Token
            self.tokens.append(self.deployer.deploy(contract, plan.symbol, plan.decimals))
            self.feeds.append(self.deployer.deploy(self.project.Feed, 8, plan.price // 10**10))
        feeds = [
            (token, feed, 3600 * 24, max(1, plan.price // 100), plan.price * 100)
            for token, feed, plan in zip(self.tokens, self.feeds, self.plans, strict=True)
        ]
        self.oracle = self.deployer.deploy(self.project.PriceOracle, self.owner, feeds)
        self.vault = self.deploy_vault()
        return self

    def deploy_vault(self, **overrides: Any) -> Any:
        """A vault over these tokens; `overrides` are Terms fields, or `oracle`, `owner`, `guardian`, `assets`."""
        named = {name: overrides.pop(name, None) for name in ("oracle", "owner", "guardian", "assets")}
        return self.deployer.deploy(
            self.project.IndexVault,
            "Test Index",
            "TIDX",
            named["owner"] or self.owner,
            named["guardian"] or self.guardian,
            named["oracle"] or self.oracle,
            named["assets"] or self.asset_terms(),
            replace(self.terms, **overrides).as_tuple(),
        )

    def asset_terms(self) -> list[tuple[Any, int, int, int]]:
        """IIndexVault.AssetTerms of every plan."""
        return [
            (token, 100 * plan.target * 10**plan.decimals // plan.price, plan.target, plan.band)
            for token, plan in zip(self.tokens, self.plans, strict=True)
        ]

    # -------------------------------------------------------------- acting

    def fund(self, who: Any, amounts: Sequence[int], vault: Any = None) -> None:
        """Give `who` tokens and approve the vault for exactly them."""
        for token, amount in zip(self.tokens, amounts, strict=True):
            token.mint(who, amount, sender=self.deployer)
            token.approve(vault or self.vault, amount, sender=who)

    def mint(self, who: Any, shares: int, vault: Any = None) -> list[int]:
        """Fund `who` and mint; returns what it cost."""
        vault = vault or self.vault
        amounts = list(vault.preview_mint(shares))
        self.fund(who, amounts, vault)
        vault.mint(shares, who, amounts, FAR, sender=who)
        return amounts

    def set_price(self, index: int, price: int) -> None:
        """Move a feed, with a fresh date; `price` in WAD USD."""
        self.feeds[index].set_answer(price // 10**10, sender=self.deployer)

    def refresh(self) -> None:
        """Post every feed's answer again at the present time."""
        for feed in self.feeds:
            feed.set_answer(feed.answer(), sender=self.deployer)

    def wait(self, seconds: int) -> None:
        """Let time pass; feeds stay fresh."""
        self.chain.pending_timestamp += seconds
        self.chain.mine()
        self.refresh()

    def drifted(self) -> "World":
        """Seed 20,000 shares and double ETH's price: ETH is in surplus, USD and BTC are in deficit."""
        self.mint(self.depositor, 20_000 * WAD)
        self.wait(self.terms.cooldown)
        self.set_price(2, 6_000 * WAD)
        return self

    def opened(self) -> "World":
        """As `drifted`, with the rebalance open."""
        self.drifted()
        self.vault.open_rebalance(sender=self.stranger)
        return self

    # ------------------------------------------------------------- reading

    def value_down(self, index: int, amount: int) -> int:
        """WAD USD at the oracle's price, rounded down."""
        return amount * self.oracle.price(self.tokens[index]) // 10 ** self.plans[index].decimals

    def value_up(self, index: int, amount: int) -> int:
        """WAD USD at the oracle's price, rounded up."""
        return -(-amount * self.oracle.price(self.tokens[index]) // 10 ** self.plans[index].decimals)


def revert(reason: str) -> Any:
    """Expect exactly this revert reason."""
    return ape.reverts(reason)
