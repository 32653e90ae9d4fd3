/** What a server prepared for a zap, held against what the page shows. Pure. */
import {
  type DecodeFunctionDataReturnType,
  decodeFunctionData,
  type Hex,
  isAddressEqual,
  type Log,
  parseEventLogs,
  zeroAddress,
} from "viem";
import { zapAbi } from "../abi";
import type { Prepared } from "../api/transactions";
import type { Address } from "../api/wire";
import type { ZapQuote } from "../api/zaps";
import { WAD } from "../format";
import { NO_PERMIT, type Permit } from "./permit";

/** The server's transaction is not the one that the page shows. */
export class Distrusted extends Error {}

/** A mint gives so much of the token, a redemption so many shares for it; null is the chain's coin. */
export interface ZapOrder {
  kind: "mint" | "redeem";
  zap: Address;
  vault: Address;
  token: Address | null;
  amount: bigint;
}

export interface Operation {
  venue: bigint;
  pool: Address;
  token_in: Address;
  token_out: Address;
  fee: bigint;
  share: bigint;
}

/** What is lost at the oracle's prices, pools' fees among it, as a WAD share; null where it has none of a token. */
export function impactOf(quote: Pick<ZapQuote, "valueIn" | "valueOut">): bigint | null {
  const { valueIn, valueOut } = quote;
  if (valueIn === null || valueOut === null || valueIn === 0n) return null;
  return ((valueIn - valueOut) * WAD) / valueIn;
}

/** What the zap is called with: all of it the page's own, but for the swaps. */
export function zapCall(
  order: ZapOrder,
  least: bigint,
  swaps: readonly Operation[],
  deadline: bigint,
  permit: Permit = NO_PERMIT,
) {
  const { kind, zap, vault, amount } = order;
  const token = order.token ?? zeroAddress;
  const rest = [least, swaps, [], deadline, permit] as const;
  return kind === "mint"
    ? ({
        address: zap,
        abi: zapAbi,
        functionName: "zap_mint",
        args: [vault, token, amount, ...rest],
        ...(order.token === null ? { value: amount } : {}),
      } as const)
    : ({ address: zap, abi: zapAbi, functionName: "zap_redeem", args: [vault, amount, token, ...rest] } as const);
}

/**
 * The swaps of a prepared transaction, once everything else in it is what was ordered.
 *
 * They alone are the server's word. The worst they can do is to bring the least that is accepted.
 *
 * @param least what the server was asked for
 * @throws Distrusted what is different, as a sentence
 */
export function swapsOf(order: ZapOrder, least: bigint, prepared: Prepared): readonly Operation[] {
  const { functionName, args } = decoded(prepared.data);
  const [vault, second, third, limit, operations, calls, , permit] = args;
  const [token, amount] = functionName === "zap_mint" ? [second, third] : [third, second];
  const wei = order.kind === "mint" && order.token === null ? order.amount : 0n;
  const faults: [boolean, string][] = [
    [!isAddressEqual(prepared.to, order.zap), "calls another contract"],
    [functionName !== `zap_${order.kind}`, "does something else"],
    [!isAddressEqual(vault, order.vault), "is for another vault"],
    [!isAddressEqual(token as Address, order.token ?? zeroAddress), "is of another token"],
    [amount !== order.amount, "is of another amount"],
    [prepared.value !== wei, "sends another amount of the chain's coin"],
    [limit < least, "accepts less than it was asked for"],
    [calls.length > 0, "calls more than pools"],
    [permit.means !== 0n, "asks for a signature"],
  ];
  const fault = faults.find(([isSo]) => isSo);
  if (fault) throw distrust(fault[1]);
  return operations;
}

/** What came of what was wanted, as the zap logged; null where it did not. */
export function cameOf(order: ZapOrder, logs: readonly Log[]): bigint | null {
  const found = parseEventLogs({ abi: zapAbi, logs: [...logs] });
  return found.find((each) => isAddressEqual(each.address, order.zap))?.args.came ?? null;
}

function decoded(data: Hex): DecodeFunctionDataReturnType<typeof zapAbi> {
  try {
    return decodeFunctionData({ abi: zapAbi, data });
  } catch {
    throw distrust("does something else");
  }
}

function distrust(what: string): Distrusted {
  return new Distrusted(
    `The server's transaction ${what}: it is not what you see here. Nothing was signed; leave this server.`,
  );
}
