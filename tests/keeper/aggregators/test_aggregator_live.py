"""The venues themselves, one small question each: run by `-m live` with the keys in the environment."""

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from aggregator_cases import REQUEST
from pydantic import SecretStr

from keeper.aggregators import Aggregator, Cow, KyberSwap, OneInch, OpenOcean, Velora, ZeroX, check

pytestmark = pytest.mark.live

_ZEROX_KEY = "EQUIPOISE_AGGREGATORS__ZEROX_API_KEY"
_ONEINCH_KEY = "EQUIPOISE_AGGREGATORS__ONEINCH_API_KEY"
_CLIENT_ID = "EQUIPOISE_AGGREGATORS__KYBERSWAP_CLIENT_ID"  # set, it also says that the venues without keys may be asked

_VENUES: dict[str, tuple[str, Callable[[str], Aggregator]]] = {
    "0x": (_ZEROX_KEY, lambda key: ZeroX(SecretStr(key))),
    "1inch": (_ONEINCH_KEY, lambda key: OneInch(SecretStr(key))),
    "kyberswap": (_CLIENT_ID, KyberSwap),
    "velora": (_CLIENT_ID, lambda _: Velora()),
    "openocean": (_CLIENT_ID, lambda _: OpenOcean()),
    "cow": (_CLIENT_ID, lambda _: Cow()),
}


@pytest.mark.parametrize("venue", _VENUES)
def test_quote__live__is_let_through(venue: str) -> None:
    variable, make = _VENUES[venue]
    value = os.environ.get(variable)
    if not value:
        pytest.skip(f"{variable} is not set")
    request = replace(REQUEST, sell_amount=10**16, slippage_bps=100)
    quote = make(value).quote(request)
    check(quote, request)
    assert quote.buy_amount > 0
