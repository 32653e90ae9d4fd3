"""Whether ledger, events, lots and performance tell the same, to the base unit. Pure.

Each check compares what two sources say and names what differs first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keeper.report.booked import Booked
from keeper.report.books import Books
from keeper.report.costs import FillCost
from keeper.report.path import NOBODY, Holdings
from keeper.report.performance import Performance
from keeper.report.records import Filled, Opened, Shares, Story
from keeper.report.states import Receipt, State

_IN_BLOCK = ("open", "rebalance", "batch")


@dataclass(frozen=True, slots=True)
class Check:
    """One comparison: what was held against what, how many values, and what differed."""

    name: str
    compared: int
    differences: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether nothing differed."""
        return not self.differences


class _Comparing:
    def __init__(self, name: str):
        self._name = name
        self._compared = 0
        self._differences: list[str] = []

    def same(self, what: str, one: object, other: object) -> None:
        self._compared += 1
        if one != other:
            self._differences.append(f"{what}: {one}, not {other}")

    def done(self) -> Check:
        return Check(self._name, self._compared, tuple(self._differences))


def events_and_balances(
    story: Story, holdings: Holdings, last: State, balances: Mapping[str, int], holders: Mapping[str, int]
) -> Check:
    """Transfers added up are the balances; so are those of shares.

    :param balances: what tokens say that the vault has, at the last block
    :param holders: what the vault says that accounts have of its shares, at the last block
    """
    found = _Comparing("events = balances")
    moved = dict.fromkeys(story.assets, 0)
    for each in story.transfers:
        if each.place.block <= last.block:
            moved[each.token] += each.amount if each.receiver == story.vault else -each.amount
    for asset in story.assets:
        found.same(f"{asset} by its transfers", moved[asset], balances[asset])
        found.same(f"{asset} by what happened", holdings.balances.get(asset, 0), moved[asset])
    for asset, held in zip(last.basket, last.held, strict=True):
        found.same(f"{asset} of the basket", holdings.held(asset), held)
    shares = shares_of(story)
    for holder, amount in holders.items():
        found.same(f"shares of {holder}", shares.get(holder, 0), amount)
    found.same("all shares", holdings.total, last.total_supply)
    return found.done()


def shares_of(story: Story) -> dict[str, int]:
    """Base units of shares by account, as the transfers tell."""
    found: dict[str, int] = {}
    for deed in story.deeds:
        if isinstance(deed, Shares):
            for account, sign in ((deed.sender, -1), (deed.receiver, 1)):
                if account != NOBODY:
                    found[account] = found.get(account, 0) + sign * deed.amount
    return found


def ledger_and_chain(
    story: Story, booked: Sequence[Booked], receipts: Mapping[str, Receipt], states: Mapping[str, State]
) -> Check:
    """The ledger's rows are what receipts and logs say, and no fill of its accounts is missing in it.

    :param receipts: by hash, of all booked transactions
    :param states: by block hash, of the blocks at which was decided, as far as they are still part of the chain
    """
    found = _Comparing("ledger = events")
    fills = {deed.place.tx: deed for deed in story.deeds if isinstance(deed, Filled)}
    openings = {deed.place.tx for deed in story.deeds if isinstance(deed, Opened)}
    for row in booked:
        receipt, name = receipts[row.tx], f"transaction {row.id}"
        found.same(f"{name} succeeded", row.succeeded, receipt.succeeded)
        found.same(f"{name} block", (row.block, row.block_hash), (receipt.block, receipt.block_hash))
        found.same(f"{name} gas used", row.gas_used, receipt.gas_used)
        found.same(f"{name} gas price", row.gas_price, receipt.gas_price)
        if row.native_price is not None:
            found.same(f"{name} gas in USD", row.gas_cost, -(-receipt.wei * row.native_price // 10**18))
        if row.succeeded and row.mode in _IN_BLOCK:
            fill = fills.get(row.tx)
            told = (None, None) if fill is None else (fill.value_out, fill.value_in)
            found.same(f"{name} value out and in", (row.value_out, row.value_in), told)
            found.same(f"{name} opened or filled", fill is not None or row.tx in openings, True)
            swaps = [leg for leg in row.legs if leg.realised_in is not None]
            ours = sorted((leg.pool, leg.token_in, leg.token_out, leg.realised_in, leg.realised_out) for leg in swaps)
            found.same(f"{name} swaps", ours, sorted(receipt.swaps))
        state = states.get(row.decided_at.block_hash)
        if state is not None:
            for asset, price in row.decided_at.prices.items():
                found.same(f"{name} price of {asset} at its decision", price, state.prices.get(asset))
    known, senders = {row.tx for row in booked}, {row.target for row in booked}
    first = min((row.block for row in booked), default=0)
    for tx, fill in fills.items():
        if fill.caller in senders and fill.place.block >= first:
            found.same(f"fill {tx} in the ledger", tx in known, True)
    return found.done()


def lots_and_holdings(story: Story, holdings: Holdings, books: Iterable[Books], holders: Iterable[Books]) -> Check:
    """What lots are left is what is held, and nothing of their cost is lost or made, by every method.

    :param books: the vault's, one for each method
    :param holders: of one account each
    """
    found = _Comparing("lots = holdings")
    for book in books:
        for asset in story.assets:
            found.same(f"{book.method} lots of {asset}", book.quantity(asset), holdings.held(asset))
        _conserves(found, book)
    shares = shares_of(story)
    for book in holders:
        found.same(f"{book.method} shares of {book.owner}", book.quantity(story.vault), shares.get(book.owner, 0))
    return found.done()


def _conserves(found: _Comparing, book: Books) -> None:
    """Cost that came is cost that went and cost that is left."""
    came = sum(entry.received.value for entry in book.entries if entry.received is not None)
    went = sum(each.basis or 0 for each in book.disposals)
    found.same(f"{book.method} cost of all lots", went + book.cost, came)
    found.same(f"{book.method} disposals without a basis", sum(each.basis is None for each in book.disposals), 0)


def performance_and_chain(performance: Performance, last: State) -> Check:
    """NAV is the vault's own, the steps are the whole difference, and so are the parts of the costs."""
    found, path = _Comparing("performance = chain"), performance.path
    found.same("NAV", path.nav_end, last.nav)
    found.same("NAV per share", path.per_share_end, last.nav_per_share)
    found.same("steps of NAV", sum(step.nav_change for step in path.steps), path.nav_end - path.nav_start)
    found.same(
        "steps of NAV per share",
        sum(step.per_share_change for step in path.steps),
        path.per_share_end - path.per_share_start,
    )
    for point, state in ((performance.points[0], path.first), (performance.points[-1], last)):
        found.same(f"NAV at block {point.block}", point.nav, state.nav)
    for fill in performance.fills:
        _fill(found, fill)
    costs = performance.costs
    parts = costs.pool_fees + costs.impact + costs.kept
    found.same("costs of all fills", parts, costs.oracle_difference)
    changed = -costs.oracle_difference + costs.uncounted + costs.rounding
    steps = sum(step.nav_change for step in path.steps if isinstance(step.deed, Filled))
    found.same("what fills did to NAV", changed, steps)
    return found.done()


def _fill(found: _Comparing, fill: FillCost) -> None:
    name = f"fill in block {fill.filled.place.block}"
    found.same(f"{name}: its transfers at the oracle's prices are the logged values", fill.counted.is_confirmed, True)
    found.same(f"{name}: parts", fill.pool_fees + fill.impact + fill.kept, fill.oracle_difference)
    # Each of at most twenty assets is rounded twice, by less than a unit.
    found.same(f"{name}: rounding within 40 units", abs(fill.rounding) <= 40, True)


def lots_and_performance(books: Books, performance: Performance) -> Check:
    """What the vault's books sold and bought in fills is what the rebalancer logged of them."""
    found = _Comparing(f"lots = performance, {books.method}")
    fills = performance.fills
    first = performance.path.first.block
    entries = [entry for entry in books.entries if entry.kind == "fill" and entry.place.block > first]
    txs = {fill.filled.place.tx for fill in fills}
    logged = sum(fill.filled.value_in + fill.counted.uncounted for fill in fills)
    proceeds = sum(each.proceeds for each in books.disposals if each.source == "fill" and each.tx in txs)
    found.same("proceeds of fills", proceeds, logged)
    found.same("cost of what fills brought", sum(e.received.value for e in entries if e.received is not None), logged)
    for asset in performance.decimals:
        sold = sum(entry.sent.amount for entry in entries if entry.sent is not None and entry.sent.asset == asset)
        bought = sum(e.received.amount for e in entries if e.received is not None and e.received.asset == asset)
        found.same(f"{asset} sold in fills", sold, sum(fill.counted.sold.get(asset, 0) for fill in fills))
        found.same(f"{asset} bought in fills", bought, sum(fill.counted.bought.get(asset, 0) for fill in fills))
    return found.done()
