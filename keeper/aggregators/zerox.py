"""0x Swap API v2, in its form for an allowance of AllowanceHolder: GET /swap/allowance-holder/quote."""

from typing import Literal

from pydantic import SecretStr

from keeper.aggregators import pins
from keeper.aggregators.check import check
from keeper.aggregators.errors import AggregatorUnavailable, NoQuote, RequestRefused
from keeper.aggregators.fields import Amount, Answer, Count, ForeignAddress, HexBytes, parse
from keeper.aggregators.quote import Quote, SwapRequest
from keeper.aggregators.transport import PUBLIC, Connection, Faults, Transport

URL = "https://api.0x.org"
_FAULTS = Faults(
    code="name",
    text="message",
    known={
        "INPUT_INVALID": RequestRefused,
        "BUY_TOKEN_NOT_AUTHORIZED_FOR_TRADE": RequestRefused,
        "SELL_TOKEN_NOT_AUTHORIZED_FOR_TRADE": RequestRefused,
        "TAKER_NOT_AUTHORIZED_FOR_TRADE": RequestRefused,
        "TOKEN_NOT_SUPPORTED": RequestRefused,
        "SWAP_VALIDATION_FAILED": NoQuote,
        "INTERNAL_SERVER_ERROR": AggregatorUnavailable,
        "UNCATEGORIZED": RequestRefused,
    },
)


class _Liquidity(Answer):
    liquidity_available: bool


class _Transaction(Answer):
    to: ForeignAddress
    data: HexBytes
    gas: Count | None = None
    value: Count


class _Quote(Answer):
    liquidity_available: Literal[True]
    allowance_target: ForeignAddress
    sell_token: ForeignAddress
    buy_token: ForeignAddress
    sell_amount: Amount
    buy_amount: Amount
    min_buy_amount: Amount
    transaction: _Transaction


class ZeroX:
    """0x, with a key."""

    venue = pins.ZEROX

    def __init__(self, api_key: SecretStr, connection: Connection = PUBLIC):
        headers: dict[str, str | SecretStr] = {"0x-api-key": api_key, "0x-version": "v2"}
        self._transport = Transport(self.venue, URL, _FAULTS, connection, headers)

    def quote(self, request: SwapRequest) -> Quote:
        """A quote that `check` has let through.

        :raises AggregatorError: there is none; the class says why
        """
        pins.require(self.venue, request.chain_id)
        body = self._transport.get(
            "/swap/allowance-holder/quote",
            {
                "chainId": request.chain_id,
                "sellToken": request.sell_token,
                "buyToken": request.buy_token,
                "sellAmount": request.sell_amount,
                "taker": request.taker,
                "txOrigin": request.origin,
                "recipient": request.receiver,
                "slippageBps": request.slippage_bps,
                "gasPrice": request.gas_price,
            },
        )
        if not parse(_Liquidity, body, self.venue).liquidity_available:
            raise NoQuote(
                f"{self.venue} has no liquidity for {request.sell_token} to {request.buy_token}: use another venue"
            )
        answer = parse(_Quote, body, self.venue)
        quote = Quote(
            venue=self.venue,
            chain_id=request.chain_id,
            taker=request.taker,
            sell_token=answer.sell_token,
            buy_token=answer.buy_token,
            sell_amount=answer.sell_amount,
            buy_amount=answer.buy_amount,
            least_buy=answer.min_buy_amount,
            target=answer.transaction.to,
            spender=answer.allowance_target,
            value=answer.transaction.value,
            calldata=answer.transaction.data,
            gas=answer.transaction.gas,
        )
        check(quote, request)
        return quote
