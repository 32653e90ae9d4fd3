"""A unit that is missing anywhere is found, and named."""

from dataclasses import replace

import pytest
from report_samples import ALICE, BOB, KEEPER, NOBODY, REBALANCER, VAULT, A, B, Logs, hash_of, state_of, story_of

from keeper.chain import abi
from keeper.report.booked import Booked, BookedPrices
from keeper.report.costs import Planned
from keeper.report.decode import decode
from keeper.report.path import holdings_at
from keeper.report.reconcile import events_and_balances, ledger_and_chain
from keeper.report.records import Filled
from keeper.report.states import Receipt

WAD = 10**18
SUPPLY = 100 * WAD + 10**16


def life():
    logs = Logs().tx(1, "seed").seed({A: 50, B: 60}, 100 * WAD).tx(2, "fill").fill((A, 10), (B, 19), 20, 18)
    logs.tx(3, "pass").move(VAULT, ALICE, BOB, 7)
    told = decode(logs.found, VAULT, REBALANCER, (A, B), logs.times)
    return replace(story_of(told.deeds, 3, told.transfers), assets=(A, B))


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
    told = decode(logs.found, VAULT, REBALANCER, (A, B), logs.times)
    story = story_of(told.deeds, 3, told.transfers)
    (difference,) = agree(story, booked(story))
    assert difference.endswith("in the ledger: False, not True")
