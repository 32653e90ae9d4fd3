/**
 * What the server answers, and nothing else of it: the one place that knows the shapes of /api/v1.
 *
 * Amounts are base units, USD and ratios WAD, all bigint; times are unix seconds.
 */

export type Address = `0x${string}`;

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
}

export type Mode = "open" | "paused" | "shut down";

export interface Leg {
  venue: string;
  pool: string;
  from: { address: Address; symbol: string; decimals: number };
  to: { address: Address; symbol: string; decimals: number };
  amountIn: bigint;
  amountOut: bigint;
}

export interface Rebalance {
  time: number;
  block: number;
  transaction: string;
  valueOut: bigint;
  valueIn: bigint;
  driftBefore: bigint | null;
  driftAfter: bigint | null;
  gasUsd: bigint | null;
  legs: Leg[];
}

export interface NavPoint {
  time: number;
  perShare: bigint;
}

export interface Part {
  address: Address;
  symbol: string;
  decimals: number;
  amount: bigint;
}

export interface Quote {
  shares: bigint;
  fee: bigint;
  value: bigint | null;
  parts: Part[];
  block: number;
}

export interface Decision {
  kind: string;
  reason: string;
  until: number | null;
  block: number;
  time: number;
  valueOut: bigint | null;
  valueIn: bigint | null;
  gasUsd: bigint | null;
  gapBps: number | null;
  legs: Leg[];
}

export interface Lot {
  acquired: number | null;
  shares: bigint;
  cost: bigint | null;
  gain: bigint | null;
}

export interface Position {
  vault: Address;
  chainId: number;
  name: string;
  symbol: string;
  shares: bigint;
  value: bigint | null;
  cost: bigint | null;
  gain: bigint | null;
  realised: bigint | null;
  lots: Lot[];
}

/** An answer that is no success, or none at all. The message is a sentence for a person. */
export class ApiError extends Error {
  readonly status: number | null;
  readonly type: string;

  constructor(message: string, status: number | null, type = "about:blank") {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.type = type;
  }
}

// ---------------------------------------------------------------- the wire

type Text = string;
type MaybeText = string | null;

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
}

const NOBODY = `0x${"0".repeat(40)}`;

function maybe(text: MaybeText): bigint | null {
  return text === null ? null : BigInt(text);
}

function modeOf(found: { paused: boolean | null; is_shut_down: boolean | null }): Mode {
  if (found.is_shut_down) return "shut down";
  return found.paused ? "paused" : "open";
}

async function get<T>(path: string): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, { headers: { Accept: "application/json" } });
  } catch {
    throw new ApiError("The server does not answer.", null);
  }
  const body: unknown = await answer.json().catch(() => null);
  if (!answer.ok) throw problem(answer, body);
  if (body === null) throw new ApiError("The server's answer cannot be read.", answer.status);
  return body as T;
}

function problem(answer: Response, body: unknown): ApiError {
  const { title, detail, type } = (body ?? {}) as { title?: string; detail?: string; type?: string };
  const message = title ? `${title}${detail ? `: ${detail}` : ""}.` : `The server answers ${answer.status}.`;
  return new ApiError(message, answer.status, type);
}

/** The vaults that this server serves. */
export async function vaultsOf(): Promise<Summary[]> {
  const { vaults } = await get<{ vaults: WireSummary[] }>("/vaults");
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
  const found = await get<WireVault>(`/vaults/${address}`);
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
  };
}

export async function navOf(_address: Address): Promise<NavPoint[]> {
  return [];
}
export async function rebalancesOf(_address: Address): Promise<Rebalance[]> {
  return [];
}
export async function quoteOf(_kind: "mint" | "redeem", _address: Address, _shares: bigint): Promise<Quote> {
  throw new Error("not yet");
}
export async function decisionOf(_address: Address): Promise<Decision> {
  throw new Error("not yet");
}
export async function positionsOf(_account: Address): Promise<Position[]> {
  return [];
}
