"""Reads a vault into its frozen snapshot."""

from collections.abc import Sequence
from typing import Any

from keeper.chain import abi
from keeper.chain.abi import Fault, Trigger, checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.reverts import PriceFault, price_fault, printable
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Asset, Block, Terms, Valuation, VaultSnapshot
from keeper.errors import ConfigurationError

_VALUED = (abi.Vault.weights, abi.Vault.nav, abi.Vault.drift, abi.Vault.trigger)
_VAULT_READS = (
    abi.Vault.name,
    abi.Vault.symbol,
    abi.Vault.oracle,
    abi.Vault.total_supply,
    abi.Vault.paused,
    abi.Vault.assets,
    abi.Vault.targets,
    abi.Vault.bands,
    abi.Vault.balances,
    abi.Vault.terms,
    abi.Vault.is_open,
    abi.Vault.opened_at,
    abi.Vault.closed_at,
    abi.Vault.completed_at,
    abi.Vault.price_bound,
    abi.Vault.loss,
    *_VALUED,
)


def take(client: Client, vault: str, multicall: str, native: str, block: Block | None = None) -> VaultSnapshot:
    """Read a vault at one block: one multicall for the vault, one at the same block for its tokens and its oracle.

    :param multicall: Multicall3's address
    :param native: the wrapped native token, whose price values the gas
    :param block: the head when None
    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    at = client.head() if block is None else block
    if not client.code(vault, at):
        raise ConfigurationError(f"no contract at {vault} on chain {client.chain_id}: check the vault's address")
    answers = dict(
        zip(_VAULT_READS, read_all(client, [Read(vault, f) for f in _VAULT_READS], at, multicall), strict=True)
    )

    def required(function: abi.Function) -> Any:
        answer = answers[function]
        if answer.failed:
            raise ConfigurationError(
                f"{vault} is not an index vault, {function.signature} fails: check the vault's address"
            )
        return answer.value

    addresses = [checksum(address) for address in required(abi.Vault.assets)]
    oracle = checksum(required(abi.Vault.oracle))
    metadata, prices, faults, native_price = _tokens_and_prices(client, addresses, oracle, native, at, multicall)
    assets = tuple(
        Asset(address, symbol, decimals, balance, target, band)
        for address, (symbol, decimals), balance, target, band in zip(
            addresses,
            metadata,
            required(abi.Vault.balances),
            required(abi.Vault.targets),
            required(abi.Vault.bands),
            strict=True,
        )
    )
    terms = required(abi.Vault.terms)
    return VaultSnapshot(
        address=vault,
        block=at,
        name=printable(required(abi.Vault.name), 32),
        symbol=printable(required(abi.Vault.symbol), 16),
        oracle=oracle,
        supply=required(abi.Vault.total_supply),
        paused=required(abi.Vault.paused),
        assets=assets,
        terms=Terms(Trigger(terms[0]), *terms[1:]),
        is_open=required(abi.Vault.is_open),
        opened_at=required(abi.Vault.opened_at),
        closed_at=required(abi.Vault.closed_at),
        completed_at=required(abi.Vault.completed_at),
        bound=required(abi.Vault.price_bound),
        loss=required(abi.Vault.loss),
        valuation=_valuation(answers, prices),
        faults=faults,
        native_price=native_price,
    )


def _valuation(answers: dict[abi.Function, Answer], prices: Sequence[int] | None) -> Valuation | None:
    if prices is None or any(answers[function].failed for function in _VALUED):
        return None
    weights, nav, drift, trigger = (answers[function].value for function in _VALUED)
    return Valuation(tuple(prices), tuple(weights), nav, drift, Trigger(trigger))


def _tokens_and_prices(
    client: Client, addresses: Sequence[str], oracle: str, native: str, block: Block, multicall: str
) -> tuple[list[tuple[str, int]], Sequence[int] | None, tuple[PriceFault, ...], int | None]:
    """Symbol and decimals of each token, the prices, what is wrong with them, and ether's price."""
    reads = [Read(oracle, abi.Oracle.prices, (addresses,)), Read(oracle, abi.Oracle.price, (native,))]
    reads += [Read(oracle, abi.Oracle.fault, (address,)) for address in addresses]
    reads += [Read(address, function) for address in addresses for function in (abi.Token.symbol, abi.Token.decimals)]
    prices, native_price, *rest = read_all(client, reads, block, multicall)
    fault_answers, token_answers = rest[: len(addresses)], rest[len(addresses) :]

    metadata: list[tuple[str, int]] = []
    for address, symbol, decimals in zip(addresses, token_answers[::2], token_answers[1::2], strict=True):
        if decimals.failed:
            raise ConfigurationError(f"asset {address} of the vault does not tell its decimals: it cannot be traded")
        metadata.append((_symbol(symbol, address), decimals.value))
    faults = tuple(
        PriceFault(address, Fault(answer.value))
        for address, answer in zip(addresses, fault_answers, strict=True)
        if answer.value
    )
    typed = price_fault(prices.data) if prices.failed else None
    if typed is not None and not faults:
        faults = (typed,)
    return metadata, prices.value, faults, native_price.value or None


def _symbol(answer: Answer, address: str) -> str:
    """A token's symbol, a few of which (MKR) are bytes32; what stands there is foreign text."""
    text = answer.value
    if answer.failed and len(answer.data) == 32:
        text = answer.data.rstrip(b"\0").decode("utf-8", errors="replace")
    return printable(text, 16) if text else f"{address[:6]}…{address[-4:]}"
