"""The aggregators that the settings allow to ask."""

from keeper.aggregators import pins
from keeper.aggregators.cow import Cow
from keeper.aggregators.kyberswap import KyberSwap
from keeper.aggregators.oneinch import OneInch
from keeper.aggregators.openocean import OpenOcean
from keeper.aggregators.quote import Aggregator
from keeper.aggregators.transport import Connection
from keeper.aggregators.velora import Velora
from keeper.aggregators.zerox import ZeroX
from keeper.settings import Settings, api_key


def of(settings: Settings) -> tuple[Aggregator, ...]:
    """Those that are enabled and have contracts pinned on the chain, and of those that want a key the ones that have it.

    :raises ConfigurationError: a key's file cannot be read, or what is in there is no key
    """
    wanted = settings.aggregators
    # Whoever is asked for a quote that lives for seconds is not asked for longer than that.
    patience_s = wanted.timeout_s
    connection = Connection(timeout_s=patience_s, attempts=settings.read_attempts, patience_s=patience_s)
    venues: list[Aggregator] = [
        Velora(connection),
        KyberSwap(wanted.kyberswap_client_id, connection),
        OpenOcean(connection),
        Cow(connection),
    ]
    # An empty key is an error, not a missing one; that of a venue which is not asked is not looked at.
    if pins.ZEROX in wanted.enabled and (key := api_key(wanted.zerox_api_key, wanted.zerox_api_key_file)) is not None:
        venues.append(ZeroX(key, connection))
    if (
        pins.ONEINCH in wanted.enabled
        and (key := api_key(wanted.oneinch_api_key, wanted.oneinch_api_key_file)) is not None
    ):
        venues.append(OneInch(key, connection))
    return tuple(
        venue for venue in venues if venue.venue in wanted.enabled and settings.chain_id in pins.PINS[venue.venue]
    )
