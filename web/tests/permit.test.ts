import { concat, getAddress, type Hex, hashTypedData, numberToHex, recoverTypedDataAddress } from "viem";
import { privateKeyToAccount, sign } from "viem/accounts";
import { expect, test } from "vitest";
import type { Address } from "../src/api/wire";
import { CannotSign, type Permission, permitOf, typedDataOf } from "../src/trade/permit";

const address = (digit: string): Address => getAddress(`0x${digit.repeat(40)}`);
const KEY: Hex = `0x${"7".repeat(64)}`;
const OWNER = privateKeyToAccount(KEY).address;
const PERMISSION: Permission = {
  offer: { means: "erc2612", nonce: 3n, name: "USD Coin", version: "2" },
  token: address("c"),
  spender: address("a"),
  amount: 1_000n,
};
const BY_PERMIT2: Permission = { ...PERMISSION, offer: { ...PERMISSION.offer, means: "permit2" } };

test("typedDataOf: a permit is the token's, for exactly what is given and until the deadline", () => {
  const data = typedDataOf(PERMISSION, OWNER, 1, 99n);
  expect(data).toMatchObject({
    domain: { name: "USD Coin", version: "2", chainId: 1, verifyingContract: PERMISSION.token },
    primaryType: "Permit",
    message: { owner: OWNER, spender: PERMISSION.spender, value: 1_000n, nonce: 3n, deadline: 99n },
  });
  expect(data.types).toHaveProperty("Permit.length", 5);
});

test("typedDataOf: a transfer is Permit2's own, whatever the server calls the token", () => {
  expect(typedDataOf(BY_PERMIT2, OWNER, 1, 99n)).toMatchObject({
    domain: { name: "Permit2", chainId: 1, verifyingContract: "0x000000000022D473030F116dDEE9F6B43aC78BA3" },
    primaryType: "PermitTransferFrom",
    message: { permitted: { token: PERMISSION.token, amount: 1_000n }, spender: PERMISSION.spender, nonce: 3n },
  });
});

test.each([
  [PERMISSION, 1n, 0],
  [BY_PERMIT2, 2n, 27],
] as const)("permitOf: a signature of it is taken apart as the zap takes it", async (permission, means, zero) => {
  const data = typedDataOf(permission, OWNER, 1, 99n);
  const { r, s, yParity } = await sign({ hash: hashTypedData(data as never), privateKey: KEY });
  const permit = permitOf(permission, 99n, concat([r, s, numberToHex(zero + (yParity ?? 0), { size: 1 })]));
  expect(permit).toMatchObject({ means, amount: 1_000n, nonce: 3n, deadline: 99n, r, s, v: 27 + (yParity ?? 0) });
  const signature = concat([permit.r, permit.s, numberToHex(permit.v, { size: 1 })]);
  expect(await recoverTypedDataAddress({ ...data, signature } as never)).toBe(OWNER);
});

test("permitOf: the signature of a wallet that is a contract is none", () => {
  expect(() => permitOf(PERMISSION, 99n, `0x${"1".repeat(200)}`)).toThrow(CannotSign);
});
