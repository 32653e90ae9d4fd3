"""Books by hand: what a depositor and a vault bought and sold, and the files for tax software."""

import csv
import io
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    ALICE,
    BOB,
    DECIMALS,
    NOBODY,
    REBALANCER,
    RECIPIENT,
    SYMBOLS,
    VAULT,
    A,
    B,
    Logs,
    state_of,
    story_of,
)

from keeper.chain import abi
from keeper.report.books import Part, of_holder, of_vault, pairs
from keeper.report.decode import decode
from keeper.report.exports import COINTRACKING, GENERIC, KOINLY, text, whole, write
from keeper.report.formats import Format
from keeper.report.lots import Method
from keeper.report.pricing import count
from keeper.report.records import Filled

WAD = 10**18
HELD = {A: 100 * WAD, B: 100 * 10**6}
SUPPLY = 100 * WAD
PARTS = st.lists(st.tuples(st.integers(0, 10**24), st.integers(0, 10**24)), min_size=1, max_size=5)


def life() -> Logs:
    """Alice seeds, A rises from 1 to 2, the vault sells A for B, Alice gives Bob shares and redeems at A = 3."""
    logs = Logs().tx(1, "seed").seed({A: 50 * WAD, B: 50 * 10**6}, 100 * WAD)
    logs.tx(2, "fill").fill((A, 10 * WAD), (B, 19 * 10**6), 20 * WAD, 19 * WAD)
    logs.tx(3, "transfer").move(VAULT, ALICE, BOB, 40 * WAD)
    logs.tx(4, "redeem").move(VAULT, ALICE, RECIPIENT, WAD).move(VAULT, ALICE, NOBODY, 49 * WAD)
    logs.move(A, VAULT, ALICE, 20 * WAD).log(VAULT, abi.Vault.claim_made, ALICE, B, 30 * 10**6)
    logs.log(VAULT, abi.Vault.redeemed, ALICE, ALICE, 50 * WAD, WAD)
    return (
        logs.tx(5, "claim").move(B, VAULT, ALICE, 30 * 10**6).log(VAULT, abi.Vault.claimed, ALICE, B, ALICE, 30 * 10**6)
    )


def read(logs: Logs):
    told = decode(logs.found, VAULT, REBALANCER, (A, B), logs.times)
    story = story_of(told.deeds, 9, told.transfers)
    states = {
        block: state_of(block, {A: price * WAD, B: WAD}, HELD, SUPPLY)
        for block, price in ((1, 1), (2, 2), (3, 2), (4, 3), (5, 3))
    }
    counted = {
        (deed.place.block, deed.place.index): count(deed, VAULT, DECIMALS, {A: (2 * WAD,), B: (WAD,)})
        for deed in story.deeds
        if isinstance(deed, Filled)
    }
    return story, states, counted


def test_of_vault__sale_in_a_fill__gains_what_came_less_what_it_cost():
    story, states, counted = read(life())
    books = of_vault(story, states, counted, DECIMALS, Method.FIFO)
    (sale,) = (each for each in books.disposals if each.source == "fill")
    assert (sale.asset, sale.quantity, sale.proceeds, sale.basis, sale.gain) == (
        A,
        10 * WAD,
        19 * WAD,
        10 * WAD,
        9 * WAD,
    )
    assert sale.held_s == 12
    handed = [(each.asset, each.quantity, each.gain) for each in books.disposals if each.source == "distribution"]
    assert handed == [(A, 20 * WAD, 0), (B, 30 * 10**6, 0)]
    assert (books.quantity(A), books.quantity(B)) == (20 * WAD, 39 * 10**6)
    assert books.cost == 20 * WAD + 39 * WAD
    assert books.gain == 9 * WAD


def test_of_vault__gift__costs_nothing():
    story, states, counted = read(Logs().tx(1, "seed").seed({A: 5, B: 5}, 9).tx(2, "gift").move(A, BOB, VAULT, 7))
    books = of_vault(story, states, counted, DECIMALS, Method.FIFO)
    assert [(lot.quantity, lot.cost, lot.source) for lot in books.lots if lot.source == "gift"] == [(7, 0, "gift")]


def test_of_holder__who_mints_passes_on_and_redeems__has_the_gain_of_the_redemption():
    story, states, _ = read(life())
    books = of_holder(story, states, DECIMALS, Method.FIFO, [ALICE])
    given_a, given_b, passed, redeemed = books.disposals
    # What was given came from elsewhere: its basis is unknown, its proceeds are its value.
    assert [(each.proceeds, each.basis, each.gain) for each in (given_a, given_b)] == [(50 * WAD, None, None)] * 2
    assert (passed.source, passed.quantity, passed.proceeds, passed.gain) == ("transfer_out", 40 * WAD, 40 * WAD, 0)
    # 50 shares at 1 each for 20 A at 3 and a claim on 30 B.
    assert (redeemed.source, redeemed.quantity, redeemed.proceeds, redeemed.basis) == (
        "redeem",
        50 * WAD,
        90 * WAD,
        50 * WAD,
    )
    assert (books.gain, books.quantity(VAULT)) == (40 * WAD, 10 * WAD)
    assert [(lot.asset, lot.quantity, lot.cost) for lot in books.lots if lot.asset != VAULT] == [
        (A, 20 * WAD, 60 * WAD),
        (B, 30 * 10**6, 30 * WAD),
    ]


def test_of_holder__who_gets_shares_and_fees__has_lots_at_nav_per_share():
    story, states, _ = read(life())
    bob = of_holder(story, states, DECIMALS, Method.FIFO, [BOB])
    # At block 3 the basket is worth 300 for 100 shares.
    assert [(lot.source, lot.quantity, lot.cost) for lot in bob.lots] == [("transfer_in", 40 * WAD, 120 * WAD)]
    recipient = of_holder(story, states, DECIMALS, Method.FIFO, [RECIPIENT])
    assert [(lot.source, lot.quantity, lot.cost) for lot in recipient.lots] == [("fee_income", WAD, 4 * WAD)]


def test_of_holder__two_addresses_of_one_person__pass_shares_without_a_trace():
    story, states, _ = read(life())
    books = of_holder(story, states, DECIMALS, Method.FIFO, [ALICE, BOB])
    assert not [entry for entry in books.entries if entry.kind.startswith("transfer")]
    assert books.quantity(VAULT) == 50 * WAD


@settings(deadline=None)
@given(PARTS, PARTS)
def test_pairs__any_sides__hold_every_part_to_the_unit(one, other):
    sold = [Part(f"s{i}", amount, value) for i, (amount, value) in enumerate(one)]
    bought = [Part(f"b{i}", amount, value) for i, (amount, value) in enumerate(other)]
    found = pairs(sold, bought)
    for side, parts in enumerate((sold, bought)):
        for part in parts:
            own = [pair[side] for pair in found if pair[side].asset == part.asset]
            assert sum(each.amount for each in own) == part.amount
    assert sum(out.value for out, _ in found) <= sum(part.value for part in sold)


def rows(style: Format, owner: str = ALICE, symbols=SYMBOLS) -> list[dict[str, str]]:
    story, states, counted = read(life())
    books = (
        of_vault(story, states, counted, DECIMALS, Method.FIFO)
        if owner == VAULT
        else of_holder(story, states, DECIMALS, Method.FIFO, [owner])
    )
    return list(csv.DictReader(io.StringIO(write(books, style, symbols, DECIMALS))))


def test_write__koinly__has_its_columns_and_every_unit():
    found = rows(Format.KOINLY)
    assert tuple(found[0]) == KOINLY
    assert found[0]["Date"] == "2023-11-14 22:13:32 UTC"
    sent = sum(Decimal(row["Sent Amount"]) for row in found if row["Sent Currency"] == "SHARE")
    received = sum(Decimal(row["Received Amount"]) for row in found if row["Received Currency"] == "SHARE")
    assert (sent, received) == (90, 100)
    assert found[0] == {
        "Date": "2023-11-14 22:13:32 UTC",
        "Sent Amount": "50",
        "Sent Currency": "AAA",
        "Received Amount": "50",
        "Received Currency": "SHARE",
        "Fee Amount": "",
        "Fee Currency": "",
        "Net Worth Amount": "50",
        "Net Worth Currency": "USD",
        "Label": "",
        "Description": "mint",
        "TxHash": found[0]["TxHash"],
    }
    assert {row["Label"] for row in rows(Format.KOINLY, RECIPIENT)} == {"reward"}


def test_write__cointracking__has_its_columns_and_types():
    found = rows(Format.COINTRACKING)
    assert tuple(found[0]) == COINTRACKING
    assert [row["Type"] for row in found] == ["Trade", "Trade", "Withdrawal", "Trade", "Trade"]
    assert found[0]["Date"] == "14.11.2023 22:13:32"
    assert [row["Type"] for row in rows(Format.COINTRACKING, RECIPIENT)] == ["Income"]
    assert [row["Type"] for row in rows(Format.COINTRACKING, BOB)] == ["Deposit"]


def test_write__generic__has_lots_and_disposals_with_every_column():
    found = rows(Format.GENERIC, VAULT)
    assert tuple(found[0]) == GENERIC
    (sale,) = (row for row in found if row["kind"] == "fill" and row["record"] == "disposal")
    assert (sale["symbol"], sale["quantity"], sale["proceeds_usd"], sale["basis_usd"], sale["gain_usd"]) == (
        "AAA",
        "10",
        "19",
        "10",
        "9",
    )
    assert (sale["acquired_at"], sale["disposed_at"]) == ("2023-11-14T22:13:32Z", "2023-11-14T22:13:44Z")
    assert [row["record"] for row in found].count("lot") == 3


@pytest.mark.parametrize("hostile", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", " =1", "\n=1"])
def test_text__what_a_spreadsheet_would_run__is_text(hostile):
    assert text(hostile) == f"'{hostile}"
    found = rows(Format.KOINLY, symbols=SYMBOLS | {A: hostile})
    cells = [cell for row in found for cell in row.values()]
    assert any(cell == f"'{hostile}" for cell in cells)
    assert not [cell for cell in cells if cell.strip(" ")[:1] in set("=+-@\t\r\n") and cell]


def test_text__a_plain_symbol__stays():
    assert text("wstETH") == "wstETH"
    assert text('USD,C"') == 'USD,C"'


@settings(deadline=None)
@given(st.integers(-(10**40), 10**40), st.integers(0, 27))
def test_whole__any_amount__is_exact(amount, decimals):
    sign, digits = (-1, whole(amount, decimals)[1:]) if amount < 0 else (1, whole(amount, decimals))
    before, _, after = digits.partition(".")
    assert sign * int(before + after.ljust(decimals, "0")) == amount
    assert "e" not in digits
