"""Building a box: every step in order, on an anvil of its own, down to one state file."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from devnet import anvil
from devnet.artifacts import Code
from devnet.box import Box
from devnet.deployer import Deployer
from devnet.market import refresh_feeds
from devnet.protocols import aave, balancer, chainlink, curve, morpho, tokens, uniswap
from devnet.verify import verify
from keeper.errors import ChainError

# The chain is this old when it is handed over, so that time-weighted averages have a past.
AGE_SECONDS = 2 * 86_400


def build(bundle: Mapping[str, Code], state: Path) -> None:
    """Deploy and seed the bundle's contracts and write the state to `state`, whole or not at all.

    Raises:
        ChainError: a contract did not come out at its address, a check failed, or anvil did.
        TransactionError: a step reverted.
    """
    with TemporaryDirectory(dir=state.parent) as folder:
        dump = Path(folder) / "state.json"
        born = int(time.time()) - AGE_SECONDS
        port = anvil.free_port()
        process = anvil.start(port, "--timestamp", str(born), "--dump-state", str(dump))
        try:
            box = Box(f"http://127.0.0.1:{port}")
            deploy_all(Deployer(box, bundle))
            box.mine(int(time.time()))
            refresh_feeds(box)
            failed = [f"{check.name}: {check.detail}" for check in verify(box) if not check.passed]
        finally:
            anvil.stop(process)
        if failed:
            raise ChainError(f"the devnet was built, but does not verify: {'; '.join(failed)}")
        if not dump.exists():
            raise ChainError("anvil ended without writing its state: try again, with more free disk space and memory")
        slim(dump)
        dump.replace(state)


def deploy_all(d: Deployer) -> None:
    """All steps; a bundle that holds Morpho Blue gets it."""
    tokens.deploy(d)
    tokens.seed(d)
    aggregators = chainlink.deploy(d)
    uniswap.deploy(d)
    uniswap.seed(d)
    balancer.deploy(d)
    balancer.seed(d)
    aave.deploy(d, aggregators)
    aave.seed(d)
    curve.deploy(d)
    curve.seed(d)
    if "Morpho" in d.bundle:
        morpho.deploy(d)
        morpho.seed(d)


def slim(dump: Path) -> None:
    """Keep accounts, genesis and head, and drop the history of the construction: a quarter of the size, and quick to load."""
    state = json.loads(dump.read_text())
    kept = (0, state["best_block_number"])
    state["blocks"] = [{**b, "transactions": []} for b in state["blocks"] if int(b["header"]["number"], 16) in kept]
    state["transactions"] = []
    dump.write_text(json.dumps(state, separators=(",", ":")))
