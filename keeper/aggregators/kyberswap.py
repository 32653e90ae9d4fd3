"""KyberSwap Aggregator API v1: GET /{chain}/api/v1/routes, then POST …/route/build with the route as it came."""

from keeper.aggregators import pins
from keeper.aggregators.check import check
from keeper.aggregators.errors import AggregatorUnavailable, NoQuote, RequestRefused
from keeper.aggregators.fields import Amount, Answer, Count, ForeignAddress, HexBytes, parse, verbatim
from keeper.aggregators.quote import Quote, SwapRequest
from keeper.aggregators.transport import PUBLIC, Connection, Faults, Transport

URL = "https://aggregator-api.kyberswap.com"
_SLUGS = {
    1: "ethereum",
    10: "optimism",
    56: "bsc",
    137: "polygon",
    8453: "base",
    42161: "arbitrum",
    43114: "avalanche",
}
_FAULTS = Faults(
    code="code",
    text="message",
    known={
        "4008": NoQuote,  # no route
        "4009": NoQuote,  # more than the venue takes
        "4010": NoQuote,  # no pools
        "4222": NoQuote,  # the route got worse
        "4227": NoQuote,  # its gas cannot be estimated
        "4990": AggregatorUnavailable,  # cancelled
        **dict.fromkeys(("4000", "4001", "4002", "4005", "4007", "4011", "4221", "40011"), RequestRefused),
    },
)


class _Code(Answer):
    code: int  # 0 for success


class _Summary(Answer):
    token_in: ForeignAddress
    token_out: ForeignAddress
    amount_in: Amount
    amount_out: Amount


class _Route(Answer):
    route_summary: _Summary
    router_address: ForeignAddress


class _Routes(Answer):
    data: _Route


class _Build(Answer):
    amount_in: Amount
    amount_out: Amount
    gas: Count | None = None
    data: HexBytes
    router_address: ForeignAddress
    transaction_value: Count


class _Built(Answer):
    data: _Build


class KyberSwap:
    """KyberSwap; it asks for no key, but for a name to count requests by."""

    venue = pins.KYBERSWAP

    def __init__(self, client_id: str, connection: Connection = PUBLIC):
        self._client_id = client_id
        self._transport = Transport(self.venue, URL, _FAULTS, connection, {"x-client-id": client_id})

    def quote(self, request: SwapRequest) -> Quote:
        """A quote that `check` has let through.

        :raises AggregatorError: there is none; the class says why
        """
        pins.require(self.venue, request.chain_id)
        slug = _SLUGS[request.chain_id]
        found = self._succeeded(
            self._transport.get(
                f"/{slug}/api/v1/routes",
                {
                    "tokenIn": request.sell_token,
                    "tokenOut": request.buy_token,
                    "amountIn": request.sell_amount,
                    "gasPrice": request.gas_price,
                    "excludeRFQSources": "true",  # market makers' quotes are for accounts that sign
                    "origin": request.origin,
                },
            )
        )
        route = parse(_Routes, found, self.venue).data
        body = self._succeeded(
            self._transport.post(
                f"/{slug}/api/v1/route/build",
                {
                    "routeSummary": verbatim(found, "data", "routeSummary"),  # bound by its checksum
                    "sender": request.taker,
                    "recipient": request.receiver,
                    "origin": request.origin,
                    "slippageTolerance": request.slippage_bps,
                    "source": self._client_id,
                },
            )
        )
        build = parse(_Built, body, self.venue).data
        # The minimum is of the route's amount, whatever the build sees by then.
        buy_amount = min(build.amount_out, route.route_summary.amount_out)
        quote = Quote(
            venue=self.venue,
            chain_id=request.chain_id,
            taker=request.taker,
            sell_token=route.route_summary.token_in,
            buy_token=route.route_summary.token_out,
            sell_amount=build.amount_in,
            buy_amount=buy_amount,
            least_buy=request.least_of_down(buy_amount),
            target=build.router_address,
            spender=route.router_address,
            value=build.transaction_value,
            calldata=build.data,
            gas=build.gas,
        )
        check(quote, request)
        return quote

    def _succeeded(self, body: object) -> object:
        if parse(_Code, body, self.venue).code != 0:
            raise self._transport.fault(body)
        return body
