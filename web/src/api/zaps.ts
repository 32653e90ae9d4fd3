/** Zaps: one token into shares, and back. */
import { ask } from "./client";
import type { Leg } from "./legs";
import { type Prepared, type Simulation, simulationOf, type WireTransactions } from "./transactions";
import { type Address, type MaybeText, maybe, type Text, type Token } from "./wire";

/** One token in for another, through pools. USD are the oracle's, null where it has no price of a token. */
export interface ZapQuote {
  block: number;
  given: Token;
  wanted: Token;
  amountIn: bigint;
  amountOut: bigint;
  valueIn: bigint | null;
  valueOut: bigint | null;
  /** What comes back beside what is wanted. */
  back: { token: Token; amount: bigint }[];
  legs: Leg[];
  /** What no other route over these pools exceeds, of what is wanted; null where nothing is swapped, or gas outweighs it. */
  certificate: { gapBps: number; ceiling: bigint } | null;
  gas: bigint;
  gasPrice: bigint;
  problem: string | null;
}

/** How the account may sign in place of an approval: the token's own permit, or a transfer of Permit2's. */
export interface PermitOffer {
  means: "erc2612" | "permit2";
  nonce: bigint;
  /** As the token calls itself where something is signed for it. */
  name: string;
  version: string | undefined;
}

/** A quote; for an account also what it would have to sign, and what that would do. */
export interface Zapped {
  quote: ZapQuote;
  prepared: Prepared | null;
  simulation: Simulation | null;
  permit: PermitOffer | null;
  /** Basis points under the quote at which the prepared transaction's limit was asked for. */
  bps: number;
}

interface WireZapQuote {
  block: { number: number };
  given: Token;
  wanted: Token;
  amount_in: Text;
  amount_out: Text;
  value_in: MaybeText;
  value_out: MaybeText;
  back: { asset: Token; amount: Text }[];
  legs: {
    venue: string;
    pool: string;
    token_in: Leg["from"];
    token_out: Leg["to"];
    amount_in: Text;
    amount_out: Text;
  }[];
  certificate: { gap_bps: number; ceiling: Text } | null;
  gas: number;
  gas_price: Text;
  problem: MaybeText;
}

interface WirePermit {
  means: PermitOffer["means"];
  nonce: Text;
  typed_data: { domain: { name: string; version?: string } };
}

/**
 * What one token buys of shares, or shares of one token; with the transaction of an account that is named.
 *
 * @param bps how much less may come than quoted
 */
export async function zapOf(
  kind: "mint" | "redeem",
  address: Address,
  token: Address | null,
  amount: bigint,
  account: Address | null,
  bps: number,
): Promise<Zapped> {
  const order = {
    token: token ?? "ETH",
    [kind === "mint" ? "amount" : "shares"]: String(amount),
    slippage_bps: String(bps),
  };
  if (account === null) {
    const asked = new URLSearchParams(order);
    const quote = await ask<WireZapQuote>(`/vaults/${address}/quotes/zap-${kind}?${asked}`);
    return { quote: zapQuoteOf(quote), prepared: null, simulation: null, permit: null, bps };
  }
  const path = `/vaults/${address}/transactions/zap-${kind}`;
  const found = await ask<WireTransactions & { quote: WireZapQuote; permit: WirePermit | null }>(path, {
    ...order,
    slippage_bps: bps,
    account,
  });
  const last = found.transactions.at(-1);
  return {
    quote: zapQuoteOf(found.quote),
    prepared: last ? { to: last.to, data: last.data, value: BigInt(last.value) } : null,
    simulation: simulationOf(found),
    permit: found.permit && permitOf(found.permit),
    bps,
  };
}

function permitOf(wire: WirePermit): PermitOffer {
  const { name, version } = wire.typed_data.domain;
  return { means: wire.means, nonce: BigInt(wire.nonce), name, version };
}

function zapQuoteOf(found: WireZapQuote): ZapQuote {
  return {
    block: found.block.number,
    given: found.given,
    wanted: found.wanted,
    amountIn: BigInt(found.amount_in),
    amountOut: BigInt(found.amount_out),
    valueIn: maybe(found.value_in),
    valueOut: maybe(found.value_out),
    back: found.back.map((each) => ({ token: each.asset, amount: BigInt(each.amount) })),
    legs: found.legs.map((each) => ({
      venue: each.venue,
      pool: each.pool,
      from: each.token_in,
      to: each.token_out,
      amountIn: BigInt(each.amount_in),
      amountOut: BigInt(each.amount_out),
    })),
    certificate: found.certificate && {
      gapBps: found.certificate.gap_bps,
      ceiling: BigInt(found.certificate.ceiling),
    },
    gas: BigInt(found.gas),
    gasPrice: BigInt(found.gas_price),
    problem: found.problem,
  };
}
