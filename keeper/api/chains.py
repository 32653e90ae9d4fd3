"""The chains that are served: each one's client, its newest block, and what was read of it, once a block."""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from keeper.api.memo import PerBlock
from keeper.api.problems import ApiError
from keeper.chain.connect import client_of
from keeper.chain.reader import VaultReader
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block, VaultSnapshot
from keeper.chain.tokens import Token
from keeper.errors import ChainError, ConfigurationError
from keeper.services.roles import Role, roles
from keeper.services.zap_market import Market, tokens_of
from keeper.settings import AggregatorSettings, RelaySettings, Settings

T = TypeVar("T")
_LOOK_S = 1.0  # between two looks for a new block
_ATTEMPTS = 2  # of a read: who asks over HTTP can ask again
# What a server that signs and sends nothing must not have, and what would ask others at a stranger's bidding.
_WITHOUT = {
    "key_file": None,
    "password_file": None,
    "password_fd": None,
    "web3signer_url": None,
    "clef_url": None,
    "signer_address": None,
    "unlocked_sender": None,
    "relays": RelaySettings(),
    "aggregators": AggregatorSettings(),
}


@dataclass(frozen=True, slots=True)
class View:
    """A vault as its page shows it."""

    snapshot: VaultSnapshot
    roles: tuple[Role, ...]
    zap_tokens: tuple[Token, ...]  # none without a zap


class Chain:
    """One chain of the settings. For any thread.

    :param clock: s of a clock that only goes forward
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        client: Client | None = None,
        clock: Callable[[], float] = time.monotonic,
    ):
        self.name = name
        self.settings = settings.model_copy(update=_WITHOUT | {"read_attempts": min(settings.read_attempts, _ATTEMPTS)})
        self.client = client_of(self.settings) if client is None else client
        self.memo = PerBlock(settings.serve.patience_s)
        self.quotes = PerBlock(settings.serve.patience_s)  # by itself, so that no long past holds them up
        self._clock = clock
        self._lock = threading.Lock()
        self._is_connected = False
        self._looked_at = float("-inf")
        self._head: Block | ChainError = ChainError("nothing was read yet")
        self._reader = VaultReader(
            self.client, self.settings.multicall, self.settings.wrapped_native, self.settings.executor
        )
        self._read_at = ""
        self._read: dict[str, VaultSnapshot | ConfigurationError] = {}
        self._reading = threading.Lock()

    def head(self) -> Block:
        """The newest block, looked for at most once a second; a failure is as good for as long.

        :raises ChainError: the endpoint fails
        """
        with self._lock:
            if self._clock() - self._looked_at >= _LOOK_S:
                try:
                    if not self._is_connected:
                        self.client.check_chain()
                        self._is_connected = True
                    self._head = self.client.head()
                except ChainError as error:
                    self._head = error
                self._looked_at = self._clock()
            if isinstance(self._head, ChainError):
                raise self._head
            return self._head

    def vaults(self) -> tuple[Block, Mapping[str, VaultSnapshot | ConfigurationError]]:
        """Every vault of the settings at the newest block: its snapshot, or why there is none.

        :raises ChainError: the endpoint fails
        """
        head = self.head()
        with self._reading:
            if self._read_at != head.hash:
                self._read = self._reader.take(self.settings.vaults, head)
                self._read_at = head.hash
            return head, self._read

    def snapshot(self, vault: str) -> VaultSnapshot:
        """One of them.

        :raises ConfigurationError: it is no vault
        :raises ChainError: the endpoint fails
        """
        found = self.vaults()[1][vault]
        if isinstance(found, ConfigurationError):
            raise found
        return found

    def view(self, vault: str) -> View:
        """A vault and its roles. Raises as `snapshot`."""
        snapshot = self.snapshot(vault)

        def read() -> View:
            found = () if self.settings.zap is None else tokens_of(self.client, self.settings, snapshot)
            return View(snapshot, roles(self.client, self.settings, snapshot), found)

        return self.once(("roles", vault), snapshot.block, read)[1]

    def market(self, vault: str) -> Market:
        """What zaps of a vault find. Raises as `snapshot`, and as `Market.read`."""
        snapshot = self.snapshot(vault)
        read = partial(Market.read, self.client, self.settings, snapshot)
        return self.quotes.get(("zap's market", vault), snapshot.block, read)[1]

    def once(self, key: tuple[str, ...], block: Block, work: Callable[[], T]) -> tuple[Block, T]:
        """What takes long, once a block; its block and what it gave. Raises as `PerBlock.get`."""
        return self.memo.get(key, block, work)


class Site:
    """All chains of the settings, and which vault is on which.

    :raises ConfigurationError: no vault to serve
    """

    def __init__(self, chains: Mapping[str, Settings]):
        if not any(settings.vaults for settings in chains.values()):
            raise ConfigurationError("no vault to serve: set vaults, or name some")
        self.chains = tuple(Chain(name, settings) for name, settings in chains.items())
        self.serve = next(iter(chains.values())).serve

    def of(self, vault: str, chain_id: int | None) -> Chain:
        """The chain of a vault.

        :raises ApiError: it is not served, or on two chains of which none is named
        """
        found = [
            chain
            for chain in self.chains
            if vault in chain.settings.vaults and chain_id in {None, chain.settings.chain_id}
        ]
        if not found:
            where = "" if chain_id is None else f" on chain {chain_id}"
            raise ApiError("vault-not-served", f"vault {vault} is not served{where}: choose one of /api/v1/vaults")
        if len(found) > 1:
            ids = " or ".join(str(chain.settings.chain_id) for chain in found)
            raise ApiError("bad-request", f"vault {vault} is on several chains: give chain_id, {ids}")
        return found[0]

    def close(self) -> None:
        """Begin nothing more."""
        for chain in self.chains:
            chain.memo.close()
            chain.quotes.close()
