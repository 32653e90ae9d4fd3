"""A deploy file against a chain: what would be deployed, what speaks against it, and, armed, the oracle and the vault."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from eth_abi.exceptions import DecodingError as AbiError

from keeper.chain import abi
from keeper.chain.abi import Function, checksum
from keeper.chain.rpc import Client, Reverted
from keeper.design.deploy_file import AssetPlan, DeployPlan, wad
from keeper.errors import ConfigurationError, OracleError
from keeper.execution.signer import Signer
from keeper.services import vault as lifecycle
from keeper.settings import Settings

WAD = 10**18
_LEAST_UNITS = 10**4  # base units; contracts/modules/basket.vy asks for as many at the first mint
_ROUND = Function("latestRoundData", (), ("uint80", "int256", "uint256", "uint256", "uint80"))
_SET_RAILS = Function("set_rails", ("(uint256,uint256,uint256)",))


@dataclass(frozen=True, slots=True)
class Ready:
    """An asset as it would be deployed now.

    :param price: WAD USD per whole token, as its feed answers
    :param answered_at: unix s
    """

    plan: AssetPlan
    price: int
    answered_at: int
    terms: lifecycle.AssetTerms


@dataclass(frozen=True, slots=True)
class Deployed:
    """Where things are."""

    oracle: str
    vault: str


def prepare(client: Client, settings: Settings, plan: DeployPlan) -> tuple[Ready, ...]:
    """Look at everything the file names; the units of a share are those that its target is worth by the feeds of now.

    :raises ConfigurationError: another chain, no contract at an address, other decimals, or a share too small
    :raises OracleError: a feed whose answer the oracle would refuse
    """
    if plan.chain_id != settings.chain_id:
        raise ConfigurationError(
            f"the deploy file is for chain {plan.chain_id}, the settings for {settings.chain_id}: use --chain-id, or the "
            "other file"
        )
    now = client.pending_time(settings.multicall)
    if plan.oracle is not None and not client.code(plan.oracle):
        raise ConfigurationError(f"oracle {plan.oracle} has no code: leave it out to deploy one")
    return tuple(_ready(client, plan, asset, now) for asset in plan.assets)


def deploy(
    client: Client,
    settings: Settings,
    signer: Signer,
    plan: DeployPlan,
    ready: tuple[Ready, ...],
    tell: Callable[[str], None],
) -> Deployed:
    """Deploy the oracle, the vault and its rails, all owned by the signer; one transaction after the other.

    :param tell: called with one line as soon as something is there: what fails later leaves it
    :raises TransactionError: a transaction reverts
    """
    oracle = plan.oracle
    if oracle is None:
        feeds = [
            lifecycle.FeedTerms(a.address, a.feed, a.feed_max_age_s, wad(a.price_min_usd), wad(a.price_max_usd))
            for a in plan.assets
        ]
        oracle = lifecycle.deploy_oracle(client, settings, signer, feeds)
        tell(f"oracle {oracle}: put it into the deploy file should what follows fail")
    vault = lifecycle.deploy_vault(
        client,
        settings,
        signer,
        name=plan.name,
        symbol=plan.symbol,
        guardian=plan.guardian or signer.address,
        oracle=oracle,
        assets=[each.terms for each in ready],
        terms=plan.terms.built(),
        fees=lifecycle.NO_FEES if plan.fees is None else plan.fees.built(),
    )
    tell(f"vault {vault}")
    if plan.rails is not None:
        rebalancer = checksum(abi.Vault.rebalancer.decode(client.call(vault, abi.Vault.rebalancer.encode())))
        lifecycle.transact(client, settings, signer, rebalancer, _SET_RAILS.encode(plan.rails.built()))
        tell("rails set")
    return Deployed(oracle, vault)


def _ready(client: Client, plan: DeployPlan, asset: AssetPlan, now: int) -> Ready:
    decimals = _asked(client, asset.symbol, asset.address, abi.Token.decimals)
    if decimals != asset.decimals:
        raise ConfigurationError(f"{asset.symbol} has {decimals} decimals, not {asset.decimals}: is its address right?")
    scale = _asked(client, f"the feed of {asset.symbol}", asset.feed, abi.Token.decimals)
    _, answer, _, answered_at, _ = _asked(client, f"the feed of {asset.symbol}", asset.feed, _ROUND)
    price = answer * 10 ** (18 - scale) if scale <= 18 else 0
    if not wad(asset.price_min_usd) <= price <= wad(asset.price_max_usd):
        raise OracleError(
            f"the feed of {asset.symbol} says {Decimal(price) / WAD:.8g} USD, outside of {asset.price_min_usd} to "
            f"{asset.price_max_usd}: mend its bounds or its address"
        )
    if now - answered_at > asset.feed_max_age_s:
        moment = datetime.fromtimestamp(answered_at, UTC).isoformat(timespec="seconds")
        raise OracleError(f"the feed of {asset.symbol} answered last at {moment}: raise its feed_max_age_s, or wait")
    target = wad(asset.target)
    units = wad(plan.share_usd) * target // WAD * 10**asset.decimals // price
    if units < _LEAST_UNITS:
        raise ConfigurationError(
            f"a share of {plan.share_usd} USD has {units} base units of {asset.symbol}, under {_LEAST_UNITS}: raise share_usd"
        )
    return Ready(asset, price, answered_at, lifecycle.AssetTerms(asset.address, units, target, wad(asset.band)))


def _asked(client: Client, who: str, address: str, function: Function) -> Any:
    try:
        return function.decode(client.call(address, function.encode()))
    except (Reverted, AbiError):
        raise ConfigurationError(f"{who}: {address} does not answer {function.name}: is its address right?") from None
