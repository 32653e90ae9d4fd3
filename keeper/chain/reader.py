"""Reads vaults into their frozen snapshots."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError

from keeper.chain import abi
from keeper.chain.abi import Fault, Trigger, checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.reverts import PriceFault, price_fault, printable
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import Asset, Block, Fees, Schedule, Terms, Valuation, VaultSnapshot
from keeper.chain.tokens import symbol_text
from keeper.errors import ConfigurationError

_VALUED = (abi.Rebalancer.weights, abi.Rebalancer.nav, abi.Rebalancer.drift, abi.Rebalancer.trigger)
_VAULT_READS = (
    abi.Vault.name,
    abi.Vault.symbol,
    abi.Vault.supply,
    abi.Vault.supply_cap,
    abi.Vault.fees,
    abi.Vault.paused,
    abi.Vault.is_shut_down,
    abi.Vault.assets,
    abi.Vault.holdings,
)
_REBALANCER_READS = (
    abi.Rebalancer.oracle,
    abi.Rebalancer.targets,
    abi.Rebalancer.schedule,
    abi.Rebalancer.bands,
    abi.Rebalancer.terms,
    abi.Rebalancer.is_open,
    abi.Rebalancer.opened_at,
    abi.Rebalancer.closed_at,
    abi.Rebalancer.completed_at,
    abi.Rebalancer.price_bound,
    abi.Rebalancer.loss,
    abi.Rebalancer.head_start,
    *_VALUED,
)


def take(
    client: Client, vault: str, multicall: str, native: str, executor: str | None = None, block: Block | None = None
) -> VaultSnapshot:
    """Read a vault at one block: its rebalancer's address, one multicall for the pair, one for its tokens and its oracle.

    :param multicall: Multicall3's address
    :param native: the wrapped native token, whose price values the gas
    :param executor: the keeper's, which the vault's owner may have listed; None is not listed
    :param block: the head when None
    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    at = client.head() if block is None else block
    rebalancer = rebalancer_of(client, vault, at)
    pair = read_all(client, _pair_reads(vault, rebalancer, executor), at, multicall)
    parts = _parts(vault, rebalancer, pair)
    return _snapshot(vault, parts, at, pair, read_all(client, _token_reads(parts, native), at, multicall))


class VaultReader:
    """Reads many vaults in one request. What they are made of is remembered, and seen to be still so by the same request.

    :param multicall, native, executor: as of `take`
    """

    def __init__(self, client: Client, multicall: str, native: str, executor: str | None = None):
        self._client = client
        self._multicall = multicall
        self._native = native
        self._executor = executor
        self._known: dict[str, _Parts] = {}

    def take_all(self, vaults: Sequence[str], block: Block) -> dict[str, VaultSnapshot | ConfigurationError]:
        """Each vault's snapshot at `block`, or why there is none: one that is wrong does not stop the others.

        Three requests the first time, two when a vault has other assets or another oracle than before, one otherwise.

        :raises ChainError: the endpoint fails
        """
        found: dict[str, VaultSnapshot | ConfigurationError] = {}
        rebalancers = {vault: self._known[vault].rebalancer for vault in vaults if vault in self._known}
        new = [vault for vault in vaults if vault not in rebalancers]
        for vault, answer in zip(
            new, self._read([Read(vault, abi.Vault.rebalancer) for vault in new], block), strict=True
        ):
            if answer.failed:
                found[vault] = _no_vault(vault, abi.Vault.rebalancer)
            else:
                rebalancers[vault] = checksum(answer.value)

        pairs = {vault: _pair_reads(vault, rebalancer, self._executor) for vault, rebalancer in rebalancers.items()}
        tokens = {vault: _token_reads(self._known[vault], self._native) for vault in pairs if vault in self._known}
        answers = iter(self._read([read for vault in pairs for read in (*pairs[vault], *tokens.get(vault, ()))], block))
        late: dict[str, list[Answer]] = {}
        for vault, rebalancer in rebalancers.items():
            pair = [next(answers) for _ in pairs[vault]]
            rest = [next(answers) for _ in tokens.get(vault, ())]
            try:
                parts = _parts(vault, rebalancer, pair)
                if parts == self._known.get(vault):
                    found[vault] = _snapshot(vault, parts, block, pair, rest)
                else:
                    self._known[vault] = parts
                    late[vault] = pair
            except ConfigurationError as error:
                found[vault] = error

        tokens = {vault: _token_reads(self._known[vault], self._native) for vault in late}
        answers = iter(self._read([read for vault in late for read in tokens[vault]], block))
        for vault, pair in late.items():
            rest = [next(answers) for _ in tokens[vault]]
            try:
                found[vault] = _snapshot(vault, self._known[vault], block, pair, rest)
            except ConfigurationError as error:
                found[vault] = error
        return {vault: found[vault] for vault in vaults}

    def _read(self, reads: Sequence[Read], block: Block) -> list[Answer]:
        return read_all(self._client, reads, block, self._multicall)


@dataclass(frozen=True, slots=True)
class _Parts:
    """What a vault is made of. The rebalancer is so for good."""

    rebalancer: str
    oracle: str
    assets: tuple[str, ...]


def _pair_reads(vault: str, rebalancer: str, executor: str | None) -> list[Read]:
    listed = [] if executor is None else [Read(rebalancer, abi.Rebalancer.is_keeper, (executor,))]
    return [Read(vault, f) for f in _VAULT_READS] + [Read(rebalancer, f) for f in _REBALANCER_READS] + listed


def _token_reads(parts: _Parts, native: str) -> list[Read]:
    oracle, assets = parts.oracle, parts.assets
    reads = [Read(oracle, abi.Oracle.prices, (assets,)), Read(oracle, abi.Oracle.price, (native,))]
    reads += [Read(oracle, abi.Oracle.fault, (asset,)) for asset in assets]
    return reads + [Read(asset, function) for asset in assets for function in (abi.Token.symbol, abi.Token.decimals)]


class _Required:
    """The pair's answers by function; one that is missing shows that it is no vault."""

    def __init__(self, vault: str, pair: Sequence[Answer]):
        functions = (*_VAULT_READS, *_REBALANCER_READS, abi.Rebalancer.is_keeper)
        self.answers = dict(zip(functions, pair, strict=False))  # without an executor the last is not asked
        self._vault = vault

    def __call__(self, function: abi.Function) -> Any:
        answer = self.answers[function]
        if answer.failed:
            raise _no_vault(self._vault, function)
        return answer.value


def _parts(vault: str, rebalancer: str, pair: Sequence[Answer]) -> _Parts:
    required = _Required(vault, pair)
    assets = tuple(checksum(address) for address in required(abi.Vault.assets))
    return _Parts(rebalancer, checksum(required(abi.Rebalancer.oracle)), assets)


def _snapshot(vault: str, parts: _Parts, at: Block, pair: Sequence[Answer], rest: Sequence[Answer]) -> VaultSnapshot:
    required = _Required(vault, pair)
    metadata, prices, faults, native_price = _tokens_and_prices(parts.assets, rest)
    count, _, balances = required(abi.Vault.holdings)
    assets = tuple(
        Asset(address, symbol, decimals, balance, target, band)
        for address, (symbol, decimals), balance, target, band in zip(
            parts.assets,
            metadata,
            balances[:count],
            required(abi.Rebalancer.targets),
            required(abi.Rebalancer.bands),
            strict=True,
        )
    )
    final_targets, start, end = required(abi.Rebalancer.schedule)
    recipient, *rates = required(abi.Vault.fees)
    terms = required(abi.Rebalancer.terms)
    return VaultSnapshot(
        address=vault,
        block=at,
        name=printable(required(abi.Vault.name), 32),
        symbol=printable(required(abi.Vault.symbol), 16),
        rebalancer=parts.rebalancer,
        oracle=parts.oracle,
        supply=required(abi.Vault.supply),
        supply_cap=required(abi.Vault.supply_cap),
        fees=Fees(checksum(recipient), *rates),
        paused=required(abi.Vault.paused),
        is_shut_down=required(abi.Vault.is_shut_down),
        assets=assets,
        schedule=Schedule(tuple(final_targets), start, end),
        terms=Terms(Trigger(terms[0]), *terms[1:]),
        is_open=required(abi.Rebalancer.is_open),
        opened_at=required(abi.Rebalancer.opened_at),
        closed_at=required(abi.Rebalancer.closed_at),
        completed_at=required(abi.Rebalancer.completed_at),
        bound=required(abi.Rebalancer.price_bound),
        loss=required(abi.Rebalancer.loss),
        head_start=required(abi.Rebalancer.head_start),
        is_keeper=abi.Rebalancer.is_keeper in required.answers and required(abi.Rebalancer.is_keeper),
        valuation=_valuation(required.answers, prices),
        faults=faults,
        native_price=native_price,
    )


def rebalancer_of(client: Client, vault: str, block: Block | str = "latest") -> str:
    """The vault's other half, the same for good.

    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    try:
        return checksum(abi.Vault.rebalancer.decode(client.call(vault, abi.Vault.rebalancer.encode(), block)))
    except (Reverted, DecodingError):
        if client.code(vault, block):
            raise _no_vault(vault, abi.Vault.rebalancer) from None
    raise ConfigurationError(f"no contract at {vault} on chain {client.chain_id}: check the vault's address")


def _no_vault(vault: str, function: abi.Function) -> ConfigurationError:
    return ConfigurationError(f"{vault} is not an index vault, {function.signature} fails: check the vault's address")


def _valuation(answers: dict[abi.Function, Answer], prices: Sequence[int] | None) -> Valuation | None:
    if prices is None or any(answers[function].failed for function in _VALUED):
        return None
    weights, nav, drift, trigger = (answers[function].value for function in _VALUED)
    return Valuation(tuple(prices), tuple(weights), nav, drift, Trigger(trigger))


def _tokens_and_prices(
    addresses: Sequence[str], answers: Sequence[Answer]
) -> tuple[list[tuple[str, int]], Sequence[int] | None, tuple[PriceFault, ...], int | None]:
    """Symbol and decimals of each token, the prices, what is wrong with them, and ether's price."""
    prices, native_price, *rest = answers
    fault_answers, token_answers = rest[: len(addresses)], rest[len(addresses) :]

    metadata: list[tuple[str, int]] = []
    for address, symbol, decimals in zip(addresses, token_answers[::2], token_answers[1::2], strict=True):
        if decimals.failed:
            raise ConfigurationError(f"asset {address} of the vault does not tell its decimals: it cannot be traded")
        metadata.append((symbol_text(symbol, address), decimals.value))
    faults = tuple(
        PriceFault(address, Fault(answer.value))
        for address, answer in zip(addresses, fault_answers, strict=True)
        if answer.value
    )
    typed = price_fault(prices.data) if prices.failed else None
    if typed is not None and not faults:
        faults = (typed,)
    return metadata, prices.value, faults, native_price.value or None
