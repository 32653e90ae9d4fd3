"""The rules of when and how far to rebalance: compiled functions on one basket's floats, live and in backtests the same.

No function here reads a clock, a file or the chain. Weights are shares of NAV, money is in USD, times are unix seconds, rates
and variances are per year of 365.25 days. What the vault's contract allows is asked elsewhere, in integers.
"""

from keeper.policy.rules.decide import Verdict, decide
from keeper.policy.rules.spec import Aim, Kind, Penalty, Reason, RebalancingPolicy
from keeper.policy.rules.widths import best_widths, fill_widths

__all__ = ["Aim", "Kind", "Penalty", "Reason", "RebalancingPolicy", "Verdict", "best_widths", "decide", "fill_widths"]
