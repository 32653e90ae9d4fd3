"""Uniswap V2, V3 and V4 with Permit2 and the Universal Router, and Multicall3, which their tools read through."""

import math
from decimal import Decimal, localcontext

from eth_abi.abi import encode

from devnet import addresses as a
from devnet.addresses import LP, TOKENS, Token
from devnet.deployer import FAR_FUTURE, Deployer

V2_DEPLOYER = "0x9C33eaCc2F50E39940D3AfaF2c7B8246B681A374"
V2_FEE_SETTER = "0xc0a4272bb5df52134178Df25d77561CfB17ce407"
V3_DEPLOYER = "0x6C9FC64A53c1b71FB3f9Af64d1ae3A4931A5f4E9"
V4_POSITION_DESCRIPTOR = "0xd1428Ba554F4C8450b763a0B2040A4935c63f06C"
V4_UNSUBSCRIBE_GAS = 150_000
PERMIT2_SALT = bytes.fromhex("0000000000000000000000000000000000000000d3af2663da51c10215000000")
# The package's Universal Router was built with a source hash at its end (53 bytes), mainnet's without one (12 bytes).
UNIVERSAL_ROUTER_TAIL = bytes.fromhex("a164736f6c634300081a000a")

MIN_TICK, MAX_TICK = -887272, 887272
OBSERVATIONS = 64
# Positions around the price, as (half width in ticks, share of the pool's money); 1,200 ticks are 12.7 %.
RANGES = ((MAX_TICK, Decimal("0.2")), (6000, Decimal("0.4")), (1200, Decimal("0.4")))
STABLE_RANGES = ((2000, Decimal("0.3")), (200, Decimal("0.4")), (20, Decimal("0.3")))
V4_KEY_TYPE = "(address,address,uint24,int24,address)"
V4_ETHER_POOL = (a.ZERO, TOKENS["USDC"].address, 500, 10, a.ZERO)  # ether and USDC at 0.05 %, no hook
V4_USD = 20_000_000  # on each side


def deploy(d: Deployer) -> None:
    """Put the factories, routers, quoters and managers up."""
    weth = TOKENS["WETH"].address
    factory = d.init_code("V2Factory", "address", V2_FEE_SETTER)
    d.create(V2_DEPLOYER, 0, factory, a.V2_FACTORY)
    d.create(V2_DEPLOYER, 3, d.init_code("V2Router02", "address,address", a.V2_FACTORY, weth), a.V2_ROUTER)
    _deploy_v3(d, weth)
    d.create2(a.CREATE2_DEPLOYER, PERMIT2_SALT, d.init_code("Permit2"), a.PERMIT2)
    _deploy_v4(d, weth)
    d.set_code(a.MULTICALL3, d.init_code("Multicall3"))
    d.expect(a.MULTICALL3, a.MULTICALL3)


def _deploy_v3(d: Deployer, weth: str) -> None:
    def create(nonce: int, init_code: bytes, expected: str) -> str:
        return d.create(V3_DEPLOYER, nonce, init_code, expected)

    two = (a.V3_FACTORY, weth)
    create(0, d.init_code("V3Factory"), a.V3_FACTORY)
    admin = create(1, d.init_code("V3ProxyAdmin"), "0xB753548F6E010e7e680BA186F9Ca1BdAB2E90cf2")
    create(2, d.init_code("V3TickLens"), a.V3_TICK_LENS)
    create(3, d.init_code("V3Quoter", "address,address", *two), "0xb27308f9F90D607463bb33eA1BeBb41C27CE5AB6")
    create(4, d.init_code("V3SwapRouter", "address,address", *two), a.V3_ROUTER)
    library = create(5, d.init_code("NFTDescriptor"), "0x42B24A95702b9986e82d421cC3568932790A48Ec")
    code = d.init_code("V3PositionDescriptor", "address", weth, libraries={"NFTDescriptor": library})
    implementation = create(6, code, "0x91ae842A5Ffd8d12023116943e72A606179294f3")
    code = d.init_code("V3DescriptorProxy", "address,address,bytes", implementation, admin, b"")
    descriptor = create(7, code, "0xEe6A57eC80ea46401049E92587E52f5Ec1c24785")
    create(8, d.init_code("V3PositionManager", "address,address,address", *two, descriptor), a.V3_POSITION_MANAGER)
    code = d.init_code("V3Migrator", "address,address,address", *two, a.V3_POSITION_MANAGER)
    create(9, code, "0xA5644E29708357803b5A882D272c41cC0dF92B34")
    create(13, d.init_code("V3QuoterV2", "address,address", *two), a.V3_QUOTER_V2)
    parts = (a.V2_FACTORY, a.V3_FACTORY, a.V3_POSITION_MANAGER, weth)
    create(14, d.init_code("V3SwapRouter02", "address,address,address,address", *parts), a.V3_ROUTER_02)
    d.box.send(V3_DEPLOYER, a.V3_FACTORY, "enableFeeAmount(uint24,int24)", 100, a.V3_TICK_SPACING[100])
    d.box.send(V3_DEPLOYER, a.V3_FACTORY, "setOwner(address)", a.UNISWAP_TIMELOCK)


def _deploy_v4(d: Deployer, weth: str) -> None:
    d.in_place(a.V4_POOL_MANAGER, d.init_code("V4PoolManager", "address", a.UNISWAP_TIMELOCK))
    parts = (a.V4_POOL_MANAGER, a.PERMIT2, V4_UNSUBSCRIBE_GAS, V4_POSITION_DESCRIPTOR, weth)
    code = d.init_code("V4PositionManager", "address,address,uint256,address,address", *parts)
    d.in_place(a.V4_POSITION_MANAGER, code)
    d.in_place(a.V4_QUOTER, d.init_code("V4Quoter", "address", a.V4_POOL_MANAGER))
    d.in_place(a.V4_STATE_VIEW, d.init_code("V4StateView", "address", a.V4_POOL_MANAGER))
    hashes = (bytes.fromhex(a.V2_INIT_CODE_HASH[2:]), bytes.fromhex(a.V3_INIT_CODE_HASH[2:]))
    pools = (a.V4_POOL_MANAGER, a.V3_POSITION_MANAGER, a.V4_POSITION_MANAGER)
    settings = (a.PERMIT2, weth, a.V2_FACTORY, a.V3_FACTORY, *hashes, *pools)
    code = d.init_code(
        "UniversalRouter", "(address,address,address,address,bytes32,bytes32,address,address,address)", settings
    )
    d.in_place(a.UNIVERSAL_ROUTER, code, adjust=lambda runtime: runtime[:-53] + UNIVERSAL_ROUTER_TAIL)


def seed(d: Deployer) -> None:
    """Open every pair and pool of the address book at the seed prices, and the V4 ether pool."""
    traded = {symbol for market in (*a.V2_PAIRS, *a.V3_POOLS) for symbol in market.tokens}
    tokens = tuple(TOKENS[symbol] for symbol in sorted(traded))
    for spender in (a.V2_ROUTER, a.V3_POSITION_MANAGER, a.V3_ROUTER):
        d.approve(LP, spender, tokens)
    for pair in a.V2_PAIRS:
        _seed_pair(d, pair)
    for pool in a.V3_POOLS:
        _seed_pool(d, pool)
    _seed_v4(d)


def _seed_pair(d: Deployer, pair: a.V2Pair) -> None:
    x, y = (TOKENS[symbol] for symbol in pair.tokens)
    d.box.send(
        LP,
        a.V2_ROUTER,
        "addLiquidity(address,address,uint256,uint256,uint256,uint256,address,uint256)",
        *(x.address, y.address, x.units(pair.usd), y.units(pair.usd), 0, 0, LP, FAR_FUTURE),
    )
    d.expect(d.box.call(a.V2_FACTORY, "getPair(address,address)(address)", x.address, y.address), pair.address)


def _seed_pool(d: Deployer, pool: a.V3Pool) -> None:
    t0, t1 = sorted((TOKENS[symbol] for symbol in pool.tokens), key=lambda t: int(t.address, 16))
    spacing = a.V3_TICK_SPACING[pool.fee]
    sqrt_price, tick = _start(t0, t1)
    key = (t0.address, t1.address, pool.fee)
    d.box.send(
        LP,
        a.V3_POSITION_MANAGER,
        "createAndInitializePoolIfNecessary(address,address,uint24,uint160)",
        *key,
        sqrt_price,
    )
    d.expect(d.box.call(a.V3_FACTORY, "getPool(address,address,uint24)(address)", *key), pool.address)
    d.box.send(LP, pool.address, "increaseObservationCardinalityNext(uint16)", OBSERVATIONS)
    lowest, highest = -(MAX_TICK // spacing) * spacing, MAX_TICK // spacing * spacing
    for width, share in STABLE_RANGES if pool.fee == 100 else RANGES:
        lower = max(lowest, (tick - width) // spacing * spacing)
        upper = min(highest, (tick + width) // spacing * spacing + spacing)
        side = pool.usd * share / 2
        d.box.send(
            LP,
            a.V3_POSITION_MANAGER,
            "mint((address,address,uint24,int24,int24,uint256,uint256,uint256,uint256,address,uint256))",
            (*key, lower, upper, t0.units(side), t1.units(side), 0, 0, LP, FAR_FUTURE),
        )


def _seed_v4(d: Deployer) -> None:
    """One position of 6,000 ticks to each side, minted through the PositionManager's action list."""
    ether, usdc = TOKENS["WETH"], TOKENS["USDC"]
    sqrt_price, tick = _start(ether, usdc)
    d.box.send(LP, a.V4_POOL_MANAGER, f"initialize({V4_KEY_TYPE},uint160)", V4_ETHER_POOL, sqrt_price)
    d.approve(LP, a.PERMIT2, (usdc,))
    permit = (usdc.address, a.V4_POSITION_MANAGER, 2**160 - 1, 2**48 - 1)
    d.box.send(LP, a.PERMIT2, "approve(address,address,uint160,uint48)", *permit)
    lower, upper = ((tick + width) // 10 * 10 for width in (-6000, 6000))
    low, now, high = (Decimal("1.0001") ** (Decimal(t) / 2) for t in (lower, tick, upper))
    # Liquidity that both sides can pay for: Uniswap V3 white paper, equations 6.29 and 6.30.
    amount0, amount1 = ether.units(V4_USD), usdc.units(V4_USD)
    liquidity = int(min(amount0 * now * high / (high - now), amount1 / (now - low)))
    mint = encode(
        [V4_KEY_TYPE, "int24", "int24", "uint256", "uint128", "uint128", "address", "bytes"],
        [V4_ETHER_POOL, lower, upper, liquidity, 2**128 - 1, 2**128 - 1, LP, b""],
    )
    settle = encode(["address", "address"], [a.ZERO, usdc.address])
    sweep = encode(["address", "address"], [a.ZERO, LP])
    # Actions of v4-periphery's Actions.sol: MINT_POSITION, SETTLE_PAIR, SWEEP.
    actions = encode(["bytes", "bytes[]"], [bytes([0x02, 0x0D, 0x14]), [mint, settle, sweep]])
    d.box.send(
        LP, a.V4_POSITION_MANAGER, "modifyLiquidities(bytes,uint256)", actions, FAR_FUTURE, value=amount0 * 6 // 5
    )


def _start(t0: Token, t1: Token) -> tuple[int, int]:
    """(square-root price as Q64.96, tick) at the seed prices; the price is token1 base units for one of token0."""
    with localcontext(prec=60):
        price = t0.price / t1.price * Decimal(10) ** (t1.decimals - t0.decimals)
        tick = math.floor(price.ln() / Decimal("1.0001").ln())
        return int(price.sqrt() * 2**96), tick
