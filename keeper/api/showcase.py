"""The page on a devnet, with a wallet in it: for the demo and for the tests. Never for a chain that has money on it.

The wallet's script stands in devnet/wallet.js. What it is asked comes here. Messages are signed by its key; all else goes on to
anvil, which sends for any account.
"""

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import requests
from eth_account.signers.local import LocalAccount
from eth_utils.conversions import to_hex
from fastapi import FastAPI
from fastapi.routing import APIRoute

import devnet
from keeper.api.app import make as make_app
from keeper.settings import Settings

PATH = "/devnet"
_ANSWER_S = 30
_SCRIPT = Path(devnet.__file__).parent / "wallet.js"
_REFUSED = {"code": 4100, "message": "this wallet reads, and sends from its own account: nothing else"}
_SILENT = {"code": -32603, "message": "the devnet does not answer"}


def make(chains: Mapping[str, Settings], rpc_url: str, account: LocalAccount, page: Path, folder: Path) -> FastAPI:
    """The application with a wallet in its page.

    :param rpc_url: of the devnet
    :param account: the wallet's
    :param page: the folder of the built page
    :param folder: an empty one, for the page with the wallet
    :raises ConfigurationError: no vault to serve
    """
    home = folder / "page"
    shutil.copytree(page, home)
    shutil.copy2(_SCRIPT, home / "wallet.js")
    start = home / "index.html"
    script = '<script src="./wallet.js"></script>'
    start.write_text(start.read_text(encoding="utf-8").replace("</head>", f"  {script}\n  </head>"), encoding="utf-8")
    app = make_app(chains, home)

    def wallet(body: dict[str, Any]) -> dict[str, Any]:
        method, params = str(body.get("method")), body.get("params", [])
        found = {"jsonrpc": "2.0", "id": body.get("id")}
        if method in {"eth_accounts", "eth_requestAccounts"}:
            return found | {"result": [account.address]}
        sender = params[0].get("from") if method == "eth_sendTransaction" and params else account.address
        if not method.startswith("eth_") or str(sender).lower() != account.address.lower():
            return found | {"error": _REFUSED}
        if method == "eth_signTypedData_v4":
            signature = account.sign_typed_data(full_message=json.loads(params[1])).signature
            return found | {"result": to_hex(signature)}
        try:
            answer = requests.post(rpc_url, json=found | {"method": method, "params": params}, timeout=_ANSWER_S).json()
        except (requests.RequestException, ValueError):
            return found | {"error": _SILENT}
        return dict(answer)

    # Before the page, which answers for every other path.
    app.router.routes.insert(0, APIRoute(PATH, wallet, methods=["POST"], include_in_schema=False))
    return app
