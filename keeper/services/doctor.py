"""Checks that everything a keeper needs is in place, and says what to do where it is not."""

import platform
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry

from keeper import contracts
from keeper.aggregators import NotPinned, calldata, pins, venues
from keeper.chain import abi
from keeper.chain.connect import client_of
from keeper.chain.multicall import Read, read_all
from keeper.chain.quorum import Pool
from keeper.chain.rpc import Client, SimulatedCall
from keeper.chain.snapshot import fault_line
from keeper.errors import ConfigurationError, EquipoiseError
from keeper.execution import signer as signers
from keeper.execution.fees import GWEI, current
from keeper.execution.lane.channels import channel_of
from keeper.ledger import PUBLIC, Ledger
from keeper.operations import notify
from keeper.operations.breaker_file import BreakerFile
from keeper.operations.breakers import mend
from keeper.operations.health import Health
from keeper.operations.kill_switch import KillSwitch
from keeper.operations.redaction import neutral
from keeper.operations.server import Server
from keeper.services.memory import executor_owner
from keeper.services.plan import take
from keeper.settings import OperationsSettings, Settings
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
    yield from _operations(settings)
    client = client_of(settings, tell=lambda _: None)  # what is wrong with an endpoint stands in its row
    if isinstance(client, Pool):
        yield from _endpoints(settings, client)
    reached = _row("rpc", client.software)
    yield reached
    if reached.status is Status.OK:
        yield from _on_chain(settings, client, vault)
    yield from _key(settings, client)


def _operations(settings: Settings) -> Iterator[Row]:
    wanted = settings.operations
    yield _alerts(wanted)
    why = KillSwitch(wanted.kill_switch_file).why() if wanted.kill_switch_file.parent.is_dir() else None
    off = Row("kill switch", Status.OK, f"off; `equipoise keeper stop` makes {wanted.kill_switch_file}")
    yield off if why is None else Row("kill switch", Status.WARN, why)
    yield _breakers(wanted)
    if wanted.http_address is not None:
        address = wanted.http_address
        yield _row("http address", lambda: _free(address), failure=Status.WARN)


def _alerts(wanted: OperationsSettings) -> Row:
    def parsed() -> str:
        urls = notify.addresses(wanted)
        for number, url in enumerate(urls, 1):
            notify.plugin(url, number, wanted.alert_timeout_s)
        beats = "none" if notify.heartbeat_url(wanted) is None else f"every {wanted.heartbeat_interval_s} s"
        return f"{len(urls)} addresses, heartbeat {beats}"

    row = _row("alerts", parsed)
    if row.status is not Status.OK:
        return row
    for file in filter(None, (wanted.alert_urls_file, wanted.heartbeat_url_file)):
        if (mode := stat.S_IMODE(file.stat().st_mode)) & 0o077:
            return Row("alerts", Status.WARN, f"{row.detail}; others may read {file} ({mode:o}): chmod 600 it")
    if not notify.addresses(wanted):
        text = f"{row.detail}: nobody is told what goes wrong; set operations.alert_urls_file"
        return Row("alerts", Status.WARN, text)
    return row


def _breakers(wanted: OperationsSettings) -> Row:
    def read() -> str:
        tripped = BreakerFile(wanted.breakers_file).read().tripped
        return "; ".join(f"{each.name} of {each.scope} is open: {neutral(each.why)}, {mend(each)}" for each in tripped)

    row = _row("breakers", read)
    if row.status is not Status.OK:
        return row
    return Row("breakers", Status.WARN, row.detail) if row.detail else Row("breakers", Status.OK, "all closed")


def _free(address: str) -> str:
    Server(address, CollectorRegistry(), Health(1, 1)).close()
    return f"{address} is free"


def _endpoints(settings: Settings, pool: Pool) -> Iterator[Row]:
    """A row for each: one that is wrong is a warning while a quorum is right, which the row of the chain id says."""
    views = pool.look()
    highest = max((view.number for view in views if view.chain_id == settings.chain_id), default=0)
    for place, view in enumerate(views, 1):
        lag = highest - view.number
        detail = (
            f"{view.endpoint.split(' ')[0]}: chain {view.chain_id}, block {view.number}, {lag} behind, {view.software}"
        )
        if view.fault:
            yield Row(f"endpoint {place}", Status.WARN, view.fault)
        elif view.chain_id != settings.chain_id:
            yield Row(f"endpoint {place}", Status.WARN, f"{detail}; expected chain {settings.chain_id}: set rpc_urls")
        elif lag > settings.rpc_lag_max_blocks:
            yield Row(f"endpoint {place}", Status.WARN, f"{detail}; it has no say until it catches up")
        else:
            yield Row(f"endpoint {place}", Status.OK, detail)


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
    batch = settings.batch_executor
    if batch is not None:
        yield _row("batch executor", lambda: f"{batch}, owner {executor_owner(client, batch)}")
    zap = settings.zap
    if zap is not None:
        yield _row("zap", lambda: _zap(settings, client, zap))
    yield from _aggregators(settings, client)
    if vault is not None:
        yield from _vault(settings, client, vault)


def _zap(settings: Settings, client: Client, zap: str) -> str:
    reads = [Read(zap, abi.Zap.owner), Read(zap, abi.Zap.wrapped_ether)]
    owner, wrapped = read_all(client, reads, client.head(), settings.multicall)
    if owner.failed or wrapped.failed:
        raise ConfigurationError(f"no IndexZap at {zap}: set zap to the address of one")
    if abi.checksum(wrapped.value) != settings.wrapped_native:
        raise ConfigurationError(
            f"the IndexZap {zap} wraps ether as {abi.checksum(wrapped.value)}: wrapped_native is {settings.wrapped_native}"
        )
    return f"{zap}, owner {abi.checksum(owner.value)}"


def _aggregators(settings: Settings, client: Client) -> Iterator[Row]:
    """Of each venue that is enabled, whether it will be asked, and whether the executor may call it."""
    try:
        asked = {venue.venue for venue in venues.of(settings)}
    except EquipoiseError as error:
        yield Row("aggregators", Status.ERROR, str(error))
        return
    for name in settings.aggregators.enabled:
        check = f"aggregator {name}"
        if name not in asked:
            reason = "not asked: it has no contracts on this chain, or wants a key; set its key"
            yield Row(check, Status.WARN, reason)
        elif name == pins.COW:
            yield Row(check, Status.OK, "asked for a price to compare with")
        elif settings.executor is not None:
            pinned = partial(_pinned, settings, client, name, settings.executor)
            yield _row(check, pinned, failure=Status.WARN)


def _pinned(settings: Settings, client: Client, venue: str, executor: str) -> str:
    pin = pins.require(venue, settings.chain_id)
    functions = sorted(calldata.selectors(venue))
    reads = [Read(executor, abi.Executor.aggregator_spenders, (pin.target, function)) for function in functions]
    answers = read_all(client, reads, client.head(), settings.multicall)
    count = sum(not each.failed and abi.checksum(each.value) == pin.spender for each in answers)
    if not count:
        wanted = ", ".join(f"0x{function.hex()}" for function in functions)
        raise NotPinned(
            f"the executor may call no function of {pin.target}: its owner pins them with set_aggregator, spender "
            f"{pin.spender}; known are {wanted}"
        )
    return f"{count} of {len(functions)} functions of {pin.target} pinned"


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
    except EquipoiseError:
        return  # the key's row says so
    if sender is None:
        return
    yield _row("sending", lambda: _sending(settings, client, sender))
    for name in ("executor", "batch_executor"):
        address = getattr(settings, name)
        try:
            owner = None if address is None else executor_owner(client, address)
        except EquipoiseError:
            continue  # its own row says so
        if owner is not None and owner != sender:
            text = f"{owner} owns it, the key is {sender}'s: set {name} to one of the key's own"
            yield Row(f"{name.replace('_', ' ')} owner", Status.ERROR, text)


def _sending(settings: Settings, client: Client, sender: str) -> str:
    name = channel_of(settings.relays, client, sender).name
    if name == PUBLIC:
        return "to the public pool, where everybody sees a rebalance before it is mined; relays keep it private"
    else_ = "nowhere else" if settings.relays.private_only else "publicly when every one refuses"
    return f"to {len(settings.relays.urls)} {name} relays, {else_}"


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
    ledger = Ledger.of(settings)
    try:
        ledger.check_writable()
    finally:
        ledger.close()
    if settings.ledger_url is not None:
        return ledger.name
    file = settings.ledger_file
    return f"{file}, {shutil.disk_usage(file.parent).free / 1e9:.1f} GB free"


def _simulation(settings: Settings, client: Client) -> str:
    block = client.head()
    call = SimulatedCall(settings.multicall, settings.wrapped_native, abi.Token.balance_of.encode(settings.multicall))
    client.simulate([call], block, block.timestamp + 1)
    return "eth_simulateV1 answers"


def _multicall(settings: Settings, client: Client) -> str:
    read_all(client, [Read(settings.multicall, abi.Multicall.block_number)], client.head(), settings.multicall)
    return settings.multicall
