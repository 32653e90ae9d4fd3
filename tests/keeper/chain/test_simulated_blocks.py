"""What is asked of a node when a block is simulated."""

import pytest
from fake_chain import USDC, FakeChain, address

from keeper.chain import abi
from keeper.chain.rpc import Client, SimulatedCall
from keeper.errors import ChainError

CALL = SimulatedCall(address("sender"), USDC, abi.Token.balance_of.encode(address("holder")))


def test_simulate__names_the_block_its_time_the_codes_the_gas_and_the_ether(fake: FakeChain) -> None:
    client = Client(fake.url, attempts=1)
    block = client.head()
    limited = SimulatedCall(CALL.sender, CALL.to, CALL.data, gas=77, value=5)
    outcomes = client.simulate([CALL, limited], block, block.timestamp + 9, codes={address("stage"): b"\x5f\xfd"})
    assert [(each.succeeded, each.gas) for each in outcomes] == [(True, 0), (True, 0)]
    method, (request, at) = fake.requests[-1]
    assert (method, at) == ("eth_simulateV1", {"blockHash": block.hash})
    (simulated,) = request["blockStateCalls"]
    assert simulated["blockOverrides"] == {"time": hex(block.timestamp + 9)}
    assert simulated["stateOverrides"] == {address("stage"): {"code": "0x5ffd"}}
    assert [call.get("gas") for call in simulated["calls"]] == [None, hex(77)]
    assert [call.get("value") for call in simulated["calls"]] == [None, hex(5)]


def test_simulate__an_answer_without_its_gas__is_none(fake: FakeChain, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fake, "_simulated", lambda *_: {"status": "0x1", "returnData": "0x", "logs": []})
    client = Client(fake.url, attempts=1)
    with pytest.raises(ChainError, match="answered eth_simulateV1 with something else"):
        client.simulate([CALL], client.head(), 0)
