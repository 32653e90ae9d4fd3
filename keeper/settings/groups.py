"""The groups of settings, one table of the file each."""

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, model_validator

from keeper.settings.types import Address, FilePath, Group, SecretUrl


class PoolSettings(Group):
    """Where to look for pools. The defaults are Ethereum mainnet's."""

    v2_factory: Address = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
    v3_factory: Address = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
    v3_fees_ppm: tuple[int, ...] = (100, 500, 3000, 10000)
    hubs: tuple[Address, ...] = (
        "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2",  # WETH
        "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48",  # USDC
    )
    min_depth_usd: float = Field(default=50_000, ge=0)  # all sides of the pool together
    v3_range_bps: int = Field(default=3_000, ge=100, le=9_000)  # fall of the price that the loaded ticks have to cover
    balancer_vault: Address = "0xBA12222222228d8Ba445958a75a0704d566BF2C8"
    balancer_first_block: int = Field(default=12_272_146, ge=0)  # of the logs that tell of pools
    logs_span_blocks: int = Field(default=10_000, ge=1)  # blocks asked for at once; halved where a node wants fewer
    balancer_pools: tuple[Address, ...] = (  # looked at beside those of the logs
        "0x5c6Ee304399DBdB9C8Ef030aB642B10820DB8F56",  # 80 BAL 20 WETH
        "0xA6F548DF93de924d73be7D25dC02554c6bD66dB5",  # 50 WBTC 50 WETH
        "0x96646936b91d6B9D7D0c47C496AfBF3D6ec7B6f8",  # 50 USDC 50 WETH
        "0x0b09deA16768f0799065C475bE02919503cB2a35",  # 60 WETH 40 DAI
        "0x06Df3b2bbB68adc8B0e302443692037ED9f91b42",  # DAI USDC USDT
        "0x32296969Ef14EB0c6d29669C550D4a0449130230",  # wstETH WETH
    )
    curve_registry: Address = "0xF98B45FA17DE75FB1aD0e7aFD971b0ca00e379fC"  # MetaRegistry
    curve_pools: tuple[Address, ...] = (  # looked at beside those of the registry
        "0xbEbc44782C7dB0a1A60Cb6fe97d0b483032FF1C7",  # DAI USDC USDT
        "0xA5407eAE9Ba41422680e2e00537571bcC53efBfD",  # DAI USDC USDT sUSD
    )
    wsteth: Address = "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0"
    cache_folder: FilePath = Path(platformdirs.user_cache_dir("equipoise")) / "pools"  # which pools there are
    cache_max_age_s: int = Field(default=86_400, ge=0)  # then new ones are looked for; 0: every time


class FeeSettings(Group):
    """EIP-1559 fees."""

    gas_price_max_gwei: float = Field(default=100.0, gt=0)  # above it nothing is sent
    tip_min_gwei: float = Field(default=0.01, gt=0)
    tip_max_gwei: float = Field(default=3.0, gt=0)
    tip_percentile: int = Field(default=25, ge=1, le=99)
    tip_blocks: int = Field(default=10, ge=1, le=100)
    replace_after_blocks: int = Field(default=3, ge=1, le=1_000)  # a transaction that is not mined by then is stuck
    gas_limit_percent: int = Field(default=130, ge=100, le=300)  # of the estimate
    transaction_max_eth: float = Field(default=0.5, gt=0)  # gas limit times max fee; above it nothing is signed
    day_max_eth: float = Field(default=5.0, gt=0)  # the same, of all transactions of a UTC day

    @model_validator(mode="after")
    def _ordered(self) -> "FeeSettings":
        if self.tip_min_gwei > self.tip_max_gwei:
            raise ValueError("tip_min_gwei is above tip_max_gwei")
        if self.transaction_max_eth > self.day_max_eth:
            raise ValueError("transaction_max_eth is above day_max_eth")
        return self


class PolicySettings(Group):
    """What the keeper asks for beyond what the vault's contract demands."""

    min_trade_usd: float = Field(default=500.0, ge=0)  # a smaller rebalance is not worth its gas
    cost_max_bps: float = Field(default=100.0, gt=0, le=10_000)  # gas and loss against the oracle, of the value traded
    marginal_cost_max_bps: int = Field(default=300, gt=0, le=9_000)  # of the last dollar sold, gas aside
    safety_margin_bps: float = Field(default=3.0, ge=0, le=1_000)  # the route must beat the bound by this much
    slippage_bps: int = Field(default=30, ge=0, le=2_000)  # a bought amount may fall short of the route's by this much
    deadline_s: int = Field(default=180, ge=12)


class RelaySettings(Group):
    """Where transactions go in private; nowhere by default, then they are sent to the public pool."""

    kind: Literal["none", "flashbots", "private_rpc"] = "none"
    urls: tuple[SecretUrl, ...] = ()  # each gets every transaction
    auth_key_file: FilePath | None = None  # keystore v3 of the key that signs requests to Flashbots; it holds nothing
    auth_password_file: FilePath | None = None
    timeout_s: float = Field(default=10.0, gt=0, le=120)
    private_only: bool = True  # False: what every relay refuses is sent publicly, and said so

    @model_validator(mode="after")
    def _complete(self) -> "RelaySettings":
        if (self.kind == "none") != (not self.urls):
            raise ValueError(f"kind is {self.kind} with {len(self.urls)} urls: set both, or leave both out")
        for name in ("auth_key_file", "auth_password_file"):
            if (getattr(self, name) is not None) != (self.kind == "flashbots"):
                raise ValueError(f"kind is {self.kind}: {name} goes with flashbots, and flashbots with it")
        return self


class AggregatorSettings(Group):
    """What aggregators want from whoever asks; one without its key is not asked."""

    zerox_api_key: SecretStr | None = None
    zerox_api_key_file: FilePath | None = None
    oneinch_api_key: SecretStr | None = None
    oneinch_api_key_file: FilePath | None = None
    kyberswap_client_id: str = Field(default="equipoise", pattern=r"^[A-Za-z0-9._-]{1,64}$")

    @model_validator(mode="after")
    def _one_source(self) -> "AggregatorSettings":
        for name in ("zerox_api_key", "oneinch_api_key"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file are both set: keep one")
        return self
