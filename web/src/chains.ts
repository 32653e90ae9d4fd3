/** The chains that a wallet can be asked to switch to. */
import { anvil, arbitrum, base, gnosis, mainnet, optimism, polygon, sepolia } from "viem/chains";

export const CHAINS = [mainnet, arbitrum, base, optimism, polygon, gnosis, sepolia, anvil] as const;
export type ChainId = (typeof CHAINS)[number]["id"];

export function chainName(id: number): string {
  return CHAINS.find((chain) => chain.id === id)?.name ?? `chain ${id}`;
}

/** What pays for gas. */
export function coinName(id: number): string {
  return CHAINS.find((chain) => chain.id === id)?.nativeCurrency.symbol ?? "of the chain's coin";
}

export function isKnown(id: number): id is ChainId {
  return CHAINS.some((chain) => chain.id === id);
}

/** The explorer's page of a transaction, where the chain has one. */
export function transactionPage(chain: number, hash: string): string | null {
  const found = CHAINS.find((each) => each.id === chain);
  const explorer = found && "blockExplorers" in found ? found.blockExplorers?.default.url : undefined;
  return explorer ? `${explorer}/tx/${hash}` : null;
}
