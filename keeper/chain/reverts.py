"""What a revert says: the contracts' own `module: reason` strings, the oracle's typed error, compiler panics."""

from dataclasses import dataclass

from keeper.chain import abi
from keeper.chain.abi import Fault, checksum

_ERROR = abi.Error("Error", ("string",))
_PANIC = abi.Error("Panic", ("uint256",))

FAULT_TEXT = {
    Fault.NO_FEED: "it has no feed",
    Fault.CALL_FAILED: "its feed does not answer",
    Fault.NOT_POSITIVE: "its feed answers zero or less",
    Fault.STALE: "its feed is stale",
    Fault.IN_FUTURE: "its feed is dated in the future",
    Fault.BELOW_MINIMUM: "its price is below the oracle's minimum",
    Fault.ABOVE_MAXIMUM: "its price is above the oracle's maximum",
    Fault.SEQUENCER_DOWN: "the chain's sequencer is down or has just come back",
    Fault.RATE_FELL: "its rate fell below the oracle's floor",
    Fault.POOL_UNFIT: "the pool that it is checked against is too thin, too young or does not answer",
    Fault.TWAP_DEVIATES: "its price is too far from its pool's mean",
}


@dataclass(frozen=True, slots=True)
class PriceFault:
    """The oracle's typed error: which asset, and why."""

    asset: str
    fault: Fault

    @property
    def text(self) -> str:
        """The reason in words, without the asset."""
        return FAULT_TEXT.get(self.fault, f"fault {int(self.fault)}")


def price_fault(data: bytes) -> PriceFault | None:
    """The oracle's typed error in revert data, if it is that."""
    decoded = abi.Oracle.bad_price.decode(data)
    return None if decoded is None else PriceFault(checksum(decoded[0]), Fault(decoded[1]))


def reason(data: bytes) -> str:
    """One line for any revert data; the bare reason where the contract gave one."""
    fault = price_fault(data)
    if fault is not None:
        return f"oracle: bad price ({fault.asset}: {fault.text})"
    text = _ERROR.decode(data)
    if text is not None:
        return printable(text[0], 200)
    panic = _PANIC.decode(data)
    if panic is not None:
        return f"panic {panic[0]:#x}"
    return f"unknown error 0x{data[:4].hex()}" if data else "no reason given"


def printable(text: str, limit: int) -> str:
    """Foreign text for a log line or a table: one line, no control characters, no more than `limit` characters."""
    return "".join(character if character.isprintable() else "?" for character in text)[:limit]
