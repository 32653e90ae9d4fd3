"""Settings: one validated TOML file plus the environment, with units in every name.

Order of precedence, first wins: arguments of the command line, `EQUIPOISE_*` variables (groups are joined with two
underscores, `EQUIPOISE_POLICY__SLIPPAGE_BPS=30`), the TOML file, the defaults here. A key that is not a setting is
refused, not ignored: a limit with a typing error in its name would otherwise not limit anything.

No setting holds a private key. A key is a keystore v3 file (`key_file`) whose password comes from a file or a file
descriptor, or it stays with an external signer (`web3signer_url`, `clef_url`). The API key of an aggregator comes from the
environment or from a file of its own.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeGuard
from urllib.parse import urlsplit

import platformdirs
from eth_utils.address import is_address, to_checksum_address
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from keeper.errors import ConfigurationError

PREFIX = "EQUIPOISE_"
# Variables with our prefix that other parts of the program read.
NOT_SETTINGS = ("EQUIPOISE_CACHE",)
DEFAULT_FILE = Path("equipoise.toml")

_PLAIN_KEY = re.compile(r"(?i)(?<![0-9a-z])(?:0x)?[0-9a-f]{64}(?![0-9a-z])")
# The same key as a decimal number: nothing that a setting accepts is longer than an address, 49 digits.
_PLAIN_NUMBER = re.compile(r"\b\d{70,78}\b")
_KEY_BITS_MIN = 161
_SECRET_NAME = re.compile(r"(?i)(private_?key|mnemonic|seed_?phrase|secret)")
_API_KEY_NAME = re.compile(r"_api_key$")
_MEND_KEY = (
    "keep the key in a keystore v3 file (key_file) and its password in a file of its own (password_file), "
    "or with an external signer (web3signer_url, clef_url)"
)


def _checksummed(value: str) -> str:
    if not is_address(value):
        raise ValueError(f"{value!r} is not an address")
    return to_checksum_address(value)


def _expanded(value: object) -> object:
    return Path(value).expanduser() if isinstance(value, str) else value


def _url(value: SecretStr) -> SecretStr:
    parts = urlsplit(value.get_secret_value())  # raises on its own for brackets that do not close
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError("not an http:// or https:// URL")
    try:
        parts.port  # noqa: B018 (looking at it is what checks it)
    except ValueError:
        raise ValueError("the URL's port is no port") from None  # the library's own text repeats it
    return value


Address = Annotated[str, AfterValidator(_checksummed)]
FilePath = Annotated[Path, BeforeValidator(_expanded)]
SecretUrl = Annotated[SecretStr, AfterValidator(_url)]  # a user or a path in it is often a key to the service


class _Group(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PoolSettings(_Group):
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


class FeeSettings(_Group):
    """EIP-1559 fees."""

    gas_price_max_gwei: float = Field(default=100.0, gt=0)  # above it nothing is sent
    tip_min_gwei: float = Field(default=0.01, gt=0)
    tip_max_gwei: float = Field(default=3.0, gt=0)
    tip_percentile: int = Field(default=25, ge=1, le=99)
    tip_blocks: int = Field(default=10, ge=1, le=100)
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


class PolicySettings(_Group):
    """What the keeper asks for beyond what the vault's contract demands."""

    min_trade_usd: float = Field(default=500.0, ge=0)  # a smaller rebalance is not worth its gas
    cost_max_bps: float = Field(default=100.0, gt=0, le=10_000)  # gas and loss against the oracle, of the value traded
    marginal_cost_max_bps: int = Field(default=300, gt=0, le=9_000)  # of the last dollar sold, gas aside
    safety_margin_bps: float = Field(default=3.0, ge=0, le=1_000)  # the route must beat the bound by this much
    slippage_bps: int = Field(default=30, ge=0, le=2_000)  # a bought amount may fall short of the route's by this much
    deadline_s: int = Field(default=180, ge=12)


class AggregatorSettings(_Group):
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


class Settings(BaseSettings):
    """All settings, validated.

    :raises ConfigurationError: through `load`, which names the key and the file or variable it stands in
    """

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", extra="forbid", frozen=True, env_ignore_empty=True
    )

    chain_id: int = Field(default=1, gt=0)
    rpc_url: str = "http://127.0.0.1:8545"
    request_timeout_s: float = Field(default=20.0, gt=0, le=600)
    read_attempts: int = Field(default=4, ge=1, le=20)
    receipt_timeout_s: float = Field(default=180.0, gt=0, le=3_600)

    multicall: Address = "0xcA11bde05977b3631167028862bE2a173976CA11"
    wrapped_native: Address = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"  # its price values the gas
    usd_token: Address = "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48"  # counts as one USD without an oracle
    executor: Address | None = None
    key_file: FilePath | None = None
    password_file: FilePath | None = None
    password_fd: int | None = Field(default=None, ge=0)
    web3signer_url: SecretUrl | None = None
    clef_url: SecretUrl | None = None
    signer_address: Address | None = None  # the account that the external signer signs for
    signer_timeout_s: float = Field(default=30.0, gt=0, le=3_600)  # a person may have to approve in it
    unlocked_sender: Address | None = None  # an account that the node itself signs for; only on a devnet
    ledger_file: FilePath = Path(platformdirs.user_data_dir("equipoise")) / "ledger.sqlite"

    pools: PoolSettings = PoolSettings()
    fees: FeeSettings = FeeSettings()
    policy: PolicySettings = PolicySettings()
    aggregators: AggregatorSettings = AggregatorSettings()

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
        if not self.rpc_url.startswith(("http://", "https://")):
            raise ValueError("rpc_url is not an http:// or https:// URL")
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


def load(
    file: Path | None = None,
    arguments: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this process.

    :param file: the TOML file; None reads `equipoise.toml` of the working directory if there is one
    :param arguments: settings by name that the command line gave; a None value means that it did not
    :param environment: the process's own when None
    :raises ConfigurationError: a file that is missing or malformed, an unknown key, a value out of range, a plain
        private key
    """
    environment = os.environ if environment is None else environment
    ours = {name: value for name, value in environment.items() if name.upper().startswith(PREFIX)}
    for name, value in ours.items():
        refuse_plain_key(name, "the name of an environment variable")
        refuse_plain_key(value, f"environment variable {name}", name)
    _refuse_unknown_variables(ours)

    merged = _read_file(file)
    _merge(merged, _from_environment(ours))
    given = {name: value for name, value in (arguments or {}).items() if value is not None}
    for name, value in _leaves(given):
        refuse_plain_key(value, f"argument --{name.replace('_', '-')}", name)
    _merge(merged, given)
    try:
        return Settings(**merged)
    except ValidationError as error:
        raise ConfigurationError(_first_fault(error, file)) from None


def refuse_plain_key(value: object, where: str, name: str = "") -> None:
    """Refuse what looks like a private key, without repeating it.

    :raises ConfigurationError: a value of 32 bytes, in hex or as a number, or a name that announces a secret
    """
    if _SECRET_NAME.search(name) or _is_plain_key(value):
        raise ConfigurationError(f"{where} holds a private key in plain text: remove it, {_MEND_KEY}")


def refuse_plain_arguments(arguments: Sequence[str]) -> None:
    """Refuse a command line on which a private key stands; names the option before it, if there is one.

    :raises ConfigurationError: as `refuse_plain_key`
    """
    for before, argument in zip(["", *arguments], arguments, strict=False):
        name = argument.partition("=")[0] if "=" in argument else before
        is_option = name.startswith("--") and not _is_plain_key(name)
        refuse_plain_key(argument, f"argument {name}" if is_option else "an argument")


def _is_plain_key(value: object) -> bool:
    if isinstance(value, int):
        return value.bit_length() >= _KEY_BITS_MIN  # TOML has integers in hex
    text = str(value)  # paths too
    return _PLAIN_KEY.search(text) is not None or _PLAIN_NUMBER.search(text) is not None


def _read_file(file: Path | None) -> dict[str, Any]:
    path = DEFAULT_FILE if file is None else file
    if file is None and not path.exists():
        return {}
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"settings file {path} does not exist: create it or leave --config out") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"settings file {path} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"settings file {path} is not valid TOML: {error}") from None
    for name, value in _leaves(values):
        refuse_plain_key(name, f"settings file {path}, the name of a key")
        refuse_plain_key(value, f"settings file {path}, key {name}", name)
        if _API_KEY_NAME.search(name):
            raise ConfigurationError(f"settings file {path} holds {name} in plain text: set {name}_file instead")
    return values


def _leaves(value: Any, name: str = "") -> Iterable[tuple[str, Any]]:
    """Every value that is no table and no list, with the dotted name of the key that it stands under."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, name)
    else:
        yield name, value


def _from_environment(ours: Mapping[str, str]) -> dict[str, Any]:
    source = EnvSettingsSource(Settings)
    source.env_vars = {name.lower(): value for name, value in ours.items()}
    try:
        return source()
    except SettingsError as error:
        raise ConfigurationError(f"environment: {error}; lists are JSON, as in '[500, 3000]'") from None


def _refuse_unknown_variables(ours: Mapping[str, str]) -> None:
    known = {(PREFIX + name.replace(".", "__")).upper() for name in keys()}
    groups = {(PREFIX + name).upper() for name, field in Settings.model_fields.items() if _is_group(field.annotation)}
    for name in ours:
        if name.upper() in known | groups or name.upper().startswith(NOT_SETTINGS):
            continue
        raise ConfigurationError(f"environment variable {name} is not a setting{_nearest(name.upper(), known)}")


def keys() -> list[str]:
    """Every setting's dotted name, as in `policy.slippage_bps`."""
    names: list[str] = []
    for name, field in Settings.model_fields.items():
        if _is_group(field.annotation):
            names.extend(f"{name}.{inner}" for inner in field.annotation.model_fields)
        else:
            names.append(name)
    return names


def _is_group(annotation: Any) -> TypeGuard[type[_Group]]:
    return isinstance(annotation, type) and issubclass(annotation, _Group)


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _first_fault(error: ValidationError, file: Path | None) -> str:
    fault = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in fault["loc"])
    where = f" (settings file {file})" if file is not None else ""
    if fault["type"] == "extra_forbidden":
        return f"{name} is not a setting{_nearest(name, keys())}{where}"
    reason = fault["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    return f"setting {name}: {reason}{where}" if name else f"settings: {reason}{where}"


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ": see the reference of settings for the names"
