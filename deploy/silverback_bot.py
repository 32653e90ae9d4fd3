"""A Silverback bot that runs one keeper pass over each vault at every block.

    pip install silverback equipoise
    VAULTS="0x… 0x…" silverback run silverback_bot --network ethereum:mainnet:node

Settings come from equipoise.toml and EQUIPOISE_* variables as everywhere; a dry run unless ARM is 1. Silverback only says when:
reading, deciding and signing are the keeper's own, with its own endpoint, key and ledger.
"""

import os

import structlog
from ape import chain
from eth_utils.address import to_checksum_address
from silverback import SilverbackBot

from keeper.chain.rpc import Client
from keeper.errors import EquipoiseError
from keeper.execution import signer as signers
from keeper.ledger import Ledger
from keeper.operations import logs
from keeper.operations.assembly import Gate
from keeper.operations.redaction import secrets_of
from keeper.services.keeper_pass import keeper_pass
from keeper.settings import load

VAULTS = [to_checksum_address(vault) for vault in os.environ["VAULTS"].split()]
IS_ARMED = os.environ.get("ARM") == "1"

settings = load()
logs.configure(settings.operations.log_format, settings.operations.log_file, secrets_of(settings))
log = structlog.get_logger("keeper.silverback")
client = Client(settings.rpc_url, settings.chain_id, settings.request_timeout_s, settings.read_attempts).connect()
signer = signers.of(settings, client) if IS_ARMED else None
ledger = Ledger(settings.ledger_file)
gate = Gate.of(settings)
bot = SilverbackBot()


@bot.on_(chain.blocks)
def on_block(block):
    """One pass over each vault; how many transactions were mined. One vault's error does not stop the others."""
    mined = 0
    for vault in VAULTS:
        try:
            if signer is not None:
                gate.refuse(client.chain_id, vault, signer.address)
            result = keeper_pass(client, settings, vault, ledger, signer, signers.sender_of(settings))
        except EquipoiseError as error:
            log.warning("pass_failed", vault=vault, block=block.number, error=str(error))
            continue
        log.info("pass_ended", vault=vault, block=block.number, decision=result.plan.decision.kind.value)
        mined += result.mined is not None
    return {"mined": mined}
