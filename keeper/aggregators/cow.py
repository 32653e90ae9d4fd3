"""CoW Protocol: POST /{network}/api/v1/quote, as a price to hold others against.

An order there settles when a solver wants to, in a transaction of its own: nothing that an executor could call.
"""

from typing import Literal

from keeper.aggregators import pins
from keeper.aggregators.check import check
from keeper.aggregators.errors import NoQuote, RequestRefused
from keeper.aggregators.fields import Amount, Answer, ForeignAddress, parse
from keeper.aggregators.quote import Quote, SwapRequest
from keeper.aggregators.transport import PUBLIC, Connection, Faults, Transport

URL = "https://api.cow.fi"
_NETWORKS = {
    1: "mainnet",
    56: "bnb",
    100: "xdai",
    137: "polygon",
    8453: "base",
    42161: "arbitrum_one",
    43114: "avalanche",
}
_FAULTS = Faults(
    code="errorType",
    text="description",
    known={
        "NoLiquidity": NoQuote,
        "InsufficientLiquidity": NoQuote,
        "SellAmountDoesNotCoverFee": NoQuote,
        "QuoteNotVerified": NoQuote,
        "UnsupportedToken": RequestRefused,
    },
)
# The application data of no application, and its hash.
_APP_DATA = "{}"
_APP_DATA_HASH = "0xb48d38f93eaa084033fc5970bf96e559c33c4cdc07d889ab00b4d63f9590739d"


class _Order(Answer):
    sell_token: ForeignAddress
    buy_token: ForeignAddress
    sell_amount: Amount
    fee_amount: Amount
    buy_amount: Amount
    kind: Literal["sell"]


class _Quoted(Answer):
    quote: _Order
    from_: ForeignAddress


class Cow:
    """CoW Protocol's prices; it asks for no key."""

    venue = pins.COW

    def __init__(self, connection: Connection = PUBLIC):
        self._transport = Transport(self.venue, URL, _FAULTS, connection)

    def quote(self, request: SwapRequest) -> Quote:
        """A price that `check` has let through: what arrives after the network's fee, of all that is sold.

        :raises AggregatorError: there is none; the class says why
        """
        pin = pins.require(self.venue, request.chain_id)
        body = self._transport.post(
            f"/{_NETWORKS[request.chain_id]}/api/v1/quote",
            {
                "sellToken": request.sell_token,
                "buyToken": request.buy_token,
                "receiver": request.receiver,
                "from": request.taker,
                "kind": "sell",
                "sellAmountBeforeFee": str(request.sell_amount),
                "appData": _APP_DATA,
                "appDataHash": _APP_DATA_HASH,
                "priceQuality": "optimal",
                "signingScheme": "presign",
                "onchainOrder": False,
            },
        )
        answer = parse(_Quoted, body, self.venue)
        order = answer.quote
        quote = Quote(
            venue=self.venue,
            chain_id=request.chain_id,
            taker=answer.from_,
            sell_token=order.sell_token,
            buy_token=order.buy_token,
            sell_amount=order.sell_amount + order.fee_amount,
            buy_amount=order.buy_amount,
            least_buy=request.least_of_down(order.buy_amount),
            target=pin.target,
            spender=pin.spender,
            value=0,
            calldata=b"",
            gas=None,
        )
        check(quote, request)
        return quote
