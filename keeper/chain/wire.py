"""JSON-RPC as it stands on the wire: requests as bytes, and bytes of an answer that is not believed as a result or an error."""

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from pydantic_core import from_json, to_json

from keeper.chain.errors import BlockMissing, RpcError, TransientError
from keeper.errors import ChainError

# JSON-RPC codes for "busy" and "limit exceeded" (EIP-1474), seen on shared endpoints.
_BUSY_CODES = frozenset({-32005, -32016, 429})
# A node behind a load balancer may not have the block that its neighbour just announced.
_BEHIND = (
    "header not found",
    "header for hash not found",
    "unknown block",
    "block not found",
    "blocknotfound",
    "cannot find block",
    "block could not be found",
    "missing trie node",
    "resource not found",  # EIP-1474's words, and anvil's
)
_KNOWN = ("already known", "alreadyknown", "already imported", "known transaction", "already exists")
_TEXT_MAX = 300
_SECRET_MIN = 8  # shorter words are as likely a version or a network
_QUANTITY = re.compile(r"0x[0-9a-fA-F]{1,64}")


def request_of(method: str, params: object) -> bytes:
    """The body of a request."""
    return to_json({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


def result_of(body: bytes, method: str, name: str, secrets: Sequence[str] = ()) -> Any:
    """The result in an answer. Answers are not told apart by their ids: one exchange carries one request.

    :param secrets: what the errors must not repeat
    :raises TransientError: it is not JSON, or says that the endpoint is busy
    :raises RpcError: an error answer
    :raises ChainError: it is not JSON-RPC
    """
    return _result(_json(body, method, name), method, name, secrets)


def batch_of(method: str, many: Sequence[Sequence[object]]) -> bytes:
    """The body of a batch: one method, many parameters."""
    return to_json(
        [{"jsonrpc": "2.0", "id": place, "method": method, "params": params} for place, params in enumerate(many)]
    )


def results_of(body: bytes, method: str, count: int, name: str, secrets: Sequence[str] = ()) -> list[Any]:
    """The results in the answer to a batch, in the order of the request.

    :raises ChainError: as `result_of`, for the first that is none; or the answers are not those that were asked for
    """
    answers = _json(body, method, name)
    if isinstance(answers, dict) and "error" in answers:
        _result(answers, method, name, secrets)  # raises: the batch was refused as a whole
    given = [each for each in answers if isinstance(each, dict)] if isinstance(answers, list) else []
    by_id = {each["id"]: each for each in given if isinstance(each.get("id"), int)}
    if set(by_id) != set(range(count)):
        raise ChainError(f"{name} answered a batch of {method} with something else: check rpc_url")
    return [_result(by_id[place], method, name, secrets) for place in range(count)]


def revert_data(error: RpcError) -> bytes | None:
    """The return data of a revert, wherever the node's make puts it; None when the error is no revert."""
    data: object = error.data
    if isinstance(data, dict):
        data = data.get("data", data.get("result"))
    if isinstance(data, str) and "0x" in data:
        try:
            return bytes.fromhex(data[data.index("0x") + 2 :])
        except ValueError:
            return None
    if error.code == 3 or "revert" in str(error).lower():
        return b""
    return None


def is_known(error: RpcError) -> bool:
    """Whether a node refuses a transaction because it has it already."""
    return any(sign in str(error).lower() for sign in _KNOWN)


def as_bytes(value: object, name: str) -> bytes:
    """Bytes of hex.

    :raises ChainError: it is none
    """
    try:
        if isinstance(value, str) and value.startswith("0x"):
            return bytes.fromhex(value[2:])
    except ValueError:
        pass
    raise ChainError(f"{name} answered with malformed hex: check rpc_url")


def as_quantity(value: object, name: str) -> int:
    """The number that hex stands for.

    :raises ChainError: it is none
    """
    if isinstance(value, str) and _QUANTITY.fullmatch(value):
        return int(value, 16)
    raise ChainError(f"{name} answered with something that is no number: check rpc_url")


def without_secrets(url: str) -> str:
    """Scheme, host and port of a URL: its user, path and query often hold an API key."""
    parts = urlsplit(url)
    port = f":{parts.port}" if parts.port else ""
    return f"{parts.scheme}://{parts.hostname or ''}{port}"


def secrets_of(url: str) -> tuple[str, ...]:
    """The parts of a URL that may be a key."""
    parts = urlsplit(url)
    asked = [value for pair in parse_qsl(parts.query) for value in pair]
    words = [*parts.path.split("/"), *asked, parts.password or "", parts.username or ""]
    return tuple(word for word in words if len(word) >= _SECRET_MIN)


def _json(body: bytes, method: str, name: str) -> object:
    try:
        # Not `json`: where the interpreter's recursion limit has been raised, deep nesting ends the process there.
        return from_json(body, allow_inf_nan=False)
    except ValueError:
        raise TransientError(f"{name} answered {method} with something that is not JSON: check rpc_url") from None


def _result(answer: object, method: str, name: str, secrets: Sequence[str]) -> Any:
    if not isinstance(answer, dict):
        raise ChainError(f"{name} answered {method} with something that is not JSON-RPC: check rpc_url")
    if answer.get("error") is not None:
        raise _error_of(answer["error"], method, name, secrets)
    if "result" not in answer:
        raise ChainError(f"{name} answered {method} without a result: check rpc_url")
    return answer["result"]


def _error_of(error: object, method: str, name: str, secrets: Sequence[str]) -> ChainError:
    fields = error if isinstance(error, dict) else {"message": str(error)}
    text = str(fields.get("message", "no message"))
    for secret in secrets:
        text = text.replace(secret, "…")
    message = _line(text)
    try:
        code = int(fields.get("code", 0) or 0)
    except (TypeError, ValueError):
        code = 0
    line = f"{name} refused {method}: {message}"
    if any(sign in message.lower() for sign in _BEHIND):
        return BlockMissing(line)
    if code in _BUSY_CODES:
        return TransientError(line)
    return RpcError(line, code, fields.get("data"))


def _line(text: str) -> str:
    """One short line of what a stranger wrote: it moves no cursor and starts no line of a log."""
    printable = "".join(each if each.isprintable() else " " for each in text[: 2 * _TEXT_MAX])
    return " ".join(printable.split())[:_TEXT_MAX]
