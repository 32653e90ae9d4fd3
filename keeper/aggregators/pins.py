"""The contracts that each aggregator may name, per chain. An answer that names another is refused.

Sources: 0x's AllowanceHolder of chains with the Cancun opcodes and its own of Mantle, 1inch's AggregationRouterV6,
Velora's Augustus v6.2, KyberSwap's MetaAggregationRouterV2, OpenOcean's exchange proxy, and CoW Protocol's settlement
contract with the relayer that takes the tokens. 0x's Settler, which AllowanceHolder calls, changes with every release
and is never approved.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from keeper.aggregators.errors import RequestRefused

PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"

ZEROX = "0x"
ONEINCH = "1inch"
VELORA = "velora"
KYBERSWAP = "kyberswap"
OPENOCEAN = "openocean"
COW = "cow"


@dataclass(frozen=True, slots=True)
class Pin:
    """Who is called, and who takes what is sold."""

    target: str
    spender: str


def _same(address: str, *chains: int) -> dict[int, Pin]:
    """On these chains, one contract that takes the tokens itself."""
    return dict.fromkeys(chains, Pin(address, address))


PINS: Mapping[str, Mapping[int, Pin]] = {
    ZEROX: _same("0x0000000000001fF3684f28c67538d4D072C22734", 1, 10, 56, 137, 8453, 42161, 43114)
    | _same("0x0000000000005E88410CcDFaDe4a5EfaE4b49562", 5000),
    ONEINCH: _same("0x111111125421cA6dc452d289314280a0f8842A65", 1, 10, 56, 137, 8453, 42161, 43114)
    | _same("0x6fd4383cB451173D5f9304F041C7BCBf27d561fF", 324),
    VELORA: _same(
        "0x6A000F20005980200259B80c5102003040001068", 1, 10, 56, 100, 130, 137, 146, 250, 1101, 8453, 42161, 43114
    ),
    KYBERSWAP: _same("0x6131B5fae19EA4f9D964eAc0408E4408b66337b5", 1, 10, 56, 137, 8453, 42161, 43114),
    OPENOCEAN: _same("0x6352a56caadC4F1E25CD6c75970Fa768A3304e64", 1),
    COW: dict.fromkeys(
        (1, 56, 100, 137, 8453, 42161, 43114),
        Pin("0x9008D19f58AAbD9eD0D60971565AA8510560ab41", "0xC92E8bdf79f0507f65a392b0ab4667716BFE0110"),
    ),
}


def require(venue: str, chain_id: int) -> Pin:
    """What is pinned there.

    :raises RequestRefused: nothing is
    """
    pin = PINS[venue].get(chain_id)
    if pin is None:
        known = ", ".join(map(str, PINS[venue]))
        raise RequestRefused(f"{venue} has no pinned contracts on chain {chain_id}: use it on chains {known}")
    return pin
