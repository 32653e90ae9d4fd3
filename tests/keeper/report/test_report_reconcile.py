"""A unit that is missing anywhere is found, and named."""

from dataclasses import replace

import pytest
from report_samples import ALICE, BOB, KEEPER, NOBODY, REBALANCER, VAULT, A, B, Logs, hash_of, quarter, state_of, told

from keeper.chain import abi
from keeper.report.booked import Booked, BookedPrices
from keeper.report.costs import Planned
from keeper.report.path import holdings_at
from keeper.report.reconcile import (
    events_and_balances,
    ledger_and_chain,
    lots_and_holdings,
    lots_and_performance,
    performance_and_chain,
    shares_of,
)
from keeper.report.records import Filled
from keeper.report.states import Receipt

WAD = 10**18
SUPPLY = 100 * WAD + 10**16


def life():
    logs = Logs().tx(1, "seed").seed({A: 50, B: 60}, 100 * WAD).tx(2, "fill").fill((A, 10), (B, 19), 20, 18)
    logs.tx(3, "pass").move(VAULT, ALICE, BOB, 7)
    return replace(told(logs, 3), assets=(A, B))


def compare(story, held=(40, 79), balances=(40, 79), bob=7, total=SUPPLY):
    last = replace(state_of(3, {A: WAD, B: WAD}, dict(zip((A, B), held, strict=True)), SUPPLY), total_supply=total)
    of_tokens = dict(zip((A, B), balances, strict=True))
    return events_and_balances(story, holdings_at(story, 3), last, of_tokens, {ALICE: 100 * WAD - 7, BOB: bob})


def test_events_and_balances__as_the_chain_says__agree():
    assert compare(life()).differences == ()


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"balances": (41, 79)}, f"{A} by its transfers: 40, not 41"),
        ({"held": (40, 78)}, f"{B} of the basket: 79, not 78"),
        ({"bob": 8}, f"shares of {BOB}: 7, not 8"),
        ({"total": SUPPLY + 1}, f"all shares: {SUPPLY}, not {SUPPLY + 1}"),
    ],
)
def test_events_and_balances__a_unit_off__is_named(changed, says):
    assert compare(life(), **changed).differences == (says,)


def test_events_and_balances__transfer_that_belongs_to_nothing__is_named():
    story = life()
    lost = tuple(deed for deed in story.deeds if not isinstance(deed, Filled))
    assert f"{A} by what happened: 50, not 40" in compare(replace(story, deeds=lost)).differences


def booked(story, **changes) -> Booked:
    fill = next(deed for deed in story.deeds if isinstance(deed, Filled))
    row = Booked(
        id=4,
        tx=fill.place.tx,
        mode="rebalance",
        sender=ALICE,
        target=KEEPER,
        block=2,
        block_hash=hash_of(2),
        succeeded=True,
        gas_used=100,
        gas_price=5,
        data_fee=3,
        gas_cost=503 * 2,
        native_price=2 * WAD,
        value_out=20,
        value_in=18,
        values_out=(20,),
        position=0,
        legs=(Planned("pool", A, B, 11, 20, 10, 19), Planned("unused", A, B, 1, 1, None, None)),
        decided_at=BookedPrices(1, hash_of(1), {A: WAD, B: WAD}),
    )
    return replace(row, **changes)


def agree(story, *rows):
    swaps = (("pool", A, B, 10, 19),)
    fill = next(deed for deed in story.deeds if isinstance(deed, Filled))
    receipt = Receipt(fill.place.tx, 2, hash_of(2), True, ALICE, 100, 5, 3, {REBALANCER: (20, 18)}, swaps)
    state = state_of(1, {A: WAD, B: WAD}, {A: 50, B: 60}, SUPPLY)
    return ledger_and_chain(story, rows, {receipt.tx: receipt}, {hash_of(1): state}).differences


def test_ledger_and_chain__row_as_the_receipt__agrees():
    assert agree(life(), booked(life())) == ()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"succeeded": False}, "transaction 4 succeeded: False, not True"),
        ({"block_hash": hash_of(9)}, f"transaction 4 block: (2, '{hash_of(9)}'), not (2, '{hash_of(2)}')"),
        ({"gas_used": 99}, "transaction 4 gas used: 99, not 100"),
        ({"gas_price": 6}, "transaction 4 gas price: 6, not 5"),
        ({"gas_cost": 1_005}, "transaction 4 gas in USD: 1005, not 1006"),
        ({"value_in": 19}, "transaction 4 value out and in: (20, 19), not (20, 18)"),
        (
            {"decided_at": BookedPrices(1, hash_of(1), {A: WAD + 1})},
            f"transaction 4 price of {A} at its decision: {WAD + 1}, not {WAD}",
        ),
    ],
)
def test_ledger_and_chain__a_figure_that_differs__is_named(change, says):
    assert agree(life(), booked(life(), **change)) == (says,)


def test_ledger_and_chain__leg_that_differs__is_named():
    legs = (Planned("pool", A, B, 11, 20, 10, 18),)
    (difference,) = agree(life(), booked(life(), legs=legs))
    assert difference.startswith("transaction 4 swaps: ")


def test_ledger_and_chain__fill_that_the_ledger_does_not_know__is_named():
    logs = Logs().tx(1, "seed").seed({A: 50, B: 60}, 100 * WAD).tx(2, "fill").fill((A, 10), (B, 19), 20, 18)
    logs.tx(3, "other").fill((A, 1), (B, 1), 1, 1).tx(3, "pass").move(VAULT, NOBODY, BOB, 7)
    logs.log(VAULT, abi.Vault.streaming_fee, BOB, 7)
    story = told(logs, 3)
    (difference,) = agree(story, booked(story))
    assert difference.endswith("in the ledger: False, not True")


@pytest.fixture(scope="module")
def sample():
    return quarter()


def first_of(rows, **changes):
    """The rows, of which the first is changed."""
    return (replace(rows[0], **changes), *rows[1:])


def lots(sample, books=None):
    found, whole, story = sample
    return lots_and_holdings(story, holdings_at(story, found.points[-1].block), [books or whole], []).differences


def test_comparisons__of_a_quarter__agree(sample):
    found, books, _ = sample
    checks = (performance_and_chain(found, found.path.last), lots_and_performance(books, found))
    assert lots(sample) == ()
    assert all(check.holds and check.compared >= 10 for check in checks)


def test_lots_and_holdings__a_unit_off__is_named(sample):
    _, books, story = sample
    lot = books.lots[0]
    (said,) = lots(sample, replace(books, lots=first_of(books.lots, quantity=lot.quantity + 1)))
    assert said.startswith(f"fifo lots of {lot.asset}: ")
    (said,) = lots(sample, replace(books, lots=first_of(books.lots, cost=lot.cost + 1)))
    assert said.startswith("fifo cost of all lots: ")
    assert lots(sample, replace(books, disposals=first_of(books.disposals, basis=None)))[-1] == (
        "fifo disposals without a basis: 1, not 0"
    )
    shares = replace(books, owner=ALICE, lots=(replace(lot, asset=VAULT, quantity=7),))
    held = shares_of(story)[ALICE]
    assert lots_and_holdings(story, holdings_at(story, story.block), [], [shares]).differences == (
        f"fifo shares of {ALICE}: 7, not {held}",
    )


def test_performance_and_chain__a_unit_off__is_named(sample):
    found = sample.performance
    path, fill, costs = found.path, found.fills[0], found.costs
    block = fill.filled.place.block

    def said(changed=found, **state):
        return [
            each.partition(": ")[0] for each in performance_and_chain(changed, replace(path.last, **state)).differences
        ]

    assert said(nav=path.last.nav + 1) == ["NAV", f"NAV at block {path.last.block}"]
    assert said(nav_per_share=path.last.nav_per_share + 1) == ["NAV per share"]
    dropped = replace(path, steps=path.steps[:-1])
    assert said(replace(found, path=dropped)) == ["steps of NAV", "steps of NAV per share"]
    assert said(replace(found, costs=replace(costs, pool_fees=costs.pool_fees + 1))) == ["costs of all fills"]
    assert said(replace(found, costs=replace(costs, uncounted=costs.uncounted + 1))) == ["what fills did to NAV"]
    assert said(replace(found, fills=first_of(found.fills, kept=fill.kept + 1))) == [f"fill in block {block}"]
    assert said(replace(found, fills=first_of(found.fills, rounding=41))) == [f"fill in block {block}"]
    doubtful = replace(fill.counted, is_confirmed=False)
    assert said(replace(found, fills=first_of(found.fills, counted=doubtful))) == [f"fill in block {block}"]


def test_lots_and_performance__a_unit_off__is_named(sample):
    found, books, _ = sample
    at = next(i for i, gone in enumerate(books.disposals) if gone.source == "fill")
    changed = list(books.disposals)
    changed[at] = replace(changed[at], proceeds=changed[at].proceeds + 1)
    (said,) = lots_and_performance(replace(books, disposals=tuple(changed)), found).differences
    assert said.startswith("proceeds of fills: ")
    at = next(i for i, entry in enumerate(books.entries) if entry.kind == "fill")
    entries, entry = list(books.entries), books.entries[at]
    entries[at] = replace(entry, sent=replace(entry.sent, amount=entry.sent.amount + 1))
    (said,) = lots_and_performance(replace(books, entries=tuple(entries)), found).differences
    assert said.startswith(f"{entry.sent.asset} sold in fills: ")
    entries[at] = replace(entry, received=replace(entry.received, amount=entry.received.amount + 1))
    (said,) = lots_and_performance(replace(books, entries=tuple(entries)), found).differences
    assert said.startswith(f"{entry.received.asset} bought in fills: ")
