"""A vault's life from outside: deploy, mint, redeem. One transaction after the other, each waited for."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.conversions import to_hex

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import Fees, Terms
from keeper.contracts import contract
from keeper.errors import TransactionError
from keeper.execution import eip1559
from keeper.execution import fees as fee_market
from keeper.execution.signer import Signer
from keeper.settings import Settings

NO_FEES = Fees("0x" + "0" * 40, 0, 0, 0)
_POLL_FIRST_S, _POLL_MOST_S = 0.05, 2.0
_WAIT_S = 600  # a deadline for transactions that a person signs one by one


@dataclass(frozen=True, slots=True)
class FeedTerms:
    """IPriceOracle.Feed: prices are WAD USD per whole token."""

    asset: str
    feed: str
    max_age: int  # s
    min_price: int
    max_price: int


@dataclass(frozen=True, slots=True)
class AssetTerms:
    """IIndexVault.AssetTerms."""

    asset: str
    units: int  # base units that a whole share holds at the first mint
    target: int  # WAD share of NAV
    band: int  # WAD, half-width


def deploy_oracle(client: Client, settings: Settings, signer: Signer, feeds: Sequence[FeedTerms]) -> str:
    """A PriceOracle that the signer owns; its address. Raises TransactionError."""
    rows = [(feed.asset, feed.feed, feed.max_age, feed.min_price, feed.max_price) for feed in feeds]
    return deploy(client, settings, signer, "PriceOracle", signer.address, rows)


def deploy_executor(client: Client, settings: Settings, signer: Signer, owner: str) -> str:
    """A RouteExecutor that `owner`, a keeper, may use; its address. Raises TransactionError."""
    return deploy(client, settings, signer, "RouteExecutor", owner, settings.pools.v3_factory)


def deploy_batch_executor(client: Client, settings: Settings, signer: Signer, owner: str) -> str:
    """A BatchExecutor that `owner`, a keeper, may use; its address. Raises TransactionError."""
    return deploy(client, settings, signer, "BatchExecutor", owner, settings.pools.v3_factory)


def deploy_zap(client: Client, settings: Settings, signer: Signer, owner: str) -> str:
    """An IndexZap for everybody, to which `owner` may pin aggregators; its address. Raises TransactionError."""
    return deploy(client, settings, signer, "IndexZap", owner, settings.pools.v3_factory, settings.wrapped_native)


def deploy_vault(
    client: Client,
    settings: Settings,
    signer: Signer,
    *,
    name: str,
    symbol: str,
    guardian: str,
    oracle: str,
    assets: Sequence[AssetTerms],
    terms: Terms,
    fees: Fees = NO_FEES,
) -> str:
    """An IndexVault that the signer owns, with a rebalancer of its own; its address. Raises TransactionError."""
    rows = [(asset.asset, asset.units, asset.target, asset.band) for asset in assets]
    packed = (
        int(terms.triggers),
        terms.require_all,
        terms.interval,
        terms.cooldown,
        terms.duration,
        terms.start_premium,
        terms.max_discount,
        terms.closing_tolerance,
        terms.max_loss,
        terms.loss_window,
    )
    charges = (fees.recipient, fees.streaming, fees.mint, fees.redeem)
    blueprint = deploy_blueprint(client, settings, signer, "Rebalancer")
    people = (signer.address, guardian)
    return deploy(
        client, settings, signer, "IndexVault", name, symbol, *people, oracle, rows, packed, charges, blueprint
    )


def mint(client: Client, settings: Settings, signer: Signer, vault: str, shares: int, slack_bps: int = 0) -> list[int]:
    """Mint shares (18 decimals) to the signer for what the vault asks, approved to the unit; base units per asset.

    :param slack_bps: how much more than previewed the vault may take, for baskets that move between blocks
    :raises TransactionError: it reverts
    """
    assets = [checksum(asset) for asset in _view(client, vault, abi.Vault.assets)]
    asked: list[int] = list(_view(client, vault, abi.Vault.preview_mint, shares))
    most = [amount + -(-amount * slack_bps // 10_000) for amount in asked]
    for asset, amount in zip(assets, most, strict=True):
        transact(client, settings, signer, asset, abi.Token.approve.encode(vault, amount))
    deadline = client.pending_time(settings.multicall) + _WAIT_S
    transact(client, settings, signer, vault, abi.Vault.mint.encode(shares, signer.address, most, deadline))
    return asked


def redeem(
    client: Client, settings: Settings, signer: Signer, vault: str, shares: int, slack_bps: int = 0
) -> list[int]:
    """Redeem the signer's shares in kind; base units per asset as previewed.

    :param slack_bps: how much less than previewed the signer accepts
    :raises TransactionError: it reverts
    """
    owed: list[int] = list(_view(client, vault, abi.Vault.preview_redeem, shares))
    least = [amount * (10_000 - slack_bps) // 10_000 for amount in owed]
    deadline = client.pending_time(settings.multicall) + _WAIT_S
    transact(client, settings, signer, vault, abi.Vault.redeem.encode(shares, signer.address, least, deadline))
    return owed


def deploy(client: Client, settings: Settings, signer: Signer, name: str, *arguments: object) -> str:
    """Deploy one of our contracts; its address.

    :raises ToolchainError: it does not compile
    :raises TransactionError: it reverts
    """
    compiled = contract(name)
    data = compiled.bytecode + encode(compiled.constructor_types(), arguments)
    return checksum(transact(client, settings, signer, None, data)["contractAddress"])


def deploy_blueprint(client: Client, settings: Settings, signer: Signer, name: str) -> str:
    """Deploy one of our contracts as a blueprint; its address. Raises as `deploy`."""
    data = contract(name).blueprint_initcode()
    return checksum(transact(client, settings, signer, None, data)["contractAddress"])


def transact(
    client: Client, settings: Settings, signer: Signer, to: str | None, data: bytes, value: int = 0
) -> dict[str, Any]:
    """Send one transaction outside the keeper's ledger and wait for it; the receipt.

    :param value: wei that go with it
    :raises TransactionError: it would revert, or did
    """
    request = {"from": signer.address, "data": "0x" + data.hex()} | ({"to": to} if to else {})
    request |= {"value": hex(value)} if value else {}
    try:
        gas = int(client.run("eth_estimateGas", request, "pending"), 16)
    except Reverted as error:
        raise TransactionError(f"{to or 'a new contract'} refuses: {reason(error.data)}") from None
    fees = fee_market.current(client, settings.fees)
    limit = gas * settings.fees.gas_limit_percent // 100
    nonce = client.nonce(signer.address)
    signed = signer.sign(eip1559.make(client.chain_id, nonce, to, data, limit, fees.max_fee, fees.tip, value))
    client.send("eth_sendRawTransaction", to_hex(signed.raw))
    receipt = _wait_for(client, signed.hash, settings.receipt_timeout_s)
    if int(receipt["status"], 16) != 1:
        raise TransactionError(f"transaction {receipt['transactionHash']} to {to or 'a new contract'} reverted")
    return receipt


def _wait_for(client: Client, transaction_hash: str, timeout_s: float) -> dict[str, Any]:
    """The receipt of a transaction, once it is mined."""
    deadline, pause = time.monotonic() + timeout_s, _POLL_FIRST_S
    while True:
        receipt = client.read("eth_getTransactionReceipt", transaction_hash)
        # Some nodes show a receipt without a block for a transaction that is only pending.
        if receipt is not None and receipt.get("blockNumber") is not None:
            found: dict[str, Any] = receipt
            return found
        if time.monotonic() + pause > deadline:
            raise TransactionError(
                f"transaction {transaction_hash} is not mined after {timeout_s:g} s: look for it later"
            )
        time.sleep(pause)
        pause = min(2 * pause, _POLL_MOST_S)


def _view(client: Client, target: str, function: abi.Function, *arguments: object) -> Any:
    try:
        return function.decode(client.call(target, function.encode(*arguments)))
    except Reverted as error:
        raise TransactionError(f"{function.name} of {target} reverts: {reason(error.data)}") from None
