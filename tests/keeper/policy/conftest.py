"""A vault's snapshot to decide on."""

from dataclasses import replace

import pytest

from keeper.chain.abi import Trigger
from keeper.chain.snapshot import Asset, Block, Fees, Schedule, Terms, Valuation, VaultSnapshot

WAD = 10**18
NOW = 1_800_000_000


@pytest.fixture
def make():
    """A snapshot of a 50:50 vault of a token with 18 and one with 6 decimals, 60:40 out of balance; fields can be replaced."""

    def build(
        *, balances=(600 * 10**18, 800_000 * 10**6), trigger=Trigger.BAND, terms=None, priced=True, **changes
    ) -> VaultSnapshot:
        assets = (
            Asset("0xA", "WETH", 18, balances[0], WAD // 2, WAD // 50),
            Asset("0xB", "USDC", 6, balances[1], WAD // 2, WAD // 50),
        )
        values = (balances[0] * 2_000, balances[1] * 10**12)
        nav = sum(values)
        weights = tuple(value * WAD // nav if nav else 0 for value in values)
        drift = abs(2 * values[0] - nav) * WAD // (2 * nav) if nav else 0
        standard = Terms(Trigger.BAND, False, 0, 3_600, 1_800, 5 * 10**15, 10**16, 5 * 10**15, 10**16, 604_800)
        snapshot = VaultSnapshot(
            address="0xV",
            block=Block(1, "0x1", NOW, 10**9),
            name="Two",
            symbol="TWO",
            rebalancer="0xR",
            oracle="0xO",
            supply=1_000 * WAD,
            supply_cap=2**96 - 1,
            fees=Fees("0x0", 0, 0, 0),
            paused=False,
            is_shut_down=False,
            assets=assets,
            schedule=Schedule((WAD // 2, WAD // 2), 0, 0),
            terms=replace(standard, **(terms or {})),
            is_open=False,
            opened_at=0,
            closed_at=NOW - 10_000,
            completed_at=NOW - 10_000,
            bound=WAD + 5 * 10**15,
            loss=0,
            head_start=0,
            is_keeper=False,
            valuation=Valuation((2_000 * WAD, WAD), weights, nav, drift, trigger) if priced else None,
            faults=(),
            native_price=2_000 * WAD,
        )
        return replace(snapshot, **changes)

    return build
