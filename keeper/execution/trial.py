"""Whether a quote does what it says: its calldata is run by the executor, in a simulated block, and all is compared.

The executor itself runs it, from its owner, with its own pins and allowances, before there is a transaction:

    the vault sends it what is sold, and a hundredth more        (nobody has to sign for a simulated call)
    `rebalance_with_calls` runs the one swap, on a stage in the vault's place that has no rules and only calls back

so that no balance of any token has to be forged. The hundredth is there for whoever takes more than its calldata says.
"""

from dataclasses import dataclass

from eth_abi.abi import encode

from keeper.aggregators import Quote, SwapRequest, Terms, UnsafeQuote, pins
from keeper.aggregators.errors import NotPinned
from keeper.chain import abi
from keeper.chain.abi import Venue
from keeper.chain.multicall import Read, read_all
from keeper.chain.reverts import reason
from keeper.chain.rpc import Client, SimulatedCall
from keeper.chain.snapshot import Block
from keeper.execution.differences import Differences, Unexpected, Watched, observe
from keeper.execution.forms import NO_LOAN
from keeper.routing import WAD

# Where the stage stands during the simulation: an address that nobody has a key or a contract for.
_STAGE = "0x57a6e00000000000000000000000000000000001"
_NOBODY = "0x" + "0" * 40

_FOREVER = 2**256 - 1
_SPARE = 100  # a hundredth
_SETTLER_REGISTRY = "0x00000000000004533Fe15556B1E086BB1A72cEae"
_TAKER_SUBMITTED = 2  # the feature of the Settlers that AllowanceHolder calls


@dataclass(frozen=True, slots=True)
class Place:
    """Where and when quotes are tried.

    :param owner: who starts the executor, and gets what it is left with
    :param tokens: whose balances are compared whether or not they move: the basket's
    :param now: unix s
    """

    vault: str
    executor: str
    owner: str
    tokens: tuple[str, ...]
    block: Block
    now: int
    multicall: str


@dataclass(frozen=True, slots=True)
class Trial:
    """What a quote delivered: base units of the bought token that reached the executor, for `sold` of the sold one.

    `gas` is that of the whole simulated call, of which some 100,000 are not the quote's.
    """

    delivered: int
    sold: int
    gas: int


def try_out(client: Client, quote: Quote, request: SwapRequest, terms: Terms, place: Place) -> Trial:
    """What a checked quote delivers on the state of a block.

    :param terms: what `check` said of it
    :raises NotPinned: the executor's owner has not let it be called
    :raises UnsafeQuote: it reverts, or changes anything else than it should; says what
    :raises ChainError: the endpoint fails, or cannot simulate
    """
    if quote.venue == pins.ZEROX:
        _check_settler(client, terms, place)
    operators = () if terms.operator is None else (terms.operator,)
    watched = Watched(
        (place.executor, place.owner, place.vault),
        tuple(dict.fromkeys((request.sell_token, request.buy_token, *place.tokens))),
        tuple(dict.fromkeys((quote.target, quote.spender, *operators))),
    )
    spare = request.sell_amount // _SPARE + 1
    # Two transfers: a vault that sells all it has cannot pay the second one.
    funding = [
        SimulatedCall(place.vault, request.sell_token, abi.Token.transfer.encode(place.executor, amount))
        for amount in (request.sell_amount, spare)
    ]
    operation = (int(Venue.AGGREGATOR), quote.target, request.sell_token, request.buy_token, 0, WAD)
    # Nothing is demanded of it here, so that what it delivers is measured and not only refused.
    data = abi.Executor.rebalance_with_calls.encode(
        _STAGE, [], [], [operation], _FOREVER, NO_LOAN, [(0, quote.calldata)]
    )
    callback = abi.Executor.on_rebalance.encode(
        place.executor, [], encode([abi.OPERATIONS, "address[]"], [[operation], []])
    )
    try:
        found = observe(
            client,
            SimulatedCall(place.owner, place.executor, data),
            watched,
            place.block,
            place.now,
            place.multicall,
            prelude=funding,
            codes={_STAGE: stage(callback)},
        )
        return _judged(found, quote, request, place)
    except Unexpected as fault:
        raise UnsafeQuote(
            f"{quote.venue}: simulated, the swap of {request.sell_amount} of {request.sell_token} {fault}: leave it out"
        ) from None


def stage(callback: bytes) -> bytes:
    """Runtime code of a vault without assets, which answers every `rebalance` by calling back with `callback`.

    It returns the words 32 and 0: an empty list to `assets()`, and two values of no meaning to `rebalance`.
    """
    size, answer, end = len(callback), 37, 50
    code = (
        f"3660041461{answer:04x}57"  # four bytes of calldata are assets(), a static call
        f"61{size:04x}61{end:04x}5f39"  # the callback, from behind the code
        f"5f5f61{size:04x}5f5f335af1"  # goes to whoever called
        f"61{answer:04x}57"
        "3d5f5f3e3d5ffd"  # its revert is passed on
        "5b60205f525f60205260405ff3"
    )
    return bytes.fromhex(code) + callback


def _judged(found: Differences, quote: Quote, request: SwapRequest, place: Place) -> Trial:
    outcome = found.outcome
    if not outcome.succeeded:
        why = reason(outcome.data)
        if why == "aggregator: not pinned":
            raise NotPinned(
                f"{quote.venue}: the executor {place.executor} may not call function 0x{quote.selector.hex()} of "
                f"{quote.target}: its owner pins it with set_aggregator, spender {quote.spender}"
            )
        raise Unexpected(f"reverts: {why}")
    ours = (place.executor, place.owner)
    for token in (request.sell_token, request.buy_token, *place.tokens):
        if not all(found.balances[token, party].known for party in (*ours, place.vault)):
            raise Unexpected(f"leaves balances of {token} unreadable")
    sold = -found.delta(request.sell_token, *ours)
    if sold > request.sell_amount:
        raise Unexpected(f"takes {sold}")
    delivered = found.delta(request.buy_token, *ours)
    if delivered < quote.least_buy:
        raise Unexpected(f"delivers {delivered} of {request.buy_token}, less than {quote.least_buy}")
    for token in found.tokens:
        changed = found.delta(token, *ours)
        if token not in (request.sell_token, request.buy_token) and changed:
            raise Unexpected(f"changes what the executor has of {token} by {changed}")
        if found.delta(token, place.vault):
            raise Unexpected(f"changes what the vault has of {token} by {found.delta(token, place.vault)}")
    found.check_side_effects()
    return Trial(delivered, sold, outcome.gas)


def _check_settler(client: Client, terms: Terms, place: Place) -> None:
    """0x's operator is whoever the answer names: it has to be a Settler, the current one or the one before."""
    reads = [
        Read(_SETTLER_REGISTRY, abi.SettlerRegistry.owner_of, (_TAKER_SUBMITTED,)),
        Read(_SETTLER_REGISTRY, abi.SettlerRegistry.prev, (_TAKER_SUBMITTED,)),
    ]
    answers = read_all(client, reads, place.block, place.multicall)
    settlers = {abi.checksum(answer.value) for answer in answers if not answer.failed} - {_NOBODY}
    if terms.operator not in settlers:
        known = " or ".join(sorted(settlers)) or "none that is in use"
        raise UnsafeQuote(
            f"{pins.ZEROX}: its quote lets {terms.operator} take the tokens, and 0x's Settler is {known}: leave it out"
        )
