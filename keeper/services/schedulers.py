"""A keeper's decision in the shapes that other people's schedulers ask for; they send what it says, or run a pass.

Chainlink Automation asks `checkUpkeep` for a flag and `performData`, Gelato for `canExec` and calls. Both get the plan's
own transaction: its target and calldata, simulated a moment ago. Whoever performs it has to be who the plan was simulated
as, the executor's owner for a fill; the vault's own rules hold whoever it is. What schedulers send is in no ledger of ours.
"""

from typing import TypedDict

from eth_abi.abi import decode, encode
from eth_abi.exceptions import DecodingError
from eth_utils.conversions import to_hex

from keeper.chain.abi import checksum
from keeper.chain.rpc import Client
from keeper.errors import ActingRefused, ConfigurationError
from keeper.operations.assembly import Gate
from keeper.services.plan import Plan, plan
from keeper.settings import Settings

_PERFORM = ("address", "bytes")  # target and calldata
_NOTHING = (False, b"")


class GelatoCall(TypedDict):
    """One call that Gelato makes."""

    to: str
    data: str


class GelatoResult(TypedDict, total=False):
    """What a Web3 Function gives back: calls, or a message that says why there are none."""

    canExec: bool
    callData: list[GelatoCall]
    message: str


def upkeep_of(made: Plan) -> tuple[bool, bytes]:
    """`(upkeepNeeded, performData)`: `abi.encode(address target, bytes callData)`, empty where there is nothing to do."""
    if made.call is None or made.simulation is None:
        return _NOTHING
    return True, encode(_PERFORM, (made.call.target, made.call.data))


def check_upkeep(client: Client, settings: Settings, vault: str, sender: str | None = None) -> tuple[bool, bytes]:
    """What `checkUpkeep` answers for a vault now; nothing while the kill switch is on or a breaker of the vault's is open.

    :param sender: who performs; the executor's owner when None
    :raises EquipoiseError: as `keeper.services.plan.plan`
    """
    try:
        Gate.of(settings).refuse(client.chain_id, vault, *([sender] if sender else []))
    except ActingRefused:
        return _NOTHING
    return upkeep_of(plan(client, settings, vault, sender))


def call_of(perform_data: bytes) -> tuple[str, bytes]:
    """Target and calldata of `performData`.

    :raises ConfigurationError: it is none
    """
    try:
        target, data = decode(_PERFORM, perform_data)
    except DecodingError:
        raise ConfigurationError(
            "perform data is not abi.encode(address, bytes): pass on what check_upkeep gave"
        ) from None
    return checksum(target), data


def gelato_of(made: Plan) -> GelatoResult:
    """The plan as a Web3 Function's result."""
    if made.call is None or made.simulation is None:
        return {"canExec": False, "message": made.decision.reason}
    return {"canExec": True, "callData": [{"to": made.call.target, "data": to_hex(made.call.data)}]}
