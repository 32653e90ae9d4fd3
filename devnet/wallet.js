/* A wallet of the devnet, announced by EIP-6963: the server signs for it, with an account that anvil lends. It asks nobody. */
(() => {
  const listeners = new Map();

  async function request({ method, params = [] }) {
    // A page sees the account once it was connected, as with any wallet.
    if (method === "eth_requestAccounts") sessionStorage.setItem("devnet wallet", "connected");
    if (method === "eth_accounts" && !sessionStorage.getItem("devnet wallet")) return [];
    if (method === "wallet_revokePermissions") return sessionStorage.removeItem("devnet wallet") ?? null;
    if (method === "wallet_switchEthereumChain") {
      const chain = await request({ method: "eth_chainId" });
      if (chain !== params[0].chainId) throw Object.assign(new Error("The devnet has one chain."), { code: 4902 });
      for (const listener of listeners.get("chainChanged") ?? []) listener(chain);
      return null;
    }
    const answer = await fetch("/devnet", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = await answer.json();
    if (error) throw Object.assign(new Error(error.message), { code: error.code, data: error.data });
    return result;
  }

  const provider = {
    request,
    on(name, listener) {
      listeners.set(name, [...(listeners.get(name) ?? []), listener]);
      return provider;
    },
    removeListener(name, listener) {
      listeners.set(name, (listeners.get(name) ?? []).filter((each) => each !== listener));
      return provider;
    },
  };
  const icon = "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 8 8'%3E%3Crect width='8' height='8' rx='2' fill='%230e7c74'/%3E%3C/svg%3E";
  const info = { uuid: "3f0c1c52-6a0b-4c0e-9c1e-5d2c8a7f1b60", name: "Devnet wallet", icon, rdns: "local.devnet.wallet" };
  const announce = () =>
    window.dispatchEvent(
      new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info: Object.freeze(info), provider }) }),
    );
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
