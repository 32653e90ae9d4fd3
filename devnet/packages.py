"""The pinned releases that carry the bytecode, and a reader for what is inside their archives.

Digests are subresource-integrity strings: npm's as the registry publishes them, PyPI's sha256 in the same notation.
"""

import tarfile
import zipfile
from collections.abc import Callable, Iterable, Mapping

from keeper.errors import ToolchainError
from keeper.toolchain import Package, fetch


def _npm(name: str, version: str, digest: str) -> Package:
    return Package("npm", name, version, f"sha512-{digest}")


def _pypi(name: str, version: str, digest: str) -> Package:
    return Package("pypi", name, version, f"sha256-{digest}")


WETH = _npm(
    "canonical-weth",
    "1.0.0",
    "dMz19fDrqOZ6jbkDujtupTJwHHYudAtc/j5+qD48/YZSaBvkg6OC1luFEoJF2i6zVNSovnaxlZ2TXHdoVNeHeg==",
)
MAKER = _npm(
    "@makerdao/testchain",
    "1.1.32",
    "uVEHA+6zCPjGF2FgHnl0FCNZrpCgjhomUjJYQKa6gh0S6nQQYnVkfwgZVktEIpc69HRjNZ90eQgXw+ThpxiPwg==",
)
CHAINLINK = _npm(
    "@chainlink/contracts",
    "0.1.6",
    "RXKMm+3ADEi1c4/XsXy2Z1m0KQh7H6Nn0FWXmCgXRIorOBt7dvh52c0c41ONJfIhHB/tGeoXnp4lPnZEDqkocA==",
)
UNI = _npm(
    "@uniswap/governance",
    "1.0.2",
    "L7BzdI/asAINB2F6EvJuQcg5YhykNeEfZxJrn2RPIVvx+9A9u+opDuqnBK4SYnanrsr3UEX1NwWXwDHmyw2TjQ==",
)
AAVE_TOKEN = _npm(
    "@aave/aave-token",
    "1.0.4",
    "4uhKVfDuzWZnI+EBe85+oUk3X4LKLaP+nuR6ErD1VKkfz22drwc/UOYWoXJTxWCo1JaNi4quKgXSa4dy5nuCIQ==",
)
SET = _npm(
    "@setprotocol/set-protocol-v2",
    "0.1.16",
    "84/rvT7b2k5SFaF5C/vh2SKV/DS4F+9i7E/5rkQBlU+XnNRnGjG/xROsbYYLkkMaz5YPQVDnDZI5tbZ+JsZYhg==",
)
V2_CORE = _npm(
    "@uniswap/v2-core",
    "1.0.1",
    "MtybtkUPSyysqLY2U210NBDeCHX+ltHt3oADGdjqoThZaFRDKwM6k1Nb3F0A3hk5hwuQvytFWhrWHOEq6nVJ8Q==",
)
V2_PERIPHERY = _npm(
    "@uniswap/v2-periphery",
    "1.1.0-beta.0",
    "6dkwAMKza8nzqYiXEr2D86dgW3TTavUvCR0w2Tu33bAbM8Ah43LKAzH7oKKPRT5VJQaMi1jtkGs1E8JPor1n5g==",
)
V3_CORE = _npm(
    "@uniswap/v3-core",
    "1.0.0",
    "kSC4djMGKMHj7sLMYVnn61k9nu+lHjMIxgg9CDQT+s2QYLoA56GbSK9Oxr+qJXzzygbkrmuY6cwgP6cW2JXPFA==",
)
V3_PERIPHERY = _npm(
    "@uniswap/v3-periphery",
    "1.0.0",
    "kRqUrjnyh+X1wJdSENPDFr9sjRVebv2KyLtfqDOPij0dXJ69GspFU2qrZXjouc6LYdkWG7x3fagiTlw0eGniYQ==",
)
SWAP_ROUTER = _npm(
    "@uniswap/swap-router-contracts",
    "1.1.0",
    "GPmpx1lvjXWloB95+YUabr3UHJYr3scnSS8EzaNXnNrIz9nYZ+XQcMaJxOKe85Yi7IfcUQpj0HzD2TW99dtolA==",
)
OPENZEPPELIN = _npm(
    "@openzeppelin/contracts",
    "3.4.2-solc-0.7",
    "W6QmqgkADuFcTLzHL8vVoNBtkwjvQRpYIAom7KiUNoLKghyx3FgH0GBjt8NRvigV1ZmMOBllvE1By1C+bi8WpA==",
)
V4_PERIPHERY = _npm(
    "@uniswap/v4-periphery",
    "1.0.1",
    "/ZLz7mCLL0eTo1M0h/Lc180OYMmpUEGb0yfqZ79nsqVdZCFp0TLQstLZ/zC+ofF7SrMoeGb57p+T8hbe6MXwNw==",
)
UNIVERSAL_ROUTER = _npm(
    "@uniswap/universal-router",
    "2.0.0",
    "6V21kuf547hE1gLfLQ89gv41DMSJY1ZZKer/k7CBagNPJ0oDnUyme+qQPtdoWknyUgSKd1M6sDm/WpocjVmPlA==",
)
BALANCER = _npm(
    "@balancer-labs/v2-deployments",
    "3.2.0",
    "pghD7qyTVp1832d7F7yHgAeh/EZvS2/GLvUx9ieM671NMh1KTprYZOBCpEVVC9JnE1Vpru5rc9DDNlFw3capVw==",
)
MORPHO = _npm(
    "@morpho-org/morpho-blue",
    "1.0.0",
    "MKtzYMRE65B1hVJYAPtml3ecHPY2e/SL3JRvM7XWjtbnWQX6U/C3beSdxr7v+rHaVJ0ri/dUPxvNfWtr0NZdGw==",
)
WEB3_DEFI = _pypi("web3-ethereum-defi", "1.2", "kGV5v9sl2aqpBlQ85VqdYuIaVF4ZbgIwy0Z8i0QGhp0=")
APE = _pypi("eth-ape", "0.8.51", "Lo9QiwqqN6NpbvGV0VlfmUCSAcEywi/q+u+3rH9LHwU=")

SOLC: Mapping[str, Package] = {
    p.version: p
    for p in (
        _npm("solc", "0.4.19", "hvi/vi9rQcB73poRLoLRfQIYKwmdhrNbZlOOFCGd5v58gEsYEUr3+oHPSXhyk4CFNchWC2ojpMYrHDJNm0h4jQ=="),
        _npm("solc", "0.8.17", "Dtidk2XtTTmkB3IKdyeg6wLYopJnBVxdoykN8oP8VY3PQjN16BScYoUJTXFm2OP7P0hXNAqWiJNmmfuELtLf8g=="),
        _npm("solc", "0.8.19", "yqurS3wzC4LdEvmMobODXqprV4MYJcVtinuxgrp61ac8K2zz40vXA0eSAskSHPgv8dQo7Nux39i3QBsHx4pqyA=="),
        _npm("solc", "0.8.26", "yiPQNVf5rBFHwN6SIf3TUUvVAFKcQqmSUFeq+fb6pNRCo0ZCgpYOZDi3BVoezCPIAcKrVYd/qXlBLUP9wVrZ9g=="),
    )
}  # fmt: skip


def read(package: Package, paths: Iterable[str]) -> dict[str, bytes]:
    """The named files of a package, in one pass over its archive. Paths of npm packages leave out the archive's top folder.

    Raises:
        ToolchainError: the package cannot be fetched or lacks one of the files.
    """
    wanted = set(paths)
    found = _members(package, lambda path: path in wanted)
    if missing := wanted - found.keys():
        raise ToolchainError(
            f"{package} holds no {', '.join(sorted(missing))}: correct the paths in devnet/artifacts.py"
        )
    return found


def read_tree(package: Package, prefixes: tuple[str, ...], suffix: str) -> dict[str, bytes]:
    """All files of a package below one of `prefixes` that end in `suffix`, by their path inside the package."""
    return _members(package, lambda path: path.startswith(prefixes) and path.endswith(suffix))


def _members(package: Package, wanted: Callable[[str], bool]) -> dict[str, bytes]:
    archive = fetch(package)
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as wheel:
            return {name: wheel.read(name) for name in wheel.namelist() if wanted(name)}
    found = {}
    with tarfile.open(archive) as tar:
        for member in tar:
            path = member.name.partition("/")[2]
            if member.isfile() and wanted(path) and (file := tar.extractfile(member)):
                found[path] = file.read()
    return found
