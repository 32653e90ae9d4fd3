"""Opens a ledger: finds out what it is, and brings an older one up to date under a lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import SecretStr
from sqlalchemy import Connection, Engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from keeper.errors import ConfigurationError
from keeper.ledger import engine as engines
from keeper.ledger import errors, migrations
from keeper.ledger.engine import BUSY_TIMEOUT_S, WRITING
from keeper.ledger.models import Base
from keeper.ledger.store import Store

# "equipoise" in ASCII, cut to 63 bits: whoever upgrades the tables of a database holds it.
_UPGRADE_LOCK = int.from_bytes(b"equipois") & (2**63 - 1)


def open_file(file: Path) -> Store:
    """The ledger in an SQLite file, made if it does not exist.

    :raises ConfigurationError: it cannot be opened, is no ledger, or a newer equipoise made it
    """
    name = f"ledger {file}"
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # SQLite waits for nobody while it turns a new file to WAL.
        with FileLock(file.with_name(f"{file.name}.open.lock"), timeout=BUSY_TIMEOUT_S):
            plain = engines.of_file(file, foreign_keys=False)
            try:
                _upgrade(plain, name, "set ledger_file")
            finally:
                plain.dispose()
    except Timeout:
        raise ConfigurationError(f"{name} is being opened by another process that does not end: stop it") from None
    except (OSError, SQLAlchemyError) as error:
        raise ConfigurationError(f"{name} cannot be opened ({errors.cause(error)}): set ledger_file") from None
    return Store(engines.of_file(file), name)


def open_server(url: SecretStr) -> Store:
    """The ledger in a PostgreSQL database, its tables made if they do not exist.

    :raises ConfigurationError: as `open_file`
    """
    try:
        parsed = make_url(url.get_secret_value())
        engine = engines.of_server(parsed)
    except (ArgumentError, ValueError):
        raise ConfigurationError(
            "ledger_url is not a postgresql+psycopg:// URL: see the reference of settings"
        ) from None
    name = f"ledger {parsed.host or parsed.query.get('host', 'localhost')}/{parsed.database}"
    try:
        _upgrade(engine, name, "set ledger_url")
    except SQLAlchemyError as error:
        engine.dispose()
        raise ConfigurationError(f"{name} cannot be opened ({errors.cause(error)}): set ledger_url") from None
    except ConfigurationError:
        engine.dispose()
        raise
    return Store(engine, name)


def _upgrade(engine: Engine, name: str, mend: str) -> None:
    """All steps or none, by one process at a time."""
    with _exclusive(engine) as connection:
        found = _version(connection, name, mend)
        if found == migrations.HEAD:
            return
        migrations.run(connection, found)
        if connection.dialect.name == "sqlite" and connection.execute(text("PRAGMA foreign_key_check")).first():
            raise ConfigurationError(f"{name} has rows that belong to none: mend it with sqlite3, or {mend}")


@contextmanager
def _exclusive(engine: Engine) -> Iterator[Connection]:
    with engine.execution_options(**{WRITING: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _UPGRADE_LOCK})
        yield connection


def _version(connection: Connection, name: str, mend: str) -> str | None:
    """The ledger's version; None for an empty database."""
    tables = set(inspect(connection).get_table_names())
    marked = connection.execute(text("PRAGMA user_version")).scalar_one() if connection.dialect.name == "sqlite" else 0
    if migrations.VERSION_TABLE in tables:
        found = connection.execute(text(f"SELECT version_num FROM {migrations.VERSION_TABLE}")).scalar_one()
        if found not in migrations.KNOWN:
            raise ConfigurationError(
                f"{name} was made by a newer equipoise (version {found}, this one knows {migrations.HEAD}): "
                f"upgrade equipoise, or {mend} to another"
            )
        return str(found)
    if marked == migrations.UNMARKED_USER_VERSION and "decisions" in tables:
        return migrations.UNMARKED
    if marked != 0:
        raise ConfigurationError(f"{name} was made by another version of equipoise: upgrade it, or {mend} to another")
    foreign = tables if connection.dialect.name == "sqlite" else tables & set(Base.metadata.tables)
    if foreign:
        raise ConfigurationError(f"{name} is no ledger, it has a table {min(foreign)} of something else: {mend}")
    return None
