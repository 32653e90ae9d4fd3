"""Books as CSV: Koinly's universal file, CoinTracking's import, and one with every column there is.

Amounts are whole tokens with every digit, USD with eighteen. Text that a spreadsheet would run as a formula gets an
apostrophe in front: a token may call itself `=HYPERLINK(…)`.
"""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from keeper.report.books import Books, Entry, Part
from keeper.report.formats import Format

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
    "Tx-ID",
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
_LABELS = {"gift": "gift", "fee_income": "reward"}  # Koinly's
_TYPES = {"gift": "Gift/Tip", "fee_income": "Income"}  # CoinTracking's
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_DAY_S = 86_400


def write(books: Books, style: Format, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> str:
    """The file's text.

    :param symbols: by asset, the vault's shares among them; foreign text
    """
    match style:
        case Format.KOINLY:
            return _table(KOINLY, (_koinly(entry, symbols, decimals) for entry in books.entries))
        case Format.COINTRACKING:
            return _table(COINTRACKING, (_cointracking(entry, symbols, decimals) for entry in books.entries))
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
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(header)
    writer.writerows(rows)
    return out.getvalue()


def _koinly(entry: Entry, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> list[str]:
    sent, received = (_amount(part, symbols, decimals) for part in (entry.sent, entry.received))
    worth = [whole(entry.worth, 18), "USD"]
    date = f"{_time(entry.place.time):%Y-%m-%d %H:%M:%S} UTC"
    label = "" if entry.sent and entry.received else _LABELS.get(entry.kind, "")
    return [date, *sent, *received, "", "", *worth, label, entry.kind, entry.place.tx]


def _cointracking(entry: Entry, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> list[str]:
    sent, received = (_amount(part, symbols, decimals) for part in (entry.sent, entry.received))
    alone = _TYPES.get(entry.kind, "Deposit" if entry.received else "Withdrawal")
    kind = "Trade" if entry.sent and entry.received else alone
    comment = f"{entry.kind}, worth {whole(entry.worth, 18)} USD"
    date = f"{_time(entry.place.time):%d.%m.%Y %H:%M:%S}"
    return [kind, *received, *sent, "", "", "Equipoise", entry.kind, comment, date, entry.place.tx]


def _generic(books: Books, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> Iterable[list[str]]:
    for gone in books.disposals:
        yield [
            "disposal",
            books.owner,
            books.method.value,
            gone.source,
            gone.asset,
            text(symbols[gone.asset]),
            whole(gone.quantity, decimals[gone.asset]),
            str(gone.quantity),
            _stamp(gone.acquired_at),
            _stamp(gone.disposed_at),
            "" if gone.held_s is None else str(gone.held_s // _DAY_S),
            whole(gone.proceeds, 18),
            "" if gone.basis is None else whole(gone.basis, 18),
            "" if gone.gain is None else whole(gone.gain, 18),
            str(gone.lot) if gone.lot else "",
            gone.tx,
        ]
    for lot in books.lots:
        yield [
            "lot",
            books.owner,
            books.method.value,
            lot.source,
            lot.asset,
            text(symbols[lot.asset]),
            whole(lot.quantity, decimals[lot.asset]),
            str(lot.quantity),
            _stamp(lot.acquired_at),
            "",
            "",
            "",
            "" if lot.cost is None else whole(lot.cost, 18),
            "",
            str(lot.number),
            lot.tx,
        ]


def _amount(part: Part | None, symbols: Mapping[str, str], decimals: Mapping[str, int]) -> list[str]:
    if part is None:
        return ["", ""]
    return [whole(part.amount, decimals[part.asset]), text(symbols[part.asset])]


def _stamp(at: int | None) -> str:
    return "" if at is None else f"{_time(at):%Y-%m-%dT%H:%M:%SZ}"


def _time(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
