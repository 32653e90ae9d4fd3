import { encodeFunctionData, getAddress } from "viem";
import { describe, expect, test } from "vitest";
import type { Prepared } from "../src/api/transactions";
import type { Address } from "../src/api/wire";
import type { PermitOffer } from "../src/api/zaps";
import type { Permit } from "../src/trade/permit";
import { callOf } from "../src/trade/run";
import { zapSteps } from "../src/trade/steps";
import { Distrusted, impactOf, swapsOf, type ZapOrder, zapCall } from "../src/trade/zap";

const address = (digit: string): Address => getAddress(`0x${digit.repeat(40)}`);
const MINT: ZapOrder = { kind: "mint", zap: address("a"), vault: address("b"), token: address("c"), amount: 1_000n };
const REDEEM: ZapOrder = { ...MINT, kind: "redeem" };
const ETHER: ZapOrder = { ...MINT, token: null };
const SWAPS = [
  { venue: 2n, pool: address("d"), token_in: address("c"), token_out: address("e"), fee: 500n, share: 10n ** 18n },
];
const OFFER: PermitOffer = { means: "erc2612", nonce: 3n, name: "USD Coin", version: "2" };
const SIGNED: Permit = {
  means: 1n,
  amount: 9n,
  nonce: 0n,
  deadline: 9n,
  v: 27,
  r: `0x${"1".repeat(64)}`,
  s: `0x${"1".repeat(64)}`,
};

/** As a server prepares it. */
function prepared(order: ZapOrder, least = 995n, change: Partial<Prepared> = {}): Prepared {
  const { address: to, ...call } = zapCall(order, least, SWAPS, 99n);
  return { to, data: encodeFunctionData(call as never), value: order.token === null ? order.amount : 0n, ...change };
}

/** With one argument of the call replaced. */
function tampered(place: number, value: unknown): Prepared {
  const { args, abi, functionName, address: to } = zapCall(MINT, 995n, SWAPS, 99n);
  const changed = args.map((each, index) => (index === place ? value : each));
  return { to, data: encodeFunctionData({ abi, functionName, args: changed } as never), value: 0n };
}

describe("swapsOf", () => {
  test.each([
    ["a mint with a token", MINT],
    ["a redemption", REDEEM],
    ["a mint with the coin", ETHER],
  ])("%s that is what was ordered: its swaps are taken", (_, order) => {
    expect(swapsOf(order, 995n, prepared(order))).toEqual(SWAPS);
  });
  test("a limit that is stricter than what is shown is no fault", () => {
    expect(swapsOf(MINT, 995n, prepared(MINT, 996n))).toEqual(SWAPS);
  });
  test.each<[string, ZapOrder, Prepared, RegExp]>([
    ["another contract", MINT, prepared(MINT, 995n, { to: address("f") }), /calls another contract/],
    ["a redemption for a mint", MINT, prepared(REDEEM), /does something else/],
    ["no function of the zap's", MINT, prepared(MINT, 995n, { data: "0xdeadbeef" }), /does something else/],
    [
      "arguments that are none",
      MINT,
      prepared(MINT, 995n, { data: prepared(MINT).data.slice(0, 200) as "0x" }),
      /does something else/,
    ],
    ["another vault", MINT, tampered(0, address("f")), /another vault/],
    ["another token", MINT, tampered(1, address("f")), /another token/],
    ["more of the token", MINT, tampered(2, 1_001n), /another amount/],
    ["a limit below what is shown", MINT, prepared(MINT, 994n), /accepts less than it was asked for/],
    ["a call beside the pools", MINT, tampered(5, [{ least_out: 0n, data: "0x" }]), /more than pools/],
    ["a signature", MINT, tampered(7, SIGNED), /asks for a signature/],
    ["ether along with a token", MINT, prepared(MINT, 995n, { value: 1n }), /the chain's coin/],
    ["more ether than was ordered", ETHER, prepared(ETHER, 995n, { value: 1_001n }), /the chain's coin/],
    ["a token for the coin", ETHER, prepared(MINT, 995n, { value: 1_000n }), /another token/],
    ["a redemption for less", REDEEM, prepared({ ...REDEEM, amount: 999n }), /another amount/],
  ])("%s is refused", (_, order, sent, words) => {
    expect(() => swapsOf(order, 995n, sent)).toThrow(Distrusted);
    expect(() => swapsOf(order, 995n, sent)).toThrow(words);
  });
});

test("impactOf: what the pools keep at the oracle's prices, or that it is not known", () => {
  expect(impactOf({ valueIn: 100n, valueOut: 94n })).toBe(6n * 10n ** 16n);
  expect(impactOf({ valueIn: 100n, valueOut: 101n })).toBe(-(10n ** 16n));
  expect(impactOf({ valueIn: null, valueOut: 94n })).toBeNull();
  expect(impactOf({ valueIn: 100n, valueOut: null })).toBeNull();
  expect(impactOf({ valueIn: 0n, valueOut: 0n })).toBeNull();
});

describe("zapSteps", () => {
  const USDC = { address: address("c"), symbol: "USDC" };
  test("approves the zap for what is given and not more, where it is not allowed already", () => {
    const steps = zapSteps(MINT, 995n, SWAPS, USDC, 999n, "Mint", null);
    expect(steps.map((each) => each.kind)).toEqual(["approve", "zap"]);
    expect(steps[0]).toMatchObject({ token: USDC.address, spender: MINT.zap, amount: 1_000n, allowed: 999n });
    expect(zapSteps(MINT, 995n, SWAPS, USDC, 1_000n, "Mint", OFFER).map((each) => each.kind)).toEqual(["zap"]);
  });
  test("has a permission signed in place of the approval, where that is offered and needed", () => {
    const steps = zapSteps(MINT, 995n, SWAPS, USDC, 999n, "Mint", OFFER);
    expect(steps.map((each) => each.kind)).toEqual(["permit", "zap"]);
    expect(steps[0]).toMatchObject({ permission: { token: USDC.address, spender: MINT.zap, amount: 1_000n } });
  });
  test("the coin needs no approval", () => {
    const steps = zapSteps(ETHER, 995n, SWAPS, { address: null, symbol: "ETH" }, 0n, "Mint", OFFER);
    expect(steps.map((each) => each.kind)).toEqual(["zap"]);
  });
});

test("callOf: a zap has the limit that is shown, the chain's clock, and no permit", () => {
  const [step] = zapSteps(ETHER, 995n, SWAPS, { address: null, symbol: "ETH" }, 0n, "Mint", OFFER);
  if (step?.kind !== "zap") throw new Error("no zap");
  const call = callOf(step, 1_000n);
  expect(call).toMatchObject({ address: ETHER.zap, functionName: "zap_mint", value: 1_000n });
  expect(call.args.slice(0, 4)).toEqual([ETHER.vault, `0x${"0".repeat(40)}`, 1_000n, 995n]);
  expect(call.args[6]).toBe(2_200n);
  expect(call.args[7]).toMatchObject({ means: 0n });
});

test("callOf: a zap with a permit has the deadline that was signed", () => {
  const [step] = zapSteps(MINT, 995n, SWAPS, { address: address("c"), symbol: "USDC" }, 1_000n, "Mint", null);
  if (step?.kind !== "zap") throw new Error("no zap");
  const call = callOf(step, 1_000n, SIGNED);
  expect(call.args.slice(6)).toEqual([SIGNED.deadline, SIGNED]);
});
