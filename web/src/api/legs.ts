/** Swaps of a route. */
import type { Address, Text } from "./wire";

export interface Leg {
  venue: string;
  pool: string;
  from: { address: Address; symbol: string; decimals: number };
  to: { address: Address; symbol: string; decimals: number };
  amountIn: bigint;
  amountOut: bigint;
}

export interface WireLeg {
  pool: string;
  venue: string | null;
  token_in: Address;
  token_out: Address;
  symbol_in: string;
  symbol_out: string;
  decimals_in: number | null;
  decimals_out: number | null;
  amount_in: Text;
  amount_out: Text;
}

export function legOf(wire: WireLeg): Leg {
  return {
    venue: wire.venue ?? `pool ${wire.pool.slice(0, 6)}…`,
    pool: wire.pool,
    from: { address: wire.token_in, symbol: wire.symbol_in, decimals: wire.decimals_in ?? 0 },
    to: { address: wire.token_out, symbol: wire.symbol_out, decimals: wire.decimals_out ?? 0 },
    amountIn: BigInt(wire.amount_in),
    amountOut: BigInt(wire.amount_out),
  };
}
