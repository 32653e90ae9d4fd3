/** What the wallet has, read through the wallet. */
import { readContracts } from "wagmi/actions";
import { tokenAbi } from "../abi";
import type { Vault } from "../api/vaults";
import type { Address } from "../api/wire";
import { isKnown } from "../chains";
import { config } from "../wallet";

export interface Holdings {
  shares: bigint;
  /** In basket order. */
  balances: bigint[];
  /** What the vault may take of each, in basket order. */
  allowances: bigint[];
}

export async function holdingsOf(vault: Vault, account: Address): Promise<Holdings> {
  const { address, chainId } = vault;
  if (!isKnown(chainId)) throw new Error(`This page does not know chain ${chainId}.`);
  const of = { chainId, functionName: "balanceOf", args: [account], abi: tokenAbi } as const;
  // Shares are a token too.
  const contracts = [
    { ...of, address },
    ...vault.assets.flatMap((asset) => [
      { ...of, address: asset.address },
      { ...of, address: asset.address, functionName: "allowance", args: [account, address] } as const,
    ]),
  ];
  const [shares = 0n, ...rest] = await readContracts(config, { allowFailure: false, contracts });
  return {
    shares,
    balances: rest.filter((_, index) => index % 2 === 0),
    allowances: rest.filter((_, index) => index % 2 === 1),
  };
}
