"""Reports about a vault: reads its events, states and receipts, and the ledger where there is one."""

from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import ChainError, ConfigurationError, OracleError
from keeper.ledger import Ledger, TransactionRow
from keeper.ledger.attempts import FOREIGN
from keeper.ledger.states import State as Step
from keeper.report import reconcile
from keeper.report.booked import Booked, BookedPrices
from keeper.report.books import Books, of_holder, of_vault
from keeper.report.costs import FillCost, OtherGas, Planned, cost, in_usd
from keeper.report.events import History
from keeper.report.lots import Method
from keeper.report.path import NOBODY, holdings_at, walk
from keeper.report.performance import Performance, measure
from keeper.report.pricing import Counted, count, net
from keeper.report.reconcile import Check
from keeper.report.records import Filled, Minted, Opened, Place, Story
from keeper.report.states import PoolTerms, Receipt, State, States
from keeper.settings import Settings

GRID = 200  # points beside the blocks in which something happened
_HOLDERS = 200  # whose shares are looked up in one reconciliation

Tell = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Past:
    """All that was read of a vault. States are by block, those of `first` and `last` among them."""

    story: Story
    first: int
    last: int
    states: Mapping[int, State]
    counted: Mapping[tuple[int, int], Counted]
    receipts: Mapping[str, Receipt]
    pools: Mapping[tuple[str, int], Mapping[str, PoolTerms]]  # by transaction and block
    symbols: Mapping[str, str]  # by asset, each once; foreign text
    decimals: Mapping[str, int]
    booked: tuple[Booked, ...]

    @property
    def ordered(self) -> list[State]:
        """The states of the period."""
        return [self.states[block] for block in sorted(self.states) if self.first <= block <= self.last]


def books_of(past: Past, method: Method, holders: Collection[str] = ()) -> Books:
    """The vault's books from its first block on, or those of who has the given addresses.

    :raises OracleError: something that came has no price
    """
    story = replace(past.story, deeds=tuple(deed for deed in past.story.deeds if deed.place.block <= past.last))
    if holders:
        return of_holder(story, past.states, past.decimals, method, holders)
    return of_vault(story, past.states, past.counted, past.decimals, method)


def check(
    client: Client,
    settings: Settings,
    vault: str,
    first_block: int | None = None,
    tell: Tell = lambda *_: None,
) -> tuple[Check, ...]:
    """Hold ledger, events, lots and performance against each other and the chain.

    :raises OracleError: the oracle has no price now
    :raises EquipoiseError: as `read`
    """
    past = read(client, settings, vault, None, None, first_block, 0, tell, explain=False)
    story, last = past.story, past.states[past.last]
    if last.stale:
        raise OracleError(f"the oracle has no price of {last.stale[0]} now: reconcile once its feed answers again")
    holdings = holdings_at(story, past.last)
    balances, holders = _balances(client, settings, story, last)
    found = performance_of(past)
    books = [books_of(past, method) for method in Method]
    of_holders = [books_of(past, method, [holder]) for holder in holders for method in (Method.FIFO, Method.AVERAGE)]
    by_hash = {state.block_hash: state for state in past.states.values()}
    return (
        reconcile.events_and_balances(story, holdings, last, balances, holders),
        reconcile.ledger_and_chain(story, past.booked, past.receipts, by_hash),
        reconcile.lots_and_holdings(story, holdings, books, of_holders),
        reconcile.performance_and_chain(found, last),
        *(reconcile.lots_and_performance(each, found) for each in books),
    )


def performance_of(past: Past) -> Performance:
    """What came of a period that was read. Raises OracleError: something that was held had no price."""
    story, states = past.story, past.ordered
    path = walk(story, states, past.counted, past.decimals)
    booked = {row.tx: row for row in past.booked}
    fills: list[FillCost] = []
    for step in path.steps:
        if isinstance(step.deed, Filled):
            place = step.deed.place
            row = booked.get(place.tx)
            state = past.states[place.block]
            native = state.native_price if row is None or row.native_price is None else row.native_price
            fills.append(
                cost(
                    step.deed,
                    past.counted[place.block, place.index],
                    step.nav_change,
                    *_shares_of(story, past.receipts[place.tx], row),
                    past.receipts[place.tx],
                    past.pools[place.tx, place.block],
                    state.prices,
                    past.decimals,
                    native,
                    () if row is None else row.legs,
                )
            )
    filled = {fill.filled.place.tx for fill in fills}
    others = [
        OtherGas(deed.place.tx, "opening", past.receipts[deed.place.tx].wei, _gas(past, deed.place, booked))
        for deed in story.deeds
        if isinstance(deed, Opened) and past.first < deed.place.block <= past.last and deed.place.tx not in filled
    ]
    others += [
        OtherGas(row.tx, "reverted", past.receipts[row.tx].wei, in_usd(past.receipts[row.tx].wei, row.native_price))
        for row in past.booked
        if not row.succeeded and past.first < row.block <= past.last
    ]
    return measure(story, states, path, fills, others, past.symbols, past.decimals)


def _shares_of(story: Story, receipt: Receipt, row: Booked | None) -> tuple[tuple[int, ...], int]:
    """Value out of a transaction's vaults, and the place of this one: the ledger knows, else who logged a fill is believed."""
    if row is not None:
        return row.values_out, row.position
    return tuple(out for out, _ in receipt.filled.values()), list(receipt.filled).index(story.rebalancer)


def _gas(past: Past, place: Place, booked: Mapping[str, Booked]) -> int | None:
    row = booked.get(place.tx)
    return in_usd(
        past.receipts[place.tx].wei, past.states[place.block].native_price if row is None else row.native_price
    )


def read(
    client: Client,
    settings: Settings,
    vault: str,
    since: str | None = None,
    until: str | None = None,
    first_block: int | None = None,
    grid: int = GRID,
    tell: Tell = lambda *_: None,
    explain: bool = True,
) -> Past:
    """Read a vault's past; what was read before is kept and not asked again.

    :param since: block number, or date and time; the first mint where None
    :param until: likewise; the head where None
    :param first_block: the vault's, where it cannot be searched for
    :param grid: how many blocks are observed beside those in which something happened
    :param explain: whether logs that do not explain the vault's balances are an error
    :raises ConfigurationError: the address is no vault's, nothing was minted, or the period is none
    :raises OracleError: the oracle had no price when something happened
    :raises ChainError: the endpoint fails or lacks old states, or the logs do not explain the vault's balances
    """
    head = client.head()
    story = History(client, settings, vault, first_block, tell).read(head)
    minted = next((deed.place.block for deed in story.deeds if isinstance(deed, Minted)), None)
    if minted is None:
        raise ConfigurationError(f"nothing was ever minted by {vault}: there is nothing to report yet")
    last = head.number if until is None else _block_at(client, until, minted, head)
    first = minted if since is None else max(minted, _block_at(client, since, minted, head))
    if first > last:
        raise ConfigurationError(
            f"the period ends at block {last}, before block {first}, where it begins: choose others"
        )
    booked = _booked(settings, client.chain_id, vault)
    states = States(client, settings, story)
    try:
        return _read(client, story, states, booked, first, last, head, grid, explain)
    finally:
        states.close()


def _read(
    client: Client,
    story: Story,
    states: States,
    booked: tuple[Booked, ...],
    first: int,
    last: int,
    head: Block,
    grid: int,
    explain: bool,
) -> Past:
    tokens = states.tokens((*story.assets, story.vault), head)
    decimals = {address: token.decimals for address, token in tokens.items()}
    missing = [asset for asset in story.assets if asset not in decimals]
    if missing:
        raise ConfigurationError(f"asset {missing[0]} does not tell its decimals: its amounts mean nothing")
    found: dict[int, State] = {}
    for deed in story.deeds:
        if deed.place.block <= last and deed.place.block not in found:
            found[deed.place.block] = states.priced(deed.place)
    for number in [first, *_grid(first, last, grid), last, *(row.decided_at.block for row in booked)]:
        if number not in found:
            found[number] = states.priced(head if number == head.number else _block(client, number))
    if explain:
        _explain(story, found[last])
    counted = {
        (deed.place.block, deed.place.index): _count(states, story, deed, found[deed.place.block], decimals)
        for deed in story.deeds
        if isinstance(deed, Filled) and deed.place.block <= last
    }
    receipts: dict[str, Receipt] = {}
    hashes = {deed.place.tx: deed.place.block_hash for deed in story.deeds}
    pools: dict[tuple[str, int], Mapping[str, PoolTerms]] = {}
    for row in booked:
        receipts[row.tx] = states.receipt(row.tx, (row.target,), hashes.get(row.tx))
    for deed in story.deeds:
        if isinstance(deed, Filled | Opened) and deed.place.block <= last:
            executors = (deed.caller, deed.executor) if isinstance(deed, Filled) else (deed.caller,)
            receipt = states.receipt(deed.place.tx, [e for e in executors if e != NOBODY], deed.place.block_hash)
            receipts[deed.place.tx] = receipt
            if isinstance(deed, Filled):
                pools[deed.place.tx, deed.place.block] = states.pools([s[0] for s in receipt.swaps], deed.place)
    symbols = _unique({address: token.symbol for address, token in tokens.items()})
    kept = tuple(row for row in booked if row.block <= last)
    return Past(story, first, last, found, counted, receipts, pools, symbols, decimals, kept)


def _count(states: States, story: Story, deed: Filled, state: State, decimals: Mapping[str, int]) -> Counted:
    """A fill at the block's last prices where they explain what was logged, else with those of its beginning too."""
    moved = list(net(deed.moved, story.vault))
    now = {asset: (state.price(asset),) for asset in moved}
    found = count(deed, story.vault, decimals, now)
    if found.is_confirmed:
        return found
    before = states.prices_before(deed.place, moved)
    both = {asset: (*now[asset], *([old] if (old := before[asset]) is not None else [])) for asset in moved}
    return count(deed, story.vault, decimals, both)


def _explain(story: Story, state: State) -> None:
    """Logs that do not add up to what the vault has would give wrong figures.

    :raises ChainError: they do not; names the first asset that differs
    """
    holdings = holdings_at(story, state.block)
    for asset, held in zip(state.basket, state.held, strict=True):
        if holdings.held(asset) != held:
            raise ChainError(
                f"the transfers of {asset} add up to {holdings.held(asset)}, and the vault has {held}: its token moves "
                "balances without an event, or the RPC lacks old logs; use an archive node, or give --first-block"
            )
    if holdings.total != state.total_supply:
        raise ChainError(
            f"the transfers of shares add up to {holdings.total}, and there are {state.total_supply}: "
            "the RPC lacks old logs; use an archive node, or give --first-block"
        )


def _grid(first: int, last: int, most: int) -> list[int]:
    """At most so many blocks, at multiples of a power of two: a later period asks for the same ones again."""
    stride = 1
    while most and (last - first) // stride > most:
        stride *= 2
    return list(range(-(-first // stride) * stride, last + 1, stride)) if most else []


def _block(client: Client, number: int) -> Block:
    found = client.block(number)
    if found is None:
        raise ConfigurationError(f"there is no block {number} yet: choose an earlier one")
    return found


def _block_at(client: Client, text: str, first: int, head: Block) -> int:
    """The block that a person means: a number, or the last block up to a point in time (UTC without a zone).

    :param first: not searched before it

    :raises ConfigurationError: neither, or beyond the head
    """
    if text.isdigit():
        if int(text) > head.number:
            raise ConfigurationError(f"block {text} is beyond the head, {head.number}: choose an earlier one")
        return int(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text!r} is no block and no time: give a number, or a date as 2026-11-21") from None
    at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    low, high = first, head.number
    while low < high:
        middle = (low + high + 1) // 2
        if _block(client, middle).timestamp <= at:
            low = middle
        else:
            high = middle - 1
    return low if _block(client, low).timestamp <= at else low - 1


def _unique(symbols: Mapping[str, str]) -> dict[str, str]:
    """Two tokens of one name are told apart by the ends of their addresses."""
    counts = Counter(symbols.values())
    return {
        address: symbol if counts[symbol] == 1 else f"{symbol}-{address[-4:]}" for address, symbol in symbols.items()
    }


def _balances(client: Client, settings: Settings, story: Story, last: State) -> tuple[dict[str, int], dict[str, int]]:
    """What tokens say that the vault has; what the vault says that its holders have, the largest of them."""
    block = Block(last.block, last.block_hash, last.time, 0)
    shares = reconcile.shares_of(story)
    holders = sorted(shares, key=lambda holder: -shares[holder])[:_HOLDERS]
    reads = [Read(asset, abi.Token.balance_of, (story.vault,)) for asset in story.assets]
    reads += [Read(story.vault, abi.Token.balance_of, (holder,)) for holder in holders]
    answers = [answer.value for answer in read_all(client, reads, block, settings.multicall)]
    count = len(story.assets)
    return dict(zip(story.assets, answers[:count], strict=True)), dict(zip(holders, answers[count:], strict=True))


def _booked(settings: Settings, chain_id: int, vault: str) -> tuple[Booked, ...]:
    """What the ledger has about the vault's transactions in blocks; looking makes no ledger."""
    if settings.ledger_url is None and not settings.ledger_file.exists():
        return ()
    ledger = Ledger.of(settings)
    try:
        rows = [row for row in ledger.transactions() if row.chain_id == chain_id and row.block_hash is not None]
        return tuple(
            found
            for row in rows
            if row.mode != FOREIGN and vault in row.vaults
            for found in [_row(ledger, row, vault)]
            if found is not None
        )
    finally:
        ledger.close()


def _row(ledger: Ledger, row: TransactionRow, vault: str) -> Booked | None:
    part = next(part for part in row.parts if part.decision.vault == vault)
    if row.hash is None or row.block_number is None or row.block_hash is None:
        return None
    return Booked(
        id=row.id,
        tx=row.hash,
        mode=row.mode,
        sender=row.sender,
        target=row.target,
        block=row.block_number,
        block_hash=row.block_hash,
        succeeded=row.state in (Step.MINED, Step.CONFIRMED),
        gas_used=row.gas_used,
        gas_price=_integer(row.gas_price),
        data_fee=_integer(row.data_fee),
        gas_cost=_integer(row.gas_cost),
        native_price=_integer(row.decision.native_price),
        value_out=_integer(part.value_out),
        value_in=_integer(part.value_in),
        values_out=tuple(int(each.value_out or 0) for each in row.parts),
        position=row.parts.index(part),
        legs=tuple(
            Planned(
                leg.pool,
                leg.token_in,
                leg.token_out,
                *map(_integer, (leg.planned_in, leg.planned_out, leg.realised_in, leg.realised_out)),
            )
            for leg in row.legs
        ),
        decided_at=BookedPrices(
            part.decision.block_number,
            part.decision.block_hash,
            {each.asset: int(each.price) for each in ledger.prices(part.decision_id)},
        ),
    )


def _integer(text: str | None) -> int | None:
    return None if text is None else int(text)
