/** What happened to a vault. */
import { ask } from "./client";
import { type Leg, legOf, type WireLeg } from "./legs";
import { type Address, type MaybeText, maybe, type Text } from "./wire";

export interface Rebalance {
  time: number;
  block: number;
  transaction: string;
  valueOut: bigint;
  valueIn: bigint;
  driftBefore: bigint;
  driftAfter: bigint;
  poolFees: bigint;
  impact: bigint;
  kept: bigint;
  gasUsd: bigint | null;
  legs: Leg[];
}

export interface NavPoint {
  time: number;
  perShare: bigint;
}

/** NAV per share at the blocks in which something happened and at some between, oldest first. */
export async function navOf(address: Address): Promise<NavPoint[]> {
  const { points } = await ask<{ points: { time: number; nav_per_share: Text }[] }>(`/vaults/${address}/nav`);
  return points.map((each) => ({ time: each.time, perShare: BigInt(each.nav_per_share) }));
}

interface WireRebalance {
  transaction: string;
  block: { number: number; time: number };
  value_out: Text;
  value_in: Text;
  drift_before: Text;
  drift_after: Text;
  pool_fees: Text;
  impact: Text;
  kept: Text;
  gas: MaybeText;
  legs: WireLeg[];
}

/** The last fills, newest first. */
export async function rebalancesOf(address: Address, limit: number): Promise<Rebalance[]> {
  const path = `/vaults/${address}/rebalances?limit=${limit}`;
  const { rebalances } = await ask<{ rebalances: WireRebalance[] }>(path);
  return rebalances.map((each) => ({
    time: each.block.time,
    block: each.block.number,
    transaction: each.transaction,
    valueOut: BigInt(each.value_out),
    valueIn: BigInt(each.value_in),
    driftBefore: BigInt(each.drift_before),
    driftAfter: BigInt(each.drift_after),
    poolFees: BigInt(each.pool_fees),
    impact: BigInt(each.impact),
    kept: BigInt(each.kept),
    gasUsd: maybe(each.gas),
    legs: each.legs.map(legOf),
  }));
}
