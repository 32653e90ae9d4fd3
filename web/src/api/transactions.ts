/** Transactions that the server prepared, and what they would do. */
import type { Address, MaybeText, Text } from "./wire";

/** A transaction as the server prepared it: to be looked at before it is signed. */
export interface Prepared {
  to: Address;
  data: `0x${string}`;
  value: bigint;
}

/** What the transactions would do, one after the other, on top of the newest block. */
export interface Simulation {
  /** Null where the server's endpoint cannot simulate. */
  succeeds: boolean | null;
  words: string | null;
  /** Limits with room to spare, of each transaction; null where it cannot be told. */
  gas: (bigint | null)[];
}

export interface WireTransactions {
  simulation: { succeeds: boolean | null; reason: MaybeText; words: MaybeText };
  transactions: { to: Address; data: `0x${string}`; value: Text; gas: number | null }[];
}

export function simulationOf({ simulation, transactions }: WireTransactions): Simulation {
  return {
    succeeds: simulation.succeeds,
    words: simulation.words ?? simulation.reason,
    gas: transactions.map((each) => (each.gas === null ? null : BigInt(each.gas))),
  };
}
