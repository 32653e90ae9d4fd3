"""What anybody may do: shares in and out in kind, and rebalances."""

from collections.abc import Callable, Sequence

from fuzz.evm import ZERO
from fuzz.model.numbers import Refused, Rules, down
from fuzz.model.settlement import Legs, Valuation, Verdict, asked, clamp, judge
from fuzz.model.shares import DEAD, DEAD_SHARES
from fuzz.model.state import State


class Custody(State):
    """Mint, redeem, claim, open, fill. Each answers what the contract has to, or refuses."""

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

    def _need_running(self, rules: Rules) -> None:
        rules.need(not self.is_shut_down, "vault: shut down")
        rules.need(not self.is_paused, "vault: paused")
