"""Simulation: the pending block, and what each revert means."""

import re

import pytest
from fake_chain import WETH, FakeVault, Revert, address, bad_price, error_string

from keeper.chain import abi
from keeper.chain.abi import Fault
from keeper.chain.reverts import FAULT_TEXT
from keeper.chain.rpc import Client
from keeper.contracts import sources
from keeper.errors import OracleError, TransactionError
from keeper.execution.plan import Call, opening
from keeper.execution.simulate import VERDICTS, Halted, Skipped, Verdict, simulate

SENDER = address("keeper")

# Reasons that stand in the contracts and that neither opening, rebalancing through our executor nor setting bands can meet:
# those of constructors, of minting and redeeming, of roles and setters, of what only the pair asks of each other, and of the
# factory.
NOT_OURS = re.compile(
    r"^(role: |oracle: |factory: |fees: |bands: (bad rails|under tolerance)|targets: |basket: (?!transfer failed)|"
    r"vault: (?!balance fell|expired|paused|shut down|supply changed)|"
    r"rebalancer: (?!in flight|not strategist|wrong price count|zero price)|"
    r"keepers: head start too long|loss: (share|bad)|auction: (no trigger$|bad |premium|discount)|"
    r"zap: |executor: no owner|uniswap: no factory|aggregator: (bad target|a token|moves tokens))"
)


def reverting(fake, data: bytes) -> Call:
    vault = FakeVault(fake).install()

    def revert(*_):
        raise Revert(data)

    fake.view(vault.address, abi.Vault.open_rebalance, revert)
    return opening(vault.address)


def run(fake, call: Call):
    return simulate(Client(fake.url, attempts=1), call, SENDER, lambda asset: "WETH" if asset == WETH else asset)


def test_simulate__runs_at_the_pending_block_as_the_sender(fake):
    vault = FakeVault(fake).install()
    assert run(fake, opening(vault.address)).gas == 200_000
    calls = [(method, params) for method, params in fake.requests if method in ("eth_call", "eth_estimateGas")]
    assert [method for method, _ in calls] == ["eth_call", "eth_estimateGas"]
    assert all(params[1] == "pending" and params[0]["from"] == SENDER for _, params in calls)


@pytest.mark.parametrize(("reason", "verdict"), VERDICTS.items())
def test_simulate__when_it_reverts__raises_what_the_table_says(fake, reason, verdict):
    with pytest.raises(TransactionError, match=re.escape(f"reverts: {reason}; nothing was sent")) as caught:
        run(fake, reverting(fake, error_string(reason)))
    assert isinstance(caught.value, Skipped if verdict is Verdict.SKIP else Halted)


@pytest.mark.parametrize("data", [b"", error_string("somebody else's"), b"\x01\x02\x03\x04", b"\x4e\x48\x7b\x71"])
def test_simulate__when_the_reason_is_unknown__halts(fake, data):
    with pytest.raises(Halted):
        run(fake, reverting(fake, data))


def test_simulate__when_a_price_is_bad__names_the_symbol_and_the_fault(fake):
    with pytest.raises(OracleError, match=r"^no price for WETH: its feed is stale; wait"):
        run(fake, reverting(fake, bad_price(WETH, int(Fault.STALE))))


def test_simulate__when_the_caller_does_not_own_the_executor__says_which_key_is_needed(fake):
    with pytest.raises(Halted, match="use the key that owns the executor"):
        run(fake, reverting(fake, error_string("ownable: caller is not the owner")))


def test_fault_texts__cover_every_fault():
    assert set(FAULT_TEXT) == {fault for fault in Fault if fault}


def test_verdicts__are_exactly_the_reasons_that_the_contracts_can_give():
    """A reason that is renamed, added or dropped in a contract fails here, not in production."""
    home = sources()
    files = [*home.glob("*.vy"), *home.glob("modules/*.vy")]
    found = set(re.findall(r'(?:raise |, )"(\w+: [^"]+)"', "\n".join(file.read_text() for file in files)))
    assert len(found) > 40
    reachable = {reason for reason in found if not NOT_OURS.match(reason)}
    # The one reason of a library: snekmate's ownable guards the executor.
    assert reachable | {"ownable: caller is not the owner"} == set(VERDICTS)
