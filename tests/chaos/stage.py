"""A vault that is due, a keeper that looks after it through proxies, and what must hold when the play is over."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from eth_account import Account

from chaos import evidence
from chaos.desk import Desk, Keeper, Site
from chaos.evidence import Deed, Row, Witness
from chaos.proxy import Proxy, serving
from keeper.operations.breaker_file import BreakerFile

ENDPOINTS = 3


@dataclass
class Stage:
    """A desk as it stands, proxies before its node, and a ledger of its own.

    :param since: the last block before the play
    """

    desk: Desk
    proxies: list[Proxy]
    site: Site
    since: int
    witness: Witness = field(default_factory=Witness)
    answers: dict[str, int] = field(default_factory=dict)  # what feeds answered before they were spoilt

    def keeper(self, **changes: object) -> Keeper:
        """The keeper's process."""
        return Keeper(self.site, **changes)

    def on(self, ledger: Path) -> Site:
        """The same with another ledger."""
        return replace(self.site, ledger=ledger)

    def resume(self) -> int:
        """A person has looked: `equipoise keeper resume`. How many breakers that closed."""
        file = BreakerFile(self.site.settings().operations.breakers_file)
        return len(file.reset(self.desk.vault))

    def heal(self) -> None:
        """Every endpoint is well again."""
        for proxy in self.proxies:
            proxy.heal()

    def tick(self, keeper: Keeper) -> list[str]:
        """One pass and the next block; what went wrong in the pass."""
        wrong = keeper.tick()
        self.desk.block()
        return wrong

    def blocks(self, count: int) -> None:
        """So many blocks later."""
        for _ in range(count):
            self.desk.block()

    def reorganise(self, depth: int, *raw: str) -> None:
        """Replace the last blocks by others, in the first of which these transactions are."""
        self.desk.box.rpc("anvil_reorg", depth, [[each, 0] for each in raw])

    @contextmanager
    def mining(self) -> Iterator[None]:
        """Every transaction is mined at once, as those who change the world want it."""
        self.desk.box.rpc("evm_setAutomine", True)
        yield
        self.desk.box.settle()
        self.desk.box.rpc("evm_setAutomine", False)

    @property
    def hits(self) -> int:
        """Requests that the present faults befell."""
        return sum(proxy.hits for proxy in self.proxies)

    @property
    def handed(self) -> int:
        """Transactions that were handed to endpoints."""
        return len({raw for proxy in self.proxies for raw in proxy.handed})

    @property
    def deeds(self) -> list[Deed]:
        return evidence.deeds(self.desk.box, self.site.signer.address, self.rebalancers, self.since)

    @property
    def fills(self) -> int:
        """Rebalances that the chain saw."""
        return sum(len(deed.fills) for deed in self.deeds)

    @property
    def rows(self) -> list[Row]:
        return evidence.rows(self.site.ledger)

    @property
    def rebalancers(self) -> tuple[str, ...]:
        return evidence.rebalancers(self.desk)

    def faults(self) -> list[str]:
        """What does not fit between chain and ledger, and what should never have been handed over."""
        box, sender = self.desk.box, self.site.signer.address
        return evidence.faults(box, self.site.ledger, sender, self.rebalancers, self.since) + self.witness.broken


@contextmanager
def staged(desk: Desk, folder: Path, endpoints: int = ENDPOINTS) -> Iterator[Stage]:
    """A stage on a desk; what the play does to the chain is undone."""
    state = desk.box.snapshot()
    desk.box.rpc("evm_setAutomine", False)
    # Else blocks of one play could have the hashes of another's, and the node forget both with the older one.
    desk.box.rpc("anvil_setCoinbase", Account.create().address)
    with serving(desk.box.url, endpoints) as proxies:
        site = replace(desk.site, urls=tuple(proxy.url for proxy in proxies), ledger=folder / "ledger.sqlite")
        stage = Stage(desk, proxies, site, int(desk.box.rpc("eth_blockNumber"), 16))
        stage.witness.watch(*proxies)
        try:
            yield stage
        finally:
            desk.box.rpc("anvil_dropAllTransactions")
            desk.box.rpc("evm_setAutomine", True)
            desk.box.revert(state)
