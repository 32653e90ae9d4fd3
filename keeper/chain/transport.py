"""One endpoint: a request is asked once, within a time and a size; who keeps failing is left alone for a while that grows."""

import time
from collections import Counter
from collections.abc import Callable, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from keeper.chain.breaker import Breaker
from keeper.chain.errors import BlockMissing, RpcError, TransientError
from keeper.chain.wire import batch_of, request_of, result_of, results_of, secrets_of, without_secrets
from keeper.errors import ChainError
from keeper.exchange import Line, Reply, TooLong, TooSlow, Unreachable

T = TypeVar("T")
# What hears of every request: the endpoint's name, the method, s that it took, whether it was answered.
Listener = Callable[[str, str, float, bool], None]

# The largest honest answers are logs of thousands of blocks and a call of hundreds of reads: a few MiB.
ANSWER_MAX_BYTES = 2**26
_BUSY_HTTP = frozenset({408, 425, 429, 500, 502, 503, 504})
# Failures in a row, then s of rest.
_TOLERATED, _REST_FIRST_S, _REST_MOST_S = 4, 1.0, 120.0


class Transport:
    """Asks one endpoint, from any thread.

    :param url: http or https; what stands after the host (often an API key) is never printed
    :param timeout_s: hard limit of one request
    """

    def __init__(self, url: str, timeout_s: float, clock: Callable[[], float] = time.monotonic):
        self.name = without_secrets(url)
        self.counts: Counter[str] = Counter()  # requests that were made, by method
        self.listener: Callable[[str, float, bool], None] = lambda *_: None  # of each: method, s, whether answered
        self.breaker = Breaker(_TOLERATED, _REST_FIRST_S, _REST_MOST_S, clock)
        self._timeout_s = timeout_s
        self._secrets = secrets_of(url)
        self._line = Line(url, {"Content-Type": "application/json"}, timeout_s=timeout_s, most_bytes=ANSWER_MAX_BYTES)

    def ask(self, method: str, params: Sequence[object]) -> Any:
        """The result of a method. An endpoint that rests is not asked.

        :raises TransientError: no answer, or one that says that the endpoint is busy
        :raises RpcError: an error answer
        :raises ChainError: an answer that is not JSON-RPC
        """
        return self._guarded(
            method, request_of(method, params), lambda body: result_of(body, method, self.name, self._secrets)
        )

    def ask_all(self, method: str, many: Sequence[Sequence[object]]) -> list[Any]:
        """The results of one method for many parameters, in one request. Raises as `ask`, for the first that has none."""
        return self._guarded(
            method,
            batch_of(method, many),
            lambda body: results_of(body, method, len(many), self.name, self._secrets),
        )

    def _guarded(self, method: str, request: bytes, read: Callable[[bytes], T]) -> T:
        rest_s = self.breaker.wait_s
        if rest_s > 0:
            raise TransientError(
                f"{self.name} failed before and is left alone for {rest_s:.1f} s: check rpc_url", rest_s
            )
        self.counts[method] += 1
        started, is_answered = time.perf_counter(), True
        try:
            result = read(self._ask(method, request))
        except (RpcError, BlockMissing):
            self.breaker.succeeded()  # it works, and says no
            raise
        except ChainError as error:
            is_answered = False
            self.breaker.failed(error.wait_s if isinstance(error, TransientError) else 0.0)
            raise
        finally:
            self.listener(method, time.perf_counter() - started, is_answered)
        self.breaker.succeeded()
        return result

    def _ask(self, method: str, request: bytes) -> bytes:
        try:
            reply = self._line.post(request)
        except TooSlow:
            raise TransientError(
                f"{self.name} gave {method} no answer in {self._timeout_s:g} s: set rpc_url or request_timeout_s"
            ) from None
        except TooLong:
            raise ChainError(
                f"{self.name} answered {method} with more than {ANSWER_MAX_BYTES:,} bytes: check rpc_url"
            ) from None
        except Unreachable:
            raise TransientError(f"no RPC endpoint answers at {self.name}: start the node or set rpc_url") from None
        if reply.status != HTTPStatus.OK:
            raise self._refusal(reply, method)
        return reply.body

    def _refusal(self, reply: Reply, method: str) -> ChainError:
        line = f"{self.name} answered {method} with HTTP status {reply.status}: check rpc_url"
        if reply.status in _BUSY_HTTP:
            return TransientError(line, reply.retry_after_s or 0.0)
        try:
            result_of(
                reply.body, method, self.name, self._secrets
            )  # some nodes put an error answer into a status of its own
        except RpcError as error:
            return error
        except ChainError:
            pass
        return ChainError(line)
