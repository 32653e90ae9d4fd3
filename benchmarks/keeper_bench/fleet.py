"""Many vaults on one devnet: what the keeper's benchmark and its long runs look after."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from eth_account import Account

from devnet.box import Box
from keeper.chain.abi import Trigger
from keeper.chain.rpc import Client
from keeper.execution.signer import KeystoreSigner
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.settings import Settings

WAD = 10**18
# Ten assets with feeds, in percent of the basket.
WEIGHTS = {
    "WETH": 20,
    "WBTC": 15,
    "USDC": 15,
    "DAI": 10,
    "USDT": 10,
    "LINK": 8,
    "UNI": 7,
    "AAVE": 7,
    "CRV": 4,
    "COMP": 4,
}
TERMS = replace(demo.TERMS, triggers=Trigger.BAND)


@dataclass(frozen=True, slots=True)
class Fleet:
    """Vaults of equal baskets, their oracle, and the keeper's executor."""

    keeper: KeystoreSigner
    creator: KeystoreSigner
    oracle: str
    executor: str
    vaults: tuple[str, ...]


def build(
    box: Box,
    client: Client,
    settings: Settings,
    count: int,
    *,
    deposits_usd: Sequence[int] = (100_000,),
    bands_bps: Sequence[int] = (250,),
) -> Fleet:
    """Deploy vaults of the ten assets and mint shares of each.

    :param deposits_usd: what the vaults' baskets are worth, taken in turn
    :param bands_bps: how far a weight may be from its target in each vault, the last one in all that follow
    :param bands_bps: how far a weight may be from its target in each vault, the last one for all that follow
    """
    keeper, creator = (KeystoreSigner(Account.create()) for _ in range(2))
    for actor in (keeper, creator):
        box.fund(actor.address, 1_000)
    oracle = demo.deploy_oracle(box, client, settings, creator, WEIGHTS)
    executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
    vaults = []
    for number in range(count):
        band = bands_bps[min(number, len(bands_bps) - 1)] * WAD // 10_000
        vault = demo.deploy_vault(
            box,
            client,
            settings,
            creator,
            f"Ten {number}",
            f"TEN{number}",
            weights=WEIGHTS,
            band=band,
            terms=TERMS,
            oracle=oracle,
        )
        demo.deposit(box, client, settings, creator, vault, deposits_usd[number % len(deposits_usd)])
        vaults.append(vault)
    return Fleet(keeper, creator, oracle, executor, tuple(vaults))
