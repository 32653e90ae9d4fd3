"""Files for tax software, read back as its documentation says that it reads them."""

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_samples import (
    ACTIONS,
    ALICE,
    BOB,
    DECIMALS,
    NOBODY,
    PRICE,
    RECIPIENT,
    START,
    SYMBOLS,
    VAULT,
    A,
    B,
    C,
    Logs,
    counted,
    lived,
    quarter,
    state_of,
    told,
)

from keeper.chain import abi
from keeper.report.books import Books, of_holder, of_vault
from keeper.report.exports import GENERIC, text, whole, write
from keeper.report.formats import Format
from keeper.report.lots import Book, Method

WAD = 10**18
ASSET_OF = {symbol: asset for asset, symbol in SYMBOLS.items()}
# https://support.koinly.io/en/articles/9489976-how-to-create-a-custom-csv-file-with-your-data, the universal template
KOINLY = (
    "Date,Sent Amount,Sent Currency,Received Amount,Received Currency,Fee Amount,Fee Currency,Net Worth Amount,"
    "Net Worth Currency,Label,Description,TxHash"
)
# https://support.koinly.io/en/articles/9490023-what-are-tags, of deposits and of withdrawals
KOINLY_IN = {
    "",
    "salary",
    "income",
    "lending interest",
    "airdrop",
    "fork",
    "mining",
    "reward",
    "cashback",
    "fee refund",
}
KOINLY_OUT = {"", "cost", "tax", "margin fee", "loan fee", "gift", "donation", "lost"}
# https://cointracking.info/import/import_csv/: eleven columns, and four that may follow
COINTRACKING = (
    "Type,Buy Amount,Buy Currency,Sell Amount,Sell Currency,Fee,Fee Currency,Exchange,Trade-Group,Comment,Date,"
    "Liquidity pool (optional),Tx-ID (optional),Buy Value in Account Currency (optional),"
    "Sell Value in Account Currency (optional)"
)
# https://cointracking.freshdesk.com/en/support/solutions/articles/29000042783-transaction-types
COINTRACKING_IN = {"Deposit", "Income", "Gift/Tip", "Reward / Bonus", "Airdrop", "Income (non taxable)", "Other Income"}
COINTRACKING_OUT = {"Withdrawal", "Spend", "Donation", "Gift", "Stolen", "Lost", "Other Fee", "Expense (non taxable)"}
AMOUNT = re.compile(r"\d+(\.\d+)?")  # a point, no sign, no exponent, no separator of thousands


@dataclass(frozen=True)
class Line:
    """What an importer understood: unix s, base units by asset, WAD USD where it is told."""

    time: int
    sent: tuple[str, int] | None
    received: tuple[str, int] | None
    worth: int | None
    label: str
    tx: str


def amount(number: str, currency: str) -> tuple[str, int] | None:
    """Of an asset, both or neither of them given; more digits than the asset has are a mistake."""
    assert bool(number) == bool(currency)
    if not number:
        return None
    assert AMOUNT.fullmatch(number)
    asset = ASSET_OF[currency]
    found = Decimal(number).scaleb(DECIMALS[asset])
    assert found == int(found) > 0
    return asset, int(found)


def moment(stamp: str, form: str) -> int:
    return int(datetime.strptime(stamp, form).replace(tzinfo=UTC).timestamp())


def of_koinly(file: str) -> list[Line]:
    assert file.splitlines()[0] == KOINLY
    found = []
    for row in csv.DictReader(io.StringIO(file, newline=""), strict=True):
        sent, received = (amount(row[f"{way} Amount"], row[f"{way} Currency"]) for way in ("Sent", "Received"))
        assert sent or received
        assert row["Label"] in ({""} if sent and received else KOINLY_IN if received else KOINLY_OUT)
        assert AMOUNT.fullmatch(row["Net Worth Amount"])
        assert (row["Net Worth Currency"], row["Fee Amount"], row["Fee Currency"]) == ("USD", "", "")
        worth = Decimal(row["Net Worth Amount"]).scaleb(18)
        assert worth == int(worth)
        time = moment(row["Date"], "%Y-%m-%d %H:%M:%S UTC")
        found.append(Line(time, sent, received, int(worth), row["Label"], row["TxHash"]))
    return found


def of_cointracking(file: str) -> list[Line]:
    assert file.splitlines()[0] == COINTRACKING
    assert not file.endswith(("\r", "\n"))
    found = []
    for row in csv.DictReader(io.StringIO(file, newline=""), strict=True):
        bought, sold = (amount(row[f"{way} Amount"], row[f"{way} Currency"]) for way in ("Buy", "Sell"))
        assert bought or sold
        kinds = {"Trade"} if bought and sold else COINTRACKING_IN if bought else COINTRACKING_OUT
        assert row["Type"] in kinds
        time = moment(row["Date"], "%d.%m.%Y %H:%M:%S")
        found.append(Line(time, sold, bought, None, row["Type"], row["Tx-ID (optional)"]))
    return found


def books_of(actions, prices, owner: str, method: Method) -> Books:
    story, states, fills = lived(actions, prices)
    by_block = {state.block: state for state in states}
    if owner == VAULT:
        return of_vault(story, by_block, fills, DECIMALS, method)
    return of_holder(story, by_block, DECIMALS, method, [owner])


def left(lines: list[Line]) -> Counter[str]:
    found: Counter[str] = Counter()
    for line in lines:
        for moved, sign in ((line.sent, -1), (line.received, 1)):
            if moved:
                found[moved[0]] += sign * moved[1]
    return found


OWNERS = st.sampled_from([VAULT, ALICE, BOB, RECIPIENT])
PRICES = st.lists(PRICE, min_size=2, max_size=5)


@settings(deadline=None, max_examples=40)
@given(ACTIONS, PRICES, OWNERS, st.sampled_from(list(Method)))
def test_write__any_life__is_read_by_every_importer_and_leaves_what_the_lots_leave(actions, prices, owner, method):
    books = books_of(actions, prices, owner, method)
    # What came out of nowhere was never received: it went out of lot 0.
    elsewhere = Counter(dict.fromkeys(DECIMALS, 0))
    for gone in books.disposals:
        elsewhere[gone.asset] += 0 if gone.lot else gone.quantity
    for style, importer in ((Format.KOINLY, of_koinly), (Format.COINTRACKING, of_cointracking)):
        lines = importer(write(books, style, SYMBOLS, DECIMALS))
        found = left(lines)
        assert {asset: books.quantity(asset) - elsewhere[asset] for asset in DECIMALS} == {
            a: found[a] for a in DECIMALS
        }
        assert all(START <= line.time <= START + 12 * (len(actions) + 2) for line in lines)
        assert {line.tx for line in lines} <= {entry.place.tx for entry in books.entries}


@settings(deadline=None, max_examples=40)
@given(ACTIONS, PRICES, OWNERS)
def test_write__koinly_s_lines_played_through_first_in_first_out__have_the_gain_of_the_books(actions, prices, owner):
    books = books_of(actions, prices, owner, Method.FIFO)
    lines = of_koinly(write(books, Format.KOINLY, SYMBOLS, DECIMALS))
    played, gain = Book(Method.FIFO), 0
    for line in lines:
        assert line.worth is not None
        if line.sent:
            gain += sum(each.gain or 0 for each in played.dispose(*line.sent, line.worth, line.time, "sent"))
        if line.received:
            played.acquire(*line.received, line.worth, line.time, "received")
    # A line is rounded to base units and to 1e-18 USD.
    parts = [part for entry in books.entries for part in (entry.sent, entry.received) if part is not None]
    assert abs(gain - books.gain) <= sum(4 + part.value // max(part.amount, 1) for part in parts)


@settings(deadline=None, max_examples=40)
@given(ACTIONS, PRICES, OWNERS, st.sampled_from(list(Method)))
def test_write__generic__has_every_unit_and_every_gain_of_the_books(actions, prices, owner, method):
    books = books_of(actions, prices, owner, method)
    found = list(csv.DictReader(io.StringIO(write(books, Format.GENERIC, SYMBOLS, DECIMALS), newline=""), strict=True))
    assert len(found) == len(books.disposals) + len(books.lots)
    assert sum(int(Decimal(row["gain_usd"] or 0).scaleb(18)) for row in found) == books.gain
    lots = [row for row in found if row["record"] == "lot"]
    assert sum(int(Decimal(row["basis_usd"]).scaleb(18)) for row in lots) == books.cost
    for asset in DECIMALS:
        own = [int(row["quantity_base_units"]) for row in lots if row["asset"] == asset]
        assert sum(own) == books.quantity(asset)
    for row in found:
        assert Decimal(row["quantity"]).scaleb(DECIMALS[row["asset"]]) == int(row["quantity_base_units"])
        for stamp in (row["acquired_at"], row["disposed_at"]):
            assert not stamp or moment(stamp, "%Y-%m-%dT%H:%M:%SZ") >= START


def test_write__a_quarter_of_a_vault__is_read_by_every_importer():
    found, books, _ = quarter()
    assert left(of_koinly(write(books, Format.KOINLY, SYMBOLS, DECIMALS))) == Counter(
        {asset: books.quantity(asset) for asset in (A, B, C)}
    )
    lines = of_cointracking(write(books, Format.COINTRACKING, SYMBOLS, DECIMALS))
    assert Counter(line.label for line in lines) == {"Deposit": 6, "Trade": len(found.fills), "Withdrawal": 3}


def rows(style: Format, owner: str = ALICE, symbols=SYMBOLS) -> list[dict[str, str]]:
    """Of Alice's seed, a fill after which A doubled, shares for Bob, a redemption and a gift."""
    logs = Logs().tx(1, "seed").seed({A: 50 * WAD, B: 50 * 10**6}, 100 * WAD)
    logs.tx(2, "fill").fill((A, 10 * WAD), (B, 19 * 10**6), 20 * WAD, 19 * WAD)
    logs.tx(3, "transfer").move(VAULT, ALICE, BOB, 40 * WAD)
    logs.tx(4, "redeem").move(VAULT, ALICE, RECIPIENT, WAD).move(VAULT, ALICE, NOBODY, 49 * WAD)
    logs.move(A, VAULT, ALICE, 20 * WAD).log(VAULT, abi.Vault.redeemed, ALICE, ALICE, 50 * WAD, WAD)
    logs.tx(5, "gift").move(A, BOB, VAULT, WAD)
    story, prices = told(logs, 9), {block: {A: min(block, 2) * WAD, B: WAD} for block in range(1, 6)}
    states = {block: state_of(block, at, {A: 40 * WAD, B: 69 * 10**6}, 100 * WAD) for block, at in prices.items()}
    if owner == VAULT:
        books = of_vault(story, states, counted(story, prices), DECIMALS, Method.FIFO)
    else:
        books = of_holder(story, states, DECIMALS, Method.FIFO, [owner])
    return list(csv.DictReader(io.StringIO(write(books, style, symbols, DECIMALS), newline="")))


def test_write__koinly__is_this_line():
    found = rows(Format.KOINLY)
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
    (gift,) = (row for row in rows(Format.KOINLY, VAULT) if row["Description"] == "gift")
    # A deposit has no tag of that name, and what it was worth is what it cost.
    assert (gift["Label"], gift["Received Amount"], gift["Net Worth Amount"]) == ("", "1", "0")


def test_write__cointracking__has_its_types_for_each_way():
    assert [row["Type"] for row in rows(Format.COINTRACKING)] == ["Trade", "Trade", "Withdrawal", "Trade"]
    assert rows(Format.COINTRACKING)[0]["Date"] == "14.11.2023 22:13:32"
    assert [row["Type"] for row in rows(Format.COINTRACKING, RECIPIENT)] == ["Income"]
    assert [row["Type"] for row in rows(Format.COINTRACKING, BOB)] == ["Deposit"]
    assert rows(Format.COINTRACKING, VAULT)[-1]["Type"] == "Gift/Tip"


@pytest.mark.parametrize(("style", "column", "label"), [("koinly", "Label", "gift"), ("cointracking", "Type", "Gift")])
def test_write__a_gift_that_left__is_a_gift_of_the_way_out(style, column, label):
    logs = Logs().tx(1, "seed").seed({A: 50 * WAD, B: 50 * 10**6}, 100 * WAD).tx(2, "gift").move(A, VAULT, BOB, WAD)
    states = {block: state_of(block, {A: WAD, B: WAD}, {A: WAD}, WAD) for block in (1, 2)}
    books = of_vault(told(logs, 9), states, {}, DECIMALS, Method.FIFO)
    found = list(csv.DictReader(io.StringIO(write(books, Format(style), SYMBOLS, DECIMALS), newline="")))
    assert found[-1][column] == label


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
    assert [row["record"] for row in found].count("lot") == 4


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
