"""The file that deploys a fund: TOML, all of it public, checked as the contracts will check it.

Weights, bands and prices are decimal text, so that nothing is rounded on the way; terms and fees are basis points.
"""

import tomllib
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal

from eth_utils.address import is_address, is_checksum_address
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Fees, Terms
from keeper.errors import ConfigurationError
from keeper.settings import refuse_plain_key
from keeper.settings.types import Address

WAD = 10**18
BASIS_POINT = 10**14  # WAD
_BAND_UNIT = 10**12  # WAD, what a vault stores a band in
_TRIGGERS = {"interval": Trigger.INTERVAL, "band": Trigger.BAND, "targets": Trigger.TARGETS}


def _exact(value: object) -> object:
    if isinstance(value, float):
        raise ValueError('write it as text, as in "0.25": a float is rounded')  # noqa: TRY004 (pydantic reports ValueErrors only)
    return value


def _checksummed(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    digits = value.removeprefix("0x")
    if digits not in (digits.lower(), digits.upper()) and is_address(value) and not is_checksum_address(value):
        raise ValueError(f"{value} has a wrong checksum: a digit is mistyped")
    return value


# A wrong digit is found before money is on its way.
Checked = Annotated[Address, BeforeValidator(_checksummed)]
Exact = Annotated[Decimal, BeforeValidator(_exact)]
Share = Annotated[Exact, Field(gt=0, lt=1, decimal_places=18)]
Price = Annotated[Exact, Field(gt=0, lt=10**18, decimal_places=18)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class AssetPlan(_Table):
    """An asset, its target and band as shares of NAV, and its feed with bounds in USD per whole token."""

    symbol: str = Field(min_length=1, max_length=32)
    address: Checked
    decimals: int = Field(ge=0, le=27)
    target: Share
    band: Share
    feed: Checked
    feed_max_age_s: int = Field(gt=0, le=7 * 86_400)
    price_min_usd: Price
    price_max_usd: Price

    @model_validator(mode="after")
    def _consistent(self) -> "AssetPlan":
        if self.price_min_usd >= self.price_max_usd:
            raise ValueError("price_min_usd is not below price_max_usd")
        if wad(self.band) % _BAND_UNIT:
            raise ValueError("band is no multiple of a millionth")
        return self


class TermsPlan(_Table):
    """IIndexVault.Terms, by the limits of the contracts."""

    triggers: tuple[Literal["interval", "band", "targets"], ...] = Field(default=("band", "targets"), min_length=1)
    require_all: bool = False
    interval_s: int = Field(default=0, ge=0, le=10 * 365 * 86_400)
    cooldown_s: int = Field(default=3_600, ge=0, le=365 * 86_400)
    duration_s: int = Field(default=1_800, ge=60, le=7 * 86_400)
    start_premium_bps: int = Field(default=50, ge=0, le=1_000)  # covers how far a feed may lag behind the market
    max_discount_bps: int = Field(default=100, ge=0, le=500)
    closing_tolerance_bps: int = Field(default=50, ge=1, le=500)
    max_loss_bps: int = Field(default=100, ge=0, le=500)
    loss_window_s: int = Field(default=7 * 86_400, ge=3_600, le=365 * 86_400)

    @model_validator(mode="after")
    def _consistent(self) -> "TermsPlan":
        if ("interval" in self.triggers) != (self.interval_s != 0):
            raise ValueError("interval_s goes with the trigger interval, and the trigger with it")
        return self

    def built(self) -> Terms:
        """As the vault takes them."""
        triggers = Trigger(0)
        for name in self.triggers:
            triggers |= _TRIGGERS[name]
        return Terms(
            triggers,
            self.require_all,
            self.interval_s,
            self.cooldown_s,
            self.duration_s,
            self.start_premium_bps * BASIS_POINT,
            self.max_discount_bps * BASIS_POINT,
            self.closing_tolerance_bps * BASIS_POINT,
            self.max_loss_bps * BASIS_POINT,
            self.loss_window_s,
        )


class FeesPlan(_Table):
    """IIndexVault.Fees, in shares to the recipient."""

    recipient: Checked
    streaming_bps: int = Field(default=0, ge=0, le=500)  # a year
    mint_bps: int = Field(default=0, ge=0, le=200)
    redeem_bps: int = Field(default=0, ge=0, le=200)

    def built(self) -> Fees:
        """As the vault takes them."""
        return Fees(
            self.recipient, *(bps * BASIS_POINT for bps in (self.streaming_bps, self.mint_bps, self.redeem_bps))
        )


class RailsPlan(_Table):
    """Between which limits and how fast a strategist may move the bands."""

    narrowest_bps: int = Field(ge=1, lt=10_000)
    widest_bps: int = Field(ge=1, lt=10_000)
    speed_bps_per_day: int = Field(ge=0, le=10_000)

    @model_validator(mode="after")
    def _ordered(self) -> "RailsPlan":
        if self.narrowest_bps > self.widest_bps:
            raise ValueError("narrowest_bps is above widest_bps")
        return self

    def built(self) -> tuple[int, int, int]:
        """IRebalancer.Rails."""
        return tuple(bps * BASIS_POINT for bps in (self.narrowest_bps, self.widest_bps, self.speed_bps_per_day))  # type: ignore[return-value]


class DeployPlan(_Table):
    """A fund. `oracle` is one that is there already; without it one is deployed for these feeds."""

    name: str = Field(min_length=1, max_length=25, pattern=r"^[ -~]+$")
    symbol: str = Field(min_length=1, max_length=5, pattern=r"^[!-~]+$")
    chain_id: int = Field(gt=0)
    share_usd: Price = Decimal(1_000)
    guardian: Checked | None = None
    oracle: Checked | None = None
    terms: TermsPlan = TermsPlan()
    fees: FeesPlan | None = None
    rails: RailsPlan | None = None
    assets: tuple[AssetPlan, ...] = Field(min_length=2, max_length=20)

    @model_validator(mode="after")
    def _consistent(self) -> "DeployPlan":
        total = sum(asset.target for asset in self.assets)
        if total != 1:
            raise ValueError(f"the targets sum to {total}, not to 1")
        for field in ("address", "symbol"):
            values = [getattr(asset, field) for asset in self.assets]
            if len(set(values)) < len(values):
                raise ValueError(f"two assets have one {field}")
        tolerance = self.terms.closing_tolerance_bps * BASIS_POINT
        for asset in self.assets:
            if wad(asset.band) < tolerance:
                raise ValueError(f"the band of {asset.symbol} is under terms.closing_tolerance_bps")
        if self.rails is not None and self.rails.narrowest_bps < self.terms.closing_tolerance_bps:
            raise ValueError("rails.narrowest_bps is under terms.closing_tolerance_bps")
        return self


def wad(value: Decimal) -> int:
    """A decimal of up to 18 places, in WAD, exactly."""
    return int(value.scaleb(18))


def load(file: Path) -> DeployPlan:
    """The plan in a file.

    :raises ConfigurationError: it is missing, malformed, or nothing the contracts would take; names the key and the fix
    """
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(
            f"deploy file {file} does not exist: `equipoise design --deploy-file` makes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"deploy file {file} cannot be read: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"deploy file {file} is not valid TOML: {error}") from None
    for key, value in _leaves(values):
        refuse_plain_key(value, f"deploy file {file}, key {key}", key)
    try:
        return DeployPlan.model_validate(values)
    except ValidationError as error:
        raise ConfigurationError(f"deploy file {file}, {fault_of(error)}") from None


def fault_of(error: ValidationError) -> str:
    """The first fault, as the key and what is wrong with it."""
    fault = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in fault["loc"]) or "the whole"
    reason = fault["msg"].removeprefix("Value error, ")
    return f"{name}: {reason[:1].lower()}{reason[1:]}"


def write(plan: DeployPlan, file: Path, notes: dict[str, str]) -> None:
    """Put a plan into a file that people read.

    :param notes: a comment by symbol, above its asset
    :raises ConfigurationError: the file cannot be written
    """
    import tomlkit

    values = plan.model_dump(mode="json", exclude_none=True)
    assets = tomlkit.aot()
    for asset in values.pop("assets"):
        table = tomlkit.item(asset)
        if asset["symbol"] in notes:
            table.comment(" ".join(notes[asset["symbol"]].split()))
        assets.append(table)
    document = tomlkit.document()
    document.add(
        tomlkit.comment(
            "A fund, for `equipoise deploy`. Nothing here is secret. Look at every line before you deploy it."
        )
    )
    for key, value in values.items():
        document.add(key, value)
    document.add("assets", assets)
    try:
        file.write_text(tomlkit.dumps(document), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"deploy file {file} cannot be written ({error.strerror}): check its folder") from None


def _leaves(value: Any, name: str = "") -> "list[tuple[str, Any]]":
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in _leaves(inner, f"{name}.{key}".lstrip("."))]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in _leaves(inner, name)]
    return [(name, value)]
