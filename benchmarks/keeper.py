"""How fast the keeper is from a block to a signed transaction, and what it asks of its endpoint, on the devnet.

    uv run python benchmarks/keeper.py [--json] [--vaults 1 10 100] [--rebalances 20]

For each number of vaults of ten assets, of which one is due at a time: prices move, a block comes, and `tick` reads every
vault, decides, finds a route, plans, simulates, checks, signs, and writes the intent down. `p50_ms` and `p95_ms` are from the
block to the signature, the node's own work on this machine left out; `with_rpc_p50_ms` has it in. `rpc_calls_per_block` is of
blocks in which no vault is due; `rpc_calls_acting` of those in which one is sent. Exits with 1 when a target is missed.
"""

import sys

# This file has the name of the package that it measures: whoever imports that from beside it shall get the package.
sys.path.append(sys.path.pop(0))

if __name__ == "__main__":
    from keeper_bench.speed import main

    main(__doc__)
else:
    del sys.modules[__name__]
    import keeper  # noqa: F401
