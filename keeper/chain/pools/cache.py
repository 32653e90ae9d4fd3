"""Which pools there are, kept between passes: addresses alone, never a state.

One small JSON file per question and chain. A chain is told by its id and the hash of its first block, so that a devnet
and the chain it plays do not mix. A file that cannot be read counts as not there.
"""

import json
import os
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from keeper.chain import abi
from keeper.chain.abi import checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.pools.found import Found
from keeper.chain.rpc import Client
from keeper.chain.snapshot import Block
from keeper.errors import ConfigurationError
from keeper.settings import PoolSettings


class PoolCache:
    """The files of one chain in `folder`, which is made when something is written."""

    def __init__(self, folder: Path, client: Client):
        self._folder = folder
        self._client = client
        self._chain = ""

    def read(self, name: str) -> dict[str, Any] | None:
        """What was written under this name; None for nothing."""
        try:
            kept = json.loads(self._file(name).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return kept if isinstance(kept, dict) else None

    def write(self, name: str, kept: dict[str, Any]) -> None:
        """Replace what stands under this name, whole or not at all.

        :raises ConfigurationError: the folder cannot be written
        """
        file = self._file(name)
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(dir=self._folder, prefix=file.name)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(kept, stream)
            Path(temporary).replace(file)
        except OSError as error:
            raise ConfigurationError(f"{file} cannot be written: {error}; set pools.cache_folder") from None

    def _file(self, name: str) -> Path:
        if not self._chain:
            self._chain = f"{self._client.chain_id}-{self._client.block_hash(0)[2:18]}"
        return self._folder / f"{self._chain}-{name}.json"


def pack(pools: Sequence[Found]) -> list[dict[str, Any]]:
    """Pools as JSON has them."""
    return [asdict(pool) for pool in pools]


def unpack(rows: object) -> list[Found] | None:
    """The inverse of `pack`; None for anything else."""
    try:
        return [Found(**{**row, "tokens": tuple(row["tokens"])}) for row in rows]  # type: ignore[attr-defined]
    except (TypeError, KeyError):
        return None


def still_there(client: Client, pools: Sequence[Found], settings: PoolSettings, block: Block, multicall: str) -> bool:
    """Whether every pool still has its code and trades the same tokens."""
    asked = [_questions(pool, settings) for pool in pools]
    answers = iter(read_all(client, [read for reads in asked for read in reads], block, multicall))
    return all(
        _tokens(pool, [next(answers) for _ in reads]) == pool.tokens for pool, reads in zip(pools, asked, strict=True)
    )


def _questions(pool: Found, settings: PoolSettings) -> list[Read]:
    """What a pool is asked to learn its tokens."""
    match pool.venue:
        case "balancer_v2":
            return [Read(settings.balancer_vault, abi.Balancer.pool_tokens, (bytes.fromhex(pool.pool_id),))]
        case "curve":
            both = (abi.CurvePool.coins, abi.CurvePool.coins_int128)
            return [Read(pool.address, coins, (i,)) for i in range(len(pool.tokens)) for coins in both]
        case "erc4626":
            return [Read(pool.address, abi.ERC4626.asset)]
        case "wsteth":
            return [Read(pool.address, abi.Lido.steth)]
        case _:
            return [Read(pool.address, abi.UniswapV2.token0), Read(pool.address, abi.UniswapV2.token1)]


def _tokens(pool: Found, answers: Sequence[Answer]) -> tuple[str, ...]:
    """The tokens that the answers name; empty when something is missing."""
    match pool.venue:
        case "balancer_v2":
            (answer,) = answers
            return () if answer.failed else tuple(checksum(token) for token in answer.value[0])
        case "curve":
            pairs = zip(answers[::2], answers[1::2], strict=True)
            return tuple(checksum(new.value or old.value) for new, old in pairs if new.value or old.value)
        case "erc4626" | "wsteth":
            (answer,) = answers
            return () if answer.failed else (checksum(answer.value), pool.address)
        case _:
            return tuple(checksum(answer.value) for answer in answers if not answer.failed)
