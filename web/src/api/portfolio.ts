/** What an account has. */
import { ask } from "./client";
import { type Address, type MaybeText, maybe, type Text } from "./wire";

export interface Lot {
  acquired: number | null;
  shares: bigint;
  cost: bigint | null;
  transaction: string;
}

export interface Disposal {
  acquired: number | null;
  disposed: number;
  shares: bigint;
  proceeds: bigint;
  gain: bigint | null;
  transaction: string;
}

export interface Claim {
  address: Address;
  symbol: string;
  decimals: number;
  amount: bigint;
}

export interface Position {
  vault: Address;
  chainId: number;
  name: string;
  symbol: string;
  shares: bigint;
  value: bigint | null;
  cost: bigint | null;
  gain: bigint | null;
  realised: bigint | null;
  /** What redemptions could not pay: the vault keeps it until it is fetched. */
  claims: Claim[];
  lots: Lot[];
  disposals: Disposal[];
  /** Why nothing is known of the past. */
  problem: string | null;
}

interface WirePosition {
  chain_id: number;
  vault: Address;
  name: string;
  symbol: string;
  shares: Text;
  value: MaybeText;
  cost: MaybeText;
  unrealised_gain: MaybeText;
  realised_gain: MaybeText;
  claims: { asset: Address; symbol: string; decimals: number; amount: Text }[];
  lots: { quantity: Text; cost: MaybeText; acquired_at: number | null; transaction: string }[] | null;
  disposals:
    | {
        quantity: Text;
        proceeds: Text;
        gain: MaybeText;
        acquired_at: number | null;
        disposed_at: number;
        transaction: string;
      }[]
    | null;
  books_problem: MaybeText;
}

/** What an account has of the vaults of this server. */
export async function positionsOf(account: Address): Promise<Position[]> {
  const { positions } = await ask<{ positions: WirePosition[] }>(`/accounts/${account}/positions`);
  return positions.map((each) => ({
    vault: each.vault,
    chainId: each.chain_id,
    name: each.name,
    symbol: each.symbol,
    shares: BigInt(each.shares),
    value: maybe(each.value),
    cost: maybe(each.cost),
    gain: maybe(each.unrealised_gain),
    realised: maybe(each.realised_gain),
    claims: each.claims.map((claim) => ({
      address: claim.asset,
      symbol: claim.symbol,
      decimals: claim.decimals,
      amount: BigInt(claim.amount),
    })),
    lots: (each.lots ?? []).map((lot) => ({
      acquired: lot.acquired_at,
      shares: BigInt(lot.quantity),
      cost: maybe(lot.cost),
      transaction: lot.transaction,
    })),
    disposals: (each.disposals ?? []).map((gone) => ({
      acquired: gone.acquired_at,
      disposed: gone.disposed_at,
      shares: BigInt(gone.quantity),
      proceeds: BigInt(gone.proceeds),
      gain: maybe(gone.gain),
      transaction: gone.transaction,
    })),
    problem: each.books_problem,
  }));
}
