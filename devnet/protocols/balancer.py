"""Balancer V2: the Vault, its helpers, four factories, and six pools under their mainnet addresses and pool ids."""

from decimal import Decimal
from typing import Any

from eth_abi.abi import encode

from devnet import addresses as a
from devnet.addresses import LP, TOKENS
from devnet.deployer import Deployer
from keeper.errors import ChainError

DAY = 86_400
PAUSE_WINDOW, BUFFER = 90 * DAY, 30 * DAY
RATE_CACHE = 10_800  # seconds
STORAGE_SLOTS = 12  # how far to look for the Vault's pool counter
FACTORY_OF = {
    "weighted": "BalancerWeighted2Factory",
    "stable": "BalancerStableFactory",
    "meta-stable": "BalancerMetaStableFactory",
}


def deploy(d: Deployer) -> None:
    """Put the Vault and everything around it up."""
    weth = TOKENS["WETH"].address
    d.box.fund(a.BALANCER_ADMIN)
    d.in_place(a.BALANCER_AUTHORIZER, d.init_code("BalancerAuthorizer", "address", a.BALANCER_ADMIN))
    parts = (a.BALANCER_AUTHORIZER, weth, PAUSE_WINDOW, BUFFER)
    d.in_place(a.BALANCER_VAULT, d.init_code("BalancerVault", "address,address,uint256,uint256", *parts))
    # The Vault's constructor made it, at the Vault's nonce 1.
    d.expect(d.box.call(a.BALANCER_VAULT, "getProtocolFeesCollector()(address)"), a.BALANCER_FEES_COLLECTOR)
    d.in_place(a.BALANCER_HELPERS, d.init_code("BalancerHelpers", "address", a.BALANCER_VAULT))
    d.in_place(a.BALANCER_QUERIES, d.init_code("BalancerQueries", "address", a.BALANCER_VAULT))
    libraries = {"QueryProcessor": d.in_place(a.BALANCER_QUERY_PROCESSOR, d.init_code("QueryProcessor"))}
    for name, at in a.BALANCER_FACTORIES.items():
        d.in_place(at, d.init_code(name, "address", a.BALANCER_VAULT, libraries=libraries))
    d.in_place(a.WSTETH_RATE_PROVIDER, d.init_code("WstethRateProvider", "address", TOKENS["wstETH"].address))


def seed(d: Deployer) -> None:
    """Let each factory create its pools at their nonces, with the Vault's counter set so that the pool ids are mainnet's."""
    d.approve(
        LP, a.BALANCER_VAULT, tuple(TOKENS[s] for s in sorted({s for pool in a.BALANCER_POOLS for s in pool.tokens}))
    )
    counter = _pool_counter_slot(d)
    for pool in a.BALANCER_POOLS:
        factory = a.BALANCER_FACTORIES[FACTORY_OF[pool.kind]]
        d.box.rpc("anvil_setStorageAt", a.BALANCER_VAULT, hex(counter), f"0x{pool.serial:064x}")
        d.set_nonce(factory, pool.factory_nonce)
        _create(d, pool, factory)
        if d.box.call(pool.address, "getPoolId()(bytes32)") != pool.pool_id:
            raise ChainError(f"the Balancer pool {pool.address} has another pool id than 0x{pool.pool_id.hex()}")
        _join(d, pool)


def _create(d: Deployer, pool: a.BalancerPool, factory: str) -> None:
    symbols = _sorted_symbols(pool)
    tokens = [TOKENS[symbol].address for symbol in symbols]
    label = "-".join(symbols)
    args: tuple[Any, ...]
    if pool.kind == "weighted":
        weight = dict(zip(pool.tokens, pool.shape, strict=True))
        weights = [weight[symbol] * 10**16 for symbol in symbols]
        types = "string,string,address[],uint256[],uint256,bool,address"
        args = (label, label, tokens, weights, 3 * 10**15, True, LP)
    elif pool.kind == "stable":
        types = "string,string,address[],uint256,uint256,address"
        args = (label, label, tokens, pool.shape[0], 5 * 10**14, LP)
    else:
        providers = [a.WSTETH_RATE_PROVIDER if symbol == "wstETH" else a.ZERO for symbol in symbols]
        types = "string,string,address[],uint256,address[],uint256[],uint256,bool,address"
        args = (label, label, tokens, pool.shape[0], providers, [RATE_CACHE] * 2, 4 * 10**14, True, LP)
    d.box.send(LP, factory, f"create({types})", *args)


def _join(d: Deployer, pool: a.BalancerPool) -> None:
    symbols = _sorted_symbols(pool)
    even = Decimal(1) / len(symbols)
    share = (
        {s: Decimal(w) / 100 for s, w in zip(pool.tokens, pool.shape, strict=True)} if pool.kind == "weighted" else {}
    )
    amounts = [TOKENS[symbol].units(pool.usd * share.get(symbol, even)) for symbol in symbols]
    first_join = encode(["uint256", "uint256[]"], [0, amounts])
    request = ([TOKENS[symbol].address for symbol in symbols], amounts, first_join, False)
    signature = "joinPool(bytes32,address,address,(address[],uint256[],bytes,bool))"
    d.box.send(LP, a.BALANCER_VAULT, signature, pool.pool_id, LP, LP, request)


def _pool_counter_slot(d: Deployer) -> int:
    """The Vault's storage slot that grows by one when a pool registers, found by registering one and undoing it."""

    def words() -> list[int]:
        return [
            int(d.box.rpc("eth_getStorageAt", a.BALANCER_VAULT, hex(i), "latest"), 16) for i in range(STORAGE_SLOTS)
        ]

    snapshot, before = d.box.snapshot(), words()
    d.box.send(LP, a.BALANCER_VAULT, "registerPool(uint8)", 2)
    grown = [i for i, (old, new) in enumerate(zip(before, words(), strict=True)) if new - old == 1]
    d.box.revert(snapshot)
    if len(grown) != 1:
        raise ChainError(f"Balancer's pool counter is not one slot among the first {STORAGE_SLOTS}: {grown}")
    return grown[0]


def _sorted_symbols(pool: a.BalancerPool) -> list[str]:
    return sorted(pool.tokens, key=lambda symbol: int(TOKENS[symbol].address, 16))
