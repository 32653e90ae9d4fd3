/** Wallets by EIP-6963, or the one in `window.ethereum`. All that a wallet is asked goes through the wallet itself: no RPC of ours. */
import { createClient } from "viem";
import { createConfig, injected, unstable_connector } from "wagmi";
import { CHAINS } from "./chains";

export const config = createConfig({
  chains: CHAINS,
  connectors: [injected()],
  multiInjectedProviderDiscovery: true,
  client: ({ chain }) =>
    createClient({
      chain,
      batch: { multicall: true },
      pollingInterval: 1_000,
      transport: unstable_connector({ type: "injected" }),
    }),
});

declare module "wagmi" {
  interface Register {
    config: typeof config;
  }
}
