"""The groups of settings, one table of the file each."""

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import Field, SecretStr, model_validator

from keeper.settings.types import Address, FilePath, Group, HostPort, Origin, SecretUrl

_DATA_FOLDER = Path(platformdirs.user_data_dir("equipoise"))


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

    rebalancing: Literal["vault", "calendar", "band", "hybrid", "cost_aware"] = (
        "vault"  # whose rules say when and how far
    )
    min_trade_usd: float = Field(default=500.0, ge=0)  # a smaller rebalance is not worth its gas
    cost_max_bps: float = Field(default=100.0, gt=0, le=10_000)  # gas and loss against the oracle, of the value traded
    marginal_cost_max_bps: int = Field(default=300, gt=0, le=9_000)  # of the last dollar sold, gas aside
    safety_margin_bps: float = Field(default=3.0, ge=0, le=1_000)  # the route must beat the bound by this much
    slippage_bps: int = Field(default=30, ge=0, le=2_000)  # a bought amount may fall short of the route's by this much
    surplus_to: Literal["vault", "keeper"] = "vault"  # who gets what a route brings beyond the bound
    profit_min_usd: float = Field(default=0.0, ge=0)  # that a keeper who takes the surplus wants beyond its gas
    deadline_s: int = Field(default=180, ge=12)
    replan_s: float = Field(
        default=60.0, gt=0, le=3_600
    )  # how long a route that did not pay is believed while nothing moves


class RebalancingSettings(Group):
    """The keeper's own rules of when and how far, where `policy.rebalancing` names others than the vault's."""

    aim: Literal["centre", "edge", "between"] = "centre"  # between: as far as fixed and proportional cost ask
    hybrid: Literal["either", "both"] = "either"  # calendar or band, or both at once
    interval_s: int = Field(default=0, ge=0)
    cron: str = ""  # five fields, UTC, in place of the interval
    band_bps: float = Field(default=0.0, ge=0, lt=10_000)  # half-width, of NAV
    band_percent: float = Field(default=0.0, ge=0, lt=100)  # half-width, of the target; of both the narrower counts
    width_factor: float = Field(default=0.0, ge=0)  # k of k (cost * variance of the weight)^(1/3), in place of both
    width_min_bps: float = Field(default=0.0, ge=0, lt=10_000)  # of NAV; rails of widths that follow cost and variance
    width_max_bps: float = Field(default=10_000.0, gt=0, le=10_000)
    risk_aversion: float = Field(default=4.0, gt=0)
    guarded: bool = True  # what costs more than it is worth is not traded
    max_trade_usd: float = Field(default=0.0, ge=0)  # of one rebalance; 0: no limit
    cooldown_s: int = Field(default=0, ge=0)  # since the last opening's end
    fee_bps: float = Field(default=30.0, ge=0, le=1_000)  # of each pool, until a route tells
    depth_usd: float = Field(default=10_000_000.0, gt=0)  # on each side of each asset's pools together, likewise
    volatility_percent: float = Field(
        default=60.0, gt=0, le=1_000
    )  # a year, of each asset against the basket, without a history
    history_file: FilePath | None = None  # of prices by symbol, for each asset's own
    half_life_s: int = Field(default=2_592_000, ge=3_600)


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


class LenderSettings(Group):
    """Who lends for the length of a transaction. The defaults are Ethereum mainnet's."""

    enabled: tuple[Literal["morpho", "balancer_v2", "aave_v3", "uniswap_v3", "erc3156"], ...] = (
        "morpho",
        "balancer_v2",
        "aave_v3",
        "uniswap_v3",
        "erc3156",
    )
    morpho: Address = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
    balancer_vault: Address = "0xBA12222222228d8Ba445958a75a0704d566BF2C8"
    balancer_fees_collector: Address = "0xce88686553686DA562CE7Cea497CE749DA109f9F"
    aave_pool: Address = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
    erc3156: tuple[Address, ...] = (
        "0x60744434d6339a6B27d73d9Eda62b6F66a0a04FA",  # Maker's DssFlash: DAI
        "0x26dE7861e213A5351F6ED767d00e0839930e9eE1",  # Curve's FlashLender: crvUSD
    )


class AggregatorSettings(Group):
    """Which aggregators to ask, how often, and what they want from whoever asks; one without its key is not asked."""

    enabled: tuple[Literal["0x", "1inch", "velora", "kyberswap", "openocean", "cow"], ...] = ()
    timeout_s: float = Field(default=4.0, gt=0, le=60)  # for all that one of them is asked about one rebalance
    quotes_per_s: float = Field(default=1.0, gt=0, le=100)  # of each; what they give without a contract
    max_worse_than_reference_bps: int = Field(default=30, ge=0, le=10_000)  # than CoW Protocol's price; then it warns
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


class StrategistSettings(Group):
    """How wide `equipoise strategist` wants bands, and whether its key may set them."""

    enabled: bool = False  # whether set_bands may be signed at all; a keeper's settings leave it off
    forecaster: Literal["auto", "ewma", "rm2006", "garch", "gjr", "har", "boosting"] = "auto"
    horizon_s: int = Field(default=604_800, ge=60, le=7_776_000)  # ahead, that variances are forecast for
    bars_min: int = Field(default=250, ge=30)  # of prices; with fewer nothing is forecast
    history_age_max_s: int = Field(default=172_800, ge=60)  # of the last price, by the chain's clock
    cost_bps: float = Field(default=30.0, gt=0, le=10_000)  # of what a rebalance trades: fees, impact and gas
    penalty: float = Field(default=4.0, gt=0)  # share of NAV a year that a squared deviation of one costs
    change_min_bps: float = Field(default=10.0, gt=0, le=10_000)  # of a band, of NAV; less is not worth its gas


class OperationsSettings(Group):
    """What the keeper tells of itself, and when it stops by itself."""

    log_format: Literal["auto", "json", "console"] = "auto"  # auto: lines for people on a terminal, else JSON
    log_file: FilePath | None = None  # None: stderr
    http_address: HostPort | None = None  # of /metrics, /healthz and /readyz; None: none of them
    silence_max_s: int = Field(default=60, ge=5)  # of the loop, until /healthz fails
    head_age_max_s: int = Field(default=120, ge=5)  # of the newest block, until /readyz fails and an alert is sent

    alert_urls: SecretStr | None = None  # of apprise, separated by whitespace
    alert_urls_file: FilePath | None = None
    alert_severity_min: Literal["info", "warning", "error", "critical"] = "warning"
    alert_cooldown_s: int = Field(default=3_600, ge=60)  # between two messages of one kind about one thing
    alerts_per_hour_max: int = Field(default=20, ge=1)  # the rest is summed up; critical ones are not counted
    alert_timeout_s: float = Field(default=10.0, gt=0, le=120)
    heartbeat_url: SecretUrl | None = None  # asked while all is well, so that its silence tells
    heartbeat_url_file: FilePath | None = None
    heartbeat_interval_s: int = Field(default=300, ge=10)
    balance_min_eth: float = Field(default=0.05, ge=0)  # of the account; below it an alert is sent
    balance_max_eth: float = Field(default=0.5, gt=0)  # above it too: a hot key holds gas and nothing else
    stuck_after_s: int = Field(default=300, ge=10)  # a transaction that is not mined by then
    reorg_alert_blocks: int = Field(default=3, ge=1)

    kill_switch_file: FilePath = _DATA_FOLDER / "STOP"  # while it exists nothing is signed
    breakers_file: FilePath = _DATA_FOLDER / "breakers.json"
    loss_max_bps: float = Field(default=50.0, gt=0, le=10_000)  # of a vault's NAV, against the oracle, in the window
    loss_window_s: int = Field(default=86_400, ge=60)
    price_move_max_bps: float = Field(
        default=1_500.0, gt=0, le=10_000
    )  # of an asset, between two blocks or from its median
    price_window_blocks: int = Field(default=25, ge=2, le=1_000)  # that the median is of
    vault_failures_max: int = Field(default=5, ge=1)  # in a row
    vault_pause_s: int = Field(default=900, ge=10)  # then a vault that failed so often is tried once more
    account_failures_max: int = Field(default=5, ge=1)  # in a row, of whatever vaults

    @model_validator(mode="after")
    def _consistent(self) -> "OperationsSettings":
        for name in ("alert_urls", "heartbeat_url"):
            if getattr(self, name) is not None and getattr(self, f"{name}_file") is not None:
                raise ValueError(f"{name} and {name}_file are both set: keep one")
        if self.balance_min_eth >= self.balance_max_eth:
            raise ValueError("balance_min_eth is not below balance_max_eth")
        return self


class HistorySettings(Group):
    """What sources of past prices want from whoever asks."""

    coingecko_api_key: SecretStr | None = None
    coingecko_api_key_file: FilePath | None = None

    @model_validator(mode="after")
    def _one_source(self) -> "HistorySettings":
        if self.coingecko_api_key is not None and self.coingecko_api_key_file is not None:
            raise ValueError("coingecko_api_key and coingecko_api_key_file are both set: keep one")
        return self


class ServeSettings(Group):
    """What `equipoise serve` allows to whom."""

    cors_origins: tuple[Origin, ...] = ()  # whose pages may read the answers; none but the server's own
    requests_per_minute: int = Field(default=300, ge=1, le=1_000_000)  # of one address; dear ones count as several
    body_max_bytes: int = Field(default=16_384, ge=1_024, le=1_048_576)
    patience_s: float = Field(default=20.0, gt=0, le=600)  # that a request waits for what takes long
    proxies: tuple[str, ...] = ()  # whose word on the client's address is believed
