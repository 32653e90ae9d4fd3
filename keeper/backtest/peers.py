"""What a policy is measured against in the same run: doing nothing, the calendar, a weighted pool, a governance auction."""

from dataclasses import replace

from keeper.backtest.fund import Auction, Fund, Terms
from keeper.policy.rules import Kind, RebalancingPolicy
from keeper.policy.rules.spec import DAY_S

HOLD = RebalancingPolicy(Kind.NEVER)
MONTHLY = RebalancingPolicy(Kind.CALENDAR, cron="0 0 1 * *", is_guarded=False)


def governance(fund: Fund) -> Fund:
    """The fund with Reserve-style auctions: a range of 10 % around the prices of two days before, falling for half an hour.

    No oracle bounds them: where the market leaves the range, they are filled under it or not at all.
    """
    return replace(
        fund,
        terms=Terms(
            auction=int(Auction.GOVERNANCE),
            price_range=0.1,
            delay=2 * DAY_S,
            duration=1_800,
            streaming=fund.terms.streaming,
        ),
    )
