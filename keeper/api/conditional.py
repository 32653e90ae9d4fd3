"""Answers of a block are good until the next one: ETag by its hash, Cache-Control by the chain's block time."""

import hashlib
import math
import time
from importlib.metadata import version

from fastapi import Request, Response

from keeper.api.chains import Chain
from keeper.api.problems import NotModified
from keeper.chain.snapshot import Block

VERSION = version("equipoise")


def mark(request: Request, response: Response, *blocks: tuple[Chain, Block], private: bool = False) -> None:
    """Set the headers of an answer at these blocks.

    :param private: whether only the asker's own cache may keep it
    :raises NotModified: the asker has it already
    """
    tag = etag(*(block for _, block in blocks))
    age = min((_left(chain, block) for chain, block in blocks), default=1)
    headers = {"ETag": tag, "Cache-Control": f"{'private' if private else 'public'}, max-age={age}"}
    asked = request.headers.get("if-none-match", "")
    if tag in {each.strip().removeprefix("W/") for each in asked.split(",")}:
        raise NotModified(headers)
    response.headers.update(headers)


def etag(*blocks: Block) -> str:
    """Of a URL's answer at these blocks, by this version of the server."""
    text = " ".join([VERSION, *(block.hash for block in blocks)])
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'


def _left(chain: Chain, block: Block) -> int:
    """Seconds until the next block is due, one at least, and no more than between two."""
    most = chain.settings.block_time_s
    return math.ceil(max(1.0, min(most, block.timestamp + most - time.time())))
