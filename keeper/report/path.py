"""NAV and NAV per share from one block to another, step by step. Pure, and exact.

Either the prices move and the holdings stay, or the holdings and the supply move and the prices stay: every change belongs to
one step, and the steps add up to the whole to the unit. NAV is the sum of the assets' values, each rounded down, as in
contracts/modules/valuation.vy.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from keeper.report.pricing import Counted
from keeper.report.records import Claimed, Deed, Filled, Gift, Listed, Minted, Redeemed, Shares, Story, Transfer
from keeper.report.states import State

WAD = 10**18
NOBODY = "0x" + "0" * 40


class Cause(StrEnum):
    """Why NAV or NAV per share changed."""

    MARKET = "market"
    FILL = "fill"
    MINT = "mint"
    REDEEM = "redeem"
    STREAMING_FEE = "streaming_fee"
    GIFT = "gift"
    LISTING = "listing"  # an asset came into the basket or left it with what was there of it


@dataclass(frozen=True, slots=True)
class Step:
    """One change, WAD USD; `nav` and `per_share` are after it."""

    block: int
    time: int
    cause: Cause
    nav_change: int
    per_share_change: int
    nav: int
    per_share: int
    deed: Deed | None = None


@dataclass(frozen=True, slots=True)
class Path:
    """From the end of `first`'s block to the end of `last`'s."""

    first: State
    last: State
    nav_start: int
    nav_end: int
    per_share_start: int
    per_share_end: int
    steps: tuple[Step, ...]

    def nav_by(self, cause: Cause) -> int:
        """What a cause did to NAV, WAD USD."""
        return sum(step.nav_change for step in self.steps if step.cause is cause)

    def per_share_by(self, cause: Cause) -> int:
        """What a cause did to NAV per share, WAD USD."""
        return sum(step.per_share_change for step in self.steps if step.cause is cause)


@dataclass
class Holdings:
    """What the basket has: the tokens that came less those that went, without what belongs to claims."""

    vault: str
    basket: set[str]
    balances: dict[str, int] = field(default_factory=dict)  # base units
    owed: dict[str, int] = field(default_factory=dict)  # base units of claims
    total: int = 0  # shares that exist
    _making: int = 0  # shares made or burnt by an action whose own record is still to come

    def move(self, transfers: Sequence[Transfer]) -> None:
        """Tokens went or came."""
        for each in transfers:
            sign = 1 if each.receiver == self.vault else -1
            self.balances[each.token] = self.balances.get(each.token, 0) + sign * each.amount

    def apply(self, deed: Deed) -> Cause | None:
        """What happened next; the cause that it counts as, None for what moves nothing."""
        cause: Cause | None = None
        match deed:
            case Shares():
                made = deed.amount * ((deed.sender == NOBODY) - (deed.receiver == NOBODY))
                self.total += made
                if deed.why == "streaming_fee":
                    cause = Cause.STREAMING_FEE
                else:
                    self._making += made
            case Minted():
                self.move(deed.paid)
                cause = Cause.MINT
            case Redeemed():
                self.move(deed.paid)
                for each in deed.owed:
                    self.owed[each.asset] = self.owed.get(each.asset, 0) + each.amount
                cause = Cause.REDEEM
            case Claimed():
                self.move(deed.paid)
                self.owed[deed.asset] -= deed.amount
            case Filled():
                self.move(deed.moved)
                cause = Cause.FILL
            case Gift():
                self.move([deed.transfer])
                cause = Cause.GIFT
            case Listed():
                (self.basket.add if deed.is_added else self.basket.discard)(deed.asset)
                cause = Cause.LISTING
        return cause

    def made(self) -> int:
        """Shares that the actions up to now made, burnt ones less, and that were not asked for yet."""
        made, self._making = self._making, 0
        return made

    def held(self, asset: str) -> int:
        """Base units that belong to the basket."""
        balance = self.balances.get(asset, 0)
        return balance - min(balance, self.owed.get(asset, 0))

    def nav(self, prices: Mapping[str, int | None], decimals: Mapping[str, int]) -> int:
        """WAD USD at these prices; an asset of which there is nothing needs none."""
        held = {asset: self.held(asset) for asset in self.basket}
        return sum(amount * (prices[asset] or 0) // 10 ** decimals[asset] for asset, amount in held.items() if amount)


def holdings_at(story: Story, block: int) -> Holdings:
    """The holdings at the end of a block."""
    found = Holdings(story.vault, set(story.first_basket))
    for deed in story.deeds:
        if deed.place.block > block:
            break
        found.apply(deed)
    found.made()
    return found


def walk(
    story: Story, states: Sequence[State], counted: Mapping[tuple[int, int], Counted], decimals: Mapping[str, int]
) -> Path:
    """The steps from the first state to the last.

    :param states: by block; one of every block in which something happened after the first is among them
    :param counted: fills by block and log index
    :raises OracleError: a state lacks the price of something that was held then
    """
    first, last = states[0], states[-1]
    by_block = {state.block: state for state in states}
    found = _Walk(holdings_at(story, first.block), decimals, _prices(first), first.supply, first)
    nav_start, per_share_start = found.nav, found.per_share
    deeds = [deed for deed in story.deeds if first.block < deed.place.block <= last.block]
    for state in states[1:]:
        while deeds and deeds[0].place.block <= state.block:
            deed = deeds.pop(0)
            fill = counted.get((deed.place.block, deed.place.index))
            found.meet(deed, by_block[deed.place.block], None if fill is None else fill.prices)
        found.observe(state)
    return Path(first, last, nav_start, found.nav, per_share_start, found.per_share, tuple(found.steps))


def _prices(state: State) -> dict[str, int | None]:
    return dict(state.prices)


@dataclass
class _Walk:
    holdings: Holdings
    decimals: Mapping[str, int]
    prices: dict[str, int | None]
    supply: int
    at: State
    steps: list[Step] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.nav, self.per_share = self._now()

    def observe(self, state: State) -> None:
        """Prices and the fee that is due are those of a block's end."""
        self.at = state
        self._price(dict(state.prices))
        if state.supply != self.supply:
            self.supply = state.supply
            self._step(Cause.STREAMING_FEE)

    def meet(self, deed: Deed, state: State, prices: Mapping[str, int] | None) -> None:
        """Something happened, at the block's prices or those of a fill."""
        self.at = state
        moves = not isinstance(deed, Shares) or deed.why == "streaming_fee"
        if moves:
            self._price(dict(state.prices) | dict(prices or {}))
        cause = self.holdings.apply(deed)
        if cause is Cause.STREAMING_FEE:
            self.supply = self.holdings.total
        elif cause is not None:
            self.supply += self.holdings.made()
        if cause is not None:
            self._step(cause, deed)

    def _price(self, prices: dict[str, int | None]) -> None:
        if prices != self.prices:
            self.prices = prices
            self._step(Cause.MARKET)

    def _step(self, cause: Cause, deed: Deed | None = None) -> None:
        nav, per_share = self._now()
        self.steps.append(
            Step(
                self.at.block,
                self.at.time if deed is None else deed.place.time,
                cause,
                nav - self.nav,
                per_share - self.per_share,
                nav,
                per_share,
                deed,
            )
        )
        self.nav, self.per_share = nav, per_share

    def _now(self) -> tuple[int, int]:
        for asset in self.holdings.basket:
            if self.holdings.held(asset) and self.prices.get(asset) is None:
                self.at.price(asset)
        nav = self.holdings.nav(self.prices, self.decimals)
        return nav, nav * WAD // self.supply if self.supply else 0
