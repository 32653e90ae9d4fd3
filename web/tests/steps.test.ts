import { expect, test } from "vitest";
import type { Address } from "../src/api/wire";
import { callOf } from "../src/trade/run";
import { type LimitedPart, mintSteps, redeemSteps } from "../src/trade/steps";

const VAULT: Address = "0x00000000000000000000000000000000000000aa";
const ME: Address = "0x00000000000000000000000000000000000000bb";
const parts: LimitedPart[] = [1, 2, 3].map((each) => ({
  address: `0x${String(each).padStart(40, "0")}`,
  symbol: `T${each}`,
  decimals: 18,
  amount: 1000n,
  limit: 1005n,
}));

test("mintSteps: only what is missing is approved, for what may be taken at most and not more", () => {
  const steps = mintSteps(VAULT, ME, 5n, parts, [0n, 1005n, 1004n], "5");
  expect(steps.map((each) => each.kind)).toEqual(["approve", "approve", "mint"]);
  expect(steps[0]).toMatchObject({ token: parts[0]?.address, spender: VAULT, amount: 1005n, allowed: 0n });
  expect(steps[1]).toMatchObject({ token: parts[2]?.address, amount: 1005n, allowed: 1004n });
  expect(steps[2]).toMatchObject({ shares: 5n, receiver: ME, limits: [1005n, 1005n, 1005n] });
});

test("redeemSteps: one call, with the least that is accepted", () => {
  const limits = parts.map((each) => ({ ...each, limit: 995n }));
  const steps = redeemSteps(VAULT, ME, 5n, limits, "5");
  expect(steps).toHaveLength(1);
  expect(steps[0]).toMatchObject({ kind: "redeem", limits: [995n, 995n, 995n], receiver: ME });
});

test("callOf: the deadline counts from the chain's clock", () => {
  const [step] = redeemSteps(VAULT, ME, 5n, parts, "5");
  if (step?.kind !== "redeem") throw new Error("no step");
  expect(callOf(step, 1_000n)).toMatchObject({
    address: VAULT,
    functionName: "redeem",
    args: [5n, ME, [1005n, 1005n, 1005n], 2_200n],
  });
});
