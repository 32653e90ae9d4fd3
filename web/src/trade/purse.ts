/** What the wallet has of what a zap takes and gives, read through the wallet. */
import { getBalance, readContracts } from "wagmi/actions";
import { tokenAbi } from "../abi";
import type { Address } from "../api/wire";
import { isKnown } from "../chains";
import { config } from "../wallet";

export interface Purse {
  /** Wei of the chain's coin, which pays for gas. */
  coin: bigint;
  shares: bigint;
  /** Of the token; the coin where there is none. */
  token: bigint;
  /** What the zap may take of what is given already. */
  allowance: bigint;
}

/**
 * @param token null for the chain's coin
 * @param given what the zap takes: the token, or the vault's shares
 */
export async function purseOf(
  chainId: number,
  vault: Address,
  zap: Address,
  token: Address | null,
  given: Address | null,
  account: Address,
): Promise<Purse> {
  if (!isKnown(chainId)) throw new Error(`This page does not know chain ${chainId}.`);
  const of = { chainId, functionName: "balanceOf", args: [account], abi: tokenAbi } as const;
  const allowance = { ...of, functionName: "allowance", args: [account, zap] } as const;
  const [{ value: coin }, [shares, balance, allowed]] = await Promise.all([
    getBalance(config, { address: account, chainId }),
    // Where there is no token, the vault's shares are asked twice and the answer is left.
    readContracts(config, {
      allowFailure: false,
      contracts: [
        { ...of, address: vault },
        { ...of, address: token ?? vault },
        { ...allowance, address: given ?? vault },
      ],
    }),
  ]);
  return { coin, shares, token: token === null ? coin : balance, allowance: given === null ? 0n : allowed };
}
