/** Mint and redeem in kind. */
import { ask } from "./client";
import { type Simulation, SLIPPAGE_BPS, simulationOf, type WireTransactions } from "./transactions";
import { type Address, type MaybeText, maybe, type Text } from "./wire";

export interface Part {
  address: Address;
  symbol: string;
  decimals: number;
  amount: bigint;
  /** Taken at most, or paid at least. */
  limit: bigint;
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
  parts: { asset: Address; symbol: string; decimals: number; amount: Text; limit: Text }[];
  problem: MaybeText;
}

/** What so many shares cost or pay of every asset, in basket order. */
export async function quoteOf(kind: "mint" | "redeem", address: Address, shares: bigint): Promise<Quote> {
  const path = `/vaults/${address}/quotes/${kind}?shares=${shares}&slippage_bps=${SLIPPAGE_BPS}`;
  const found = await ask<WireQuote>(path);
  return {
    shares: BigInt(found.shares),
    fee: BigInt(found.fee),
    value: maybe(found.value),
    parts: found.parts.map((each) => ({
      address: each.asset,
      symbol: each.symbol,
      decimals: each.decimals,
      amount: BigInt(each.amount),
      limit: BigInt(each.limit),
    })),
    problem: found.problem,
  };
}

/** What an account's mint or redemption would do now, approvals and all. Nothing is sent. */
export async function simulate(
  kind: "mint" | "redeem",
  address: Address,
  shares: bigint,
  account: Address,
): Promise<Simulation> {
  const order = { account, shares: String(shares), slippage_bps: SLIPPAGE_BPS };
  return simulationOf(await ask<WireTransactions>(`/vaults/${address}/transactions/${kind}`, order));
}
