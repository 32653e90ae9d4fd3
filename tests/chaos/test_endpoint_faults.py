"""What endpoints may do to a keeper while a vault is due, and what it must do then.

The keeper asks three endpoints and believes two that agree. Each fault befalls one, two or all of them for two passes. Then
they are well, and within two passes more the vault must be filled, once: in blocks, since an endpoint that was found to lie or
to serve another chain is left out for a minute, and one that asks for it is left alone, which takes five blocks.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

import pytest
from eth_abi.abi import encode

from chaos import faults
from chaos.proxy import SEND, Fault, Rule
from keeper.chain import abi

ACTS = None  # in spite of the fault it does what is due
SILENT = ""  # it waits, and there is nothing to say yet
ONE, TWO, ALL = 1, 2, 3
SOON, LATER, EXPIRED = 2, 7, 18  # passes: at once, after a minute, and once a transaction's deadline is over


@dataclass(frozen=True)
class Case:
    """A fault of so many endpoints, and what a pass says: a pattern for why it waits, SILENT, or ACTS.

    :param passes: within which it has recovered
    """

    name: str
    fault: Fault
    endpoints: int
    says: str | None
    methods: Collection[str] | None = None
    times: int | None = None
    passes: int = SOON


CALLS = {"eth_call"}
BLOCKS = {"eth_getBlockByNumber"}
RECEIPTS = {"eth_getTransactionReceipt"}
PRICES = faults.lying({abi.Oracle.prices: faults.times(1.5, position=0)})
OTHER_PRICES = faults.lying({abi.Oracle.prices: faults.times(0.5, position=0)})
SYMBOLS = faults.lying({abi.Token.symbol: lambda _: encode(["string"], ["X\n\x1b[2J{}% level=error"])})


def of_one_and_of_all(
    name: str,
    fault: Fault,
    says: str,
    methods: Collection[str] | None = None,
    passes: int = SOON,
) -> list[Case]:
    """A fault that two others make good, and that stops the keeper when all have it."""
    return [
        Case(f"{name}, one", fault, ONE, ACTS, methods),
        Case(f"{name}, all", fault, ALL, says, methods, passes=passes),
    ]


CASES = (
    # --- no answer, or none that is one
    *of_one_and_of_all("no answer in time", faults.delay(1.5), "no answer in 1 s", BLOCKS),
    *of_one_and_of_all("answers in drips", faults.drip(0.05), "no answer in 1 s", BLOCKS),
    *of_one_and_of_all("connections break", faults.drop, "no RPC endpoint answers"),
    *of_one_and_of_all("429, in a minute", faults.status(429, "60"), "status 429|left alone", passes=LATER),
    *of_one_and_of_all("500", faults.status(500), "status 500|left alone"),
    *of_one_and_of_all("503", faults.status(503), "status 503|left alone"),
    *of_one_and_of_all("401", faults.status(401), "status 401|left alone"),
    *of_one_and_of_all("busy", faults.error("limit exceeded", -32005), "limit exceeded|left alone"),
    *of_one_and_of_all("a web page", faults.text(b"<html>502 Bad Gateway</html>"), "not JSON|left alone"),
    *of_one_and_of_all("half an answer", faults.truncated_json, "not JSON|left alone"),
    *of_one_and_of_all("deep JSON", faults.text(b"[" * 200_000), "not JSON|left alone"),
    *of_one_and_of_all("a list", faults.text(b"[]"), "not JSON-RPC|left alone"),
    *of_one_and_of_all("half a hex number", faults.truncated_hex, "something else|left alone", CALLS | BLOCKS),
    *of_one_and_of_all("no result", faults.no_result, "without a result|left alone"),
    *of_one_and_of_all("null blocks", faults.result(None), "agree on eth_getBlockByNumber", BLOCKS),
    *of_one_and_of_all("errors that start lines", faults.error("no\n\x1b[2Jlevel=info sent"), "no", CALLS),
    Case("one connection breaks at each", faults.drop, ALL, ACTS, CALLS, times=1),
    Case("one 429 at each", faults.status(429, "0.1"), ALL, ACTS, CALLS, times=1),
    Case("another id", faults.wrong_id, ALL, ACTS),
    # --- another chain, another time
    Case("another chain from now on, one", faults.result("0x5"), ONE, ACTS, {"eth_chainId"}),
    Case("another chain from now on, all", faults.result("0x5"), ALL, "wrong chain id", {"eth_chainId"}, passes=LATER),
    Case("fifty blocks behind, one", faults.lagging(50), ONE, ACTS),
    Case("fifty blocks behind, two", faults.lagging(50), TWO, "50 ahead of the others"),
    Case("blocks of a time to come, one", faults.future(1_000, 3_600), ONE, ACTS),
    Case("a clock an hour ahead, one", faults.later(3_600), ONE, ACTS, BLOCKS),
    # --- lies
    Case("a price, by one", PRICES, ONE, ACTS, CALLS, passes=LATER),
    Case("no money, by one", faults.result("0x0"), ONE, ACTS, {"eth_getBalance"}),
    Case("another nonce, by one", faults.result("0x7"), ONE, ACTS, {"eth_getTransactionCount"}),
    Case("another nonce, by all", faults.result("0x7"), ALL, SILENT, {"eth_getTransactionCount"}, passes=EXPIRED),
    Case("no money, by all", faults.result("0x0"), ALL, "fund it|holds 0", {"eth_getBalance"}),
    Case("base fees beyond all caps, by one", faults.base_fee(10**12), ONE, ACTS, {"eth_feeHistory"}),
    Case(
        "base fees beyond all caps, by all", faults.base_fee(10**12), ALL, "gas costs", {"eth_feeHistory"}, passes=LATER
    ),
    Case("names that start lines, by all", SYMBOLS, ALL, ACTS, CALLS),
    Case(
        "receipts of failure, by one",
        faults.edit(lambda found: found and found | {"status": "0x0"}),
        ONE,
        ACTS,
        RECEIPTS,
    ),
    Case("no receipts, by one", faults.result(None), ONE, ACTS, RECEIPTS),
    Case("no receipts, by all", faults.result(None), ALL, ACTS, RECEIPTS),
    # --- sending
    Case("swallowed by one", faults.swallow, ONE, ACTS, {SEND}),
    Case("swallowed by all", faults.swallow, ALL, SILENT, {SEND}),
    Case("answers to sending are lost", faults.lose_answer, ALL, ACTS, {SEND}),
    Case("sending breaks", faults.drop, ALL, "no RPC endpoint answers", {SEND}),
    Case("sent, and said to be known", faults.error_after("already known"), ALL, ACTS, {SEND}),
    Case("nonce too low, by all", faults.error("nonce too low"), ALL, "nonce too low", {SEND}),
    Case("underpriced, by all", faults.error("replacement transaction underpriced"), ALL, "underpriced", {SEND}),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_fault__while_it_lasts_and_after(stage, case):
    with stage.keeper() as keeper:
        for proxy in stage.proxies[: case.endpoints]:
            proxy.set(Rule(case.fault, case.methods, times=case.times))
        said = [line for _ in range(2) for line in stage.tick(keeper)]
        assert stage.hits
        assert all(line.isprintable() for line in said)
        if case.says is ACTS:
            assert stage.fills == 1, said
        else:
            assert stage.fills == 0
            assert not case.says or any(re.search(case.says, line) for line in said), said
        stage.heal()
        late = [stage.tick(keeper) for _ in range(case.passes)]
    assert stage.fills == 1, late
    assert stage.faults() == []
    assert not stage.desk.is_due()


def test_two_liars_who_disagree__stop_the_keeper(stage):
    with stage.keeper() as keeper:
        for proxy, lie in zip(stage.proxies, (PRICES, OTHER_PRICES), strict=False):
            proxy.set(Rule(lie, CALLS))
        said = [line for _ in range(2) for line in stage.tick(keeper)]
        assert any("1 of 3 endpoints agree on eth_call" in line for line in said)
        assert (stage.fills, stage.handed) == (0, 0)
        stage.heal()
        late = [stage.tick(keeper) for _ in range(SOON)]
    assert stage.fills == 1, late
    assert stage.faults() == []


def test_two_liars_who_collude__send_nothing_that_breaks_the_bound(stage):
    """Of two they are a quorum, and may mislead the keeper. What they would have it send reverts on the third."""
    with stage.keeper(rpc_quorum=2) as keeper:
        for proxy in stage.proxies[:2]:
            proxy.set(Rule(PRICES, CALLS))
        for _ in range(3):
            stage.tick(keeper)
        assert (stage.fills, stage.witness.broken) == (0, [])
        stage.heal()
        # Prices that jump back are a person's to look at, once the greater part of the last blocks tells them again.
        reasons = []
        for _ in range(5):
            stage.tick(keeper)
            reasons += keeper.reasons
        assert any("price_deviation" in reason for reason in reasons), reasons
        assert stage.resume()
        late = [stage.tick(keeper) for _ in range(LATER)]
    assert stage.fills == 1, late
    assert stage.faults() == []


def test_two_liars_who_collude__against_a_quorum_of_three__stop_the_keeper(stage):
    with stage.keeper(rpc_quorum=3) as keeper:
        for proxy in stage.proxies[:2]:
            proxy.set(Rule(PRICES, CALLS))
        said = [line for _ in range(2) for line in stage.tick(keeper)]
        assert any("2 of 3 endpoints agree on eth_call, 3 have to" in line for line in said)
        assert (stage.fills, stage.handed) == (0, 0)
        stage.heal()
        late = [stage.tick(keeper) for _ in range(SOON)]
    assert stage.fills == 1, late
    assert stage.faults() == []


def test_refusal__of_what_was_taken__is_found_out_before_the_next_order(stage):
    """All endpoints take it and say that they do not: what the ledger calls failed is booked once its nonce is seen used."""
    with stage.keeper() as keeper:
        for proxy in stage.proxies:
            proxy.set(Rule(faults.error_after("nonce too low"), {SEND}))
        # On a busy machine an endpoint may miss its second, and such a pass ends before it sends anything.
        said: list[str] = []
        for _ in range(3):
            said += stage.tick(keeper)
            if any("nonce too low" in line for line in said):
                break
        assert any("nonce too low" in line for line in said), said
        stage.heal()
        stage.tick(keeper)
        assert stage.fills == 1
        with stage.mining():
            stage.desk.drift()
        for _ in range(3):
            stage.tick(keeper)
    assert stage.fills == 2
    assert stage.faults() == []
