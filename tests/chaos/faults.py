"""What an endpoint may do to a request instead of answering it. Each is a `proxy.Fault`, or makes one."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from eth_abi.abi import decode, encode
from eth_utils.conversions import to_bytes, to_hex
from eth_utils.crypto import keccak

from chaos.proxy import Asked, Fault, HungUp, Reply, reply, through
from keeper.chain import abi

_TAGS = ("latest", "pending")

# --- the connection


def delay(seconds: float) -> Fault:
    """Answer late."""

    def fault(asked: Asked) -> Reply:
        time.sleep(seconds)
        return through(asked)

    return fault


def drip(seconds: float) -> Fault:
    """Answer a byte at a time, with so long a pause after each."""
    return lambda asked: Reply(through(asked).body, drip=seconds)


def drop(_: Asked) -> Reply:
    """Hang up; the node is not asked."""
    raise HungUp


def lose_answer(asked: Asked) -> Reply:
    """Do what is asked, and hang up."""
    asked.forward()
    raise HungUp


def status(code: int, retry_after: str | None = None, body: bytes = b"no") -> Fault:
    """An HTTP status."""
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return lambda _: Reply(body, code, headers)


# --- the answer's form


def text(body: bytes) -> Fault:
    """Whatever it is asked."""
    return lambda _: Reply(body)


def truncated_json(asked: Asked) -> Reply:
    """The first half of the answer."""
    body = through(asked).body
    return Reply(body[: len(body) // 2])


def truncated_hex(asked: Asked) -> Reply:
    """A result of which the end is missing, in the middle of a byte."""
    answer = asked.forward()
    return asked.result(_cut(answer["result"])) if "result" in answer else reply(answer)


def wrong_id(asked: Asked) -> Reply:
    """An answer to a request that nobody made."""
    return reply(asked.forward() | {"id": 4_294_967_295})


def no_result(asked: Asked) -> Reply:
    """An answer with neither result nor error."""
    return reply({"jsonrpc": "2.0", "id": asked.id})


def result(value: Any) -> Fault:
    """Always the same result."""
    return lambda asked: asked.result(value)


def error(message: str, code: int = -32000) -> Fault:
    """Always the same error; the node is not asked."""
    return lambda asked: asked.error(message, code)


def error_after(message: str, code: int = -32000) -> Fault:
    """Do what is asked, and answer with an error."""

    def fault(asked: Asked) -> Reply:
        asked.forward()
        return asked.error(message, code)

    return fault


# --- the answer's content


def edit(change: Callable[[Any], Any]) -> Fault:
    """The node's result, changed."""

    def fault(asked: Asked) -> Reply:
        answer = asked.forward()
        return asked.result(change(answer["result"])) if "result" in answer else reply(answer)

    return fault


def swallow(asked: Asked) -> Reply:
    """Take a raw transaction, answer with its hash, and forget it."""
    return asked.result(to_hex(keccak(to_bytes(hexstr=asked.params[0]))))


def lagging(blocks: int) -> Fault:
    """A node that is so many blocks behind: it knows no later one, and answers as it stood then."""

    def fault(asked: Asked) -> Reply:
        head = int(asked.ask_node("eth_blockNumber"), 16) - blocks
        if asked.method == "eth_blockNumber":
            return asked.result(hex(head))
        for param in asked.params[1:]:
            if isinstance(param, dict) and "blockHash" in param:
                block = asked.ask_node("eth_getBlockByHash", param["blockHash"], False)
                if block is None or int(block["number"], 16) > head:
                    return asked.error("header not found")
        asked.params = [hex(head) if param in _TAGS else param for param in asked.params]
        found = asked.forward().get("result")
        is_later = isinstance(found, dict) and int(found.get("blockNumber") or "0x0", 16) > head
        return asked.result(None if is_later else found)

    return fault


def future(blocks: int, seconds: int) -> Fault:
    """A latest block that nobody has made yet."""

    def change(block: Any) -> Any:
        number, timestamp = int(block["number"], 16) + blocks, int(block["timestamp"], 16) + seconds
        return block | {"number": hex(number), "timestamp": hex(timestamp), "hash": to_hex(keccak(text=str(number)))}

    def fault(asked: Asked) -> Reply:
        if asked.method == "eth_getBlockByNumber" and asked.params[0] in _TAGS:
            return edit(change)(asked)
        if asked.method == "eth_blockNumber":
            return edit(lambda number: hex(int(number, 16) + blocks))(asked)
        return through(asked)

    return fault


def later(seconds: int) -> Fault:
    """The latest block with another time."""
    return edit(lambda block: block | {"timestamp": hex(int(block["timestamp"], 16) + seconds)})


def base_fee(factor: int) -> Fault:
    """Base fees so many times as high, in blocks and in the fee history."""

    def change(found: Any) -> Any:
        if isinstance(found.get("baseFeePerGas"), list):
            return found | {"baseFeePerGas": [hex(int(each, 16) * factor) for each in found["baseFeePerGas"]]}
        return found | {"baseFeePerGas": hex(int(found["baseFeePerGas"], 16) * factor)}

    return edit(change)


Lie = Callable[[bytes], bytes]


def lying(lies: Mapping[abi.Function, Lie]) -> Fault:
    """Change what these functions return, alone and inside multicalls."""
    by_selector = {function.selector: lie for function, lie in lies.items()}

    def told(data: bytes, returned: bytes) -> bytes:
        lie = by_selector.get(data[:4])
        return lie(returned) if lie is not None else returned

    def fault(asked: Asked) -> Reply:
        answer = asked.forward()
        if asked.method != "eth_call" or "result" not in answer:
            return reply(answer)
        data, returned = to_bytes(hexstr=_data(asked.params[0])), to_bytes(hexstr=answer["result"])
        if data[:4] != abi.Multicall.aggregate3.selector:
            return asked.result(to_hex(told(data, returned)))
        (calls,) = decode(abi.Multicall.aggregate3.inputs, data[4:])
        results = abi.Multicall.aggregate3.decode(returned)
        changed = [
            (ok, told(inner, found) if ok else found) for (_, _, inner), (ok, found) in zip(calls, results, strict=True)
        ]
        return asked.result(to_hex(encode(abi.Multicall.aggregate3.outputs, [changed])))

    return fault


def times(factor: float, position: int) -> Lie:
    """One uint256 of a returned array so many times as large, to the percent."""

    def lie(returned: bytes) -> bytes:
        (values,) = decode(["uint256[]"], returned)
        changed = [value * int(factor * 100) // 100 if at == position else value for at, value in enumerate(values)]
        return encode(["uint256[]"], [changed])

    return lie


def _data(transaction: Mapping[str, str]) -> str:
    return transaction.get("data") or transaction.get("input") or "0x"


def _cut(value: Any) -> Any:
    if isinstance(value, str) and value.startswith("0x"):
        return value[:-1] if len(value) > 3 else "0x"
    if isinstance(value, dict):
        return {key: _cut(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_cut(each) for each in value]
    return value
