"""A mainnet in a box: the real contracts of the protocols a keeper meets, at their real addresses, on a local anvil.

    from decimal import Decimal
    from devnet import addresses, market
    from devnet.box import Box
    from devnet.node import up

    with up() as node:                                    # downloads and builds once, then loads its state
        box = Box(node.url)
        usdc = addresses.token("USDC")
        box.give(usdc.address, me, usdc.units(1_000))      # from the liquidity owner
        box.send(me, usdc.address, "approve(address,uint256)", addresses.V3_ROUTER, 10**9)   # impersonated
        market.move_price(box, "LINK", Decimal(16))        # Uniswap V2, V3, Balancer's weighted pools and the feed
        market.move_dex(box, "LINK", Decimal(17))          # the markets alone
        market.warp(box, 3_600)                            # an hour later, feeds fresh

What is deployed is data (`addresses`, `packages`, `artifacts`, `codehashes`); how, is `deployer` and one module for each
protocol; `builder` runs them, `state` caches what comes out, `anvil` and `node` serve it, `verify` proves it. No bytecode is
stored here: it comes out of pinned, checksummed npm and PyPI packages, or is compiled from their sources.
"""
