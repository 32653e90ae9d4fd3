"""The whole fund, action by action, as SPECIFICATION.md tells it: a second implementation that shares no line with the first.

An action changes the model and answers what the contract has to answer, or raises `Refused` with every reason that the contract
may give; then the model is half changed and whoever called throws it away (see `World.both`).
"""

from collections.abc import Sequence

from fuzz.evm import ZERO
from fuzz.model.custody import Custody
from fuzz.model.numbers import Refused, Rules
from fuzz.model.shares import MAX_SUPPLY, Fees
from fuzz.model.state import Role
from fuzz.model.targets import Rails

MAX_ASSETS = 20
MAX_DECIMALS = 27


class Vault(Custody):
    """The fund with its owner, guardian and strategist. Every call names its caller, who may be somebody else."""

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

    def _fund_owner_only(self, caller: str) -> Rules:
        rules = Rules()
        rules.need(caller == self.owner.holder, "rebalancer: not owner")
        return rules

    def _owner_only(self, caller: str) -> Rules:
        rules = Rules()
        rules.need(caller == self.owner.holder, "ownable: caller is not the owner")
        return rules
