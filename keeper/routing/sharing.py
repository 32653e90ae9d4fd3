"""Who sells and buys how much, when several vaults trade with each other at oracle prices and share one route. Pure.

Of every token, what the vaults sell less what they buy is what the route sells less what it buys. Every vault gives, at
oracle prices, more than it gets by its part of the route's cost: as much of it as its outside turnover is of all outside
turnover, where of a token that is traded outside all who are on that side trade the same part outside. Where that is more
than a vault takes, the others bear the rest in the same way. Among the amounts for which this holds, those nearest to what
the vaults want, by least squares over the parts of it that are left undone: so there is one answer, the same in whatever
order the vaults are given.

Solved in floats, then balanced in exact integers, so that rounding costs nobody more than a base unit of each token.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import lsq_linear  # type: ignore[import-untyped]

_Floats = npt.NDArray[np.float64]

# Values here are in units of 1e-18 WAD USD.
_FINE = 10**18
_ROUNDS = 8
# How much more a balance counts than what is left undone; and the share of everything by which floats may then miss it.
_STIFF = 1e5
_FLOAT = 1e-6
_SNAP = 1e-8


@dataclass(frozen=True, slots=True)
class Part:
    """What one vault sells, and what it gets from the others and from the swaps, in base units."""

    sold: Mapping[str, int]
    inside: Mapping[str, int]
    outside: Mapping[str, int]

    def bought(self) -> dict[str, int]:
        """What arrives in all."""
        tokens = self.inside.keys() | self.outside.keys()
        return {token: self.inside.get(token, 0) + self.outside.get(token, 0) for token in sorted(tokens)}


@dataclass(frozen=True, slots=True)
class Wants:
    """What one vault may sell and buy at most, in base units.

    `caps` are lines (slope in WAD, offset in WAD USD) over what it sells: its cost is to be under each of them.
    """

    surplus: Mapping[str, int]
    deficit: Mapping[str, int]
    caps: tuple[tuple[int, int], ...] = ()


def share(
    wants: Sequence[Wants],
    prices: Mapping[str, int],
    decimals: Mapping[str, int],
    sold: Mapping[str, int],
    bought: Mapping[str, int],
) -> list[Part] | None:
    """Each vault's part when the route sells and buys these amounts; None where no parts add up to them.

    No token may be both sold and bought by the route.
    """
    # In one order, whatever the order in which they are given: floats add up differently in another.
    order = sorted(range(len(wants)), key=lambda at: _key(wants[at]))
    parts = _share([wants[at] for at in order], prices, decimals, sold, bought)
    if parts is None:
        return None
    found: dict[int, Part] = {}
    for _, group in groupby(zip(order, parts, strict=True), key=lambda pair: _key(wants[pair[0]])):
        places, alike = zip(*group, strict=True)
        found |= zip(places, _alike(alike), strict=True)
    return [found[at] for at in range(len(wants))]


def _key(want: Wants) -> tuple[object, ...]:
    return sorted(want.surplus.items()), sorted(want.deficit.items()), want.caps


def _alike(parts: Sequence[Part]) -> list[Part]:
    """The same for all who want the same, to the unit: floats favour one of them where the whole is much larger."""
    sides = {
        side: {
            token: apportion(sum(getattr(part, side).get(token, 0) for part in parts), [1] * len(parts))
            for token in {token for part in parts for token in getattr(part, side)}
        }
        for side in ("sold", "inside", "outside")
    }
    # From the other end, so that no one's purchase is rounded up twice.
    sides["outside"] = {token: amounts[::-1] for token, amounts in sides["outside"].items()}
    return [
        Part(*(_some({token: amounts[at] for token, amounts in side.items()}) for side in sides.values()))
        for at in range(len(parts))
    ]


def _share(
    wants: Sequence[Wants],
    prices: Mapping[str, int],
    decimals: Mapping[str, int],
    sold: Mapping[str, int],
    bought: Mapping[str, int],
) -> list[Part] | None:
    tokens = sorted({token for want in wants for side in (want.surplus, want.deficit) for token in side})
    worth = {token: _Worth(prices[token], decimals[token]) for token in tokens}
    flows = _Flows.of(wants, tokens, worth)
    net = [worth[token].of(sold.get(token, 0)) - worth[token].of(bought.get(token, 0)) for token in tokens]
    outside = [max(value, 0) for value in net], [max(-value, 0) for value in net]
    costs: list[int] | None = None
    values = list(flows.most)
    for _ in range(_ROUNDS):
        before, costs = costs, flows.costs(values, *outside, [want.caps for want in wants])
        if costs is None:
            return None
        if before == costs:
            break
        found = flows.nearest([*net, *costs])
        if found is None:
            return None
        values = found
    return flows.parts(values, tokens, worth, sold, bought)


def apportion(total: int, weights: Sequence[int]) -> list[int]:
    """`total` in integers in proportion to the weights; each within a unit, and in all exactly. Zero weights get nothing."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [total * weight // whole for weight in weights]
    most_short = sorted(range(len(weights)), key=lambda at: (-(total * weights[at] % whole), at))
    for at in most_short[: total - sum(parts)]:
        parts[at] += 1
    return parts


def _capped(total: int, weights: Sequence[int], most: Sequence[int | None]) -> list[int] | None:
    """As `apportion`, nobody more than the most for it, which the others bear; None where they cannot."""
    parts = apportion(total, weights)
    held: dict[int, int] = {}
    while over := {at: cap for at, cap in enumerate(most) if cap is not None and at not in held and parts[at] > cap}:
        held |= over
        free = [0 if at in held else weight for at, weight in enumerate(weights)]
        left = total - sum(held.values())
        if left and not any(free):
            return None
        parts = apportion(left, free)
        for at, cap in held.items():
            parts[at] = cap
    return parts


@dataclass(frozen=True, slots=True)
class _Worth:
    """What base units of a token are worth."""

    price: int
    decimals: int

    def of(self, amount: int) -> int:
        return amount * self.price * _FINE // int(10**self.decimals)

    def amount(self, value: int) -> int:
        """The nearest number of base units."""
        unit = self.price * _FINE
        return (2 * value * int(10**self.decimals) + unit) // (2 * unit)


class _Step(NamedTuple):
    """A flow that may grow (direction 1) or shrink (-1) by `room`, and so carry value from one balance to another."""

    source: int
    target: int
    flow: int
    direction: int
    room: int


@dataclass(frozen=True, slots=True)
class _Flows:
    """Every amount that may be sold (sign 1) or bought (sign -1), with its vault, its token and the most it may be."""

    vaults: int
    tokens: int
    vault: tuple[int, ...]
    token: tuple[int, ...]
    sign: tuple[int, ...]
    most: tuple[int, ...]
    units: tuple[int, ...]  # the most in base units

    @classmethod
    def of(cls, wants: Sequence[Wants], tokens: list[str], worth: Mapping[str, _Worth]) -> _Flows:
        rows = [
            (vault, at, sign, worth[token].of(side[token]), side[token])
            for vault, want in enumerate(wants)
            for sign, side in ((1, want.surplus), (-1, want.deficit))
            for at, token in enumerate(tokens)
            if side.get(token)
        ]
        columns = tuple(zip(*rows, strict=True)) if rows else ((),) * 5
        return cls(len(wants), len(tokens), *columns)

    def costs(
        self,
        values: Sequence[int],
        sold: Sequence[int],
        bought: Sequence[int],
        caps: Sequence[tuple[tuple[int, int], ...]],
    ) -> list[int] | None:
        """Each vault's part of what a route loses that sells and buys these values of each token, when these flow.

        None where it is more than all take together.
        """
        sides = {1: [0] * self.tokens, -1: [0] * self.tokens}
        for token, sign, value in zip(self.token, self.sign, values, strict=True):
            sides[sign][token] += value
        turnover = [0] * self.vaults
        for vault, token, sign, value in zip(self.vault, self.token, self.sign, values, strict=True):
            if sides[sign][token]:
                turnover[vault] += value * (sold if sign > 0 else bought)[token] // sides[sign][token]
        out = [0] * self.vaults
        for vault, sign, value in zip(self.vault, self.sign, values, strict=True):
            out[vault] += value if sign > 0 else 0
        most = [
            min((value * slope // _FINE - offset * _FINE for slope, offset in lines), default=None)
            for value, lines in zip(out, caps, strict=True)
        ]
        return _capped(sum(sold) - sum(bought), turnover, most)

    def nearest(self, wanted: Sequence[int]) -> list[int] | None:
        """The flows nearest to the most that leave these values over, per token and then per vault; None if none do."""
        total = sum(self.most)
        if not total:
            return None
        most = np.array([float(value) for value in self.most]) / float(total)
        balance = np.zeros((self.tokens + self.vaults, len(most)))
        columns = np.arange(len(most))
        balance[self.token, columns] = self.sign
        balance[self.tokens + np.array(self.vault), columns] = self.sign
        target = np.array([float(value) for value in wanted]) / float(total)
        filled = _least_squares(balance, most, target)
        if filled is None:
            return None
        return self._balanced(
            [int(part * 2**60) * limit >> 60 for part, limit in zip(filled.tolist(), self.most, strict=True)], wanted
        )

    def _balanced(self, values: list[int], wanted: Sequence[int]) -> list[int] | None:
        """The flows with what rounding left over moved to where it is missing, to the last unit; None where there is no way.

        A flow that grows or shrinks carries it from its token to its vault or back, as far as its limits allow.
        """
        excess = [*wanted[: self.tokens], *(-value for value in wanted[self.tokens :])]
        for vault, token, sign, value in zip(self.vault, self.token, self.sign, values, strict=True):
            excess[token] -= sign * value
            excess[self.tokens + vault] += sign * value
        while any(excess):
            path = self._path(values, excess)
            if path is None:
                return None
            start, end = path[0].source, path[-1].target
            amount = min(excess[start], -excess[end], *(step.room for step in path))
            excess[start] -= amount
            excess[end] += amount
            for step in path:
                values[step.flow] += step.direction * amount
        return values

    def _path(self, values: Sequence[int], excess: Sequence[int]) -> list[_Step] | None:
        """The shortest way from where there is too much to where something is missing."""
        steps: dict[int, list[_Step]] = {}
        for flow, (vault, token, sign) in enumerate(zip(self.vault, self.token, self.sign, strict=True)):
            node = self.tokens + vault
            grow, shrink = self.most[flow] - values[flow], values[flow]
            forth, back = ((1, grow), (-1, shrink)) if sign > 0 else ((-1, shrink), (1, grow))
            for source, target, (direction, room) in ((token, node, forth), (node, token, back)):
                if room:
                    steps.setdefault(source, []).append(_Step(source, target, flow, direction, room))
        reached: dict[int, _Step | None] = {node: None for node, value in enumerate(excess) if value > 0}
        queue = deque(reached)
        while queue:
            node = queue.popleft()
            if excess[node] < 0:
                path: list[_Step] = []
                while (step := reached[node]) is not None:
                    path.append(step)
                    node = step.source
                return path[::-1]
            for step in steps.get(node, []):
                if step.target not in reached:
                    reached[step.target] = step
                    queue.append(step.target)
        return None

    def parts(
        self,
        values: Sequence[int],
        tokens: list[str],
        worth: Mapping[str, _Worth],
        sold: Mapping[str, int],
        bought: Mapping[str, int],
    ) -> list[Part] | None:
        """In base units, with what one vault sells and another buys equal to the unit."""
        sells: list[dict[str, int]] = [{} for _ in range(self.vaults)]
        inside: list[dict[str, int]] = [{} for _ in range(self.vaults)]
        outside: list[dict[str, int]] = [{} for _ in range(self.vaults)]
        for at, token in enumerate(tokens):
            selling, buying = (
                [flow for flow in range(len(values)) if self.token[flow] == at and self.sign[flow] == sign]
                for sign in (1, -1)
            )
            gone, came = sold.get(token, 0), bought.get(token, 0)
            supply = max(worth[token].amount(sum(values[flow] for flow in selling)), gone)
            given = self._in_units(supply, selling, values)
            within = sum(given) - gone
            if within < 0 or (within + came and not sum(values[flow] for flow in buying)):
                return None
            got = apportion(within + came, [values[flow] for flow in buying])
            crossed = apportion(within, got)
            for flow, amount in zip(selling, given, strict=True):
                sells[self.vault[flow]][token] = amount
            for flow, amount, crossing in zip(buying, got, crossed, strict=True):
                inside[self.vault[flow]][token] = crossing
                outside[self.vault[flow]][token] = amount - crossing
        return [
            Part(_some(one), _some(two), _some(three)) for one, two, three in zip(sells, inside, outside, strict=True)
        ]

    def _in_units(self, amount: int, flows: Sequence[int], values: Sequence[int]) -> list[int]:
        """An amount among those who sell; nobody more than there is."""
        limits = [self.units[flow] for flow in flows]
        parts = [
            min(part, limit) for part, limit in zip(apportion(amount, [values[f] for f in flows]), limits, strict=True)
        ]
        left = amount - sum(parts)
        for at in range(len(parts)):
            more = min(limits[at] - parts[at], max(left, 0))
            parts[at] += more
            left -= more
        return parts


def _least_squares(balance: _Floats, most: _Floats, target: _Floats) -> _Floats | None:
    """Parts of `most` within 0..1, as near to 1 as can be, with balance @ (most * parts) = target; None if there are none.

    The balances are rows that count so much that nothing else is given up for them.
    """
    root = np.sqrt(most)
    rows = np.vstack([np.diag(root), _STIFF * balance * most])
    parts = lsq_linear(rows, np.concatenate([root, _STIFF * target]), (0.0, 1.0), method="bvls").x
    # What is whole is whole: crossing flows change hands to the unit.
    parts = np.where(parts > 1 - _SNAP, 1.0, np.where(parts < _SNAP, 0.0, parts))
    missed = np.abs(balance @ (most * parts) - target).max()
    return np.asarray(parts, dtype=np.float64) if missed < _FLOAT else None


def _some(amounts: Mapping[str, int]) -> dict[str, int]:
    return {token: amount for token, amount in amounts.items() if amount}
