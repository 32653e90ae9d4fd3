"""A small client of a running box, or of any anvil: reads and impersonated writes by human-readable signature."""

import time
from typing import Any

import requests
from eth_abi.abi import decode, encode
from eth_abi.grammar import TupleType, parse
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from devnet.addresses import LP, WHALE
from keeper.errors import ChainError, ConfigurationError, TransactionError

# Below the 2^24 cap on one transaction's gas that mainnet has since the Fusaka upgrade (EIP-7825).
GAS_LIMIT = 16_000_000
RPC_SECONDS = 60
POOL_SECONDS = 10


def split_signature(signature: str) -> tuple[str, list[str], list[str]]:
    """`"f(a,(b,c)[])(d)"` → `("f(a,(b,c)[])", ["a", "(b,c)[]"], ["d"])`; the returned group may be left out.

    Raises:
        ConfigurationError: the text is not such a signature.
    """
    name, opened, rest = signature.partition("(")
    arguments, _, returns = (opened + rest).partition(")(")
    if returns:
        arguments, returns = arguments + ")", "(" + returns
    try:
        return name + arguments, _types(arguments), _types(returns or "()")
    except Exception as error:
        raise ConfigurationError(
            f"{signature!r} is no signature: write it as name(types) or name(types)(types)"
        ) from error


def _types(group: str) -> list[str]:
    if group == "()":
        return []
    parsed = parse(group)
    if not isinstance(parsed, TupleType):
        raise TypeError(group)
    return [component.to_type_str() for component in parsed.components]


def calldata(signature: str, *args: Any) -> bytes:
    """Selector and ABI-encoded arguments of a call."""
    name, types, _ = split_signature(signature)
    return keccak(text=name)[:4] + encode(types, args)


class Box:
    """A chain at `url` that obeys anvil's methods.

    Every write is sent by an impersonated account and mined before the method returns; a revert is a TransactionError.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._impersonated: set[str] = set()

    def rpc(self, method: str, *params: Any) -> Any:
        """The result of one JSON-RPC request.

        Raises:
            ChainError: nothing answers at the URL.
            TransactionError: the node answered with an error.
        """
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        try:
            answer = self._http.post(self.url, json=request, timeout=RPC_SECONDS).json()
        except (requests.RequestException, ValueError) as error:
            raise ChainError(
                f"no chain answers at {self.url}: start one with `equipoise devnet up` or correct the URL"
            ) from error
        if "error" in answer:
            raise TransactionError(f"{method}: {answer['error'].get('message', answer['error'])}")
        return answer["result"]

    # --- reading

    def call(self, to: str, signature: str, *args: Any) -> Any:
        """What a view returns: one value, or a tuple of several. Addresses are checksummed when not nested."""
        _, _, types = split_signature(signature)
        data = self.rpc("eth_call", {"to": to, "data": "0x" + calldata(signature, *args).hex()}, "latest")
        values = decode(types, bytes.fromhex(data[2:]))
        values = tuple(to_checksum_address(v) if t == "address" else v for t, v in zip(types, values, strict=True))
        return values[0] if len(values) == 1 else values

    def code(self, address: str) -> bytes:
        """Runtime code at an address."""
        return bytes.fromhex(self.rpc("eth_getCode", address, "latest")[2:])

    def balance(self, token: str, account: str) -> int:
        """Base units of an ERC-20 that `account` holds."""
        return int(self.call(token, "balanceOf(address)(uint256)", account))

    def timestamp(self) -> int:
        """Time of the latest block, in seconds."""
        return int(self.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16)

    # --- writing

    def fund(self, address: str, eth: int = 1_000) -> None:
        """Set the account's balance to `eth` whole ether."""
        self.rpc("anvil_setBalance", address, hex(eth * 10**18))

    def send(self, sender: str, to: str, signature: str, *args: Any, value: int = 0) -> dict[str, Any]:
        """Call as `sender`, with `value` wei; the receipt.

        Raises:
            TransactionError: it reverted; the message carries the reason.
        """
        return self.transact(sender, to, calldata(signature, *args), value, label=signature.partition("(")[0])

    def transact(
        self, sender: str, to: str | None, data: bytes, value: int = 0, label: str = "transaction"
    ) -> dict[str, Any]:
        """Send raw calldata, or creation code when `to` is None, as `sender`; the receipt."""
        if sender not in self._impersonated:
            self.rpc("anvil_impersonateAccount", sender)
            self._impersonated.add(sender)
        request = {"from": sender, "data": "0x" + data.hex(), "value": hex(value), "gas": hex(GAS_LIMIT)}
        if to is not None:
            request["to"] = to
        receipt: dict[str, Any] = self.rpc("eth_sendTransactionSync", request)
        if int(receipt["status"], 16) != 1:
            raise TransactionError(f"{label} of {to or 'a new contract'} by {sender} reverted: {self._reason(request)}")
        return receipt

    def give(self, token: str, to: str, amount: int) -> None:
        """Send base units of an ERC-20 from the liquidity owner, or from the whale where that one has too few.

        Raises:
            TransactionError: neither holds as much.
        """
        holder = LP if self.balance(token, LP) >= amount else WHALE
        if self.rpc("eth_getBalance", holder, "latest") == "0x0":
            self.fund(holder)
        self.send(holder, token, "transfer(address,uint256)", to, amount)

    # --- time and states

    def snapshot(self) -> str:
        """Remember the state; the id is for `revert`, once."""
        return str(self.rpc("evm_snapshot"))

    def revert(self, snapshot: str) -> None:
        """Go back to a snapshot, once the pool has let go of what was mined after it.

        Raises:
            ChainError: the node does not have it (any more), or does not mine at once.
        """
        self.settle()
        if not self.rpc("evm_revert", snapshot):
            raise ChainError(f"{self.url} has no snapshot {snapshot}: each can be used once")

    def settle(self) -> None:
        """Wait until what was mined has left the pool.

        Anvil answers for a transaction a moment before its pool forgets it, and until then numbers the account's next one after
        it: wrong, so that the next one is refused or never mined, once its nonce was set in between.

        Raises:
            ChainError: transactions stay in the pool, since the node does not mine at once.
        """
        deadline = time.monotonic() + POOL_SECONDS
        while int(self.rpc("txpool_status")["pending"], 16):
            if time.monotonic() > deadline:
                raise ChainError(f"{self.url} holds transactions without mining them: turn its automatic mining on")
            time.sleep(0.002)

    def mine(self, timestamp: int | None = None) -> None:
        """Mine one block, at `timestamp` seconds where given."""
        if timestamp is not None:
            self.rpc("evm_setNextBlockTimestamp", timestamp)
        self.rpc("evm_mine")

    def _reason(self, request: dict[str, str]) -> str:
        try:
            self.rpc("eth_call", request, "latest")
        except TransactionError as error:
            return str(error).removeprefix("eth_call: ")[:300]
        return "it passes when called again"
