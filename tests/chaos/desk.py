"""A keeper and its vaults on a devnet of their own, and the one place that knows what a pass of the keeper is."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Self

from eth_account import Account

from devnet import market, node
from devnet.box import Box
from keeper.chain.heads import Heads
from keeper.chain.quorum import Pool
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Terms, VaultSnapshot
from keeper.errors import EquipoiseError
from keeper.execution.lane import Lane
from keeper.execution.lane.steps import At, nothing
from keeper.execution.signer import KeystoreSigner
from keeper.execution.signer.gated import GatedSigner
from keeper.ledger import Ledger
from keeper.operations import events
from keeper.operations.assembly import Operations
from keeper.operations.events import Event
from keeper.policy import Kind
from keeper.services import demo, told
from keeper.services import vault as lifecycle
from keeper.services.chain_keeper import ChainKeeper, Hand
from keeper.services.plan import plan, take
from keeper.settings import Settings, load

WAD = 10**18
BLOCK_S = 12
# Short, so that a fault costs seconds: two attempts of a second each.
PATIENCE = {"request_timeout_s": 1.0, "read_attempts": 2}


@dataclass(frozen=True)
class Site:
    """Everything that a keeper is started with. As JSON it goes to another process.

    :param urls: endpoints; `node` is the chain itself, behind them
    """

    node: str
    urls: tuple[str, ...]
    vaults: tuple[str, ...]
    executor: str
    batch_executor: str
    key: str  # of a throw-away account
    ledger: Path
    cache: Path

    def to_json(self) -> str:
        return json.dumps(self.__dict__, default=str)

    @classmethod
    def from_json(cls, text: str) -> "Site":
        fields = json.loads(text)
        for name in ("urls", "vaults"):
            fields[name] = tuple(fields[name])
        return cls(**(fields | {name: Path(fields[name]) for name in ("ledger", "cache")}))

    @property
    def signer(self) -> KeystoreSigner:
        return KeystoreSigner(Account.from_key(self.key))

    def settings(self, **changes: object) -> Settings:
        folder = self.ledger.parent
        arguments = {
            **({"rpc_url": self.urls[0]} if len(self.urls) == 1 else {"rpc_urls": self.urls}),
            "vaults": self.vaults,
            "executor": self.executor,
            "batch_executor": self.batch_executor,
            "ledger_file": self.ledger,
            "pools": {"cache_folder": self.cache},
            "operations": {
                "log_file": folder / "log",
                "kill_switch_file": folder / "STOP",
                "breakers_file": folder / "breakers.json",
            },
        }
        return load(arguments=arguments | PATIENCE | changes, environment={})


class Clock:
    """The seconds that a keeper believes to have passed. It goes on with the blocks, and nobody sleeps in it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Keeper:
    """A keeper from its start on: what a process has that looks after a site's vaults. A new one is a restart.

    :param at: passed the lane's steps
    :raises EquipoiseError: it does not start
    """

    def __init__(self, site: Site, at: At = nothing, **changes: object):
        self._opened = ExitStack()
        self._said: list[str] = []
        self.reasons: list[str] = []  # of what was decided in the last pass
        self._clock = Clock()
        settings = site.settings(**changes)
        with ExitStack() as opened:
            operations = opened.enter_context(Operations(settings, listeners=(self._listen,)))
            ledger = Ledger.of(settings)
            opened.callback(ledger.close)
            signer, chain_id = site.signer, settings.chain_id
            opened.enter_context(ledger.locks.lane(chain_id, signer.address))
            client = self._client_of(site, settings, operations).connect()
            gated = GatedSigner(signer, partial(operations.refuse, chain_id, signer.address))
            lane = Lane(client, ledger, gated, settings, told.listener(operations.bus, ledger), at=at)
            hand = Hand(signer.address, lane, operations)
            self._keeper = ChainKeeper(settings, client, ledger, operations.bus, hand)
            opened.callback(self._keeper.close)
            self._heads = Heads(client, threading.Event(), tell=self._said.append)
            self._opened = opened.pop_all()

    def tick(self) -> list[str]:
        """What the keeper does when it looks for a new block: all there is to do for every vault, if there is one.

        :returns: what went wrong, as a person is told
        """
        self._said.clear()
        self.reasons.clear()
        head = self._heads._look()
        if head is not None:
            if head.reorged:
                self._keeper.forget()
            try:
                self._keeper.tick(head.block)
            except EquipoiseError as error:
                self._said.append(str(error))
        self._clock.sleep(BLOCK_S)
        return list(self._said)

    def close(self) -> None:
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _client_of(self, site: Site, settings: Settings, operations: Operations) -> Client:
        """As `connect.client_of`, with the keeper's own seconds."""
        timeout_s, attempts, clock = settings.request_timeout_s, settings.read_attempts, self._clock
        if len(site.urls) == 1:
            return Client(site.urls[0], settings.chain_id, timeout_s, attempts, clock, clock.sleep)
        return Pool(
            site.urls,
            settings.chain_id,
            timeout_s,
            attempts,
            settings.rpc_quorum,
            settings.rpc_lag_max_blocks,
            settings.rpc_future_max_s,
            lambda event: operations.emit(events.EndpointExcluded(settings.chain_id, event.endpoint, event.text)),
            clock,
            clock.sleep,
            Box(site.node).timestamp,  # a devnet's time is not this machine's
        )

    def _listen(self, event: Event) -> None:
        if isinstance(event, events.Decided):
            self.reasons.append(event.reason)
        elif isinstance(event, events.PlanFailed | events.SendFailed):
            self._said.append(event.error)
        elif isinstance(event, events.EndpointExcluded | events.BreakerTripped):
            self._said.append(event.why)
        elif isinstance(event, events.Reverted):
            self._said.append(f"transaction {event.hash} reverted")


def next_block(box: Box) -> None:
    """Mine a block, at the time at which the next one is due."""
    box.rpc("evm_increaseTime", BLOCK_S)
    box.mine()


@dataclass
class Desk:
    """A chain with vaults of the demo's basket; `site` names the chain itself as the endpoint."""

    box: Box
    site: Site
    creator: KeystoreSigner
    oracle: str

    @property
    def vault(self) -> str:
        return self.site.vaults[0]

    def client(self) -> Client:
        """The chain itself."""
        return Client(self.site.node, 1)

    def snapshot(self, vault: str | None = None) -> VaultSnapshot:
        return take(self.client(), self.site.settings(), vault or self.vault)

    def is_due(self, vault: str | None = None) -> bool:
        """Whether the keeper would do something now, were every endpoint well."""
        settings = self.site.settings().model_copy(update={"rpc_url": self.site.node})
        return (
            plan(self.client(), settings, vault or self.vault, self.site.signer.address).decision.kind is not Kind.WAIT
        )

    def rule(self, signature: str, *arguments: object) -> None:
        """The owner calls the vault."""
        self.box.send(self.creator.address, self.vault, signature, *arguments)

    def drift(self) -> None:
        """A day later WETH is a fifth dearer, and the DEXes pay two percent more for it than its feed says.

        A fill then meets the bound at which a rebalance opens: opened and filled is one transaction.
        """
        self.warp(86_400)
        price = market.feed_price(self.box, "WETH") * 12 / 10
        market.move_price(self.box, "WETH", price)
        market.move_dex(self.box, "WETH", price * 102 / 100)

    def drift_fairly(self) -> None:
        """A day later WETH is a fifth dearer everywhere: a rebalance is opened, and filled once its bound has fallen."""
        self.warp(86_400)
        market.move_price(self.box, "WETH", market.feed_price(self.box, "WETH") * 12 / 10)

    def warp(self, seconds: int) -> None:
        market.warp(self.box, seconds)

    def block(self) -> None:
        """A block later."""
        next_block(self.box)


def build(
    box: Box,
    folder: Path,
    deposits_usd: Sequence[int] = (1_000_000,),
    terms_of: Callable[[int], tuple[Terms, int]] = lambda _: (demo.TERMS, demo.BAND),
) -> Desk:
    """Deploy a vault for every deposit, all with one oracle, and a keeper's executors.

    :param terms_of: a vault's terms, and the half-width of its bands in WAD
    """
    key = Account.create().key
    keeper, creator, depositor = (
        KeystoreSigner(Account.from_key(each)) for each in (key, *(Account.create().key for _ in range(2)))
    )
    for actor in (keeper, creator, depositor):
        box.fund(actor.address, 100)
    site = Site(
        node=box.url,
        urls=(box.url,),
        vaults=(),
        executor="",
        batch_executor="",
        key=key.to_0x_hex(),
        ledger=folder / "ledger.sqlite",
        cache=folder / "pools",
    )
    settings, client = load(arguments={"rpc_url": box.url}, environment={}), Client(box.url, 1)
    oracle = demo.deploy_oracle(box, client, settings, creator)
    executors = {
        "executor": lifecycle.deploy_executor(client, settings, creator, keeper.address),
        "batch_executor": lifecycle.deploy_batch_executor(client, settings, creator, keeper.address),
    }
    vaults = []
    for number, usd in enumerate(deposits_usd):
        terms, band = terms_of(number)
        vault = demo.deploy_vault(
            box, client, settings, creator, f"Six {number}", f"SIX{number}", band=band, terms=terms, oracle=oracle
        )
        demo.deposit(box, client, settings, depositor, vault, usd)
        vaults.append(vault)
    return Desk(box, replace(site, vaults=tuple(vaults), **executors), creator, oracle)


@contextmanager
def standing(folder: Path, **options: Any) -> Iterator[Desk]:
    """A desk on a devnet that ends with the block."""
    with node.up() as running_node:
        yield build(Box(running_node.url), folder, **options)
