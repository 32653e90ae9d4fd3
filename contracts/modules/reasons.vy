# pragma version 0.4.3
# pragma nonreentrancy off
"""
@title Revert reasons at half the bytecode
@license GNU Affero General Public License v3.0 only
@notice The same `Error(string)` as `assert condition, "reason"`, built in one place: 65 bytes a reason where an assert takes 113. It costs about
        100 gas when it holds, so loops keep their asserts.
"""


@internal
@pure
def _require(condition: bool, reason: String[32]):
    if not condition:
        raw_revert(abi_encode(reason, method_id=method_id("Error(string)")))
