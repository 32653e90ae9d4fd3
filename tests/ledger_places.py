"""Places for a ledger, an SQLite file and a PostgreSQL database of a real server, and what stands in one."""

import tempfile
import textwrap
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from types import MappingProxyType
from uuid import uuid4

import postgres_server
import psycopg
import pytest
from fake_chain import bare_snapshot
from forked import Forked
from pydantic import SecretStr
from sqlalchemy import URL

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Valuation
from keeper.ledger import Inclusion, Intent, Ledger, LedgerLeg, TransactionRow
from keeper.policy import Decision, Kind, Quote

WAD = 10**18
BIG = 2**256 - 1
SENDER, VAULT = "0xS", "0xV"
ASSETS = (Asset("0xA", "AAA", 18, 1, 2, 3), Asset("0xB", "BBB", 6, 1, 2, 3))
VALUATION = Valuation((BIG, 2 * WAD), (), BIG, 5, Trigger.BAND)
SNAPSHOT = bare_snapshot(VAULT, assets=ASSETS, valuation=VALUATION, native_price=2_000 * WAD)
DECISION = Decision(Kind.REBALANCE, "because", 99, Quote(BIG, 3, None))
LEG = LedgerLeg("0xP", "uniswap_v3", "0xA", "0xB", BIG, 2)


@pytest.fixture(scope="session")
def postgres() -> Iterator[URL]:
    """A server for the session; the URL is of its own first database."""
    with postgres_server.running() as url:
        yield url


@pytest.fixture
def database(postgres: URL) -> Iterator[SecretStr]:
    """A database of its own."""
    name = f"ledger_{uuid4().hex}"
    with server(postgres) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    yield SecretStr(postgres.set(database=name).render_as_string(hide_password=False))
    with server(postgres) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Path | SecretStr:
    """A place where there is no ledger yet."""
    found: Path | SecretStr = (
        tmp_path / "new" / "ledger.sqlite" if request.param == "sqlite" else request.getfixturevalue("database")
    )
    return found


@cache
def empty_file() -> bytes:
    """A file with a ledger without rows: making the tables takes longer than most tests."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ledger.sqlite"
        Ledger(file).close()
        return file.read_bytes()


@pytest.fixture
def ledger(place: Path | SecretStr) -> Iterator[Ledger]:
    if isinstance(place, Path):
        place.parent.mkdir()
        place.write_bytes(empty_file())
    found = Ledger(place)
    yield found
    found.close()


@pytest.fixture
def armed(ledger: Ledger) -> Iterator[Ledger]:
    """The ledger of a keeper that holds its locks."""
    with ledger.locks.lane(1, SENDER), ledger.locks.vault(1, VAULT):
        yield ledger


def server(url: URL | SecretStr) -> psycopg.Connection:
    """A connection that is none of the ledger's."""
    text = url.get_secret_value() if isinstance(url, SecretStr) else url.render_as_string(hide_password=False)
    return psycopg.connect(text.replace("+psycopg", ""), autocommit=True)


def intent(nonce: int = 3, transaction_hash: str | None = "0xH", **changes) -> Intent:
    return replace(Intent(SENDER, nonce, "0xT", "rebalance", transaction_hash, BIG, 2, 21_000), **changes)


def decided(ledger: Ledger, block: str = "0x7", vault: str = VAULT, armed: bool = True) -> int:
    snapshot = replace(SNAPSHOT, address=vault, block=replace(SNAPSHOT.block, hash=block))
    return ledger.record_decision(1, snapshot, DECISION, armed=armed)


def planned(ledger: Ledger, nonce: int = 3, transaction_hash: str | None = "0xH", legs=(LEG,), **changes) -> int:
    """The row of a transaction that was decided on at a block of its own."""
    return ledger.record_intent(1, decided(ledger, uuid4().hex), intent(nonce, transaction_hash, **changes), legs)


def mined(ledger: Ledger, row_id: int, block: int = 8, values=MappingProxyType({}), legs=(), **changes) -> None:
    ledger.mark_mined(row_id, replace(Inclusion(block, hex(block), 5, 6), **changes), values=values, legs=legs)


def row_of(ledger: Ledger, row_id: int) -> TransactionRow:
    return next(row for row in ledger.transactions() if row.id == row_id)


def program(place: Path | SecretStr, text: str) -> Forked:
    """Another process, with `place` and everything of this module at hand."""
    return Forked(_run, place, textwrap.dedent(text))


def _run(place: Path | SecretStr, text: str) -> None:
    exec(text, globals() | {"place": place})
