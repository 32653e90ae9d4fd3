"""The client that the settings ask for."""

from collections.abc import Callable

from keeper.chain.member import Event
from keeper.chain.quorum import Pool, log_event
from keeper.chain.rpc import Client
from keeper.settings import Settings


def client_of(settings: Settings, tell: Callable[[Event], None] = log_event) -> Client:
    """A client of the settings' endpoint, or of the quorum of its endpoints; nothing has been asked yet.

    :param tell: gets a line for each of several endpoints that lies, lags, fails or changes its chain
    """
    urls = [url.get_secret_value() for url in settings.rpc_urls]
    if not urls:
        return Client(settings.rpc_url, settings.chain_id, settings.request_timeout_s, settings.read_attempts)
    return Pool(
        urls,
        settings.chain_id,
        settings.request_timeout_s,
        settings.read_attempts,
        settings.rpc_quorum,
        settings.rpc_lag_max_blocks,
        settings.rpc_future_max_s,
        tell,
    )


def connect(settings: Settings, tell: Callable[[Event], None] = log_event) -> Client:
    """`client_of`, once it answers and serves the chain.

    :raises ChainError: it does not
    """
    return client_of(settings, tell).connect()
