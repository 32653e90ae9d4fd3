"""Checks that everything a keeper needs is in place, and says what to do where it is not."""

import platform
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from keeper import contracts
from keeper.chain import abi
from keeper.chain.multicall import Read, read_all
from keeper.chain.rpc import Client, SimulatedCall
from keeper.chain.snapshot import fault_line
from keeper.errors import EquipoiseError
from keeper.execution import signer as signers
from keeper.execution.fees import GWEI, current
from keeper.ledger import Ledger
from keeper.services.plan import executor_owner, take
from keeper.settings import Settings
from keeper.toolchain import ensure_anvil


class Status(StrEnum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"  # something will not work, but perhaps nobody wants it to
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Row:
    """One check."""

    check: str
    status: Status
    detail: str


def examine(settings: Settings, vault: str | None = None) -> Iterator[Row]:
    """Every check in turn; one that fails does not stop the others."""
    yield _row("python", platform.python_version)
    yield _row("anvil", lambda: str(ensure_anvil()), failure=Status.WARN)
    yield _row("contracts", _compile)
    yield _row("ledger", lambda: _writable(settings))
    client = Client(settings.rpc_url, settings.chain_id, settings.request_timeout_s, settings.read_attempts)
    reached = _row("rpc", client.software)
    yield reached
    if reached.status is Status.OK:
        yield from _on_chain(settings, client, vault)
    yield from _key(settings, client)


def _on_chain(settings: Settings, client: Client, vault: str | None) -> Iterator[Row]:
    yield _row("chain id", lambda: f"{client.connect().chain_id}, block {client.head().number}")
    yield _row("multicall", lambda: _multicall(settings, client))
    yield _row("simulation", lambda: _simulation(settings, client))
    yield _row("gas price", lambda: f"{current(client, settings.fees).expected / GWEI:.3f} gwei", failure=Status.WARN)
    if settings.executor is None:
        yield Row("executor", Status.WARN, "none set: plans can be made, rebalances cannot be sent; set executor")
    else:
        executor = settings.executor
        yield _row("executor", lambda: f"{executor}, owner {executor_owner(client, executor)}")
    if vault is not None:
        yield from _vault(settings, client, vault)


def _vault(settings: Settings, client: Client, vault: str) -> Iterator[Row]:
    try:
        snapshot = take(client, settings, vault)
    except EquipoiseError as error:
        yield Row("vault", Status.ERROR, str(error))
        return
    detail = f"{snapshot.name} ({snapshot.symbol}), {len(snapshot.assets)} assets"
    if snapshot.is_shut_down:
        yield Row("vault", Status.ERROR, f"{detail}; it is shut down for good: keep another one")
    elif snapshot.paused:
        yield Row("vault", Status.WARN, f"{detail}; it is paused: nothing can be done until its owner resumes it")
    else:
        yield Row("vault", Status.OK, detail)
    if snapshot.head_start:
        listed = "the executor is listed" if snapshot.is_keeper else "the executor is not listed: others may fill first"
        yield Row("head start", Status.OK if snapshot.is_keeper else Status.WARN, f"{snapshot.head_start} s, {listed}")
    if snapshot.valuation is None:
        yield Row("oracle", Status.ERROR, fault_line(snapshot))
    else:
        yield Row("oracle", Status.OK, f"{snapshot.oracle}, {len(snapshot.assets)} prices")


def _key(settings: Settings, client: Client) -> Iterator[Row]:
    row = _signer(settings)
    if row is None:
        return
    yield row
    try:
        sender = signers.sender_of(settings)
        owner = None if settings.executor is None else executor_owner(client, settings.executor)
    except EquipoiseError:
        return  # the key's row, or the executor's own, says so
    if sender is not None and owner is not None and owner != sender:
        text = f"{owner} owns the executor, the key is {sender}'s: set executor to one of the key's own"
        yield Row("executor owner", Status.ERROR, text)


def _signer(settings: Settings) -> Row | None:
    """The row of whoever signs; None where that is a devnet's node."""
    if settings.unlocked_sender is not None:
        return None
    if settings.signer_address is not None:
        kind = "web3signer" if settings.clef_url is None else "clef"
        return Row("signer", Status.OK, f"{kind} signs for {settings.signer_address}; what it signs is checked")
    key_file = settings.key_file
    if key_file is None:
        return Row("key file", Status.WARN, "none set: dry runs only; set key_file to a keystore v3 file")
    row = _row("key file", lambda: signers.address_of(key_file))
    mode = stat.S_IMODE(key_file.stat().st_mode) if row.status is Status.OK else 0
    if mode & 0o077:
        return Row("key file", Status.WARN, f"{row.detail}; others may read the file ({mode:o}): chmod 600 it")
    return row


def _row(check: str, probe: Callable[[], str], failure: Status = Status.ERROR) -> Row:
    try:
        return Row(check, Status.OK, probe())
    except EquipoiseError as error:
        return Row(check, failure, str(error))


def _compile() -> str:
    names = ("IndexVault", "Rebalancer", "PriceOracle", "RouteExecutor", "BatchExecutor")
    return ", ".join(f"{name} {len(contracts.contract(name).bytecode):,} B" for name in names)


def _writable(settings: Settings) -> str:
    file = settings.ledger_file
    ledger = Ledger(file)
    try:
        ledger.check_writable()
    finally:
        ledger.close()
    return f"{file}, {shutil.disk_usage(file.parent).free / 1e9:.1f} GB free"


def _simulation(settings: Settings, client: Client) -> str:
    block = client.head()
    call = SimulatedCall(settings.multicall, settings.wrapped_native, abi.Token.balance_of.encode(settings.multicall))
    client.simulate([call], block, block.timestamp + 1)
    return "eth_simulateV1 answers"


def _multicall(settings: Settings, client: Client) -> str:
    read_all(client, [Read(settings.multicall, abi.Multicall.block_number)], client.head(), settings.multicall)
    return settings.multicall
