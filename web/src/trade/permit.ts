/** What a wallet signs in place of an approval. The server says what the token calls itself; all else is the page's own. Pure. */
import { type Hex, hexToNumber, size, slice } from "viem";
import type { Address } from "../api/wire";
import type { PermitOffer } from "../api/zaps";

/** The wallet gives no signature that a token takes: an approval does the same. */
export class CannotSign extends Error {
  constructor() {
    super("Your wallet does not sign such messages: go on with an approval in its place.");
  }
}

/** The zap may take so much of a token, and not more. */
export interface Permission {
  offer: PermitOffer;
  token: Address;
  spender: Address;
  amount: bigint;
}

/** As the zap takes it. */
export interface Permit {
  means: bigint;
  amount: bigint;
  nonce: bigint;
  deadline: bigint;
  v: number;
  r: Hex;
  s: Hex;
}

const PERMIT2: Address = "0x000000000022D473030F116dDEE9F6B43aC78BA3";
const NONE: Hex = `0x${"0".repeat(64)}`;
const MEANS = { erc2612: 1n, permit2: 2n } as const;

export const NO_PERMIT: Permit = { means: 0n, amount: 0n, nonce: 0n, deadline: 0n, v: 0, r: NONE, s: NONE };

/** EIP-712: the token's own permit, or a signature transfer of Permit2's. */
export function typedDataOf(permission: Permission, owner: Address, chainId: number, deadline: bigint) {
  const { offer, token, spender, amount } = permission;
  const { nonce, name, version } = offer;
  const spent = [
    { name: "spender", type: "address" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ] as const;
  return offer.means === "erc2612"
    ? {
        domain: { name, version, chainId, verifyingContract: token },
        types: {
          Permit: [
            { name: "owner", type: "address" },
            spent[0],
            { name: "value", type: "uint256" },
            spent[1],
            spent[2],
          ],
        },
        primaryType: "Permit" as const,
        message: { owner, spender, value: amount, nonce, deadline },
      }
    : {
        domain: { name: "Permit2", chainId, verifyingContract: PERMIT2 },
        types: {
          PermitTransferFrom: [{ name: "permitted", type: "TokenPermissions" }, ...spent],
          TokenPermissions: [
            { name: "token", type: "address" },
            { name: "amount", type: "uint256" },
          ],
        },
        primaryType: "PermitTransferFrom" as const,
        message: { permitted: { token, amount }, spender, nonce, deadline },
      };
}

/** @throws CannotSign the signature is no account's own, as that of a wallet which is a contract */
export function permitOf(permission: Permission, deadline: bigint, signature: Hex): Permit {
  if (size(signature) !== 65) throw new CannotSign();
  const last = hexToNumber(slice(signature, 64));
  return {
    means: MEANS[permission.offer.means],
    amount: permission.amount,
    nonce: permission.offer.nonce,
    deadline,
    // Some wallets count from zero.
    v: last < 27 ? last + 27 : last,
    r: slice(signature, 0, 32),
    s: slice(signature, 32, 64),
  };
}
