/** What the keeper would do. */
import { ask } from "./client";
import { type Leg, legOf, type WireLeg } from "./legs";
import { type Address, type MaybeText, maybe } from "./wire";

export interface Decision {
  kind: string;
  reason: string;
  until: number | null;
  block: number;
  time: number;
  valueOut: bigint | null;
  valueIn: bigint | null;
  gasUsd: bigint | null;
  gapBps: number | null;
  partialReason: string | null;
  legs: Leg[];
  alternatives: { name: string; worth: bigint | null; leftOut: string | null }[];
}

interface WireDecision {
  kind: string;
  reason: string;
  until: number | null;
  block: { number: number; time: number };
  value_out: MaybeText;
  value_in: MaybeText;
  gas_cost: MaybeText;
  gap_bps: number | null;
  partial_reason: MaybeText;
  legs: WireLeg[];
  alternatives: { name: string; worth: MaybeText; left_out: MaybeText }[];
}

/** What the keeper would do now, and why. */
export async function decisionOf(address: Address): Promise<Decision> {
  const found = await ask<WireDecision>(`/vaults/${address}/decision`);
  return {
    kind: found.kind,
    reason: found.reason,
    until: found.until,
    block: found.block.number,
    time: found.block.time,
    valueOut: maybe(found.value_out),
    valueIn: maybe(found.value_in),
    gasUsd: maybe(found.gas_cost),
    gapBps: found.gap_bps,
    partialReason: found.partial_reason,
    legs: found.legs.map(legOf),
    alternatives: found.alternatives.map((each) => ({
      name: each.name,
      worth: maybe(each.worth),
      leftOut: each.left_out,
    })),
  };
}
