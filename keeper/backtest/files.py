"""The file that says what to test: a fund and its policies, as TOML; and sweeps over a policy's parameters."""

import itertools
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from keeper.backtest.fund import Auction, Fund, Terms
from keeper.errors import ConfigurationError
from keeper.policy.rules.spec import Aim, Kind, Penalty, RebalancingPolicy

_MOST_POLICIES = 100_000


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Fund(_Table):
    assets: tuple[str, ...] = Field(min_length=1)
    targets: tuple[float, ...]
    stable: tuple[str, ...] = ()
    nav_usd: float = 1_000_000.0
    fee: tuple[float, ...] = ()
    depth_usd: tuple[float, ...] = ()
    yields: tuple[float, ...] = ()
    gas_usd: float = 0.0
    gas_asset_usd: float = 0.0
    terms: dict[str, Any] = {}


class _File(_Table):
    fund: _Fund
    policies: dict[str, dict[str, Any]] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Job:
    """What a file asks for; `stable` are the assets that a simulation holds still."""

    fund: Fund
    stable: tuple[str, ...]
    policies: dict[str, RebalancingPolicy]


def load(file: Path) -> Job:
    """A file's job.

    :raises ConfigurationError: it cannot be read, has an unknown key, or a value makes no sense
    """
    try:
        found = _File.model_validate(tomllib.loads(file.read_text()))
    except OSError as error:
        raise ConfigurationError(f"{file}: {error.strerror}; give a file with [fund] and [policies.NAME]") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{file} is no TOML: {error}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"])
        raise ConfigurationError(f"{file}: {place}: {first['msg']}") from None
    values = found.fund.model_dump(exclude={"stable", "terms"})
    fund = Fund(**values, terms=_terms(file, found.fund.terms))
    return Job(fund, found.fund.stable, {name: policy(name, each) for name, each in found.policies.items()})


def policy(name: str, values: dict[str, Any]) -> RebalancingPolicy:
    """A policy from a table. Raises ConfigurationError, with the policy's name."""
    known = {field.name: field.type for field in fields(RebalancingPolicy)}
    if unknown := set(values) - set(known):
        raise ConfigurationError(f"policies.{name}: {min(unknown)} is unknown; known are {', '.join(known)}")
    read = dict(values)
    try:
        if "kind" in read:
            read["kind"] = Kind[str(read["kind"]).upper()]
        if "aim" in read:
            read["aim"] = Aim[str(read["aim"]).upper()]
        if "penalty" in read:
            read["penalty"] = Penalty[str(read["penalty"]).upper()]
        for key, kind in known.items():
            if kind in {int, float, bool, str} and key in read:
                read[key] = _value(key, read[key], kind)
        return RebalancingPolicy(**read)
    except KeyError as error:
        raise ConfigurationError(f"policies.{name}: {error.args[0].lower()!r} is no kind, aim or penalty") from None
    except ConfigurationError as error:
        raise ConfigurationError(f"policies.{name}: {error}") from None


def sweep(policies: dict[str, RebalancingPolicy], asked: Sequence[str]) -> dict[str, RebalancingPolicy]:
    """The policies and, for each that is swept, all combinations of its values, by names that tell them.

    :param asked: `NAME.PARAMETER=LOW:HIGH:COUNT`, spaced by a constant factor, or `NAME.PARAMETER=A,B,C`
    :raises ConfigurationError: one cannot be read, or there would be too many
    """
    axes: dict[str, dict[str, list[float]]] = {}
    for text in asked:
        place, _, values = text.partition("=")
        name, _, parameter = place.partition(".")
        kinds = {field.name: field.type for field in fields(RebalancingPolicy)}
        if name not in policies or kinds.get(parameter) not in {int, float} or not values:
            raise ConfigurationError(f"--sweep {text!r}: write POLICY.PARAMETER=LOW:HIGH:COUNT or =A,B,C of a number")
        axes.setdefault(name, {})[parameter] = _values(text, values)
    count = sum(int(np.prod([len(each) for each in axis.values()])) for axis in axes.values())
    if count > _MOST_POLICIES:
        raise ConfigurationError(f"--sweep asks for {count:,} policies: give at most {_MOST_POLICIES:,}")
    found = dict(policies)
    whole = {field.name for field in fields(RebalancingPolicy) if field.type is int}
    for name, axis in axes.items():
        for point in itertools.product(*axis.values()):
            chosen = {key: int(value) if key in whole else value for key, value in zip(axis, point, strict=True)}
            label = ", ".join(f"{key}={value:.4g}" for key, value in chosen.items())
            found[f"{name}[{label}]"] = replace(policies[name], **chosen)  # type: ignore[arg-type]
    return found


def _values(text: str, values: str) -> list[float]:
    try:
        if ":" in values:
            low, high, count = values.split(":")
            return [float(each) for each in np.geomspace(float(low), float(high), int(count))]
        return [float(each) for each in values.split(",")]
    except ValueError:
        raise ConfigurationError(f"--sweep {text!r}: {values!r} is neither LOW:HIGH:COUNT nor A,B,C") from None


def _value(key: str, value: Any, kind: Any) -> Any:
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if type(value) is not kind:
        raise ConfigurationError(f"{key} is {value!r}: give a {kind.__name__}")
    return value


def _terms(file: Path, values: dict[str, Any]) -> Terms:
    read = dict(values)
    auction = str(read.pop("auction", "oracle")).upper()
    if unknown := set(read) - set(Terms._fields):
        raise ConfigurationError(f"{file}: fund.terms.{min(unknown)} is unknown; known are {', '.join(Terms._fields)}")
    if auction not in Auction.__members__:
        raise ConfigurationError(f"{file}: fund.terms.auction {auction.lower()!r}: give none, oracle or governance")
    defaults = Terms()
    typed = {}
    for key, value in read.items():
        kind = type(getattr(defaults, key))
        if isinstance(value, bool) or not isinstance(value, int | float) or value < 0:
            raise ConfigurationError(f"{file}: fund.terms.{key} is {value!r}: give a number of at least 0")
        typed[key] = kind(value)
    if typed.get("duration") == 0 or typed.get("loss_window") == 0 or not typed.get("streaming", 0.0) < 1:
        raise ConfigurationError(f"{file}: fund.terms: duration and loss_window are above 0, streaming is below 1")
    return Terms(auction=int(Auction[auction]), **typed)
