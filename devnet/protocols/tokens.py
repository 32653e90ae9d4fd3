"""The ERC-20s of a DeFi index at their mainnet addresses and decimals, and the holdings that everything else is seeded from."""

from devnet.addresses import LP, TOKENS, UNISWAP_TIMELOCK, WHALE, ZERO
from devnet.box import calldata
from devnet.deployer import FAR_FUTURE, MAX_UINT, Deployer, create_address
from keeper.errors import ChainError

WETH_DEPLOYER, WETH_NONCE = "0x4F26FfBe5F04ED43630fdC30A87638d53D0b0876", 446
CIRCLE, USDC_NONCE = "0x95Ba4cF87D6723ad9C0Db21737D862bE80e93911", 20
USDC_IMPLEMENTATION = "0xa2327a938Febf5FEC13baCFb16Ae10EcBc4cbDCF"
USDC_ADMIN = "0x807a96288A1A408dBC13DE2b1d087d10356395d2"
USDC_OWNER = "0xFcb19e6a322b27c06842A71e8c725399f049AE3a"
USDC_MASTER_MINTER = "0xE982615d461DD5cD06575BbeA87624fda4e3de17"
USDC_PAUSER = "0x4914f61d25E5C567143774B76eDBf4d5109A8566"
USDC_BLACKLISTER = "0x10DF6B6fe66dd319B1f82BaB2d054cbb61cdAD2e"
MAKER, DAI_FACTORY_NONCE = "0xdDb108893104dE4E1C6d0E47c42237dB4E617ACc", 1215
DAI_JOIN = "0x9759A6Ac90977b93B58547b4A71c78317f391A28"
TETHER_OWNER = "0xC6CDE7C39eB2f0F0095F41570af89eFC2C1Ea828"
LINK_DEPLOYER, LINK_NONCE = "0xf55037738604FDDFC4043D12F25124E94D7D1780", 4
UNI_DEPLOYER, UNI_NONCE = "0x41653c7d61609D856f29355E404F310Ec4142Cfb", 0
AAVE_DEPLOYER, AAVE_NONCE = "0x51F22ac850D29C879367A77D241734AcB276B815", 39
AAVE_TOKEN_IMPLEMENTATION = "0x96F68837877fd0414B55050c9e794AECdBcfCA59"
AAVE_TOKEN_ADMIN = "0x61910EcD7e8e942136CE7Fe7943f956cea1CC2f7"

# Base units that LP gets of each token, all far above what the seeding needs.
WETH_SUPPLY = 6_000_000 * 10**18
USDC_SUPPLY = USDT_SUPPLY = 20_000_000_000 * 10**6
DAI_SUPPLY = 5_000_000_000 * 10**18
LINK_SUPPLY = 900_000_000 * 10**18
WBTC_SUPPLY = 1_000_000 * 10**8
OTHER_SUPPLY = 500_000_000 * 10**18
STETH_SHARES = 2_000_000 * 10**18
STETH_POOLED = 2_440_000 * 10**18  # 1.22 ether behind each share, the rate of wstETH


def deploy(d: Deployer) -> None:
    """Put every token up."""
    address = {symbol: token.address for symbol, token in TOKENS.items()}
    d.create(WETH_DEPLOYER, WETH_NONCE, d.init_code("WETH9"), address["WETH"])
    _deploy_usdc(d)
    _deploy_dai(d)
    d.create(LINK_DEPLOYER, LINK_NONCE, d.init_code("Link"), address["LINK"])
    uni = d.init_code("Uni", "address,address,uint256", LP, UNISWAP_TIMELOCK, FAR_FUTURE)
    d.create(UNI_DEPLOYER, UNI_NONCE, uni, address["UNI"])
    _deploy_aave(d)
    d.in_place(address["COMP"], d.init_code("Comp", "address", LP))
    d.in_place(address["CRV"], d.init_code("Crv", "string,string,uint256", "Curve DAO Token", "CRV", 18), sender=LP)

    d.in_place(address["USDT"], d.init_code("Tether", "address", TETHER_OWNER))
    for symbol, code in (
        ("WBTC", "WrappedBitcoin"),
        ("MKR", "MakerToken"),
        ("LDO", "LidoToken"),
        ("stETH", "StakedEther"),
    ):
        d.in_place(address[symbol], d.init_code(code, "address", LP))
    d.in_place(address["wstETH"], d.init_code("WrappedStakedEther", "address", address["stETH"]))
    for symbol, name in (("BAL", "Balancer"), ("sUSD", "Synth sUSD")):
        plain = d.init_code("PlainToken", "string,string,uint8,address", name, symbol, 18, LP)
        d.in_place(address[symbol], plain)

    for token in TOKENS.values():
        if d.box.call(token.address, "decimals()(uint256)") != token.decimals:
            raise ChainError(f"{token.symbol} has other decimals than the address book says: {token.decimals}")


def seed(d: Deployer) -> None:
    """Give LP enough of every token for all seeding, and WHALE its share."""
    box = d.box
    address = {symbol: token.address for symbol, token in TOKENS.items()}
    box.fund(LP, 20_000_000)
    box.fund(WHALE, 1_000_000)
    box.send(LP, address["WETH"], "deposit()", value=WETH_SUPPLY)
    box.send(LP, address["USDC"], "mint(address,uint256)", LP, USDC_SUPPLY)
    box.send(MAKER, address["DAI"], "mint(address,uint256)", LP, DAI_SUPPLY)
    box.fund(TETHER_OWNER)
    box.send(TETHER_OWNER, address["USDT"], "issue(uint256)", USDT_SUPPLY)
    box.send(TETHER_OWNER, address["USDT"], "transfer(address,uint256)", LP, USDT_SUPPLY)
    box.send(LINK_DEPLOYER, address["LINK"], "transfer(address,uint256)", LP, LINK_SUPPLY)
    box.send(LP, address["WBTC"], "mint(address,uint256)", LP, WBTC_SUPPLY)
    for symbol in ("BAL", "sUSD", "MKR", "LDO"):
        box.send(LP, address[symbol], "mint(address,uint256)", LP, OTHER_SUPPLY)
    box.send(LP, address["stETH"], "submit(address)", ZERO, value=STETH_SHARES)
    box.send(LP, address["stETH"], "rebase(uint256)", STETH_POOLED)
    box.fund(address["stETH"], STETH_POOLED // 10**18)
    box.send(LP, address["stETH"], "approve(address,uint256)", address["wstETH"], MAX_UINT)
    box.send(LP, address["wstETH"], "wrap(uint256)", STETH_POOLED * 3 // 4)
    for token in TOKENS.values():
        box.send(LP, token.address, "transfer(address,uint256)", WHALE, token.units(token.whale))


def _deploy_usdc(d: Deployer) -> None:
    """Circle's proxy over FiatToken V2.1, initialised step by step as on mainnet; LP may mint without limit."""
    box, usdc = d.box, TOKENS["USDC"].address
    implementation = d.in_place(USDC_IMPLEMENTATION, d.init_code("UsdcImplementation"))
    d.create(CIRCLE, USDC_NONCE, d.init_code("UsdcProxy", "address", implementation), usdc)
    box.send(CIRCLE, usdc, "changeAdmin(address)", USDC_ADMIN)
    box.fund(USDC_OWNER)
    box.fund(USDC_MASTER_MINTER)
    box.send(
        USDC_OWNER,
        usdc,
        "initialize(string,string,string,uint8,address,address,address,address)",
        *("USD Coin", "USDC", "USD", 6),
        *(USDC_MASTER_MINTER, USDC_PAUSER, USDC_BLACKLISTER, USDC_OWNER),
    )
    box.send(USDC_OWNER, usdc, "initializeV2(string)", "USD Coin")
    box.send(USDC_OWNER, usdc, "initializeV2_1(address)", USDC_OWNER)
    box.send(USDC_MASTER_MINTER, usdc, "configureMinter(address,uint256)", LP, MAX_UINT)


def _deploy_dai(d: Deployer) -> None:
    """The deployer makes DaiFab, and DaiFab makes Dai as its first contract."""
    factory = d.create(MAKER, DAI_FACTORY_NONCE, d.init_code("DaiFab"), create_address(MAKER, DAI_FACTORY_NONCE))
    d.box.send(MAKER, factory, "newDai(uint256)", 1)
    dai = d.expect(create_address(factory, 1), TOKENS["DAI"].address)
    d.box.send(MAKER, dai, "rely(address)", DAI_JOIN)


def _deploy_aave(d: Deployer) -> None:
    """The AAVE proxy starts on version 1, which mints the supply to LP, and is upgraded to version 2."""
    box, aave = d.box, TOKENS["AAVE"].address
    first = d.anywhere(d.init_code("AaveTokenV1"))
    second = d.in_place(AAVE_TOKEN_IMPLEMENTATION, d.init_code("AaveTokenV2"))
    d.create(AAVE_DEPLOYER, AAVE_NONCE, d.init_code("AaveTokenProxy"), aave)
    mint_to_lp = calldata("initialize(address,address,address)", LP, LP, ZERO)
    box.send(AAVE_DEPLOYER, aave, "initialize(address,address,bytes)", first, AAVE_TOKEN_ADMIN, mint_to_lp)
    box.fund(AAVE_TOKEN_ADMIN)
    box.send(AAVE_TOKEN_ADMIN, aave, "upgradeToAndCall(address,bytes)", second, calldata("initialize()"))
