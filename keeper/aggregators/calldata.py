"""What an aggregator's calldata would do, as far as its own router enforces it.

The functions are those of the routers' verified sources. Every function that may be called stands here with a reader
of its arguments; what the routers pass on to contracts of their own, whose layout changes, is not read.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from eth_abi.exceptions import DecodingError
from eth_utils.crypto import keccak

from keeper.aggregators import pins
from keeper.chain.abi import Function, checksum
from keeper.chain.decoding import decode

_ADDRESS_BITS = 160
_NOBODY = "0x0000000000000000000000000000000000000000"

# Bits of the routers' `flags`. A partial fill makes the minimum a rate, more ether is more than was asked for, and CHI
# burns and Permit2 take what nobody offered. KyberSwap's last one approves a contract of the answer's choice.
_ONEINCH_FLAGS = 0b111  # partial fill, extra ether, Permit2
_KYBERSWAP_FLAGS = 0x01 | 0x02 | 0x08 | 0x10 | 0x100  # the same, burns from the caller and the signer, approval
_OPENOCEAN_FLAGS = 0x01  # partial fill
_UNOSWAP_FLAGS = 1 << 252 | 1 << 250  # of a pool: unwrap to ether, Permit2


class UnfitCalldata(ValueError):
    """Calldata that does not decode, or that asks for what is never wanted; the message says what, for a sentence."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the calldata says; None where it does not.

    :param receiver: None for whoever calls
    :param operator: the contract that the router hands the tokens to. None can be pinned: of 0x, it is the Settler,
        which the deployer registry knows at the block of a simulation
    """

    sell_token: str | None
    buy_token: str | None
    sell_amount: int
    least_buy: int
    receiver: str | None
    operator: str | None


@dataclass(frozen=True, slots=True)
class _Reader:
    function: Function
    read: Callable[..., Terms]


def read(venue: str, calldata: bytes) -> Terms:
    """The terms of a call.

    :raises UnfitCalldata: an unknown function, arguments that do not decode, or terms that are never wanted
    """
    reader = _READERS[venue].get(calldata[:4])
    if reader is None:
        raise UnfitCalldata(f"calls the unknown function 0x{calldata[:4].hex()}")
    return reader.read(*_arguments(reader.function, calldata))


def selectors(venue: str) -> frozenset[bytes]:
    """The functions that may be called at a venue."""
    return frozenset(_READERS[venue])


def _arguments(function: Function, calldata: bytes) -> tuple[Any, ...]:
    try:
        # Routers append tags to their last bytes argument, which strict decoding takes for bad padding.
        return decode(function.inputs, calldata[4:], strict=False)
    except (DecodingError, ValueError):
        raise UnfitCalldata(f"has arguments that are not those of {function.name}") from None


def _selector(function: Function) -> bytes:
    return keccak(text=function.signature)[:4]


def _receiver(address: str) -> str | None:
    """These routers take the zero address for whoever calls."""
    return None if address == _NOBODY else checksum(address)


def _packed_address(word: int) -> str:
    return checksum(f"0x{word % 2**_ADDRESS_BITS:040x}")


def _refuse_flags(flags: int, unwanted: int) -> None:
    if flags & unwanted:
        raise UnfitCalldata(f"sets the flags {flags & unwanted:#x}")


def _refuse_permit(permit: bytes) -> None:
    if permit:
        raise UnfitCalldata("carries a permit that nobody signed")


_SETTLER_EXECUTE = Function("execute", ("(address,address,uint256)", "bytes[]", "bytes32"))


def _zerox(operator: str, token: str, amount: int, target: str, data: bytes) -> Terms:
    # Whoever the operator is may take the tokens, so it has to be the one whose call pays for them.
    if operator != target:
        raise UnfitCalldata(f"lets {checksum(operator)} take what {checksum(target)} sells")
    if data[:4] != _selector(_SETTLER_EXECUTE):
        raise UnfitCalldata(f"has Settler run the unknown function 0x{data[:4].hex()}")
    (receiver, buy_token, least), _, _ = _arguments(_SETTLER_EXECUTE, data)
    return Terms(checksum(token), checksum(buy_token), amount, least, checksum(receiver), checksum(operator))


def _oneinch(executor: str, description: tuple[Any, ...], _: bytes) -> Terms:
    sold, bought, _, receiver, amount, least, flags = description
    _refuse_flags(flags, _ONEINCH_FLAGS)
    return Terms(checksum(sold), checksum(bought), amount, least, _receiver(receiver), checksum(executor))


def _unoswap(token: int, amount: int, least: int, *pools: int) -> Terms:
    if token >> _ADDRESS_BITS:
        raise UnfitCalldata(f"sells {token:#x}, which is no address")
    for pool in pools:
        _refuse_flags(pool, _UNOSWAP_FLAGS)
    return Terms(_packed_address(token), None, amount, least, None, None)


def _unoswap_to(receiver: int, token: int, amount: int, least: int, *pools: int) -> Terms:
    terms = _unoswap(token, amount, least, *pools)
    return Terms(terms.sell_token, None, amount, least, _packed_address(receiver), None)


def _velora(executor: str, swap: tuple[Any, ...], _: int, permit: bytes, __: bytes) -> Terms:
    _refuse_permit(permit)
    sold, bought, amount, least, _quoted, _metadata, receiver = swap
    return Terms(checksum(sold), checksum(bought), amount, least, _receiver(receiver), checksum(executor))


def _velora_uniswap(swap: tuple[Any, ...], _: int, permit: bytes) -> Terms:
    _refuse_permit(permit)
    sold, bought, amount, least, _quoted, _metadata, receiver, _pools = swap
    return Terms(checksum(sold), checksum(bought), amount, least, _receiver(receiver), None)


def _velora_curve(swap: tuple[Any, ...], _: int, permit: bytes) -> Terms:
    _refuse_permit(permit)
    sold, bought, amount, least, _quoted, _metadata, receiver = swap[-7:]
    return Terms(checksum(sold), checksum(bought), amount, least, _receiver(receiver), None)


def _velora_balancer(swap: tuple[Any, ...], _: int, permit: bytes, __: bytes) -> Terms:
    _refuse_permit(permit)
    amount, least, _quoted, _metadata, receiver_and_flags = swap
    return Terms(None, None, amount, least, _receiver(_packed_address(receiver_and_flags)), None)


def _kyberswap(execution: tuple[Any, ...]) -> Terms:
    target, _, _, description, _ = execution
    return _kyberswap_simple(target, description, b"", b"")


def _kyberswap_simple(caller: str, description: tuple[Any, ...], _: bytes, __: bytes) -> Terms:
    sold, bought, _receivers, amounts, fee_receivers, fees, receiver, amount, least, flags, permit = description
    _refuse_flags(flags, _KYBERSWAP_FLAGS)
    _refuse_permit(permit)
    if fee_receivers or fees:
        raise UnfitCalldata("takes a fee that nobody asked for")
    if sum(amounts) > amount:
        raise UnfitCalldata(f"moves {sum(amounts)} while it says that it sells {amount}")
    return Terms(checksum(sold), checksum(bought), amount, least, _receiver(receiver), checksum(caller))


def _openocean(caller: str, description: tuple[Any, ...], calls: tuple[Any, ...]) -> Terms:
    sold, bought, _, receiver, amount, least, _guaranteed, flags, _referrer, permit = description
    _refuse_flags(flags, _OPENOCEAN_FLAGS)
    _refuse_permit(permit)
    if any(value for _, _, value, _ in calls):
        raise UnfitCalldata("sends ether on")
    return Terms(checksum(sold), checksum(bought), amount, least, _receiver(receiver), checksum(caller))


def _openocean_v2(token: str, amount: int, least: int, _: tuple[bytes, ...], receiver: str) -> Terms:
    return Terms(checksum(token), None, amount, least, checksum(receiver), None)


def _openocean_v3(receiver: str, amount: int, least: int, _: tuple[int, ...]) -> Terms:
    return Terms(None, None, amount, least, checksum(receiver), None)


_UNISWAP_DATA = "(address,address,uint256,uint256,uint256,bytes32,address,bytes)"
_CURVE_V1_DATA = "(uint256,uint256,address,address,uint256,uint256,uint256,bytes32,address)"
_CURVE_V2_DATA = "(uint256,uint256,uint256,address,address,address,uint256,uint256,uint256,bytes32,address)"
_KYBERSWAP_DESCRIPTION = (
    "(address,address,address[],uint256[],address[],uint256[],address,uint256,uint256,uint256,bytes)"
)


def _table(*readers: tuple[str, tuple[str, ...], Callable[..., Terms]]) -> dict[bytes, _Reader]:
    functions = [(Function(name, inputs), reader) for name, inputs, reader in readers]
    return {_selector(function): _Reader(function, reader) for function, reader in functions}


_READERS: Mapping[str, Mapping[bytes, _Reader]] = {
    pins.ZEROX: _table(("exec", ("address", "address", "uint256", "address", "bytes"), _zerox)),
    pins.ONEINCH: _table(
        ("swap", ("address", "(address,address,address,address,uint256,uint256,uint256)", "bytes"), _oneinch),
        ("unoswap", ("uint256",) * 4, _unoswap),
        ("unoswap2", ("uint256",) * 5, _unoswap),
        ("unoswap3", ("uint256",) * 6, _unoswap),
        ("unoswapTo", ("uint256",) * 5, _unoswap_to),
        ("unoswapTo2", ("uint256",) * 6, _unoswap_to),
        ("unoswapTo3", ("uint256",) * 7, _unoswap_to),
    ),
    pins.VELORA: _table(
        (
            "swapExactAmountIn",
            ("address", "(address,address,uint256,uint256,uint256,bytes32,address)", "uint256", "bytes", "bytes"),
            _velora,
        ),
        ("swapExactAmountInOnUniswapV2", (_UNISWAP_DATA, "uint256", "bytes"), _velora_uniswap),
        ("swapExactAmountInOnUniswapV3", (_UNISWAP_DATA, "uint256", "bytes"), _velora_uniswap),
        ("swapExactAmountInOnCurveV1", (_CURVE_V1_DATA, "uint256", "bytes"), _velora_curve),
        ("swapExactAmountInOnCurveV2", (_CURVE_V2_DATA, "uint256", "bytes"), _velora_curve),
        (
            "swapExactAmountInOnBalancerV2",
            ("(uint256,uint256,uint256,bytes32,uint256)", "uint256", "bytes", "bytes"),
            _velora_balancer,
        ),
    ),
    pins.KYBERSWAP: _table(
        ("swap", (f"(address,address,bytes,{_KYBERSWAP_DESCRIPTION},bytes)",), _kyberswap),
        ("swapSimpleMode", ("address", _KYBERSWAP_DESCRIPTION, "bytes", "bytes"), _kyberswap_simple),
    ),
    pins.OPENOCEAN: _table(
        (
            "swap",
            (
                "address",
                "(address,address,address,address,uint256,uint256,uint256,uint256,address,bytes)",
                "(uint256,uint256,uint256,bytes)[]",
            ),
            _openocean,
        ),
        ("callUniswapTo", ("address", "uint256", "uint256", "bytes32[]", "address"), _openocean_v2),
        ("uniswapV3SwapTo", ("address", "uint256", "uint256", "uint256[]"), _openocean_v3),
    ),
    pins.COW: {},
}
