"""OpenOcean API v4: GET /v4/{chain}/swap. Failures come with the HTTP status 200 and a code of their own."""

from keeper.aggregators import pins
from keeper.aggregators.check import check
from keeper.aggregators.errors import RequestRefused
from keeper.aggregators.fields import Amount, Answer, Count, ForeignAddress, HexBytes, parse
from keeper.aggregators.quote import Quote, SwapRequest, percent
from keeper.aggregators.transport import PUBLIC, Connection, Faults, Transport

URL = "https://open-api.openocean.finance"
SLIPPAGE_MIN_BPS = 5
_SLUGS = {1: "eth"}
_SUCCESS = 200
_FAULTS = Faults(code="code", text="error")


class _Code(Answer):
    code: int


class _Token(Answer):
    address: ForeignAddress


class _Swap(Answer):
    in_token: _Token
    out_token: _Token
    in_amount: Amount
    out_amount: Amount
    min_out_amount: Amount
    estimated_gas: Count | None = None
    to: ForeignAddress
    data: HexBytes
    value: Count


class _Swapped(Answer):
    data: _Swap


class OpenOcean:
    """OpenOcean's public endpoint; it asks for no key."""

    venue = pins.OPENOCEAN

    def __init__(self, connection: Connection = PUBLIC):
        self._transport = Transport(self.venue, URL, _FAULTS, connection)

    def quote(self, request: SwapRequest) -> Quote:
        """A quote that `check` has let through. It pays whoever calls, so receiver and taker have to be one.

        :raises AggregatorError: there is none; the class says why
        """
        pins.require(self.venue, request.chain_id)
        if request.slippage_bps < SLIPPAGE_MIN_BPS:
            raise RequestRefused(
                f"{self.venue} takes no slippage_bps of {request.slippage_bps}: allow {SLIPPAGE_MIN_BPS} or more"
            )
        body = self._transport.get(
            f"/v4/{_SLUGS[request.chain_id]}/swap",
            {
                "inTokenAddress": request.sell_token,
                "outTokenAddress": request.buy_token,
                "amountDecimals": request.sell_amount,
                "gasPriceDecimals": request.gas_price,
                "slippage": percent(request.slippage_bps),
                "account": request.taker,
                "disableRfq": "true",  # market makers' quotes are for accounts that sign
            },
        )
        if parse(_Code, body, self.venue).code != _SUCCESS:
            raise self._transport.fault(body)
        answer = parse(_Swapped, body, self.venue).data
        quote = Quote(
            venue=self.venue,
            chain_id=request.chain_id,
            taker=request.taker,
            sell_token=answer.in_token.address,
            buy_token=answer.out_token.address,
            sell_amount=answer.in_amount,
            buy_amount=answer.out_amount,
            least_buy=answer.min_out_amount,
            target=answer.to,
            spender=answer.to,
            value=answer.value,
            calldata=answer.data,
            gas=answer.estimated_gas,
        )
        check(quote, request)
        return quote
