"""Which client the settings ask for."""

import pytest
from fake_pool import three
from pydantic import SecretStr

from keeper.chain.connect import client_of, connect
from keeper.chain.errors import NoQuorum
from keeper.chain.quorum import Pool
from keeper.chain.rpc import Client
from keeper.errors import ConfigurationError
from keeper.settings import load

__all__ = ["three"]


def settings(**given):
    return load(arguments=given, environment={})


def test_client_of__one_url__is_a_client_of_it(three):
    client = client_of(settings(rpc_url=three.urls[0]))
    assert type(client) is Client
    assert client.name == three.urls[0]


def test_connect__several_urls__are_a_pool_with_the_settings(three):
    pool = connect(settings(rpc_urls=three.urls, rpc_quorum=3, rpc_lag_max_blocks=0))
    assert isinstance(pool, Pool)
    assert (pool.quorum, len(pool.members), pool.head().number) == (3, 3, 100)
    three[0].lag = 1
    with pytest.raises(NoQuorum):  # no block may lie between the three that have to agree
        pool.head()


def test_connect__without_a_quorum__takes_more_than_half(three):
    assert connect(settings(rpc_urls=three.urls)).quorum == 2


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ({"rpc_url": "http://a", "rpc_urls": ["http://b"]}, "rpc_url and rpc_urls are both set: keep one"),
        ({"rpc_urls": ["http://a", "http://a"]}, "rpc_urls names an endpoint twice"),
        ({"rpc_urls": ["http://a", "http://b"], "rpc_quorum": 3}, "rpc_quorum is 3, more than there are rpc_urls"),
        ({"rpc_quorum": 2}, "rpc_quorum is 2, more than there are rpc_urls"),
        ({"rpc_urls": ["ftp://hidden-host"]}, r"rpc_urls\.0: not an http:// or https:// URL"),
        ({"ws_url": "http://hidden-host"}, "ws_url: not an ws:// or wss:// URL"),
    ],
)
def test_settings__that_cannot_be__name_the_mend_and_no_url(given, line):
    with pytest.raises(ConfigurationError, match=line) as caught:
        settings(**given)
    assert "hidden" not in str(caught.value)


def test_settings__urls__are_secrets():
    found = settings(rpc_urls=["https://host/v2/secretkey"], ws_url="wss://host/v2/secretkey")
    assert "secretkey" not in repr(found)
    assert found.rpc_urls == (SecretStr("https://host/v2/secretkey"),)
