"""The ABI types written out in the keeper are those of the compiled contracts."""

from typing import Any

import pytest

from keeper.chain import abi
from keeper.chain.abi import Error, Event, Fault, Function, Lender, Means, Trigger, Venue
from keeper.contracts import contract, sources

OURS = [
    (abi.Vault, "IndexVault"),
    (abi.Rebalancer, "Rebalancer"),
    (abi.Oracle, "PriceOracle"),
    (abi.Executor, "RouteExecutor"),
    (abi.BatchExecutor, "BatchExecutor"),
    (abi.Zap, "IndexZap"),
]


def kind(argument: dict[str, Any]) -> str:
    if not argument["type"].startswith("tuple"):
        return str(argument["type"])
    return f"({','.join(map(kind, argument['components']))}){argument['type'][5:]}"


def entries(name: str, of: str) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in contract(name).abi if entry["type"] == of}


@pytest.mark.parametrize(("ours", "name"), OURS)
def test_functions__have_the_contracts_inputs_and_outputs(ours, name):
    compiled = entries(name, "function")
    checked = 0
    for function in vars(ours).values():
        if isinstance(function, Function):
            entry = compiled[function.name]
            assert function.inputs == tuple(map(kind, entry["inputs"])), function.name
            assert function.outputs == tuple(map(kind, entry["outputs"])), function.name
            checked += 1
    assert checked >= 2


@pytest.mark.parametrize(("ours", "name"), OURS)
def test_events__have_the_contracts_arguments(ours, name):
    compiled = entries(name, "event")
    for event in vars(ours).values():
        if isinstance(event, Event):
            entry = compiled[event.name]
            assert event.inputs == tuple(map(kind, entry["inputs"]))
            assert event.indexed == tuple(i for i, each in enumerate(entry["inputs"]) if each["indexed"])


@pytest.mark.parametrize(
    ("flag", "interface", "name"),
    [
        (Trigger, "IIndexVault", "Trigger"),
        (Fault, "IPriceOracle", "Fault"),
        (Venue, "IRouteExecutor", "Venue"),
        (Lender, "IRouteExecutor", "Lender"),
        (Means, "IIndexZap", "Means"),
    ],
)
def test_flags__have_the_interfaces_members_in_order(flag, interface, name):
    text = (sources() / "interfaces" / f"{interface}.vyi").read_text()
    body = text.split(f"flag {name}:\n")[1].split("\n\n")[0]
    members = [line.split("#")[0].strip() for line in body.splitlines()]
    assert [(member.name, member.value) for member in flag if member] == [(m, 1 << i) for i, m in enumerate(members)]


def test_bad_price__is_the_error_that_the_oracle_raises():
    assert isinstance(abi.Oracle.bad_price, Error)
    text = (sources() / "PriceOracle.vy").read_text()
    assert "BadPrice(address,uint256)" in text.replace(" ", "").replace("asset", "").replace("fault", "")
