/** Mint and redeem in kind. */
import { ask } from "./client";
import { type Simulation, simulationOf, type WireTransactions } from "./transactions";
import { type Address, type MaybeText, maybe, type Text } from "./wire";

export interface Part {
  address: Address;
  symbol: string;
  decimals: number;
  amount: bigint;
}

export interface Quote {
  shares: bigint;
  /** In shares: of a mint on top, of a redemption a part of them. */
  fee: bigint;
  value: bigint | null;
  parts: Part[];
  /** Why the vault would refuse this now. */
  problem: string | null;
}

interface WireQuote {
  shares: Text;
  fee: Text;
  value: MaybeText;
  parts: { asset: Address; symbol: string; decimals: number; amount: Text }[];
  problem: MaybeText;
}

/** What so many shares cost or pay of every asset, in basket order. */
export async function quoteOf(kind: "mint" | "redeem", address: Address, shares: bigint): Promise<Quote> {
  const found = await ask<WireQuote>(`/vaults/${address}/quotes/${kind}?shares=${shares}`);
  return {
    shares: BigInt(found.shares),
    fee: BigInt(found.fee),
    value: maybe(found.value),
    parts: found.parts.map((each) => ({
      address: each.asset,
      symbol: each.symbol,
      decimals: each.decimals,
      amount: BigInt(each.amount),
    })),
    problem: found.problem,
  };
}

/**
 * What an account's mint or redemption would do now, approvals and all. Nothing is sent.
 *
 * @param bps how much more may be taken than quoted, or less be paid
 */
export async function simulate(
  kind: "mint" | "redeem",
  address: Address,
  shares: bigint,
  account: Address,
  bps: number,
): Promise<Simulation> {
  const order = { account, shares: String(shares), slippage_bps: bps };
  return simulationOf(await ask<WireTransactions>(`/vaults/${address}/transactions/${kind}`, order));
}
