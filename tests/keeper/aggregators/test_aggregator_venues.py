"""Which aggregators the settings allow to ask, and where their keys come from."""

from pathlib import Path

import pytest
from aggregator_cases import KEY

from keeper.aggregators import pins, venues
from keeper.errors import ConfigurationError
from keeper.settings import load

_FREE = {pins.VELORA, pins.KYBERSWAP, pins.OPENOCEAN, pins.COW}


def names(*enabled: str, **environment: str) -> set[str]:
    prefixed = {f"EQUIPOISE_{name}": value for name, value in environment.items()}
    arguments = {"aggregators": {"enabled": enabled or tuple(pins.PINS)}}
    return {venue.venue for venue in venues.of(load(arguments=arguments, environment=prefixed))}


def test_of__by_default__are_none() -> None:
    assert venues.of(load(environment={})) == ()


def test_of__some_enabled__are_those_alone() -> None:
    assert names(pins.KYBERSWAP, pins.COW, pins.ZEROX) == {pins.KYBERSWAP, pins.COW}


def test_of__without_keys__are_those_that_want_none() -> None:
    assert names() == _FREE


def test_of__with_keys__are_all() -> None:
    assert names(AGGREGATORS__ZEROX_API_KEY=KEY, AGGREGATORS__ONEINCH_API_KEY=KEY) == _FREE | {pins.ZEROX, pins.ONEINCH}


def test_of__key_in_a_file__is_read_without_its_line_end(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    assert names(AGGREGATORS__ZEROX_API_KEY_FILE=str(file)) == _FREE | {pins.ZEROX}


def test_of__key_file_that_is_missing__names_it(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"API key file .*absent cannot be read"):
        names(AGGREGATORS__ONEINCH_API_KEY_FILE=str(tmp_path / "absent"))


def test_of__key_file_that_is_empty__is_refused(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("\n")
    with pytest.raises(ConfigurationError, match="empty or no key"):
        names(AGGREGATORS__ZEROX_API_KEY_FILE=str(file))


def test_of__chain_with_fewer_pins__are_those_that_have_them() -> None:
    assert names(CHAIN_ID="146") == {pins.VELORA}
    assert names(CHAIN_ID="4242") == set()


def test_of__key_file_of_a_venue_that_is_not_enabled__is_not_looked_at(tmp_path: Path) -> None:
    absent = str(tmp_path / "absent")
    found = names(pins.COW, AGGREGATORS__ONEINCH_API_KEY_FILE=absent, AGGREGATORS__ZEROX_API_KEY_FILE=absent)
    assert found == {pins.COW}
