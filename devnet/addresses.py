"""Ethereum mainnet's address book, as far as the box carries it, and the depths at which its markets are seeded.

Only data. An address here is the one on mainnet; the deployer asserts that each contract comes out there. Dollar amounts are
whole USD, prices are USD per whole token, fees are hundredths of a basis point.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Literal

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from keeper.errors import ConfigurationError

ZERO = "0x0000000000000000000000000000000000000000"


def _account(name: str) -> str:
    return to_checksum_address(keccak(text=f"equipoise.devnet.{name}")[12:])


# --- Accounts. The first three exist only in the box: nobody holds their keys, anvil impersonates them.
HELPER = _account("helper")  # deploys what has no fixed address, posts feed answers
LP = _account("lp")  # owns the seeded liquidity
TRADER = _account("trader")  # trades in `verify`
WHALE = "0x28C6c06298d514Db089934071355E5743bf21d60"  # an exchange's wallet that holds every token here and on mainnet


# --- Tokens
@dataclass(frozen=True, slots=True)
class Token:
    """An ERC-20: `price` is what its markets are seeded at; `whale` is what WHALE is given, in USD."""

    symbol: str
    address: str
    decimals: int
    price: Decimal
    whale: int

    def units(self, usd: Decimal | int) -> int:
        """Base units worth `usd` at the seed price, rounded down."""
        return int(Decimal(usd) / self.price * 10**self.decimals)


_TOKENS = (
    Token("WETH", "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2", 18, Decimal(3000), 300_000_000),
    Token("USDC", "0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48", 6, Decimal(1), 1_000_000_000),
    Token("USDT", "0xdAC17F958D2ee523a2206206994597C13D831ec7", 6, Decimal(1), 1_000_000_000),
    Token("DAI", "0x6B175474E89094C44Da98b954EedeAC495271d0F", 18, Decimal(1), 500_000_000),
    Token("WBTC", "0x2260FAC5E5542a773Aa44fBCfeDf7C193bc2C599", 8, Decimal(90000), 500_000_000),
    Token("LINK", "0x514910771AF9Ca656af840dff83E8264EcF986CA", 18, Decimal(14), 100_000_000),
    Token("UNI", "0x1f9840a85d5aF5bf1D1762F925BDADdC4201F984", 18, Decimal(6), 50_000_000),
    Token("AAVE", "0x7Fc66500c84A76Ad7e9c93437bFc5Ac33E2DDaE9", 18, Decimal(180), 50_000_000),
    Token("wstETH", "0x7f39C581F595B53c5cb19bD0b3f8dA6c935E2Ca0", 18, Decimal(3660), 100_000_000),
    Token("stETH", "0xae7ab96520DE3A18E5e111B5EaAb095312D7fE84", 18, Decimal(3000), 50_000_000),
    Token("CRV", "0xD533a949740bb3306d119CC777fa900bA034cd52", 18, Decimal("0.5"), 10_000_000),
    Token("COMP", "0xc00e94Cb662C3520282E6f5717214004A7f26888", 18, Decimal(40), 10_000_000),
    Token("BAL", "0xba100000625a3754423978a60c9317c58a424e3D", 18, Decimal(1), 5_000_000),
    Token("sUSD", "0x57Ab1ec28D129707052df4dF418D58a2D46d5f51", 18, Decimal(1), 20_000_000),
    Token("MKR", "0x9f8F72aA9304c8B593d555F12eF6589cC3A579A2", 18, Decimal(1600), 20_000_000),
    Token("LDO", "0x5A98FcBEA516Cf06857215779Fd812CA3beF1B32", 18, Decimal(1), 5_000_000),
)
TOKENS: Mapping[str, Token] = MappingProxyType({t.symbol: t for t in _TOKENS})
_BY_ADDRESS = {t.address.lower(): t for t in _TOKENS}

# What moves with what: the staked ethers keep their rate against ether when ether moves.
PEGGED: Mapping[str, tuple[str, ...]] = MappingProxyType({"WETH": ("stETH", "wstETH")})


def token(symbol_or_address: str) -> Token:
    """The token of that symbol (case as on chain) or address (any case).

    Raises:
        ConfigurationError: the box has no such token.
    """
    found = TOKENS.get(symbol_or_address) or _BY_ADDRESS.get(symbol_or_address.lower())
    if found is None:
        raise ConfigurationError(
            f"the devnet has no token {symbol_or_address!r}: use one of {', '.join(TOKENS)} or its address"
        )
    return found


# --- Chainlink
@dataclass(frozen=True, slots=True)
class Feed:
    """A Chainlink proxy: `base` in units of `quote` ("USD", "ETH" or "BTC"), seeded at `answer` base units of `decimals`."""

    proxy: str
    description: str
    decimals: int
    answer: int


_FEEDS = (
    Feed("0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419", "ETH / USD", 8, 3000_00000000),
    Feed("0xF4030086522a5bEEa4988F8cA5B36dbC97BeE88c", "BTC / USD", 8, 90000_00000000),
    Feed("0x8fFfFfd4AfB6115b954Bd326cbe7B4BA576818f6", "USDC / USD", 8, 1_00000000),
    Feed("0x3E7d1eAB13ad0104d2750B8863b489D65364e32D", "USDT / USD", 8, 1_00000000),
    Feed("0xAed0c38402a5d19df6E4c03F4E2DceD6e29c1ee9", "DAI / USD", 8, 1_00000000),
    Feed("0x2c1d072e956AFFC0D435Cb7AC38EF18d24d9127c", "LINK / USD", 8, 14_00000000),
    Feed("0x553303d460EE0afB37EdFf9bE42922D8FF63220e", "UNI / USD", 8, 6_00000000),
    Feed("0x547a514d5e3769680Ce22B2361c10Ea13619e8a9", "AAVE / USD", 8, 180_00000000),
    Feed("0xCfE54B5cD566aB89272946F602D76Ea879CAb4a8", "STETH / USD", 8, 3000_00000000),
    Feed("0x86392dC19c0b719886221c78AB11eb8Cf5c52812", "STETH / ETH", 18, 10**18),
    Feed("0xfdFD9C85aD200c506Cf9e21F1FD8dd01932FBB23", "WBTC / BTC", 8, 1_00000000),
    Feed("0xDC530D9457755926550b59e8ECcdaE7624181557", "LINK / ETH", 18, 14 * 10**18 // 3000),
    Feed("0xCd627aA160A6fA45Eb793D19Ef54f5062F20f33f", "CRV / USD", 8, 50000000),
    Feed("0xdbd020CAeF83eFd542f4De03e3cF0C28A4428bd5", "COMP / USD", 8, 40_00000000),
    Feed("0xdF2917806E30300537aEB49A7663062F4d1F2b5F", "BAL / USD", 8, 1_00000000),
)
FEEDS: Mapping[str, Feed] = MappingProxyType({f.description: f for f in _FEEDS})
# The feed that prices a token in USD, by symbol. WBTC is priced by BTC / USD, as on mainnet.
USD_FEEDS: Mapping[str, str] = MappingProxyType(
    {
        "WETH": "ETH / USD",
        "WBTC": "BTC / USD",
        "stETH": "STETH / USD",
        **{s: f"{s} / USD" for s in ("USDC", "USDT", "DAI", "LINK", "UNI", "AAVE", "CRV", "COMP", "BAL")},
    }
)
CHAINLINK_OWNER = "0x21f73D42Eb58Ba49dDB685dc29D3bF5c0f0373CA"

# --- Shared infrastructure
MULTICALL3 = "0xcA11bde05977b3631167028862bE2a173976CA11"
CREATE2_DEPLOYER = "0x4e59b44847b379578588920cA78FbF26c0B4956C"
PERMIT2 = "0x000000000022D473030F116dDEE9F6B43aC78BA3"

# --- Uniswap
UNISWAP_TIMELOCK = "0x1a9C8182C09F50C8318d769245beA52c32BE35BC"
V2_FACTORY = "0x5C69bEe701ef814a2B6a3EDD4B1652CB9cc5aA6f"
V2_ROUTER = "0x7a250d5630B4cF539739dF2C5dAcb4c659F2488D"
V2_INIT_CODE_HASH = "0x96e8ac4277198ff8b6f785478aa9a39f403cb768dd02cbee326c3e7da348845f"
V3_FACTORY = "0x1F98431c8aD98523631AE4a59f267346ea31F984"
V3_INIT_CODE_HASH = "0xe34f199b19b2b4f47f68442619d555527d244f78a3297ea89325f843f87b8b54"
V3_ROUTER = "0xE592427A0AEce92De3Edee1F18E0157C05861564"
V3_ROUTER_02 = "0x68b3465833fb72A70ecDF485E0e4C7bD8665Fc45"
V3_POSITION_MANAGER = "0xC36442b4a4522E871399CD717aBDD847Ab11FE88"
V3_QUOTER_V2 = "0x61fFE014bA17989E743c5F6cB21bF9697530B21e"
V3_TICK_LENS = "0xbfd8137f7d1516D3ea5cA83523914859ec47F573"
V4_POOL_MANAGER = "0x000000000004444c5dc75cB358380D2e3dE08A90"
V4_POSITION_MANAGER = "0xbD216513d74C8cf14cf4747E6AaA6420FF64ee9e"
V4_QUOTER = "0x52F0E24D1c21C8A0cB1e5a5dD6198556BD9E1203"
V4_STATE_VIEW = "0x7fFE42C4a5DEeA5b0feC41C94C136Cf115597227"
UNIVERSAL_ROUTER = "0x66a9893cC07D91D95644AEDD05D03f95e1dBA8Af"


@dataclass(frozen=True, slots=True)
class V2Pair:
    """A Uniswap V2 pair of two symbols with `usd` on each side."""

    tokens: tuple[str, str]
    address: str
    usd: int


V2_PAIRS = (
    V2Pair(("USDC", "WETH"), "0xB4e16d0168e52d35CaCD2c6185b44281Ec28C9Dc", 20_000_000),
    V2Pair(("DAI", "WETH"), "0xA478c2975Ab1Ea89e8196811F51A7B7Ade33eB11", 5_000_000),
    V2Pair(("USDT", "WETH"), "0x0d4a11d5EEaaC28EC3F61d100daF4d40471f1852", 15_000_000),
    V2Pair(("WBTC", "WETH"), "0xBb2b8038a1640196FbE3e38816F3e67Cba72D940", 5_000_000),
    V2Pair(("LINK", "WETH"), "0xa2107FA5B38d9bbd2C461D6EDf11B11A50F6b974", 2_000_000),
    V2Pair(("UNI", "WETH"), "0xd3d2E2692501A5c9Ca623199D38826e513033a17", 2_000_000),
    V2Pair(("AAVE", "WETH"), "0xDFC14d2Af169B0D36C4EFF567Ada9b2E0CAE044f", 1_000_000),
    V2Pair(("COMP", "WETH"), "0xCFfDdeD873554F362Ac02f8Fb1f02E5ada10516f", 500_000),
    V2Pair(("CRV", "WETH"), "0x3dA1313aE46132A397D90d95B1424A9A7e3e0fCE", 500_000),
    V2Pair(("MKR", "WETH"), "0xC2aDdA861F89bBB333c90c492cB837741916A225", 1_000_000),
)


@dataclass(frozen=True, slots=True)
class V3Pool:
    """A Uniswap V3 pool of two symbols at `fee` with `usd` in total, most of it near the price."""

    tokens: tuple[str, str]
    fee: int
    address: str
    usd: int


V3_POOLS = (
    V3Pool(("USDC", "WETH"), 500, "0x88e6A0c2dDD26FEEb64F039a2c41296FcB3f5640", 100_000_000),
    V3Pool(("USDC", "WETH"), 3000, "0x8ad599c3A0ff1De082011EFDDc58f1908eb6e6D8", 60_000_000),
    V3Pool(("WETH", "USDT"), 500, "0x11b815efB8f581194ae79006d24E0d814B7697F6", 30_000_000),
    V3Pool(("WETH", "USDT"), 3000, "0x4e68Ccd3E89f51C3074ca5072bbAC773960dFa36", 50_000_000),
    V3Pool(("WBTC", "WETH"), 3000, "0xCBCdF9626bC03E24f779434178A73a0B4bad62eD", 80_000_000),
    V3Pool(("WBTC", "WETH"), 500, "0x4585FE77225b41b697C938B018E2Ac67Ac5a20c0", 40_000_000),
    V3Pool(("DAI", "WETH"), 500, "0x60594a405d53811d3BC4766596EFD80fd545A270", 5_000_000),
    V3Pool(("DAI", "WETH"), 3000, "0xC2e9F25Be6257c210d7Adf0D4Cd6E3E881ba25f8", 10_000_000),
    V3Pool(("DAI", "USDC"), 100, "0x5777d92f208679DB4b9778590Fa3CAB3aC9e2168", 20_000_000),
    V3Pool(("USDC", "USDT"), 100, "0x3416cF6C708Da44DB2624D63ea0AAef7113527C6", 30_000_000),
    V3Pool(("LINK", "WETH"), 3000, "0xa6Cc3C2531FdaA6Ae1A3CA84c2855806728693e8", 20_000_000),
    V3Pool(("UNI", "WETH"), 3000, "0x1d42064Fc4Beb5F8aAF85F4617AE8b3b5B8Bd801", 15_000_000),
    V3Pool(("AAVE", "WETH"), 3000, "0x5aB53EE1d50eeF2C1DD3d5402789cd27bB52c1bB", 20_000_000),
    V3Pool(("wstETH", "WETH"), 100, "0x109830a1AAaD605BbF02a9dFA7B0B92EC2FB7dAa", 40_000_000),
    V3Pool(("COMP", "WETH"), 3000, "0xea4Ba4CE14fdd287f380b55419B1C5b6c3f22ab6", 5_000_000),
    V3Pool(("CRV", "WETH"), 3000, "0x919Fa96e88d67499339577Fa202345436bcDaf79", 5_000_000),
    V3Pool(("MKR", "WETH"), 3000, "0xe8c6c9227491C0a8156A0106A0204d881BB7E531", 10_000_000),
    V3Pool(("LDO", "WETH"), 3000, "0xa3f558aebAecAf0e11cA4b2199cC5Ed341edfd74", 5_000_000),
)
V3_TICK_SPACING: Mapping[int, int] = MappingProxyType({100: 1, 500: 10, 3000: 60, 10000: 200})

# --- Balancer V2
BALANCER_VAULT = "0xBA12222222228d8Ba445958a75a0704d566BF2C8"
BALANCER_AUTHORIZER = "0xA331D84eC860Bf466b4CdCcFb4aC09a1B43F3aE6"
BALANCER_ADMIN = "0x10A19e7eE7d7F8a52822f6817de8ea18204F2e4f"
BALANCER_FEES_COLLECTOR = "0xce88686553686DA562CE7Cea497CE749DA109f9F"
BALANCER_HELPERS = "0x5aDDCCa35b7A0D07C74063c48700C8590E87864E"
BALANCER_QUERIES = "0xE39B5e3B6D74016b2F6A9673D7d7493B6DF549d5"
BALANCER_QUERY_PROCESSOR = "0x469b58680774AAc9Ad66447eFB4EF634756A2cC5"
WSTETH_RATE_PROVIDER = "0x72D07D7DcA67b8A406aD1Ec34ce969c90bFEE768"
BALANCER_FACTORIES: Mapping[str, str] = MappingProxyType(
    {
        "BalancerWeighted2Factory": "0xA5bf2ddF098bb0Ef6d120C98217dD6B141c74EE0",
        "BalancerWeightedFactory": "0x8E9aa87E45e92bad84D5F8DD1bff34Fb92637dE9",
        "BalancerStableFactory": "0xc66Ba2B6595D3613CCab350C886aCE23866EDe24",
        "BalancerMetaStableFactory": "0x67d27634E44793fE63c467035E31ea8635117cd4",
    }
)


@dataclass(frozen=True, slots=True)
class BalancerPool:
    """A Balancer V2 pool that its factory creates at `factory_nonce`; `serial` is the Vault's counter inside its pool id.

    `shape` is the weights in percent of a weighted pool, or the one amplification parameter of a stable one.
    """

    kind: Literal["weighted", "stable", "meta-stable"]
    factory_nonce: int
    tokens: tuple[str, ...]
    shape: tuple[int, ...]
    address: str
    serial: int
    usd: int

    @property
    def pool_id(self) -> bytes:
        """bytes32: address, specialization (2 for two tokens, 0 for more), serial."""
        specialization = 2 if len(self.tokens) == 2 else 0
        return bytes.fromhex(self.address[2:]) + specialization.to_bytes(2, "big") + self.serial.to_bytes(10, "big")


BALANCER_POOLS = (
    BalancerPool(
        "weighted", 4, ("WBTC", "WETH"), (50, 50), "0xA6F548DF93de924d73be7D25dC02554c6bD66dB5", 0x0E, 20_000_000
    ),
    BalancerPool(
        "weighted", 10, ("BAL", "WETH"), (80, 20), "0x5c6Ee304399DBdB9C8Ef030aB642B10820DB8F56", 0x14, 30_000_000
    ),
    BalancerPool(
        "weighted", 15, ("USDC", "WETH"), (50, 50), "0x96646936b91d6B9D7D0c47C496AfBF3D6ec7B6f8", 0x19, 20_000_000
    ),
    BalancerPool(
        "weighted", 16, ("DAI", "WETH"), (40, 60), "0x0b09deA16768f0799065C475bE02919503cB2a35", 0x1A, 10_000_000
    ),
    BalancerPool(
        "stable", 1, ("DAI", "USDC", "USDT"), (200,), "0x06Df3b2bbB68adc8B0e302443692037ED9f91b42", 0x63, 30_000_000
    ),
    BalancerPool(
        "meta-stable", 3, ("wstETH", "WETH"), (50,), "0x32296969Ef14EB0c6d29669C550D4a0449130230", 0x80, 40_000_000
    ),
)

# --- Aave V3
AAVE_PROVIDER = "0x2f39d218133AFaB8F2B819B1066c7E434Ad94E9e"
AAVE_REGISTRY = "0xbaA999AC55EAce41CcAE355c77809e68Bb345170"
AAVE_POOL = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
AAVE_POOL_IMPLEMENTATION = "0x8147b99DF7672A21809c9093E6F6CE1a60F119Bd"
AAVE_CONFIGURATOR = "0x64b761D848206f447Fe2dd461b0c635Ec39EbB27"
AAVE_CONFIGURATOR_IMPLEMENTATION = "0x6fDdde45f777a4E461B0721a578b169b44579623"
AAVE_ORACLE = "0x54586bE62E3c3580375aE3723C145253060Ca0C2"
AAVE_ACL = "0xc2aaCf6553D20d1e9d78E365AAba8032af9c85b0"
AAVE_ADMIN = "0x5300A1a15135EA4dc7aD5a167152C01EFc9b192A"
AAVE_DATA_PROVIDER = "0x0a16f2FCC0D44FaE41cc54e079281D84A363bECD"
AAVE_REWARDS = "0x8164Cc65827dcFe994AB23944CBC90e0aa80bFcb"
AAVE_EMISSION_MANAGER = "0x223d844fc4B006D67c0cDbd39371A9F73f69d974"
AAVE_TREASURY = "0x464C71f6c2F760DdA6093dCB91C24c39e5d6e18c"
AAVE_RATE_STRATEGY = "0x9ec6F08190DeA04A54f8Afc53Db96134e5E3FdFB"
AAVE_GATEWAY = "0xd01607c3C5eCABa394D8be377a08590149325722"


@dataclass(frozen=True, slots=True)
class AaveReserve:
    """An Aave V3 reserve. The Configurator created its aToken at `nonce` and its variable debt token at `nonce + 2`.

    `price_source` stands in front of the aggregator of `feed`, or of its own one where that is None; ltv, threshold and bonus
    are basis points; `supplied` and `borrowed` are the seeded USD.
    """

    symbol: str
    nonce: int
    price_source: str
    feed: str | None
    ltv: int
    threshold: int
    bonus: int
    supplied: int
    borrowed: int = 0


AAVE_RESERVES = (
    AaveReserve(
        "WETH",
        1,
        "0x5424384B256154046E9667dDFaaa5e550145215e",
        "ETH / USD",
        8050,
        8300,
        10500,
        600_000_000,
        450_000_000,
    ),
    AaveReserve("wstETH", 4, "0xe1D97bF61901B075E9626c8A2340a7De385861Ef", None, 7850, 8100, 10600, 600_000_000),
    AaveReserve("WBTC", 7, "0xDaa4B74C6bAc4e25188e64ebc68DB5050b690cAc", "BTC / USD", 7300, 7800, 10500, 400_000_000),
    AaveReserve(
        "USDC",
        10,
        "0x3f73F03aa83B2A48ed27E964eD0fDb590332095B",
        "USDC / USD",
        7500,
        7800,
        10450,
        500_000_000,
        380_000_000,
    ),
    AaveReserve(
        "DAI", 13, "0x5c66322CA59bB61e867B28195576DbD8dA4b08dE", "DAI / USD", 6300, 7700, 10500, 100_000_000, 60_000_000
    ),
    AaveReserve("LINK", 16, "0xC7e9b623ed51F033b32AE7f1282b1AD62C28C183", "LINK / USD", 6600, 7100, 10700, 50_000_000),
    AaveReserve("AAVE", 19, "0xF02C1e2A3B77c1cacC72f72B44f7d0a4c62e4a85", "AAVE / USD", 6600, 7300, 10750, 50_000_000),
    AaveReserve(
        "USDT",
        25,
        "0x260326c220E469358846b187eE53328303Efe19C",
        "USDT / USD",
        7500,
        7800,
        10450,
        500_000_000,
        360_000_000,
    ),
)
# Aave's ERC-4626 wrappers (StataTokenV2), by the symbol of what they wrap.
AAVE_WRAPPERS: Mapping[str, str] = MappingProxyType(
    {
        "WETH": "0x0bfc9d54Fc184518A81162F8fB99c2eACa081202",
        "USDC": "0xD4fa2D31b7968E448877f69A96DE69f5de8cD23E",
        "USDT": "0x7Bc3485026Ac48b6cf9BaF0A377477Fff5703Af8",
        "DAI": "0x5caF5a86f39073637Ac7c8A7b5290871de80cb9b",
    }
)

# --- Curve, Morpho
CURVE_SUSD_POOL = "0xA5407eAE9Ba41422680e2e00537571bcC53efBfD"
CURVE_SUSD_LP = "0xC25a3A3b969415c80451098fa907EC722572917F"
CURVE_SUSD_COINS = ("DAI", "USDC", "USDT", "sUSD")
MORPHO_BLUE = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"
MORPHO_OWNER = "0xcBa28b38103307Ec8dA98377ffF9816C164f9AFa"

# --- Who lends in one transaction, for a keeper without an inventory
LENDERS: Mapping[str, str] = MappingProxyType(
    {"balancer": BALANCER_VAULT, "aave": AAVE_POOL, "morpho": MORPHO_BLUE, "uniswap_v3": V3_FACTORY}
)
