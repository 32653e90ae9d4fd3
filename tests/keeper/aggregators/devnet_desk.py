"""A keeper and a vault on a devnet of its own, with a mock in the place of every aggregator's router."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aggregator_cases import Wish, oneinch_call
from eth_account import Account

from devnet import market, node
from devnet.addresses import TOKENS, ZERO
from devnet.box import Box
from keeper.aggregators import Quote, SwapRequest, check, pins
from keeper.chain.rpc import Client
from keeper.errors import AggregatorError
from keeper.execution.signer import KeystoreSigner
from keeper.ledger import Ledger
from keeper.services import demo
from keeper.services import vault as lifecycle
from keeper.services.plan import Plan, plan, take
from keeper.settings import Settings, load

HONEST, TAKES_MORE, DELIVERS_LESS, DELIVERS_ELSEWHERE, BURNS_GAS, CALLS = 0, 1, 2, 4, 8, 16  # Aggregator.Trick


@dataclass
class Desk:
    """A keeper and a vault of the demo's basket with a million dollars in it."""

    box: Box
    client: Client
    settings: Settings
    ledger: Ledger
    keeper: KeystoreSigner
    creator: KeystoreSigner
    vault: str

    def change(self, **groups: Mapping[str, object]) -> Settings:
        """The settings with some of the groups' changed."""
        updated = {name: getattr(self.settings, name).model_copy(update=dict(new)) for name, new in groups.items()}
        return self.settings.model_copy(update=updated)

    def plan(self, **groups: Mapping[str, object]) -> Plan:
        """What the keeper would do."""
        return plan(self.client, self.change(**groups), self.vault)

    def drift(self, premium: int = 102) -> None:
        """A day later WETH is a fifth dearer, and the DEXes pay `premium` percent of what its feed says."""
        market.warp(self.box, 86_400)
        price = market.feed_price(self.box, "WETH") * 12 / 10
        market.move_price(self.box, "WETH", price)
        market.move_dex(self.box, "WETH", price * premium / 100)

    def play(self, trick: int = HONEST, other: str = ZERO, data: bytes = b"", fee: int = 500) -> None:
        """What the aggregator does from now on, and on which of Uniswap's V3 pools it swaps."""
        target = pins.PINS[pins.ONEINCH][1].target
        self.box.send(self.creator.address, target, "set_up(uint24,uint256,address,bytes)", fee, trick, other, data)


@dataclass
class Venue:
    """Quotes what it likes, in 1inch's calldata, `bps` over or under the oracle's price; fails where told to."""

    desk: Desk
    bps: int = 0
    failure: AggregatorError | None = None
    venue: str = pins.ONEINCH

    def quote(self, request: SwapRequest) -> Quote:
        if self.failure is not None:
            raise self.failure
        prices = {
            token.address: market.feed_price(self.desk.box, token.symbol)
            for token in map(TOKENS.__getitem__, demo.WEIGHTS)
        }
        value = request.sell_amount * prices[request.sell_token] / 10**request.sell_decimals
        bought = int(value / prices[request.buy_token] * 10**request.buy_decimals) * (10_000 + self.bps) // 10_000
        least = request.least_of_down(bought)
        wish = Wish(request.sell_token, request.buy_token, request.sell_amount, least, request.receiver)
        pin = pins.PINS[self.venue][1]
        calldata = b"" if self.venue == pins.COW else oneinch_call(wish)
        quote = Quote(
            self.venue, 1, request.taker, request.sell_token, request.buy_token, request.sell_amount, bought, least,
            pin.target, pin.spender, 0, calldata, None,
        )  # fmt: skip
        check(quote, request)
        return quote


@contextmanager
def desk(folder: Path, project: Any) -> Iterator[Desk]:
    """Everything deployed, the mock pinned."""
    with node.up() as running:
        box = Box(running.url)
        settings = load(
            arguments={
                "rpc_url": running.url,
                "ledger_file": folder / "ledger.sqlite",
                "confirmations": 1,  # the devnet mines on demand
                "pools": {"cache_folder": folder / "pools"},
            },
            environment={},
        )
        client = Client(running.url, 1).connect()
        keeper, creator, depositor = (KeystoreSigner(Account.create()) for _ in range(3))
        for actor in (keeper, creator, depositor):
            box.fund(actor.address, 100)
        vault = demo.deploy_vault(box, client, settings, creator, "Devnet Six", "DEV6")
        executor = lifecycle.deploy_executor(client, settings, creator, keeper.address)
        settings = settings.model_copy(update={"executor": executor})
        demo.deposit(box, client, settings, depositor, vault, 1_000_000)
        creation = bytes.fromhex(project.Aggregator.contract_type.deployment_bytecode.bytecode.removeprefix("0x"))
        made = box.transact(creator.address, None, creation)["contractAddress"]
        target = pins.PINS[pins.ONEINCH][1].target
        box.rpc("anvil_setCode", target, "0x" + box.code(made).hex())
        box.send(
            keeper.address, executor, "set_aggregator(address,bytes4,address)", target, oneinch_call(Wish())[:4], target
        )
        with demo._ledger(settings) as ledger:
            yield Desk(box, client, settings, ledger, keeper, creator, vault)


def snapshot(desk: Desk) -> Any:
    """The vault now."""
    return take(desk.client, desk.settings, desk.vault)
