/** Wallets by EIP-6963, or the one in `window.ethereum`. All that a wallet is asked goes through the wallet itself: no RPC of ours. */
import { createClient, custom, type EIP1193RequestFn } from "viem";
import { createConfig, injected } from "wagmi";
import { getConnection } from "wagmi/actions";
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
      transport: custom({ request: (request) => ask(chain.id, request) }),
    }),
});

/** Ask the wallet that is connected, of all that are there. */
async function ask(chainId: number, request: Parameters<EIP1193RequestFn>[0]): Promise<unknown> {
  const connection = getConnection(config);
  if (!connection.connector) throw new Error("No wallet is connected.");
  if (connection.chainId !== chainId) throw new Error("The wallet is on another chain.");
  const provider = (await connection.connector.getProvider()) as { request: EIP1193RequestFn };
  return provider.request(request);
}

declare module "wagmi" {
  interface Register {
    config: typeof config;
  }
}
