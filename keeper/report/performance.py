"""NAV per share over time, against hold and the targets, and what it cost. Pure.

Hold is the basket of the first block, kept. The targets' line is a basket that is brought to its targets at every observed
block at no cost. Both begin at the first NAV per share. WAD integers; floats are ratios for people.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from keeper.report.costs import FillCost, OtherGas
from keeper.report.path import Cause, Path, holdings_at
from keeper.report.records import Shares, Story
from keeper.report.states import State

WAD = 10**18
_FINE = 10**36  # of the targets' line
_YEAR_S = 31_557_600


@dataclass(frozen=True, slots=True)
class Point:
    """A vault at the end of an observed block, USD in WAD; weights, targets and bands are WAD by asset."""

    block: int
    time: int
    nav: int
    per_share: int
    hold: int | None  # None once an asset of the first basket has no price any more
    target: int
    weights: Mapping[str, int]
    targets: Mapping[str, int]
    bands: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class ShareFees:
    """What fees in shares were worth when they were made, WAD USD, each rounded down."""

    streaming: int
    mint: int
    redeem: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Sums over the period, WAD USD. The oracle difference is pool fees, impact and what was kept together."""

    oracle_difference: int
    pool_fees: int
    impact: int
    kept: int
    gas: int
    gas_wei: int
    gas_unpriced: int  # transactions whose gas could not be priced: it is not in `gas`
    shares: ShareFees
    rounding: int
    uncounted: int

    @property
    def total(self) -> int:
        """Trading, gas and fees in shares."""
        return self.oracle_difference + self.gas + self.shares.streaming + self.shares.mint + self.shares.redeem


@dataclass(frozen=True, slots=True)
class Performance:
    """A vault from one block to another."""

    vault: str
    symbols: Mapping[str, str]
    decimals: Mapping[str, int]
    path: Path
    points: tuple[Point, ...]
    fills: tuple[FillCost, ...]
    others: tuple[OtherGas, ...]  # transactions that filled nothing
    costs: Costs
    turnover: float  # value sold ÷ mean NAV
    tracking_error: float | None  # a year, of returns between observed blocks against the targets' line
    drawdown: float  # deepest fall of NAV per share from a peak

    @property
    def gain(self) -> float:
        """Of NAV per share."""
        return _ratio(self.path.per_share_end, self.path.per_share_start)

    @property
    def gain_of_hold(self) -> float | None:
        """Of the first basket."""
        last = self.points[-1].hold
        return None if last is None else _ratio(last, self.path.per_share_start)

    @property
    def gain_of_target(self) -> float:
        """Of the targets without cost."""
        return _ratio(self.points[-1].target, self.path.per_share_start)


def measure(
    story: Story,
    states: Sequence[State],
    path: Path,
    fills: Sequence[FillCost],
    others: Sequence[OtherGas],
    symbols: Mapping[str, str],
    decimals: Mapping[str, int],
) -> Performance:
    """Everything about a period, from what was read of it."""
    points = _points(story, states, decimals)
    navs = [point.nav for point in points]
    sold = sum(fill.filled.value_out for fill in fills)
    return Performance(
        vault=story.vault,
        symbols=symbols,
        decimals=decimals,
        path=path,
        points=points,
        fills=tuple(fills),
        others=tuple(others),
        costs=_costs(share_fees(story, states, decimals), fills, others),
        turnover=sold / statistics.fmean(navs) if any(navs) else 0.0,
        tracking_error=_tracking_error(points),
        drawdown=_drawdown([point.per_share for point in points]),
    )


def share_fees(story: Story, states: Sequence[State], decimals: Mapping[str, int]) -> ShareFees:
    """What the fees of the period were worth, each at its block's NAV per share."""
    by_block = {state.block: state for state in states}
    worth = {"streaming_fee": 0, "mint_fee": 0, "redeem_fee": 0}
    for deed in story.deeds:
        if isinstance(deed, Shares) and deed.why in worth and states[0].block < deed.place.block <= states[-1].block:
            state = by_block[deed.place.block]
            worth[deed.why] += deed.amount * state.worth(decimals) // state.supply if state.supply else 0
    return ShareFees(worth["streaming_fee"], worth["mint_fee"], worth["redeem_fee"])


def _costs(shares: ShareFees, fills: Sequence[FillCost], others: Sequence[OtherGas]) -> Costs:
    sent: list[FillCost | OtherGas] = [*fills, *others]
    return Costs(
        oracle_difference=sum(fill.oracle_difference for fill in fills),
        pool_fees=sum(fill.pool_fees for fill in fills),
        impact=sum(fill.impact for fill in fills),
        kept=sum(fill.kept for fill in fills),
        gas=sum(each.gas or 0 for each in sent),
        gas_wei=sum(each.gas_wei for each in sent),
        gas_unpriced=sum(each.gas is None for each in sent),
        shares=shares,
        rounding=sum(fill.rounding for fill in fills),
        uncounted=sum(fill.counted.uncounted for fill in fills),
    )


def _points(story: Story, states: Sequence[State], decimals: Mapping[str, int]) -> tuple[Point, ...]:
    first = holdings_at(story, states[0].block)
    held = {asset: first.held(asset) for asset in first.basket if first.held(asset)}
    start = _per_share(states[0], first.nav(states[0].prices, decimals))
    index, before = _FINE, states[0]
    found = []
    for state in states:
        index = index * _growth(before, state) // _FINE
        before = state
        holdings = dict(zip(state.basket, state.held, strict=True))
        values = {
            asset: _worth(amount, state.prices[asset] or 0, decimals[asset]) for asset, amount in holdings.items()
        }
        nav = sum(values.values())
        is_priced = all(state.prices.get(asset) is not None for asset in held)
        hold = sum(_worth(amount, state.prices[asset] or 0, decimals[asset]) for asset, amount in held.items())
        found.append(
            Point(
                block=state.block,
                time=state.time,
                nav=nav,
                per_share=_per_share(state, nav),
                hold=_per_share(states[0], hold) if is_priced else None,
                target=start * index // _FINE,
                weights={asset: values.get(asset, 0) * WAD // nav if nav else 0 for asset in holdings},
                targets=dict(zip(state.basket, state.targets, strict=True)),
                bands=dict(zip(state.basket, state.bands, strict=True)),
            )
        )
    return tuple(found)


def _growth(before: State, now: State) -> int:
    """What a basket at the targets of before became, in 1 / `_FINE`."""
    return sum(
        target * _FINE // WAD * now.price(asset) // before.price(asset)
        for asset, target in zip(before.basket, before.targets, strict=True)
        if target
    )


def _worth(amount: int, price: int, decimals: int) -> int:
    return amount * price // int(10**decimals)


def _per_share(state: State, nav: int) -> int:
    return nav * WAD // state.supply if state.supply else 0


def _tracking_error(points: Sequence[Point]) -> float | None:
    """Standard deviation of the difference of log returns, by the square root of time to a year."""
    gaps = [
        (math.log(b.per_share / a.per_share) - math.log(b.target / a.target)) / math.sqrt(b.time - a.time)
        for a, b in pairwise(points)
        if b.time > a.time and min(a.per_share, b.per_share, a.target, b.target) > 0
    ]
    return statistics.stdev(gaps) * math.sqrt(_YEAR_S) if len(gaps) > 1 else None


def _drawdown(values: Sequence[int]) -> float:
    peak, deepest = 0, 0.0
    for value in values:
        peak = max(peak, value)
        deepest = max(deepest, 1 - value / peak) if peak else deepest
    return deepest


def _ratio(last: int, first: int) -> float:
    return last / first - 1 if first else 0.0


def bridge(path: Path) -> dict[Cause, tuple[int, int]]:
    """What each cause did to NAV and to NAV per share, WAD USD; the sums are the whole difference."""
    return {cause: (path.nav_by(cause), path.per_share_by(cause)) for cause in Cause}
