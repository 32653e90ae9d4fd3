"""One event of each kind, for tests that want all of them."""

from keeper.operations import events
from keeper.operations.events import Breaker, Event, Failure, Outcome

WAD = 10**18
VAULT, ACCOUNT = "0x" + "a" * 40, "0x" + "c" * 40
HASH, OTHER_HASH = "0x" + "1" * 64, "0x" + "2" * 64

SAMPLES: tuple[Event, ...] = (
    events.Started(True, ((1, VAULT),)),
    events.Ticked(),
    events.HeadSeen(1, 100, HASH, 1_800_000_000, skipped=2, reorged=3),
    events.RpcAsked(1, "https://rpc.example", "eth_call", 0.1, True),
    events.EndpointExcluded(1, "https://rpc.example", "it lags"),
    events.EndpointRestored(1, "https://rpc.example"),
    events.QuorumFailed(1, "1 of 2 agree"),
    events.QuorumRestored(1),
    events.VaultRead(
        1, VAULT, "IDX", 100, 5_000 * WAD, 2 * WAD, WAD // 50, WAD // 200, True,
        (
            events.AssetRead("0xw", "WETH", 3_000 * WAD, WAD * 6 // 10, WAD // 2, WAD // 20),
            events.AssetRead("0xu", "USDC", WAD, WAD * 4 // 10, WAD // 2, WAD // 5),
        ),
    ),
    events.Decided(1, VAULT, "IDX", "wait", "the bound falls", 1_800_000_060, 5_000 * WAD, WAD // 50, WAD),
    events.PlanFailed(1, VAULT, Failure.ORACLE, "a feed is stale"),
    events.PassEnded(1, VAULT, Outcome.WAITED, 0.25),
    events.Signed(1, ACCOUNT, HASH, 0.25),
    events.Submitted(1, ACCOUNT, (VAULT,), HASH, 7, "rebalance", "flashbots"),
    events.Replaced(1, ACCOUNT, 7, HASH, OTHER_HASH),
    events.SendFailed(1, ACCOUNT, (VAULT,), Failure.TRANSACTION, "refused"),
    events.Mined(1, ACCOUNT, (VAULT,), HASH, 101, OTHER_HASH),
    events.Confirmed(
        1, ACCOUNT, (VAULT,), HASH, 300_000, 10**9, WAD, (events.Fill(VAULT, 100 * WAD, 99 * WAD, 5_000 * WAD),)
    ),
    events.Reverted(1, ACCOUNT, (VAULT,), HASH, 100_000, 10**9, WAD // 2),
    events.AccountSeen(1, ACCOUNT, 10**17, 7, 1_799_999_990),
    events.RelayFailed(1, "flashbots", "HTTP 500"),
    events.LedgerFailed("disk full"),
    events.LedgerRestored(),
    events.SignerFailed(ACCOUNT, "locked"),
    events.SignerRestored(ACCOUNT),
    events.BreakerTripped(Breaker.LOSS_BUDGET, f"1/{VAULT}", "60 bps"),
    events.BreakerReset(Breaker.LOSS_BUDGET, f"1/{VAULT}", "a person"),
    events.KillSwitch(True, "STOP is there"),
    events.Stopped("signal", is_clean=True),
)  # fmt: skip
