"""Whether a quote asks for what was requested and nothing else. Pure: no chain is asked here.

What the calldata changes when it runs (balances and allowances before and after, in a simulation with state
overrides) is told by the chain; `check` returns the terms that such a comparison starts from.
"""

from keeper.aggregators import pins
from keeper.aggregators.calldata import Terms, UnfitCalldata, read
from keeper.aggregators.errors import UnsafeQuote
from keeper.aggregators.quote import Quote, SwapRequest

CALLDATA_MAX = 6_144  # bytes that the executor takes
_SELECTOR = 4


def check(quote: Quote, request: SwapRequest) -> Terms | None:
    """Let a quote through, or not.

    :returns: what its calldata says; None where the venue only tells a price
    :raises UnsafeQuote: anything in it differs from the request or from what is pinned
    """
    try:
        _check_parties(quote, request)
        _check_amounts(quote, request)
        if quote.venue == pins.COW:
            if quote.calldata:
                raise UnfitCalldata(f"has {len(quote.calldata)} bytes of calldata, where a price has none")
            return None
        if not _SELECTOR <= len(quote.calldata) <= CALLDATA_MAX:
            raise UnfitCalldata(f"has {len(quote.calldata)} bytes, not {_SELECTOR} to {CALLDATA_MAX}")
        terms = read(quote.venue, quote.calldata)
        _check_terms(terms, quote, request)
    except UnfitCalldata as fault:
        raise UnsafeQuote(
            f"{quote.venue}: the quote for {request.sell_amount} of {request.sell_token} {fault}: leave it out"
        ) from None
    return terms


def _check_parties(quote: Quote, request: SwapRequest) -> None:
    pin = pins.PINS[quote.venue].get(request.chain_id)
    if pin is None:
        raise UnfitCalldata(f"is for chain {request.chain_id}, where nothing is pinned")
    _expect("chain", quote.chain_id, request.chain_id)
    _expect("target", quote.target, pin.target)
    _expect("spender", quote.spender, pin.spender)
    _refuse_in_play("target", quote.target, request)
    _refuse_in_play("spender", quote.spender, request)
    _expect("taker", quote.taker, request.taker)
    _expect("token to sell", quote.sell_token, request.sell_token)
    _expect("token to buy", quote.buy_token, request.buy_token)


def _check_amounts(quote: Quote, request: SwapRequest) -> None:
    _expect("amount to sell", quote.sell_amount, request.sell_amount)
    _expect("value", quote.value, 0)
    if not 0 < quote.buy_amount < 2**256:
        raise UnfitCalldata(f"buys {quote.buy_amount}, which is no amount")
    _check_least(quote.least_buy, quote, request)


def _check_terms(terms: Terms, quote: Quote, request: SwapRequest) -> None:
    if terms.sell_token is not None:
        _expect("token to sell in its calldata", terms.sell_token, request.sell_token)
    if terms.buy_token is not None:
        _expect("token to buy in its calldata", terms.buy_token, request.buy_token)
    _expect("amount to sell in its calldata", terms.sell_amount, request.sell_amount)
    _expect("receiver", terms.receiver or quote.taker, request.receiver)
    _check_least(terms.least_buy, quote, request)
    if terms.operator is not None:
        _refuse_in_play("operator", terms.operator, request)


def _check_least(least: int, quote: Quote, request: SwapRequest) -> None:
    wanted = request.least_of_down(quote.buy_amount)
    if least < wanted:
        raise UnfitCalldata(f"lets {least} arrive, less than the {wanted} that {request.slippage_bps} bps allow")


def _refuse_in_play(name: str, party: str, request: SwapRequest) -> None:
    """Nothing that holds or moves tokens of ours by right may be called or approved, whatever is pinned."""
    if party in (
        request.sell_token,
        request.buy_token,
        request.vault,
        request.taker,
        request.receiver,
        request.origin,
        pins.PERMIT2,
    ):
        raise UnfitCalldata(f"has the {name} {party}, a token, Permit2 or a party to the swap")


def _expect(name: str, found: object, wanted: object) -> None:
    if found != wanted:
        raise UnfitCalldata(f"has the {name} {found} instead of {wanted}")
