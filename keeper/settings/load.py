"""Reads the settings from the file, the environment and the arguments, and says in one line what is wrong with them."""

import copy
import difflib
import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, TypeGuard

from pydantic import ValidationError
from pydantic_settings import EnvSettingsSource, SettingsError

from keeper.errors import ConfigurationError
from keeper.settings.model import PREFIX, Settings
from keeper.settings.plain_keys import refuse_plain_key
from keeper.settings.types import Group

# Variables with our prefix that other parts of the program read.
NOT_SETTINGS = ("EQUIPOISE_CACHE",)
DEFAULT_FILE = Path("equipoise.toml")
# Of which one is set: a chain's table that names one does not inherit another.
_EITHER = (
    {"rpc_url", "rpc_urls"},
    {"key_file", "web3signer_url", "clef_url", "unlocked_sender"},
    {"password_file", "password_fd"},
)
# What a process has one of, however many chains it works on.
_OF_THE_PROCESS = {"ledger_file", "ledger_url", "operations", "serve"}

# Settings that give whoever reads them access to a service.
_ACCESS_NAME = re.compile(r"(_api_key|\balert_urls|\bheartbeat_url)$")


def load(
    file: Path | None = None,
    arguments: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this process.

    :param file: the TOML file; None reads `equipoise.toml` of the working directory if there is one
    :param arguments: settings by name that the command line gave; a None value means that it did not
    :param environment: the process's own when None
    :returns: those at the top of the file; the chains' own tables are checked, and left out
    :raises ConfigurationError: a file that is missing or malformed, an unknown key, a value out of range, a plain
        private key
    """
    base, chains = _sources(file, arguments, environment)
    for name, table in chains.items():
        _build(_laid_over(base, table), file, name)
    return _build(base, file)


def load_chains(
    file: Path | None = None,
    arguments: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
) -> dict[str, Settings]:
    """The settings of every chain by its name: a `[chains.NAME]` table wins over whatever stands outside of it.

    A file without such tables is one chain, named by its id. Parameters and errors as `load`.
    """
    base, chains = _sources(file, arguments, environment)
    if not chains:
        alone = _build(base, file)
        return {f"chain {alone.chain_id}": alone}
    found = {name: _build(_laid_over(base, table), file, name) for name, table in chains.items()}
    ids = [settings.chain_id for settings in found.values()]
    for name, settings in found.items():
        if ids.count(settings.chain_id) > 1:
            raise ConfigurationError(
                f"chains.{name}.chain_id: {settings.chain_id} is another chain's too: give each chain its own table once"
            )
    return found


def _sources(
    file: Path | None, arguments: Mapping[str, Any] | None, environment: Mapping[str, str] | None
) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """What is said of all chains, by rank, and of each by its name."""
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
    chains = merged.pop("chains", {})
    if not isinstance(chains, dict) or not all(isinstance(table, dict) for table in chains.values()):
        raise ConfigurationError("chains: not tables of settings: write each as [chains.NAME]")
    for name, table in chains.items():
        for key in sorted(table.keys() & _OF_THE_PROCESS):
            raise ConfigurationError(f"chains.{name}.{key}: one process has one of it: set {key} outside of the chains")
    return merged, chains


def _laid_over(base: Mapping[str, Any], table: Mapping[str, Any]) -> dict[str, Any]:
    displaced = {key for group in _EITHER if group & table.keys() for key in group}
    merged = copy.deepcopy({key: value for key, value in base.items() if key not in displaced})
    _merge(merged, table)
    return merged


def _build(values: Mapping[str, Any], file: Path | None, chain: str = "") -> Settings:
    try:
        return Settings(**values)
    except ValidationError as error:
        raise ConfigurationError(_first_fault(error, file, chain)) from None


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
        if _ACCESS_NAME.search(name):
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


def _is_group(annotation: Any) -> TypeGuard[type[Group]]:
    return isinstance(annotation, type) and issubclass(annotation, Group)


def _merge(into: dict[str, Any], values: Mapping[str, Any]) -> None:
    for key, value in values.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value)
        else:
            into[key] = value


def _first_fault(error: ValidationError, file: Path | None, chain: str) -> str:
    fault = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in fault["loc"])
    where = f" (settings file {file})" if file is not None else ""
    table = f"chains.{chain}" if chain else ""
    full = ".".join(filter(None, (table, name)))
    if fault["type"] == "extra_forbidden":
        return f"{full} is not a setting{_nearest(name, keys())}{where}"
    reason = fault["msg"].removeprefix("Value error, ")
    reason = reason[:1].lower() + reason[1:]
    return f"setting {full}: {reason}{where}" if full else f"settings: {reason}{where}"


def _nearest(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name, list(known), n=1)
    return f": did you mean {close[0]}?" if close else ": see the reference of settings for the names"
