"""1inch Swap API v6.0: GET /swap/v6.0/{chain}/swap."""

from pydantic import SecretStr

from keeper.aggregators import pins
from keeper.aggregators.check import check
from keeper.aggregators.errors import NoQuote
from keeper.aggregators.fields import Amount, Answer, Count, ForeignAddress, HexBytes, parse
from keeper.aggregators.quote import Quote, SwapRequest, percent
from keeper.aggregators.transport import BEARER, PUBLIC, Connection, Faults, Transport

URL = "https://api.1inch.com"
# What `error` holds is the name of the HTTP status; the reason stands in the description.
_FAULTS = Faults(code="description", text="error", known={"insufficient liquidity": NoQuote})


class _Token(Answer):
    address: ForeignAddress


class _Transaction(Answer):
    from_: ForeignAddress
    to: ForeignAddress
    data: HexBytes
    value: Count
    gas: Count | None = None


class _Swap(Answer):
    src_token: _Token
    dst_token: _Token
    dst_amount: Amount
    tx: _Transaction


class OneInch:
    """1inch, with a key."""

    venue = pins.ONEINCH

    def __init__(self, api_key: SecretStr, connection: Connection = PUBLIC):
        headers = {"Authorization": SecretStr(BEARER + api_key.get_secret_value())}
        self._transport = Transport(self.venue, URL, _FAULTS, connection, headers)

    def quote(self, request: SwapRequest) -> Quote:
        """A quote that `check` has let through. The answer names no spender: the router takes the tokens itself.

        :raises AggregatorError: there is none; the class says why
        """
        pins.require(self.venue, request.chain_id)
        body = self._transport.get(
            f"/swap/v6.0/{request.chain_id}/swap",
            {
                "src": request.sell_token,
                "dst": request.buy_token,
                "amount": request.sell_amount,
                "from": request.taker,
                "origin": request.origin,
                "receiver": request.receiver,
                "slippage": percent(request.slippage_bps),
                "allowPartialFill": "false",
                "disableEstimate": "true",  # the executor holds nothing before the swap
                "includeTokensInfo": "true",
            },
        )
        answer = parse(_Swap, body, self.venue)
        quote = Quote(
            venue=self.venue,
            chain_id=request.chain_id,
            taker=answer.tx.from_,
            sell_token=answer.src_token.address,
            buy_token=answer.dst_token.address,
            sell_amount=request.sell_amount,
            buy_amount=answer.dst_amount,
            least_buy=request.least_of_down(answer.dst_amount),
            target=answer.tx.to,
            spender=answer.tx.to,
            value=answer.tx.value,
            calldata=answer.tx.data,
            gas=answer.tx.gas,
        )
        check(quote, request)
        return quote
