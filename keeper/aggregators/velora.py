"""Velora (ParaSwap) Market API v6.2: GET /prices, then POST /transactions/{chain} with the price route as it came."""

from typing import Literal

from keeper.aggregators import pins
from keeper.aggregators.check import check
from keeper.aggregators.errors import NoQuote
from keeper.aggregators.fields import Amount, Answer, Count, ForeignAddress, HexBytes, parse, verbatim
from keeper.aggregators.quote import Quote, SwapRequest
from keeper.aggregators.transport import PUBLIC, Connection, Faults, Transport

URL = "https://api.paraswap.io"
_FAULTS = Faults(
    code="error",
    text="value",
    known={
        "No routes found with enough liquidity": NoQuote,
        "Too much slippage on quote, please try again": NoQuote,
        "ESTIMATED_LOSS_GREATER_THAN_MAX_IMPACT": NoQuote,
    },
)


class _PriceRoute(Answer):
    network: Count
    side: Literal["SELL"]
    src_token: ForeignAddress
    dest_token: ForeignAddress
    src_amount: Amount
    dest_amount: Amount
    token_transfer_proxy: ForeignAddress
    gas_cost: Count | None = None


class _Prices(Answer):
    price_route: _PriceRoute


class _Transaction(Answer):
    from_: ForeignAddress
    to: ForeignAddress
    data: HexBytes
    value: Count
    chain_id: Count


class Velora:
    """Velora; it asks for no key."""

    venue = pins.VELORA

    def __init__(self, connection: Connection = PUBLIC):
        self._transport = Transport(self.venue, URL, _FAULTS, connection)

    def quote(self, request: SwapRequest) -> Quote:
        """A quote that `check` has let through.

        :raises AggregatorError: there is none; the class says why
        """
        pins.require(self.venue, request.chain_id)
        tokens: dict[str, str | int] = {
            "srcToken": request.sell_token,
            "srcDecimals": request.sell_decimals,
            "destToken": request.buy_token,
            "destDecimals": request.buy_decimals,
        }
        prices = self._transport.get(
            "/prices",
            {
                **tokens,
                "amount": request.sell_amount,
                "side": "SELL",
                "network": request.chain_id,
                "version": "6.2",
                "userAddress": request.taker,
                "excludeRFQ": "true",  # market makers' quotes are for accounts that sign
            },
        )
        route = parse(_Prices, prices, self.venue).price_route
        body = self._transport.post(
            f"/transactions/{request.chain_id}",
            {
                **tokens,
                "srcAmount": str(request.sell_amount),
                "slippage": request.slippage_bps,
                "userAddress": request.taker,
                "txOrigin": request.origin,
                "receiver": request.receiver,
                "priceRoute": verbatim(prices, "priceRoute"),  # signed by its hmac
            },
            # The executor holds nothing before the swap.
            {"ignoreChecks": "true", "ignoreGasEstimate": "true"},
        )
        transaction = parse(_Transaction, body, self.venue)
        quote = Quote(
            venue=self.venue,
            # Both say it; one that differs is enough to be refused.
            chain_id=route.network if route.network != request.chain_id else transaction.chain_id,
            taker=transaction.from_,
            sell_token=route.src_token,
            buy_token=route.dest_token,
            sell_amount=route.src_amount,
            buy_amount=route.dest_amount,
            least_buy=request.least_of_down(route.dest_amount),
            target=transaction.to,
            spender=route.token_transfer_proxy,
            value=transaction.value,
            calldata=transaction.data,
            gas=route.gas_cost,
        )
        check(quote, request)
        return quote
