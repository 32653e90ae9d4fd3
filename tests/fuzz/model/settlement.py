"""What a fill has to satisfy (R1 to R11), in integers, from before and after."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from fuzz.model.numbers import WAD, Rules, down, up


@dataclass(frozen=True)
class Valuation:
    """A basket at one set of prices, in basket order; base units, WAD USD per whole token, WAD USD rounded down."""

    assets: tuple[str, ...]
    decimals: tuple[int, ...]
    targets: tuple[int, ...]
    balances: tuple[int, ...]
    prices: tuple[int, ...]

    @property
    def values(self) -> list[int]:
        """WAD USD, each rounded down."""
        return [
            down(balance * price, 10**decimals)
            for balance, price, decimals in zip(self.balances, self.prices, self.decimals, strict=True)
        ]

    @property
    def nav(self) -> int:
        """WAD USD."""
        return sum(self.values)

    @property
    def weights(self) -> list[int]:
        """WAD, rounded down; zeros for an empty basket."""
        nav = self.nav
        return [down(value * WAD, nav) if nav else 0 for value in self.values]

    @property
    def drift(self) -> int:
        """Half the sum of |weight - target|, WAD, rounded down once."""
        nav = self.nav
        if not nav:
            return 0
        off = sum(abs(value * WAD - target * nav) for value, target in zip(self.values, self.targets, strict=True))
        return down(off, 2 * nav)

    def is_outside(self, bands: Sequence[int]) -> bool:
        """Whether a weight is further from its target than its band."""
        nav = self.nav
        return any(
            abs(value * WAD - target * nav) > band * nav
            for value, target, band in zip(self.values, self.targets, bands, strict=True)
        )

    def surplus(self, index: int) -> int:
        """Base units over target, rounded down."""
        over = self.values[index] - up(self.targets[index] * self.nav, WAD)
        return max(0, down(over * 10 ** self.decimals[index], self.prices[index]))

    def deficit_value(self, index: int) -> int:
        """WAD USD under target, rounded down."""
        return max(0, down(self.targets[index] * self.nav, WAD) - self.values[index])

    def value_up(self, index: int, amount: int) -> int:
        """WAD USD of what leaves."""
        return up(amount * self.prices[index], 10 ** self.decimals[index])

    def value_down(self, index: int, amount: int) -> int:
        """WAD USD of what comes."""
        return down(amount * self.prices[index], 10 ** self.decimals[index])

    def amount_up(self, index: int, value: int) -> int:
        """Base units worth a value at least."""
        return up(value * 10 ** self.decimals[index], self.prices[index])


Legs = Sequence[tuple[str, int]]


def clamp(before: Valuation, sells: Legs, rules: Rules) -> dict[int, int]:
    """R2: what leaves, by place in the basket and in the caller's order."""
    leaving: dict[int, int] = {}
    for asset, amount in sells:
        if not rules.need(asset in before.assets, "rebalance: not an asset"):
            continue
        index = before.assets.index(asset)
        if not rules.need(index not in leaving, "rebalance: duplicate asset"):
            continue
        clamped = min(amount, before.surplus(index))
        if clamped:
            leaving[index] = clamped
    rules.need(bool(leaving), "rebalance: nothing in surplus")
    return leaving


def asked(before: Valuation, leaving: Mapping[int, int], buys: Legs, bound: int, rules: Rules) -> list[tuple[int, int]]:
    """R9: what the pull form takes, as (place, base units) in the caller's order."""
    due = up(sum(before.value_up(index, amount) for index, amount in leaving.items()) * bound, WAD)
    taken: list[tuple[int, int]] = []
    for asset, most in buys:
        if not rules.need(asset in before.assets, "rebalance: not an asset"):
            continue
        index = before.assets.index(asset)
        if not rules.need(not dict(taken).get(index), "rebalance: duplicate asset"):
            continue
        room = up(before.deficit_value(index) * max(bound, WAD), WAD)
        amount = min(most, before.amount_up(index, min(room, due)))
        due -= min(due, before.value_down(index, amount))
        taken.append((index, amount))
    return taken


@dataclass(frozen=True)
class Verdict:
    """What a fill did; WAD USD and WAD."""

    value_out: int
    value_in: int
    drift_before: int
    drift_after: int


def judge(
    before: Valuation,
    after: Valuation,
    leaving: Mapping[int, int],
    bound: int,
    closing_tolerance: int,
    rules: Rules,
) -> Verdict:
    """R3, R4, R6, R7; the loss is the host's to hold against its budget."""
    value_out = value_in = 0
    tolerance = down(closing_tolerance * after.nav, WAD)
    for index, (old, new) in enumerate(zip(before.balances, after.balances, strict=True)):
        wanted = down(before.targets[index] * after.nav, WAD)
        if new < old:
            rules.need(old - new <= leaving.get(index, 0), "vault: balance fell")
            rules.need(after.values[index] >= wanted - tolerance, "rebalance: below target")
            value_out += before.value_up(index, old - new)
        elif new > old and before.deficit_value(index) > 0:
            rules.need(after.values[index] <= wanted + tolerance, "rebalance: above target")
            value_in += before.value_down(index, new - old)
    verdict = Verdict(value_out, value_in, before.drift, after.drift)
    rules.need(value_in >= up(value_out * bound, WAD), "rebalance: value short")
    least = up(value_out * WAD, 2 * before.nav)
    # Strictly more than half: roundings go against the caller.
    rules.need(verdict.drift_before - verdict.drift_after > least, "rebalance: drift did not fall")
    return verdict
