/** Vaults: the list, and each one's page. */
import { ask } from "./client";
import { type Address, type MaybeText, maybe, type Text, type Token } from "./wire";

export interface Asset {
  address: Address;
  symbol: string;
  decimals: number;
  balance: bigint;
  price: bigint | null;
  value: bigint | null;
  weight: bigint | null;
  target: bigint;
  band: bigint;
}

export interface Role {
  name: string;
  holder: Address | null;
  pending: Address | null;
  isContract: boolean;
  may: string;
}

/** A row of the list; null where the vault could not be read, and `problem` says why. */
export interface Summary {
  chainId: number;
  address: Address;
  name: string;
  symbol: string;
  nav: bigint | null;
  navPerShare: bigint | null;
  drift: bigint | null;
  mode: Mode;
  isOpen: boolean;
  symbols: string[];
  problem: string | null;
}

export interface Vault {
  chainId: number;
  address: Address;
  name: string;
  symbol: string;
  block: number;
  time: number;
  supply: bigint;
  nav: bigint | null;
  navPerShare: bigint | null;
  drift: bigint | null;
  assets: Asset[];
  triggers: string[];
  isOpen: boolean;
  bound: bigint;
  mode: Mode;
  problem: string | null;
  fees: { streaming: bigint; mint: bigint; redeem: bigint; recipient: Address | null };
  roles: Role[];
  /** What buys and sells shares with one token, and the tokens it can be asked for; null where the server knows none. */
  zap: { address: Address; tokens: Token[] } | null;
}

export type Mode = "open" | "paused" | "shut down";

interface WireSummary {
  chain_id: number;
  address: Address;
  name: MaybeText;
  symbol: MaybeText;
  nav: MaybeText;
  nav_per_share: MaybeText;
  drift: MaybeText;
  paused: boolean | null;
  is_shut_down: boolean | null;
  is_rebalancing: boolean | null;
  assets: string[];
  problem: MaybeText;
}

interface WireVault {
  chain_id: number;
  address: Address;
  block: { number: number; time: number };
  name: string;
  symbol: string;
  supply: Text;
  nav: MaybeText;
  nav_per_share: MaybeText;
  drift: MaybeText;
  paused: boolean;
  is_shut_down: boolean;
  problem: MaybeText;
  holdings: {
    asset: Address;
    symbol: string;
    decimals: number;
    amount: Text;
    price: MaybeText;
    value: MaybeText;
    weight: MaybeText;
    target: Text;
    band: Text;
  }[];
  rebalancing: { is_open: boolean; trigger: string[] | null; price_bound: Text };
  fees: { recipient: Address; streaming: Text; mint: Text; redeem: Text };
  roles: { name: string; holder: Address | null; pending: Address | null; is_contract: boolean; may: string }[];
  zap: { address: Address; tokens: Token[] } | null;
}

const NOBODY = `0x${"0".repeat(40)}`;

function modeOf(found: { paused: boolean | null; is_shut_down: boolean | null }): Mode {
  if (found.is_shut_down) return "shut down";
  return found.paused ? "paused" : "open";
}

/** What the chain's coin is called where it is a token, by chain. */
export async function wrappedCoins(): Promise<ReadonlyMap<number, Address>> {
  const { chains } = await ask<{ chains: { chain_id: number; wrapped_native: Address }[] }>("/chains");
  return new Map(chains.map((each) => [each.chain_id, each.wrapped_native]));
}

/** The vaults that this server serves. */
export async function vaultsOf(): Promise<Summary[]> {
  const { vaults } = await ask<{ vaults: WireSummary[] }>("/vaults");
  return vaults.map((each) => ({
    chainId: each.chain_id,
    address: each.address,
    name: each.name ?? each.address,
    symbol: each.symbol ?? "",
    nav: maybe(each.nav),
    navPerShare: maybe(each.nav_per_share),
    drift: maybe(each.drift),
    mode: modeOf(each),
    isOpen: each.is_rebalancing ?? false,
    symbols: each.assets,
    problem: each.problem,
  }));
}

/** One of them. */
export async function vaultOf(address: Address): Promise<Vault> {
  const found = await ask<WireVault>(`/vaults/${address}`);
  const { fees, rebalancing } = found;
  return {
    chainId: found.chain_id,
    address: found.address,
    name: found.name,
    symbol: found.symbol,
    block: found.block.number,
    time: found.block.time,
    supply: BigInt(found.supply),
    nav: maybe(found.nav),
    navPerShare: maybe(found.nav_per_share),
    drift: maybe(found.drift),
    assets: found.holdings.map((each) => ({
      address: each.asset,
      symbol: each.symbol,
      decimals: each.decimals,
      balance: BigInt(each.amount),
      price: maybe(each.price),
      value: maybe(each.value),
      weight: maybe(each.weight),
      target: BigInt(each.target),
      band: BigInt(each.band),
    })),
    triggers: rebalancing.trigger ?? [],
    isOpen: rebalancing.is_open,
    bound: BigInt(rebalancing.price_bound),
    mode: modeOf(found),
    problem: found.problem,
    fees: {
      streaming: BigInt(fees.streaming),
      mint: BigInt(fees.mint),
      redeem: BigInt(fees.redeem),
      recipient: fees.recipient === NOBODY ? null : fees.recipient,
    },
    roles: found.roles.map((each) => ({
      name: each.name,
      holder: each.holder,
      pending: each.pending,
      isContract: each.is_contract,
      may: each.may,
    })),
    zap: found.zap,
  };
}
