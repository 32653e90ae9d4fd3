"""The shapes of the answers, a module for each resource.

Amounts are strings of base units; USD, prices, weights and ratios are strings of WAD (1e18 = 1). Times are unix seconds,
durations seconds. None stands where the oracle, or the chain's past, gives nothing.
"""
