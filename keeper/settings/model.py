"""All settings of one chain: what stands at the top of the file, and over it the chain's own table."""

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from keeper.settings.groups import (
    AggregatorSettings,
    FeeSettings,
    HistorySettings,
    LenderSettings,
    OperationsSettings,
    PolicySettings,
    PoolSettings,
    RebalancingSettings,
    RelaySettings,
    ServeSettings,
    StrategistSettings,
)
from keeper.settings.types import Address, DatabaseUrl, FilePath, SecretSocketUrl, SecretUrl

PREFIX = "EQUIPOISE_"


class Settings(BaseSettings):
    """All settings, validated.

    :raises ConfigurationError: through `load`, which names the key and the file or variable it stands in
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    chain_id: int = Field(default=1, gt=0)
    rpc_url: str = "http://127.0.0.1:8545"
    rpc_urls: tuple[SecretUrl, ...] = ()  # several in place of one: what money depends on is agreed by a quorum of them
    rpc_quorum: int | None = Field(default=None, ge=1)  # more than half of them when None
    rpc_lag_max_blocks: int = Field(default=3, ge=0, le=64)
    rpc_future_max_s: float = Field(default=30.0, gt=0)
    ws_url: SecretSocketUrl | None = None  # announces new blocks; they are polled for without
    poll_interval_s: float = Field(default=6.0, gt=0, le=600)
    block_time_s: float = Field(
        default=12.0, gt=0, le=600
    )  # the chain's; a socket that is silent for three is given up
    request_timeout_s: float = Field(default=20.0, gt=0, le=600)
    read_attempts: int = Field(default=4, ge=1, le=20)
    receipt_timeout_s: float = Field(default=180.0, gt=0, le=3_600)
    confirmations: int = Field(default=3, ge=1, le=1_000)  # blocks, its own included, until a transaction counts
    reorg_watch_blocks: int = Field(default=64, ge=1, le=10_000)  # until a block is taken to be there for good
    rollup: Literal["none", "op_stack", "arbitrum"] = "none"  # what it charges for data on layer 1 is counted

    multicall: Address = "0xcA11bde05977b3631167028862bE2a173976CA11"
    wrapped_native: Address = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"  # its price values the gas
    usd_token: Address = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"  # counts as one USD without an oracle
    vaults: tuple[Address, ...] = ()  # that `keeper run` looks after
    executor: Address | None = None
    batch_executor: Address | None = None
    zap: Address | None = None  # the IndexZap that `vault zap` and the page go through
    zap_tokens: tuple[Address, ...] = (  # that it may be given or asked for, beside ether, the basket and the hubs
        "0x6B175474E89094C44Da98b954EedeAC495271d0F",  # DAI
        "0xdAC17F958D2ee523a2206206994597C13D831ec7",  # USDT
    )
    key_file: FilePath | None = None
    password_file: FilePath | None = None
    password_fd: int | None = Field(default=None, ge=0)
    web3signer_url: SecretUrl | None = None
    clef_url: SecretUrl | None = None
    signer_address: Address | None = None  # the account that the external signer signs for
    signer_timeout_s: float = Field(default=30.0, gt=0, le=3_600)  # a person may have to approve in it
    unlocked_sender: Address | None = None  # an account that the node itself signs for; only on a devnet
    ledger_file: FilePath = Path(platformdirs.user_data_dir("equipoise")) / "ledger.sqlite"
    ledger_url: DatabaseUrl | None = None  # PostgreSQL in its place, which several keepers may share

    pools: PoolSettings = PoolSettings()
    fees: FeeSettings = FeeSettings()
    policy: PolicySettings = PolicySettings()
    rebalancing: RebalancingSettings = RebalancingSettings()
    relays: RelaySettings = RelaySettings()
    aggregators: AggregatorSettings = AggregatorSettings()
    lenders: LenderSettings = LenderSettings()
    strategist: StrategistSettings = StrategistSettings()
    operations: OperationsSettings = OperationsSettings()
    serve: ServeSettings = ServeSettings()
    history: HistorySettings = HistorySettings()

    @model_validator(mode="after")
    def _one_source(self) -> "Settings":
        if self.password_file is not None and self.password_fd is not None:
            raise ValueError("password_file and password_fd are both set: keep one")
        signers = ("key_file", "web3signer_url", "clef_url", "unlocked_sender")
        named = [name for name in signers if getattr(self, name) is not None]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} are both set: keep one")
        is_external = self.web3signer_url is not None or self.clef_url is not None
        if is_external and self.signer_address is None:
            raise ValueError(f"{named[0]} is set without signer_address: name the account that it signs for")
        if self.signer_address is not None and not is_external:
            raise ValueError("signer_address is set without web3signer_url or clef_url: set one or leave it out")
        if self.ledger_url is not None and "ledger_file" in self.model_fields_set:
            raise ValueError("ledger_url and ledger_file are both set: keep one")
        if self.confirmations > self.reorg_watch_blocks:
            raise ValueError("confirmations is above reorg_watch_blocks")
        if not self.rpc_url.startswith(("http://", "https://")):
            raise ValueError("rpc_url is not an http:// or https:// URL")
        if self.rpc_urls and "rpc_url" in self.model_fields_set:
            raise ValueError("rpc_url and rpc_urls are both set: keep one")
        if len({url.get_secret_value() for url in self.rpc_urls}) < len(self.rpc_urls):
            raise ValueError("rpc_urls names an endpoint twice: one voice would count as two")
        if self.rpc_quorum is not None and self.rpc_quorum > max(1, len(self.rpc_urls)):
            raise ValueError(f"rpc_quorum is {self.rpc_quorum}, more than there are rpc_urls: name more or lower it")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Only what `load` hands over."""
        # `load` merges the sources itself: arguments rank above the environment, the file below it.
        return (init_settings,)
