"""Vaults: the list, and each one."""

from collections.abc import Mapping

from keeper.api.models import vaults as m
from keeper.api.models.zaps import Zap
from keeper.api.views.common import SHARE_DECIMALS, of_block, text_or_none
from keeper.chain.abi import Trigger
from keeper.chain.snapshot import VaultSnapshot, fault_line
from keeper.services.roles import Role

_WAD = 10**18
_TRIGGERS: Mapping[Trigger, m.Trigger] = {
    Trigger.INTERVAL: "interval",
    Trigger.BAND: "band",
    Trigger.TARGETS: "targets",
}


def of_summary(chain_id: int, snapshot: VaultSnapshot) -> m.VaultSummary:
    """A row of the list."""
    valuation = snapshot.valuation
    return m.VaultSummary(
        chain_id=chain_id,
        address=snapshot.address,
        name=snapshot.name,
        symbol=snapshot.symbol,
        decimals=SHARE_DECIMALS,
        supply=str(snapshot.supply),
        nav=None if valuation is None else str(valuation.nav),
        nav_per_share=text_or_none(per_share(snapshot)),
        drift=None if valuation is None else str(valuation.drift),
        paused=snapshot.paused,
        is_shut_down=snapshot.is_shut_down,
        is_rebalancing=snapshot.is_open,
        assets=[asset.symbol for asset in snapshot.assets],
        block=of_block(snapshot.block),
        problem=_problem(snapshot),
    )


def unread(chain_id: int, address: str, problem: str) -> m.VaultSummary:
    """A row of the list for a vault of which nothing is known."""
    return m.VaultSummary(
        chain_id=chain_id,
        address=address,
        name=None,
        symbol=None,
        decimals=SHARE_DECIMALS,
        supply=None,
        nav=None,
        nav_per_share=None,
        drift=None,
        paused=None,
        is_shut_down=None,
        is_rebalancing=None,
        assets=[],
        block=None,
        problem=problem,
    )


def of_vault(chain_id: int, snapshot: VaultSnapshot, roles: tuple[Role, ...], zap: Zap | None) -> m.Vault:
    """A vault's page."""
    valuation = snapshot.valuation
    return m.Vault(
        chain_id=chain_id,
        address=snapshot.address,
        block=of_block(snapshot.block),
        name=snapshot.name,
        symbol=snapshot.symbol,
        decimals=SHARE_DECIMALS,
        supply=str(snapshot.supply),
        supply_cap=str(snapshot.supply_cap),
        nav=None if valuation is None else str(valuation.nav),
        nav_per_share=text_or_none(per_share(snapshot)),
        drift=None if valuation is None else str(valuation.drift),
        paused=snapshot.paused,
        is_shut_down=snapshot.is_shut_down,
        problem=_problem(snapshot),
        holdings=[_holding(snapshot, place) for place in range(len(snapshot.assets))],
        targets_start=snapshot.schedule.start,
        targets_end=snapshot.schedule.end,
        rebalancing=_rebalancing(snapshot),
        fees=m.Fees(
            recipient=snapshot.fees.recipient,
            streaming=str(snapshot.fees.streaming),
            mint=str(snapshot.fees.mint),
            redeem=str(snapshot.fees.redeem),
        ),
        roles=[
            m.Role.model_validate(
                {
                    "name": role.name,
                    "holder": role.holder,
                    "pending": role.pending,
                    "is_contract": role.is_contract,
                    "may": role.may,
                }
            )
            for role in roles
        ],
        rebalancer=snapshot.rebalancer,
        oracle=snapshot.oracle,
        zap=zap,
    )


def per_share(snapshot: VaultSnapshot) -> int | None:
    """NAV per whole share, WAD USD, rounded down; None without prices or shares."""
    if snapshot.valuation is None or not snapshot.supply:
        return None
    return snapshot.valuation.nav * _WAD // snapshot.supply


def triggers(trigger: Trigger) -> list[m.Trigger]:
    """The reasons in a flag."""
    return [name for flag, name in _TRIGGERS.items() if flag in trigger]


def _problem(snapshot: VaultSnapshot) -> str | None:
    return None if snapshot.valuation is not None else fault_line(snapshot)


def _holding(snapshot: VaultSnapshot, place: int) -> m.Holding:
    asset, valuation = snapshot.assets[place], snapshot.valuation
    price = None if valuation is None else valuation.prices[place]
    weight = None if valuation is None else valuation.weights[place]
    return m.Holding(
        asset=asset.address,
        symbol=asset.symbol,
        decimals=asset.decimals,
        amount=str(asset.balance),
        price=text_or_none(price),
        value=None if price is None else str(asset.balance * price // 10**asset.decimals),
        weight=text_or_none(weight),
        target=str(asset.target),
        final_target=str(snapshot.schedule.targets[place]),
        band=str(asset.band),
        is_outside_band=None if weight is None else abs(weight - asset.target) > asset.band,
    )


def _rebalancing(snapshot: VaultSnapshot) -> m.Rebalancing:
    terms = snapshot.terms
    is_open = snapshot.is_open
    return m.Rebalancing(
        is_open=is_open,
        trigger=None if snapshot.valuation is None else triggers(snapshot.valuation.trigger),
        price_bound=str(snapshot.bound),
        opened_at=snapshot.opened_at if is_open else None,
        closes_at=snapshot.opened_at + terms.duration if is_open else None,
        closed_at=snapshot.closed_at or None,
        completed_at=snapshot.completed_at or None,
        head_start=snapshot.head_start,
        loss=str(snapshot.loss),
        terms=m.Terms(
            triggers=triggers(terms.triggers),
            require_all=terms.require_all,
            interval=terms.interval,
            cooldown=terms.cooldown,
            duration=terms.duration,
            start_premium=str(terms.start_premium),
            max_discount=str(terms.max_discount),
            closing_tolerance=str(terms.closing_tolerance),
            max_loss=str(terms.max_loss),
            loss_window=terms.loss_window,
        ),
    )
