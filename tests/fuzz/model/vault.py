"""The whole fund, action by action, as SPECIFICATION.md tells it: a second implementation that shares no line with the first.

An action changes the model and answers what the contract has to answer, or raises `Refused` with every reason that the contract
may give; then the model is half changed and whoever called throws it away (see `World.both`).
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from fuzz.evm import ZERO
from fuzz.model.auction import Auction, LossBudget, Terms
from fuzz.model.numbers import WAD, Refused, Rules, down, up
from fuzz.model.oracle import Oracle
from fuzz.model.settlement import Legs, Valuation, Verdict, asked, clamp, judge
from fuzz.model.shares import DEAD, DEAD_SHARES, MAX_SUPPLY, MIN_SEED, Fees, Shares
from fuzz.model.targets import Bands, Rails, Schedule
from fuzz.model.tokens import Token

MAX_ASSETS = 20
MAX_DECIMALS = 27
NOT_OWNER = "ownable: caller is not the owner"


@dataclass
class Role:
    """A role that is proposed and accepted."""

    holder: str = ZERO
    proposed: str = ZERO


@dataclass
class Vault:
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

    # ------------------------------------------------------------- shares

    def _request(self, shares: int, receiver: str, limits: Sequence[int], deadline: int) -> Rules:
        rules = Rules()
        rules.need(self.now <= deadline, "vault: expired")
        rules.need(shares != 0, "vault: zero shares")
        rules.need(receiver not in (ZERO, self.address), "vault: bad receiver")
        rules.need(len(limits) == len(self.assets), "vault: wrong number of amounts")
        return rules

    def mint(self, caller: str, shares: int, receiver: str, maxima: Sequence[int], deadline: int) -> list[int]:
        """M1, M2, S2, S3: base units taken."""
        rules = self._request(shares, receiver, maxima, deadline)
        self._need_running(rules)
        rules.enforce()
        self.shares.accrue(self.now)
        # The first mint pays no fee.
        priced = self.shares.fees.priced(shares) if self.is_seeded else shares
        amounts = []
        for index, (asset, most) in enumerate(zip(self.assets, maxima, strict=True)):
            try:
                amounts.append(self._cost(priced, index))
                rules.need(amounts[-1] <= most, "vault: amount over maximum")
                self._pull(asset, caller, amounts[-1])
            except Refused as refusal:
                rules.also(refusal)
        if not self.is_seeded:
            self.shares.make(DEAD, DEAD_SHARES)
            self.is_seeded = True
        self.shares.make(receiver, shares)
        self.shares.make(self.shares.fees.recipient, priced - shares)
        rules.need(self.shares.total <= self.shares.cap, "vault: over supply cap")
        rules.enforce()
        return amounts

    def redeem(self, caller: str, shares: int, receiver: str, minima: Sequence[int], deadline: int) -> list[int]:
        """M3, M5, M9: base units paid or claimed."""
        rules = self._request(shares, receiver, minima, deadline)
        rules.enforce()
        supply = self.shares.accrue(self.now)
        kept = self.shares.fees.kept(shares)
        if kept:
            rules = self.shares.move(caller, self.shares.fees.recipient, kept)
        rules.need(self.shares.balances[caller] >= shares - kept, "erc20: burn amount exceeds balance")
        rules.enforce()
        self.shares.burn(caller, shares - kept)
        amounts = []
        for asset, least in zip(self.assets, minima, strict=True):
            amount = down(self.held_or_zero(asset) * (shares - kept), supply)
            rules.need(amount >= least, "vault: amount under minimum")
            self._pay_or_owe(asset, caller, receiver, amount)
            amounts.append(amount)
        rules.enforce()
        return amounts

    def claim(self, caller: str, asset: str, receiver: str) -> int:
        """M10: base units paid."""
        amount = self.shares.claims[caller, asset]
        rules = Rules()
        rules.need(receiver not in (ZERO, self.address), "vault: bad receiver")
        rules.need(amount != 0, "basket: nothing to claim")
        rules.enforce()
        self.shares.claims[caller, asset] = 0
        self._push(asset, receiver, amount)
        return amount

    def transfer(self, caller: str, receiver: str, shares: int) -> None:
        """S1."""
        self.shares.move(caller, receiver, shares).enforce()

    def transfer_from(self, caller: str, owner: str, receiver: str, shares: int) -> None:
        """S1."""
        allowed = self.shares.allowances[owner, caller]
        rules = Rules()
        rules.need(allowed >= shares, "erc20: insufficient allowance")
        rules.broken |= self.shares.move(owner, receiver, shares).broken
        rules.enforce()
        self.shares.allowances[owner, caller] = allowed - shares

    # --------------------------------------------------------- rebalances

    def open_rebalance(self) -> int:
        """O2: the reasons that held."""
        rules = Rules()
        self._need_running(rules)
        rules.need(not self.auction.is_open(self.now), "auction: already open")
        try:
            basket = self.valuation()
        except Refused as refusal:
            rules.also(refusal)
            rules.enforce()
            raise
        return self._open(basket, rules)

    def _open(self, basket: Valuation, rules: Rules) -> int:
        reason = self.trigger(basket)
        rules.need(reason != 0, "auction: no trigger holds")
        self._guard(rules, self.auction.check_cool, self.now)
        rules.enforce()
        self.auction.opened_at = self.now
        return reason

    def rebalance(
        self,
        caller: str,
        sells: Legs,
        buys: Legs,
        executor: str,
        deadline: int,
        on_rebalance: Callable[[], None] = lambda: None,
    ) -> Verdict:
        """R1 to R11: what the fill did. `on_rebalance` does to this model what the executor does to the chain."""
        rules = Rules()
        rules.need(self.now <= deadline, "vault: expired")
        self._need_running(rules)
        try:
            before = self.valuation()
        except Refused as refusal:
            rules.also(refusal)
            rules.enforce()
            raise
        if not self.auction.is_open(self.now):
            self._open(before, rules)
        is_early = self.now < self.auction.opened_at + self.head_start
        rules.need(not is_early or caller in self.keepers, "keepers: head start")
        bound = self.auction.bound(self.now)
        leaving = clamp(before, sells, rules)
        is_pull = executor == ZERO
        taken = asked(before, leaving, buys, bound, rules)
        rules.enforce()
        if is_pull:
            for index, amount in taken:
                self._guard(rules, self._pull, self.assets[index], caller, amount)
        for index, amount in leaving.items():
            self._guard(rules, self._push, self.assets[index], caller if is_pull else executor, amount)
        rules.enforce()
        supply = self.shares.total
        if not is_pull:
            on_rebalance()
        rules.need(self.shares.total == supply, "vault: supply changed")
        after = self.valuation(before.prices)
        if not is_pull:
            for asset, least in buys:
                index = before.assets.index(asset)
                rules.need(after.balances[index] >= before.balances[index] + least, "rebalance: bought too little")
        verdict = judge(before, after, leaving, bound, self.terms.closing_tolerance, rules)
        total = self.loss.after(verdict.value_out, verdict.value_in, before.nav, self.now)
        if total is not None:
            rules.need(total <= self.loss.max_loss, "loss: budget exceeded")
        rules.enforce()
        if total is not None:
            self.loss.record(total, self.now)
        if verdict.drift_after <= self.terms.closing_tolerance:
            self.auction.complete(self.now, self.schedule.end)
        return verdict

    # -------------------------------------------------------- the vault's owner

    def accrue_fees(self) -> int:
        """The supply with what was due."""
        return self.shares.accrue(self.now)

    def set_fees(self, caller: str, fees: Fees) -> None:
        """What is due under the old ones is made first."""
        rules = self._owner_only(caller)
        rules.need(not self.is_shut_down, "vault: shut down")
        rules.broken |= fees.check(self.address).broken
        rules.enforce()
        self._change_fees(fees)

    def _change_fees(self, fees: Fees) -> None:
        self.shares.accrue(self.now)
        self.shares.fees = fees

    def set_supply_cap(self, caller: str, cap: int) -> None:
        """Up to which supply a mint may go."""
        rules = self._owner_only(caller)
        rules.need(cap <= MAX_SUPPLY, "vault: cap too large")
        rules.enforce()
        self.shares.cap = cap

    def shut_down(self, caller: str) -> None:
        """Redeem and claim alone, for good, and no more fees."""
        rules = self._owner_only(caller)
        rules.need(not self.is_shut_down, "vault: shut down")
        rules.enforce()
        self.is_shut_down = True
        self.auction.end(self.now)
        self._change_fees(Fees())

    def add_asset(self, caller: str, asset: str) -> None:
        """Last in the basket, at target zero."""
        rules = self._owner_only(caller)
        rules.need(self.is_seeded, "vault: not seeded")
        rules.need(asset not in self.assets, "basket: duplicate asset")
        if rules.need(asset in self.tokens, "basket: bad asset"):
            rules.need(self.tokens[asset].decimals <= MAX_DECIMALS, "basket: too many decimals")
            self._guard(rules, self.oracle.price, asset, self.now)
        rules.need(len(self.assets) < MAX_ASSETS, "basket: too many assets")
        rules.enforce()
        self.assets.append(asset)
        self.schedule.add()
        self.bands.add()

    def remove_asset(self, caller: str, asset: str) -> None:
        """Of which nothing is wanted and hardly anything held; the last takes its place."""
        rules = self._owner_only(caller)
        rules.need(self.is_seeded, "vault: not seeded")
        rules.need(len(self.assets) > 2, "basket: fewer than two assets")
        if rules.need(asset in self.assets, "basket: not an asset"):
            index = self.assets.index(asset)
            try:
                basket = self.valuation(is_dead_zero=True)
                rules.need(basket.values[index] * 10**6 <= basket.nav, "rebalancer: still held")
            except Refused as refusal:
                rules.also(refusal)
            rules.need(not self.schedule.is_wanted(index, self.now), "targets: not zero")
        rules.enforce()
        last = self.assets.pop()
        if index < len(self.assets):
            self.assets[index] = last
        self.schedule.remove(index)
        self.bands.remove(index)

    # --------------------------------------------------- the rebalancer's owner

    def set_targets(self, caller: str, targets: Sequence[int], start: int, end: int) -> None:
        """From the targets of now in a straight line."""
        rules = self._fund_owner_only(caller)
        rules.broken |= self.schedule.check(targets, start, end, self.now, self.terms.duration).broken
        rules.enforce()
        self.schedule.change(targets, start, end, self.now)
        if self.schedule.start == self.now:
            self.auction.end(self.now)
        self.auction.targets_pending = True

    def set_rails(self, caller: str, rails: Rails) -> None:
        """How far and how fast a strategist may go."""
        rules = self._fund_owner_only(caller)
        rules.broken |= rails.check(self.terms.closing_tolerance).broken
        rules.enforce()
        self.bands.set_rails(rails, self.now)

    def set_bands(self, caller: str, bands: Sequence[int]) -> None:
        """By the strategist."""
        rules = self.bands.check(bands, self.now)
        rules.need(caller == self.strategist.holder, "rebalancer: not strategist")
        rules.enforce()
        self.bands.change(bands, self.now)

    def set_keepers(self, caller: str, accounts: Sequence[str], allowed: bool) -> None:
        """Who may fill first."""
        self._fund_owner_only(caller).enforce()
        self.keepers = self.keepers | set(accounts) if allowed else self.keepers - set(accounts)

    def set_head_start(self, caller: str, seconds: int) -> None:
        """For how long."""
        rules = self._fund_owner_only(caller)
        rules.need(2 * seconds <= self.terms.duration, "keepers: head start too long")
        rules.enforce()
        self.head_start = seconds

    def set_oracle(self, caller: str, oracle: str) -> None:
        """It has to price the basket; an open rebalance ends."""
        rules = self._fund_owner_only(caller)
        if rules.need(oracle in self.oracles, "rebalancer: oracle has no code"):
            self._guard(rules, self.oracles[oracle].prices, self.assets, self.now)
        rules.enforce()
        self.auction.end(self.now)
        self.oracle = self.oracles[oracle]

    # -------------------------------------------------------------- roles

    def pause(self, caller: str) -> None:
        """A2."""
        rules = Rules()
        rules.need(caller in (self.owner.holder, self.guardian.holder), "vault: not guardian")
        self._need_running(rules)
        rules.enforce()
        self.is_paused = True
        self.auction.end(self.now)

    def unpause(self, caller: str) -> None:
        """A1."""
        rules = self._owner_only(caller)
        rules.need(self.is_paused, "vault: not paused")
        rules.enforce()
        self.is_paused = False

    def grant(self, caller: str, role: str, proposed: str) -> None:
        """The owner proposes somebody as owner, guardian or strategist."""
        rules = self._fund_owner_only(caller) if role == "strategist" else self._owner_only(caller)
        rules.enforce()
        getattr(self, role).proposed = proposed

    def accept(self, caller: str, role: str) -> None:
        """Who was proposed takes the role."""
        found: Role = getattr(self, role)
        rules = Rules()
        reason = "ownable_2step: caller is not the new owner" if role == "owner" else "role: not proposed"
        rules.need(caller == found.proposed, reason)
        rules.enforce()
        found.holder, found.proposed = caller, ZERO

    def revoke(self, caller: str, role: str) -> None:
        """The owner takes a role and any proposal away at once."""
        rules = self._fund_owner_only(caller) if role == "strategist" else self._owner_only(caller)
        rules.enforce()
        found: Role = getattr(self, role)
        found.holder = found.proposed = ZERO

    def _need_running(self, rules: Rules) -> None:
        rules.need(not self.is_shut_down, "vault: shut down")
        rules.need(not self.is_paused, "vault: paused")

    def _fund_owner_only(self, caller: str) -> Rules:
        rules = Rules()
        rules.need(caller == self.owner.holder, "rebalancer: not owner")
        return rules

    def _owner_only(self, caller: str) -> Rules:
        rules = Rules()
        rules.need(caller == self.owner.holder, NOT_OWNER)
        return rules

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
