"""The whole fund as it stands, what it answers to views, and how its tokens move."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fuzz.evm import ZERO
from fuzz.model.auction import Auction, LossBudget, Terms
from fuzz.model.numbers import WAD, Refused, Rules, down, up
from fuzz.model.oracle import Oracle
from fuzz.model.settlement import Valuation
from fuzz.model.shares import DEAD_SHARES, MIN_SEED, Shares
from fuzz.model.targets import Bands, Schedule
from fuzz.model.tokens import Token


@dataclass
class Role:
    """A role that is proposed and accepted."""

    holder: str = ZERO
    proposed: str = ZERO


@dataclass
class State:
    """The fund and all it stands on. `now` is the time of the next transaction."""

    now: int
    address: str
    owner: Role
    guardian: Role
    tokens: dict[str, Token]
    oracles: dict[str, Oracle]
    oracle: Oracle
    assets: list[str]
    units: list[int]  # base units that a whole share costs at the first mint
    schedule: Schedule
    bands: Bands
    auction: Auction
    loss: LossBudget
    shares: Shares
    strategist: Role = field(default_factory=Role)
    keepers: set[str] = field(default_factory=set)
    head_start: int = 0  # s
    is_seeded: bool = False
    is_paused: bool = False
    is_shut_down: bool = False

    @property
    def terms(self) -> Terms:
        """What was fixed at creation."""
        return self.auction.terms

    # ------------------------------------------------------------ reading

    def held(self, asset: str) -> int:
        """M10: base units that belong to the basket.

        :raises Refused: the token does not tell
        """
        balance = self.tokens[asset].balance(self.address)
        return balance - min(balance, self.shares.claimed(asset))

    def held_or_zero(self, asset: str) -> int:
        """As `held`; a token that does not tell holds none."""
        balance = self.tokens[asset].balance_or_zero(self.address)
        return balance - min(balance, self.shares.claimed(asset))

    def targets(self) -> list[int]:
        """WAD, in basket order."""
        return self.schedule.at(self.now)

    def valuation(self, prices: Sequence[int] | None = None, is_dead_zero: bool = False) -> Valuation:
        """The basket at the prices of now, or at others.

        :param is_dead_zero: a token that does not tell holds none
        :raises Refused: a price that is not to be believed, or a token that does not tell
        """
        rules = Rules()
        try:
            prices = self.oracle.prices(self.assets, self.now) if prices is None else prices
        except Refused as refusal:
            rules.also(refusal)
        balances = []
        for asset in self.assets:
            try:
                balances.append(self.held_or_zero(asset) if is_dead_zero else self.held(asset))
            except Refused as refusal:
                rules.also(refusal)
        rules.enforce()
        assert prices is not None
        return Valuation(
            tuple(self.assets),
            tuple(self.tokens[asset].decimals for asset in self.assets),
            tuple(self.targets()),
            tuple(balances),
            tuple(prices),
        )

    def trigger(self, basket: Valuation) -> int:
        """O1; none for an empty basket."""
        if not basket.nav:
            return 0
        return self.auction.trigger(self.now, basket.drift, basket.is_outside(self.bands.bands), self.schedule.start)

    def nav_per_share(self) -> int:
        """WAD USD per whole share, after the fees that are due, rounded down; 0 before the first mint."""
        supply = self.shares.supply(self.now)
        return down(self.valuation().nav * WAD, supply) if supply else 0

    def preview_mint(self, shares: int) -> list[int]:
        """M6."""
        rules = Rules()
        rules.need(shares != 0, "vault: zero shares")
        rules.enforce()
        priced = self.shares.fees.priced(shares) if self.is_seeded else shares
        return [self._cost(priced, index) for index in range(len(self.assets))]

    def preview_redeem(self, shares: int) -> list[int]:
        """M6."""
        supply = self.shares.supply(self.now)
        rules = Rules()
        rules.need(shares != 0, "vault: zero shares")
        rules.need(shares <= supply, "vault: more than supply")
        rules.enforce()
        burned = shares - self.shares.fees.kept(shares)
        return [down(self.held_or_zero(asset) * burned, supply) for asset in self.assets]

    def _cost(self, priced: int, index: int) -> int:
        """M1, S2, S3: base units of an asset."""
        if self.is_seeded:
            return up(self.held(self.assets[index]) * priced, self.shares.supply(self.now))
        amount = up(self.units[index] * (priced + DEAD_SHARES), WAD)
        if amount < MIN_SEED:
            raise Refused({"basket: first mint too small"})
        return amount

    # ---------------------------------------------------------- movements

    @staticmethod
    def _guard(rules: Rules, action: Callable[..., Any], *args: Any) -> None:
        try:
            action(*args)
        except Refused as refusal:
            rules.also(refusal)

    def _pull(self, asset: str, owner: str, amount: int) -> None:
        """M8: what was asked has to arrive; zero is never asked for."""
        if amount == 0:
            return
        token = self.tokens[asset]
        balance = token.balance(self.address)
        token.transfer_from(self.address, owner, self.address, amount)
        if token.balance(self.address) < balance + amount:
            raise Refused({"basket: too little arrived"})

    def _push(self, asset: str, receiver: str, amount: int) -> None:
        """M8: no more than was asked leaves, and hardly less."""
        if amount == 0:
            return
        token = self.tokens[asset]
        balance = token.balance(self.address)
        token.transfer(self.address, receiver, amount)
        left = amount - (balance - token.balance(self.address))
        if not 0 <= left <= min(2, amount // 10_000):
            raise Refused({"basket: transfer failed"})

    def _pay_or_owe(self, asset: str, owner: str, receiver: str, amount: int) -> None:
        """M9: nothing that the token does is an error, and what did not leave, but for dust, becomes a claim."""
        if amount == 0:
            return
        token = self.tokens[asset]
        balance = token.balance_or_zero(self.address)
        with suppress(Refused):
            token.transfer(self.address, receiver, amount)
        short = amount - (balance - token.balance_or_zero(self.address))
        if short > min(2, amount // 10_000):
            self.shares.claims[owner, asset] += short
