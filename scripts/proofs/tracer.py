"""A pytest plugin that notes which branches of the contracts the tests take, on the chain that they run on anyway.

Every call and transaction that this process sends to a node is traced right after it, before a test takes the state back. The
tests themselves see none of it. Only calls that reach a contract under watch are traced step by step.

BRANCHES_CODES names the file with the pickled `Code` objects, BRANCHES_TAKEN the file to write to: as JSON, the branches taken
as rows of (file, line, column, kind, text, function, outcome), and what could not be traced.
"""

import json
import os
import pickle
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import requests

from scripts.proofs.branches import Branch, Code, Site, Tail

CALLS = {"eth_call", "eth_estimateGas", "eth_createAccessList"}
SENDS = {"eth_sendTransaction", "eth_sendRawTransaction", "eth_sendTransactionSync", "eth_sendRawTransactionSync"}
# After these an address may hold other code than before.
FORGETS = {"evm_revert", "anvil_revert", "anvil_setCode", "hardhat_setCode", "anvil_loadState", "anvil_reset"}

NO_DATA = {"disableStorage": True, "disableStack": True, "enableMemory": False, "enableReturnData": False}
STEP = re.compile(rb'"pc":(\d+),"op":"?(\w+)"?,.*?"depth":(\d+)')
CREATES = {"CREATE", "CREATE2"}
ENTERS = {b"CALL", b"STATICCALL", b"DELEGATECALL", b"CALLCODE", b"CREATE", b"CREATE2"}


@dataclass(slots=True)
class Frame:
    """One call in progress. `latest` is how each operand went the last time, `site` the shared check that was entered last."""

    code: Code | None
    calls: Iterator[Any]
    latest: dict[Branch, bool] = field(default_factory=dict)
    site: Site | None = None


class Tracer:
    """Traces what is sent to any node and collects the branches taken."""

    def __init__(self, codes: list[Code]) -> None:
        self.codes = codes
        self.taken: set[tuple[Branch, bool]] = set()
        self.untraced: list[str] = []
        self._http = requests.Session()
        self._at: dict[tuple[str, str], Code | None] = {}
        self._unmined: list[tuple[str, str]] = []

    def watch(self, url: str, request: Any, answer: Any) -> None:
        """Trace what was asked of the node at `url`, after its answer."""
        method, params = request["method"], request.get("params", [])
        if method in FORGETS:
            self._at.clear()
        elif method in CALLS:
            block = params[1] if len(params) > 1 else "latest"
            extra = {"stateOverrides": params[2]} if len(params) > 2 else {}
            root = self._trace(url, "debug_traceCall", params[0], block, extra)
            if method == "eth_call" and root and "result" in answer and answer["result"] != root.get("output", "0x"):
                self.untraced.append(f"{method} of {params[0].get('to')}: the trace ends otherwise than the call")
        elif method in SENDS and "result" in answer:
            result = answer["result"]
            self._unmined.append((url, result["transactionHash"] if isinstance(result, dict) else result))
        self._trace_mined()

    def _trace_mined(self) -> None:
        for url, tx in list(self._unmined):
            if self._rpc(url, "eth_getTransactionReceipt", tx) is not None:
                self._unmined.remove((url, tx))
                self._trace(url, "debug_traceTransaction", tx)

    def _trace(self, url: str, method: str, *params: Any) -> Any:
        """The tree of calls of one transaction or call, whose steps were followed if it reaches a contract under watch."""
        *what, extra = params if method == "debug_traceCall" else (*params, {})
        try:
            root = self._rpc(url, method, *what, {"tracer": "callTracer", **extra})
            codes = self._codes(url, root)
            if any(codes.values()):
                steps = self._raw(url, method, *what, NO_DATA | extra)
                if not self._follow(root, codes, steps):
                    self.untraced.append(f"{method} of {what[0]}: the node kept no steps")
        except RpcError as error:
            self.untraced.append(f"{method} of {what[0]}: {error}")
            return None
        return root

    def _codes(self, url: str, root: Any) -> dict[int, Code | None]:
        """The code that each frame of a tree runs, by the frame's id."""
        created: dict[str, Code | None] = {}
        codes: dict[int, Code | None] = {}
        for frame in _frames(root):
            if frame["type"] in CREATES:
                codes[id(frame)] = self._known(bytes.fromhex(frame["input"][2:]))
                created[frame.get("to", "")] = self._known(bytes.fromhex(frame.get("output", "0x")[2:]))
        for frame in _frames(root):
            if frame["type"] not in CREATES:
                address = frame["to"]
                codes[id(frame)] = created[address] if address in created else self._code_at(url, address)
        if created:
            self._at.clear()
        return codes

    def _code_at(self, url: str, address: str) -> Code | None:
        if (url, address) not in self._at:
            code = bytes.fromhex(self._rpc(url, "eth_getCode", address, "latest")[2:])
            self._at[url, address] = self._known(code)
        return self._at[url, address]

    def _known(self, bytecode: bytes) -> Code | None:
        """Behind what is compiled follow arguments, immutables or metadata."""
        return next((code for code in self.codes if bytecode.startswith(code.bytecode)), None)

    def _follow(self, root: Any, codes: dict[int, Code | None], steps: bytes) -> bool:
        """Walk the steps; whether there are any."""
        stack = [Frame(codes[id(root)], iter(root.get("calls", ())))]
        rows = [(int(pc), op, int(depth)) for pc, op, depth in STEP.findall(steps)]
        for (pc, op, depth), (next_pc, _, next_depth) in zip(rows, [*rows[1:], (0, b"", 0)], strict=True):
            del stack[depth:]
            frame = stack[-1]
            if op in ENTERS:
                child = next(frame.calls, None)
                if child is not None and next_depth > depth:
                    stack.append(Frame(codes[id(child)], iter(child.get("calls", ()))))
            elif frame.code is None:
                continue
            elif op == b"JUMPI" and pc in frame.code.jumps and next_depth == depth:
                self._decide(frame, pc, has_jumped=next_pc != pc + 1)
            elif op == b"JUMP" and pc in frame.code.sites:
                frame.site = frame.code.sites[pc]
        return bool(rows)

    def _decide(self, frame: Frame, pc: int, has_jumped: bool) -> None:
        assert frame.code is not None
        jump = frame.code.jumps[pc]
        outcome = has_jumped == jump.when_jumping
        self._note(frame, jump.branch, outcome, jump.tails)
        if jump.checks is not None and frame.site is not None:
            self._note(frame, frame.site.branch, outcome == jump.checks, frame.site.tails)
            frame.site = None

    def _note(self, frame: Frame, branch: Branch, outcome: bool, tails: tuple[Tail, ...]) -> None:
        self.taken.add((branch, outcome))
        frame.latest[branch] = outcome
        for tail in tails:
            if all(frame.latest.get(operand) == goes_on for operand, goes_on in tail.path):
                self.taken.add((tail.branch, outcome != tail.negated))

    def _rpc(self, url: str, method: str, *params: Any) -> Any:
        answer = json.loads(self._raw(url, method, *params))
        if "error" in answer:
            raise RpcError(answer["error"].get("message", answer["error"]))
        return answer["result"]

    def _raw(self, url: str, method: str, *params: Any) -> bytes:
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
        prepared = self._http.prepare_request(requests.Request("POST", url, json=request))
        return bytes(_send(self._http, prepared).content)


class RpcError(RuntimeError):
    """The node refused a trace."""


_send = requests.Session.send


def _frames(frame: Any) -> Iterator[Any]:
    yield frame
    for call in frame.get("calls", ()):
        yield from _frames(call)


@contextmanager
def watched(tracer: Tracer) -> Iterator[None]:
    """Let `tracer` see every JSON-RPC request of this process: ape's, the devnet's and the tests' own."""

    def send(session: requests.Session, prepared: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        response = _send(session, prepared, **kwargs)
        if prepared.method == "POST" and prepared.url and prepared.body:
            asked, answered = json.loads(prepared.body), response.json()
            if isinstance(asked, list):
                by_id = {answer["id"]: answer for answer in answered}
                for request in asked:
                    tracer.watch(prepared.url, request, by_id[request["id"]])
            else:
                tracer.watch(prepared.url, asked, answered)
        return response

    with patch.object(requests.Session, "send", send):
        yield


_tracer: Tracer | None = None
_watching = ExitStack()


def pytest_configure(config: pytest.Config) -> None:
    """Watch from before the first fixture on."""
    global _tracer  # noqa: PLW0603  (pytest's hooks share nothing else before a session exists)
    _tracer = Tracer(pickle.loads(Path(os.environ["BRANCHES_CODES"]).read_bytes()))
    _watching.enter_context(watched(_tracer))


def pytest_unconfigure(config: pytest.Config) -> None:
    """Write what was taken."""
    _watching.close()
    if _tracer is not None:
        rows = [[*astuple(branch), outcome] for branch, outcome in sorted(_tracer.taken)]
        result = {"taken": rows, "untraced": _tracer.untraced}
        Path(os.environ["BRANCHES_TAKEN"]).write_text(json.dumps(result))
