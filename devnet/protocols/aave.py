"""Aave V3: the pool with eight reserves, its oracle over Chainlink's feeds, and the ERC-4626 wrappers of four aTokens."""

from collections.abc import Mapping

from devnet import addresses as a
from devnet.addresses import LP, TOKENS
from devnet.box import calldata
from devnet.deployer import Deployer, create_address
from devnet.protocols.chainlink import deploy_aggregator, deploy_proxy

# In the order in which they can be linked: a library comes after those it uses.
LIBRARIES = (
    "BorrowLogic",
    "BridgeLogic",
    "EModeLogic",
    "LiquidationLogic",
    "PoolLogic",
    "SupplyLogic",
    "ConfiguratorLogic",
    "FlashLoanLogic",
)
MARKET_ID, MARKET_SERIAL = "Aave Ethereum Market", 30
ORACLE_UNIT = 10**8
RESERVE_FACTOR = 1_000  # basis points of the interest
FLASH_PREMIUM = 5  # basis points
VARIABLE_RATE = 2
# (optimal usage, base rate, slope below it, slope above it) in basis points
STABLE_CURVE, VOLATILE_CURVE = (9200, 0, 550, 4000), (8000, 0, 350, 8000)
STABLES = ("USDC", "USDT", "DAI")


def deploy(d: Deployer, aggregators: Mapping[str, str]) -> None:
    """Put the market up; `aggregators` are Chainlink's by description."""
    _deploy_core(d)
    _deploy_oracle(d, aggregators)
    _deploy_periphery(d)
    _deploy_reserves(d)
    _deploy_wrappers(d)


def seed(d: Deployer) -> None:
    """Supply and borrow, so that there is something to lend and interest to earn."""
    d.approve(LP, a.AAVE_POOL, tuple(TOKENS[r.symbol] for r in a.AAVE_RESERVES))
    for reserve in a.AAVE_RESERVES:
        token = TOKENS[reserve.symbol]
        args = (token.address, token.units(reserve.supplied), LP, 0)
        d.box.send(LP, a.AAVE_POOL, "supply(address,uint256,address,uint16)", *args)
    for reserve in a.AAVE_RESERVES:
        if reserve.borrowed:
            token = TOKENS[reserve.symbol]
            loan = (token.address, token.units(reserve.borrowed), VARIABLE_RATE, 0, LP)
            d.box.send(LP, a.AAVE_POOL, "borrow(address,uint256,uint256,uint16,address)", *loan)


def _deploy_core(d: Deployer) -> None:
    box = d.box
    box.fund(a.AAVE_ADMIN)
    d.in_place(a.AAVE_PROVIDER, d.init_code("Aave.PoolAddressesProvider", "string,address", MARKET_ID, a.AAVE_ADMIN))
    d.in_place(a.AAVE_REGISTRY, d.init_code("Aave.PoolAddressesProviderRegistry", "address", a.AAVE_ADMIN))
    box.send(
        a.AAVE_ADMIN, a.AAVE_REGISTRY, "registerAddressesProvider(address,uint256)", a.AAVE_PROVIDER, MARKET_SERIAL
    )
    libraries: dict[str, str] = {}
    for name in LIBRARIES:
        libraries[name] = d.anywhere(d.init_code(f"Aave.{name}", libraries=libraries))
    pool = d.init_code("Aave.PoolInstance", "address", a.AAVE_PROVIDER, libraries=libraries)
    d.in_place(a.AAVE_POOL_IMPLEMENTATION, pool)
    configurator = d.init_code("Aave.PoolConfiguratorInstance", libraries=libraries)
    d.in_place(a.AAVE_CONFIGURATOR_IMPLEMENTATION, configurator)
    box.send(a.AAVE_ADMIN, a.AAVE_PROVIDER, "setACLAdmin(address)", a.AAVE_ADMIN)
    d.in_place(a.AAVE_ACL, d.init_code("Aave.ACLManager", "address", a.AAVE_PROVIDER))
    box.send(a.AAVE_ADMIN, a.AAVE_PROVIDER, "setACLManager(address)", a.AAVE_ACL)
    box.send(a.AAVE_ADMIN, a.AAVE_ACL, "addPoolAdmin(address)", a.AAVE_ADMIN)
    # The provider creates both proxies: the pool's at its nonce 1, the configurator's at 2.
    d.set_nonce(a.AAVE_PROVIDER, 1)
    box.send(a.AAVE_ADMIN, a.AAVE_PROVIDER, "setPoolImpl(address)", a.AAVE_POOL_IMPLEMENTATION)
    d.expect(box.call(a.AAVE_PROVIDER, "getPool()(address)"), a.AAVE_POOL)
    box.send(a.AAVE_ADMIN, a.AAVE_PROVIDER, "setPoolConfiguratorImpl(address)", a.AAVE_CONFIGURATOR_IMPLEMENTATION)
    d.expect(box.call(a.AAVE_PROVIDER, "getPoolConfigurator()(address)"), a.AAVE_CONFIGURATOR)


def _deploy_oracle(d: Deployer, aggregators: Mapping[str, str]) -> None:
    for reserve in a.AAVE_RESERVES:
        answer = int(TOKENS[reserve.symbol].price * ORACLE_UNIT)
        aggregator = aggregators[reserve.feed] if reserve.feed else deploy_aggregator(d, 8, answer)
        deploy_proxy(d, reserve.price_source, aggregator)
    assets = [TOKENS[r.symbol].address for r in a.AAVE_RESERVES]
    sources = [r.price_source for r in a.AAVE_RESERVES]
    types = "address,address[],address[],address,address,uint256"
    code = d.init_code("Aave.AaveOracle", types, a.AAVE_PROVIDER, assets, sources, a.ZERO, a.ZERO, ORACLE_UNIT)
    d.in_place(a.AAVE_ORACLE, code)
    d.box.send(a.AAVE_ADMIN, a.AAVE_PROVIDER, "setPriceOracle(address)", a.AAVE_ORACLE)


def _deploy_periphery(d: Deployer) -> None:
    d.in_place(a.AAVE_DATA_PROVIDER, d.init_code("Aave.AaveProtocolDataProvider", "address", a.AAVE_PROVIDER))
    d.box.send(a.AAVE_ADMIN, a.AAVE_PROVIDER, "setPoolDataProvider(address)", a.AAVE_DATA_PROVIDER)
    d.in_place(a.AAVE_REWARDS, d.init_code("Aave.RewardsController", "address", a.AAVE_EMISSION_MANAGER))
    d.in_place(
        a.AAVE_RATE_STRATEGY, d.init_code("Aave.DefaultReserveInterestRateStrategyV2", "address", a.AAVE_PROVIDER)
    )
    parts = (TOKENS["WETH"].address, a.AAVE_ADMIN, a.AAVE_POOL)
    d.in_place(a.AAVE_GATEWAY, d.init_code("Aave.WrappedTokenGatewayV3", "address,address,address", *parts))


def _deploy_reserves(d: Deployer) -> None:
    box = d.box
    a_token = d.anywhere(d.init_code("Aave.ATokenInstance", "address", a.AAVE_POOL))
    debt_token = d.anywhere(d.init_code("Aave.VariableDebtTokenInstance", "address", a.AAVE_POOL))
    proxy = d.init_code("Aave.InitializableImmutableAdminUpgradeabilityProxy", "address", a.AAVE_CONFIGURATOR)
    for reserve in a.AAVE_RESERVES:  # by ascending nonce: anvil does not let a used account go back
        for nonce in (reserve.nonce, reserve.nonce + 2):
            d.create(a.AAVE_CONFIGURATOR, nonce, proxy, create_address(a.AAVE_CONFIGURATOR, nonce))
    for reserve in a.AAVE_RESERVES:
        token, name = TOKENS[reserve.symbol], reserve.symbol
        a_proxy, debt_proxy = (a_token_address(reserve), create_address(a.AAVE_CONFIGURATOR, reserve.nonce + 2))
        box.send(
            a.AAVE_CONFIGURATOR,
            a_proxy,
            "initialize(address,bytes)",
            a_token,
            calldata(
                "initialize(address,address,address,address,uint8,string,string,bytes)",
                *(a.AAVE_POOL, a.AAVE_TREASURY, token.address, a.AAVE_REWARDS, token.decimals),
                *(f"Aave Ethereum {name}", f"aEth{name}", b""),
            ),
        )
        box.send(
            a.AAVE_CONFIGURATOR,
            debt_proxy,
            "initialize(address,bytes)",
            debt_token,
            calldata(
                "initialize(address,address,address,uint8,string,string,bytes)",
                *(a.AAVE_POOL, token.address, a.AAVE_REWARDS, token.decimals),
                *(f"Aave Ethereum Variable Debt {name}", f"variableDebtEth{name}", b""),
            ),
        )
        init = (token.address, a_proxy, debt_proxy, a.AAVE_RATE_STRATEGY)
        box.send(a.AAVE_CONFIGURATOR, a.AAVE_POOL, "initReserve(address,address,address,address)", *init)
        _configure(d, reserve)
    box.send(a.AAVE_ADMIN, a.AAVE_CONFIGURATOR, "updateFlashloanPremiumTotal(uint128)", FLASH_PREMIUM)


def _configure(d: Deployer, reserve: a.AaveReserve) -> None:
    token = TOKENS[reserve.symbol]
    # The reserve's bit map (Aave's ReserveConfiguration): decimals at bit 48, active at 56, virtual accounting at 252.
    flags = token.decimals << 48 | 1 << 56 | 1 << 252
    d.box.send(a.AAVE_CONFIGURATOR, a.AAVE_POOL, "setConfiguration(address,(uint256))", token.address, (flags,))
    curve = STABLE_CURVE if reserve.symbol in STABLES else VOLATILE_CURVE
    signature = "setInterestRateParams(address,(uint16,uint32,uint32,uint32))"
    d.box.send(a.AAVE_CONFIGURATOR, a.AAVE_RATE_STRATEGY, signature, token.address, curve)

    def configure(signature: str, *args: int | bool) -> None:
        d.box.send(a.AAVE_ADMIN, a.AAVE_CONFIGURATOR, signature, token.address, *args)

    limits = (reserve.ltv, reserve.threshold, reserve.bonus)
    configure("configureReserveAsCollateral(address,uint256,uint256,uint256)", *limits)
    configure("setReserveBorrowing(address,bool)", reserve.symbol != "AAVE")
    configure("setReserveFlashLoaning(address,bool)", True)
    configure("setReserveFactor(address,uint256)", RESERVE_FACTOR)


def _deploy_wrappers(d: Deployer) -> None:
    implementation = d.anywhere(d.init_code("Aave.StataTokenV2", "address,address", a.AAVE_POOL, a.AAVE_REWARDS))
    reserves = {r.symbol: r for r in a.AAVE_RESERVES}
    for symbol, at in a.AAVE_WRAPPERS.items():
        names = (f"Wrapped Aave Ethereum {symbol}", f"waEth{symbol}")
        start = calldata("initialize(address,string,string)", a_token_address(reserves[symbol]), *names)
        parts = (implementation, a.AAVE_ADMIN, start)
        d.in_place(at, d.init_code("Aave.TransparentUpgradeableProxy", "address,address,bytes", *parts))


def a_token_address(reserve: a.AaveReserve) -> str:
    """Where the Configurator created the reserve's aToken."""
    return create_address(a.AAVE_CONFIGURATOR, reserve.nonce)
