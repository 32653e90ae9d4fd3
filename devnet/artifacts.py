"""Where each contract's creation code comes from, and the bundle of all of them.

Three kinds of source: compiled artifacts inside a package, sources that are compiled with the exact compiler and settings of
mainnet, and two oddities (Maker's code sits in the recorded transactions of its test chain, Multicall3's in ape's constants).
The bundle is cached by the hash of this file, the pins, the compiler driver and our own Solidity.
"""

import io
import json
import posixpath
import re
import tarfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from filelock import FileLock

from devnet import packages as p
from devnet.compiler import Job, compile_solidity
from keeper.errors import ToolchainError
from keeper.toolchain import Package, cache_dir, fetch_all, progress

_AAVE = "eth_defi/abi/aave_v3/"
_V3_PERIPHERY = "artifacts/contracts/"
_BALANCER = "dist/tasks/"
_BALANCER_OLD = "dist/tasks/deprecated/"

# name → (package, path of its artifact)
ARTIFACTS: Mapping[str, tuple[Package, str]] = {
    # tokens
    "UsdcProxy": (p.WEB3_DEFI, "eth_defi/abi/centre/FiatTokenProxy.json"),
    "UsdcImplementation": (p.WEB3_DEFI, "eth_defi/abi/centre/FiatTokenV2_1.json"),
    "Link": (p.CHAINLINK, "abi/v0.4/LinkToken.json"),
    "Uni": (p.UNI, "build/Uni.json"),
    "AaveTokenV1": (p.AAVE_TOKEN, "artifacts/contracts/token/AaveToken.sol/AaveToken.json"),
    "AaveTokenV2": (p.AAVE_TOKEN, "artifacts/contracts/token/AaveTokenV2.sol/AaveTokenV2.json"),
    "AaveTokenProxy": (
        p.AAVE_TOKEN,
        "artifacts/contracts/open-zeppelin/InitializableAdminUpgradeabilityProxy.sol/InitializableAdminUpgradeabilityProxy.json",
    ),
    "Comp": (p.SET, "external/abi/compound/Comp.json"),
    "Crv": (p.SET, "external/abi/curve/CRVToken.json"),
    # Chainlink
    "FeedProxy": (p.CHAINLINK, "abi/v0.6/EACAggregatorProxy.json"),
    "FeedAggregator": (p.CHAINLINK, "abi/v0.6/MockV3Aggregator.json"),
    # Uniswap
    "V2Factory": (p.V2_CORE, "build/UniswapV2Factory.json"),
    "V2Router02": (p.V2_PERIPHERY, "build/UniswapV2Router02.json"),
    "V3Factory": (p.V3_CORE, "artifacts/contracts/UniswapV3Factory.sol/UniswapV3Factory.json"),
    "V3ProxyAdmin": (p.OPENZEPPELIN, "build/contracts/ProxyAdmin.json"),
    "V3DescriptorProxy": (p.OPENZEPPELIN, "build/contracts/TransparentUpgradeableProxy.json"),
    "V3TickLens": (p.V3_PERIPHERY, _V3_PERIPHERY + "lens/TickLens.sol/TickLens.json"),
    "V3Quoter": (p.V3_PERIPHERY, _V3_PERIPHERY + "lens/Quoter.sol/Quoter.json"),
    "V3SwapRouter": (p.V3_PERIPHERY, _V3_PERIPHERY + "SwapRouter.sol/SwapRouter.json"),
    "NFTDescriptor": (p.V3_PERIPHERY, _V3_PERIPHERY + "libraries/NFTDescriptor.sol/NFTDescriptor.json"),
    "V3PositionDescriptor": (
        p.V3_PERIPHERY,
        _V3_PERIPHERY + "NonfungibleTokenPositionDescriptor.sol/NonfungibleTokenPositionDescriptor.json",
    ),
    "V3PositionManager": (
        p.V3_PERIPHERY,
        _V3_PERIPHERY + "NonfungiblePositionManager.sol/NonfungiblePositionManager.json",
    ),
    "V3Migrator": (p.V3_PERIPHERY, _V3_PERIPHERY + "V3Migrator.sol/V3Migrator.json"),
    "V3QuoterV2": (p.SWAP_ROUTER, "artifacts/contracts/lens/QuoterV2.sol/QuoterV2.json"),
    "V3SwapRouter02": (p.SWAP_ROUTER, "artifacts/contracts/SwapRouter02.sol/SwapRouter02.json"),
    "V4PoolManager": (p.V4_PERIPHERY, "foundry-out/PoolManager.sol/PoolManager.default.json"),
    "V4PositionManager": (p.V4_PERIPHERY, "foundry-out/PositionManager.sol/PositionManager.json"),
    "V4Quoter": (p.V4_PERIPHERY, "foundry-out/V4Quoter.sol/V4Quoter.json"),
    "V4StateView": (p.V4_PERIPHERY, "foundry-out/StateView.sol/StateView.json"),
    "UniversalRouter": (p.UNIVERSAL_ROUTER, "out/UniversalRouter.sol/UniversalRouter.json"),
    # Balancer V2
    "BalancerAuthorizer": (p.BALANCER, _BALANCER + "20210418-authorizer/artifact/Authorizer.json"),
    "BalancerVault": (p.BALANCER, _BALANCER + "20210418-vault/artifact/Vault.json"),
    "BalancerHelpers": (p.BALANCER, _BALANCER + "20210418-vault/artifact/BalancerHelpers.json"),
    "BalancerQueries": (p.BALANCER, _BALANCER + "20220721-balancer-queries/artifact/BalancerQueries.json"),
    "BalancerWeightedFactory": (p.BALANCER, _BALANCER_OLD + "20210418-weighted-pool/artifact/WeightedPoolFactory.json"),
    "BalancerWeighted2Factory": (
        p.BALANCER,
        _BALANCER_OLD + "20210418-weighted-pool/artifact/WeightedPool2TokensFactory.json",
    ),
    "BalancerStableFactory": (p.BALANCER, _BALANCER_OLD + "20210624-stable-pool/artifact/StablePoolFactory.json"),
    "BalancerMetaStableFactory": (
        p.BALANCER,
        _BALANCER_OLD + "20210727-meta-stable-pool/artifact/MetaStablePoolFactory.json",
    ),
    "QueryProcessor": (p.BALANCER, _BALANCER_OLD + "20210727-meta-stable-pool/artifact/QueryProcessor.json"),
    "WstethRateProvider": (p.BALANCER, _BALANCER + "20210812-wsteth-rate-provider/artifact/WstETHRateProvider.json"),
    # Curve
    "CurveLP": (p.SET, "external/abi/curve/CurvePoolERC20.json"),
    "CurveSusdPool": (p.SET, "external/abi/curve/Stableswap.json"),
    # Aave V3: contracts, the libraries that are linked into them, and its ERC-4626 wrapper
    **{
        f"Aave.{name}": (p.WEB3_DEFI, f"{_AAVE}{name}.json")
        for name in (
            "PoolAddressesProvider",
            "PoolAddressesProviderRegistry",
            "ACLManager",
            "AaveOracle",
            "AaveProtocolDataProvider",
            "PoolInstance",
            "PoolConfiguratorInstance",
            "ATokenInstance",
            "VariableDebtTokenInstance",
            "InitializableImmutableAdminUpgradeabilityProxy",
            "DefaultReserveInterestRateStrategyV2",
            "RewardsController",
            "WrappedTokenGatewayV3",
            "StataTokenV2",
            "TransparentUpgradeableProxy",
            "BorrowLogic",
            "BridgeLogic",
            "EModeLogic",
            "FlashLoanLogic",
            "LiquidationLogic",
            "PoolLogic",
            "SupplyLogic",
            "ConfiguratorLogic",
        )
    },
}

_CONTRACTS = Path(__file__).parent / "contracts"
_OWN = (
    "PlainToken",
    "Tether",
    "WrappedBitcoin",
    "MakerToken",
    "LidoToken",
    "StakedEther",
    "WrappedStakedEther",
    "FlashTaker",
)

# The 32-byte source hash that solc appends differs with the file's exact text; mainnet's own is put in its place.
_WETH_SOURCE_HASH = "deb4c2ccab3c2fdca32ab3f46728389c2fe2c165d5fafa07661e4e004f6c344a"
_DAI_SOURCE_HASH = (
    "9b02567723510e8d81796db45873eb0e831e2de7ad894fbcd34eda64702b824e",  # Maker's test chain
    "c0ae2c29860c0a59d5586a579abbcddfe4bcef0524a87301425cbc58c3e94e31",  # mainnet
)
_DAI_FACTORY_TX = "!transactions!0xead731114e21ba7ff785a5704511f011c6dc7dc6abf1bc62e2a385aa66fa3f25"


@dataclass(frozen=True, slots=True)
class Code:
    """Creation code (runtime code for Multicall3) in hexadecimal, and where library addresses belong: (name, byte offset)."""

    code: str
    links: tuple[tuple[str, int], ...] = ()


def load_bundle(with_morpho: bool = False) -> dict[str, Code]:
    """All code of the box by name, downloaded and compiled when the cache does not have it.

    Raises:
        ToolchainError: a package cannot be fetched or is not what was pinned, or something does not compile.
    """
    bundle = _cached("bundle", _make_bundle)
    return bundle | _cached("morpho", _make_morpho) if with_morpho else bundle


def _cached(name: str, make: Callable[[], dict[str, Code]]) -> dict[str, Code]:
    here = Path(__file__).parent
    inputs = [here / "artifacts.py", here / "packages.py", here / "compiler.py", *sorted(_CONTRACTS.glob("*.sol"))]
    key = sha256(b"".join(f.read_bytes() for f in inputs)).hexdigest()[:16]
    path = cache_dir() / f"{name}-{key}.json"
    with FileLock(f"{path}.lock"):
        if not path.exists():
            staged = path.with_suffix(".part")
            staged.write_text(json.dumps({k: asdict(v) for k, v in make().items()}))
            staged.replace(path)
    stored = json.loads(path.read_text())
    return {k: Code(v["code"], tuple((name, at) for name, at in v["links"])) for k, v in stored.items()}


def _make_bundle() -> dict[str, Code]:
    solcs = [p.SOLC[v] for v in ("0.4.19", "0.8.17", "0.8.26")]
    needed = {package for package, _ in ARTIFACTS.values()} | {p.WETH, p.MAKER, p.APE, *solcs}
    fetch_all(sorted(needed, key=str), "Downloading the contracts' packages (140 MB, once)")
    jobs = (_artifacts, _weth, _permit2, _own, _dai_factory, _multicall)
    with progress("Compiling WETH9, Permit2 and the stand-ins", len(jobs)) as step, ThreadPoolExecutor(3) as pool:
        bundle = {}
        for part in pool.map(lambda job: job(), jobs):
            bundle.update(part)
            step()
    return bundle


def _make_morpho() -> dict[str, Code]:
    """Morpho Blue ships as sources; with these settings its code is mainnet's, byte for byte."""
    fetch_all([p.MORPHO, p.SOLC["0.8.19"]], "Downloading Morpho Blue")
    sources, todo = {}, ["src/Morpho.sol"]
    files = p.read_tree(p.MORPHO, ("src/",), ".sol")
    while todo:
        path = todo.pop()
        if path not in sources:
            sources[path] = files[path].decode()
            imports = re.findall(r'(?m)^(?:\}|import)[^;"]*"([^"]+)";', sources[path])
            todo += [posixpath.normpath(posixpath.join(posixpath.dirname(path), target)) for target in imports]
    settings = {
        "viaIR": True,
        "evmVersion": "paris",
        "optimizer": {"enabled": True, "runs": 999_999},
        "remappings": ["ds-test/=lib/forge-std/lib/ds-test/src/", "forge-std/=lib/forge-std/src/"],
    }
    with progress("Compiling Morpho Blue, once"):
        return _compiled(Job("0.8.19", sources, ("Morpho",), settings))


def _artifacts() -> dict[str, Code]:
    by_package: dict[Package, list[tuple[str, str]]] = defaultdict(list)
    for name, (package, path) in ARTIFACTS.items():
        by_package[package].append((name, path))
    found = {}
    for package, rows in by_package.items():
        files = p.read(package, {path for _, path in rows})
        found.update({name: parse_artifact(json.loads(files[path])) for name, path in rows})
    return found


def parse_artifact(artifact: Mapping[str, Any]) -> Code:
    """Creation code and link references out of a truffle, hardhat, foundry or 0x artifact.

    Raises:
        ToolchainError: the artifact has no bytecode.
    """
    code = artifact.get("bytecode")
    links = artifact.get("linkReferences") or {}
    if "compilerOutput" in artifact:
        code = artifact["compilerOutput"]["evm"]["bytecode"]
    if isinstance(code, Mapping):
        links = code.get("linkReferences") or links
        code = code["object"]
    if not code or code == "0x":
        raise ToolchainError("an artifact holds no bytecode: correct its path in devnet/artifacts.py")
    places = [(lib, ref["start"]) for file in links.values() for lib, refs in file.items() for ref in refs]
    return Code(code.removeprefix("0x"), tuple(places))


def _compiled(job: Job) -> dict[str, Code]:
    return {name: Code(code) for name, code in compile_solidity(job).items()}


def _weth() -> dict[str, Code]:
    source = p.read(p.WETH, ["contracts/WETH9.sol"])["contracts/WETH9.sol"].decode()
    job = Job("0.4.19", {"WETH9.sol": source}, ("WETH9",), {"optimizer": {"enabled": False, "runs": 200}})
    code = compile_solidity(job)["WETH9"]
    # 68 hexadecimal digits: the source hash and the two bytes 0029 that close solc 0.4's metadata.
    return {"WETH9": Code(code[:-68] + _WETH_SOURCE_HASH + "0029")}


def _permit2() -> dict[str, Code]:
    root = "lib/permit2/"
    wanted = ("src/", "lib/solmate/src/tokens/ERC20.sol", "lib/solmate/src/utils/SafeTransferLib.sol")
    files = p.read_tree(p.V4_PERIPHERY, tuple(root + w for w in wanted), ".sol")
    settings = {
        "viaIR": True,
        "evmVersion": "london",
        "optimizer": {"enabled": True, "runs": 1_000_000},
        "metadata": {"bytecodeHash": "none"},
        "remappings": ["solmate/=lib/solmate/"],
    }
    return _compiled(
        Job("0.8.17", {k.removeprefix(root): v.decode() for k, v in files.items()}, ("Permit2",), settings)
    )


def _own() -> dict[str, Code]:
    sources = {f.name: f.read_text() for f in sorted(_CONTRACTS.glob("*.sol"))}
    return _compiled(
        Job("0.8.26", sources, _OWN, {"optimizer": {"enabled": True, "runs": 200}, "evmVersion": "cancun"})
    )


def _dai_factory() -> dict[str, Code]:
    """The creation of DaiFab, which made Dai, as Maker's recorded test chain holds it."""
    snapshot = p.read(p.MAKER, ["snapshots/default.tgz"])["snapshots/default.tgz"]
    with tarfile.open(fileobj=io.BytesIO(snapshot)) as tar:
        for member in tar:
            if member.name.endswith(_DAI_FACTORY_TX) and (file := tar.extractfile(member)):
                code = json.loads(file.read())["data"].removeprefix("0x")
                if code.count(_DAI_SOURCE_HASH[0]) == 1:
                    return {"DaiFab": Code(code.replace(*_DAI_SOURCE_HASH))}
    raise ToolchainError(f"{p.MAKER} holds no creation of DaiFab: pin the version that devnet/artifacts.py expects")


def _multicall() -> dict[str, Code]:
    path = "ape_ethereum/multicall/constants.py"
    text = p.read(p.APE, [path])[path].decode()
    body = text[text.index("MULTICALL3_CODE") :]
    return {"Multicall3": Code("".join(re.findall(r'"(?:0x)?([0-9a-f]+)"', body[: body.index(")")])))}
