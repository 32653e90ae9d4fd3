"""Books as CSV: Koinly's universal file, CoinTracking's import, and one with every column there is.

Koinly: https://support.koinly.io/en/articles/9489976-how-to-create-a-custom-csv-file-with-your-data, and its tags
https://support.koinly.io/en/articles/9490023-what-are-tags. CoinTracking: https://cointracking.info/import/import_csv/, and its
types https://cointracking.freshdesk.com/en/support/solutions/articles/29000042783-transaction-types.

Amounts are whole tokens with every digit, USD with eighteen. Text that a spreadsheet would run as a formula gets an
apostrophe in front: a token may call itself `=HYPERLINK(…)`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from keeper.report.books import Books, Entry, Part
from keeper.report.formats import Format
from keeper.report.lots import Disposal, Lot

KOINLY = (
    "Date",
    "Sent Amount",
    "Sent Currency",
    "Received Amount",
    "Received Currency",
    "Fee Amount",
    "Fee Currency",
    "Net Worth Amount",
    "Net Worth Currency",
    "Label",
    "Description",
    "TxHash",
)
COINTRACKING = (
    "Type",
    "Buy Amount",
    "Buy Currency",
    "Sell Amount",
    "Sell Currency",
    "Fee",
    "Fee Currency",
    "Exchange",
    "Trade-Group",
    "Comment",
    "Date",
    "Liquidity pool (optional)",
    "Tx-ID (optional)",
    "Buy Value in Account Currency (optional)",
    "Sell Value in Account Currency (optional)",
)
GENERIC = (
    "record",
    "owner",
    "method",
    "kind",
    "asset",
    "symbol",
    "quantity",
    "quantity_base_units",
    "acquired_at",
    "disposed_at",
    "held_days",
    "proceeds_usd",
    "basis_usd",
    "gain_usd",
    "lot",
    "tx",
)
# Koinly's tags: `gift` is one of withdrawals alone, which then have no gain.
_TAGS_IN, _TAGS_OUT = {"fee_income": "reward"}, {"gift": "gift"}
# CoinTracking's types.
_TYPES_IN, _TYPES_OUT = {"gift": "Gift/Tip", "fee_income": "Income"}, {"gift": "Gift"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_LINE_END = "\r\n"
_DAY_S = 86_400


def write(books: Books, style: Format, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> str:
    """The file's text.

    :param symbols: by asset, the vault's shares among them; foreign text
    """
    match style:
        case Format.KOINLY:
            return _table(KOINLY, (_koinly(entry, symbols, decimals) for entry in books.entries))
        case Format.COINTRACKING:
            # It takes the end of the last line for one line more.
            found = _table(COINTRACKING, (_cointracking(entry, symbols, decimals) for entry in books.entries))
            return found.removesuffix(_LINE_END)
        case Format.GENERIC:
            return _table(GENERIC, _generic(books, symbols, decimals))


def text(foreign: str) -> str:
    """A cell that no spreadsheet runs."""
    return f"'{foreign}" if foreign.lstrip(" ").startswith(_FORMULA) else foreign


def whole(base_units: int, decimals: int) -> str:
    """Base units as whole tokens, every digit and no exponent."""
    sign, digits = "-" if base_units < 0 else "", abs(base_units)
    units, rest = divmod(digits, int(10**decimals))
    return sign + str(units) + (f".{rest:0{decimals}d}".rstrip("0") if rest else "")


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator=_LINE_END)
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _koinly(entry: Entry, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> list[str]:
    sent, received = _moved(entry.sent), _moved(entry.received)
    tag = "" if sent and received else (_TAGS_IN if received else _TAGS_OUT).get(entry.kind, "")
    return [
        f"{_time(entry.place.time):%Y-%m-%d %H:%M:%S} UTC",
        *_amount(sent, symbols, decimals),
        *_amount(received, symbols, decimals),
        "",
        "",
        whole(entry.worth, 18),
        "USD",
        tag,
        entry.kind,
        entry.place.tx,
    ]


def _cointracking(entry: Entry, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> list[str]:
    sent, received = _moved(entry.sent), _moved(entry.received)
    alone = _TYPES_IN.get(entry.kind, "Deposit") if received else _TYPES_OUT.get(entry.kind, "Withdrawal")
    return [
        "Trade" if sent and received else alone,
        *_amount(received, symbols, decimals),
        *_amount(sent, symbols, decimals),
        "",
        "",
        "Equipoise",
        entry.kind,
        f"{entry.kind}, worth {whole(entry.worth, 18)} USD",
        f"{_time(entry.place.time):%d.%m.%Y %H:%M:%S}",
        "",
        entry.place.tx,
        "",  # the account's currency need not be USD
        "",
    ]


def _moved(part: Part | None) -> Part | None:
    """A part of nothing, which a division left, is no amount to a program."""
    return part if part is not None and part.amount else None


def _generic(books: Books, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> Iterable[list[str]]:
    records: list[Disposal | Lot] = [*books.disposals, *books.lots]
    for each in records:
        gone = each if isinstance(each, Disposal) else None
        number = each.number if isinstance(each, Lot) else each.lot
        yield [
            "lot" if gone is None else "disposal",
            books.owner,
            books.method.value,
            each.source,
            each.asset,
            text(symbols[each.asset]),
            whole(each.quantity, decimals[each.asset]),
            str(each.quantity),
            _stamp(each.acquired_at),
            _stamp(None if gone is None else gone.disposed_at),
            "" if gone is None or gone.held_s is None else str(gone.held_s // _DAY_S),
            _usd(None if gone is None else gone.proceeds),
            _usd(each.cost if isinstance(each, Lot) else each.basis),
            _usd(None if gone is None else gone.gain),
            str(number) if number else "",
            each.tx,
        ]


def _usd(value: int | None) -> str:
    return "" if value is None else whole(value, 18)


def _amount(part: Part | None, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> list[str]:
    if part is None:
        return ["", ""]
    return [whole(part.amount, decimals[part.asset]), text(symbols[part.asset])]


def _stamp(at: int | None) -> str:
    return "" if at is None else f"{_time(at):%Y-%m-%dT%H:%M:%SZ}"


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
