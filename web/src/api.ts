/**
 * What the server answers, and nothing else of it: the one place that knows the shapes of /api/v1.
 *
 * Amounts are base units, USD and ratios WAD, all bigint; times are unix seconds.
 */

/** Room between a quote and its transaction: a rebalance may come between, prices do not matter. */
export const SLIPPAGE_BPS = 50;

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
  /** What buys and sells shares with one token, and the tokens it can be asked for; null where the server knows none. */
  zap: { address: Address; tokens: Token[] } | null;
}

export interface Token {
  /** Null for the chain's coin. */
  address: Address | null;
  symbol: string;
  decimals: number;
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
  driftBefore: bigint;
  driftAfter: bigint;
  poolFees: bigint;
  impact: bigint;
  kept: bigint;
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
  /** Taken at most, or paid at least. */
  limit: bigint;
}

export interface Quote {
  shares: bigint;
  /** In shares: of a mint on top, of a redemption a part of them. */
  fee: bigint;
  value: bigint | null;
  parts: Part[];
  /** Why the vault would refuse this now. */
  problem: string | null;
}

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

/** A transaction as the server prepared it: to be looked at before it is signed. */
export interface Prepared {
  to: Address;
  data: `0x${string}`;
  value: bigint;
}

/** A quote; for an account also what it would have to sign, and what that would do. */
export interface Zapped {
  quote: ZapQuote;
  prepared: Prepared | null;
  simulation: Simulation | null;
}

/** What the transactions would do, one after the other, on top of the newest block. */
export interface Simulation {
  /** Null where the server's endpoint cannot simulate. */
  succeeds: boolean | null;
  words: string | null;
  /** Limits with room to spare, of each transaction; null where it cannot be told. */
  gas: (bigint | null)[];
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
  partialReason: string | null;
  legs: Leg[];
  alternatives: { name: string; worth: bigint | null; leftOut: string | null }[];
}

export interface Lot {
  acquired: number | null;
  shares: bigint;
  cost: bigint | null;
  transaction: string;
}

export interface Disposal {
  acquired: number | null;
  disposed: number;
  shares: bigint;
  proceeds: bigint;
  gain: bigint | null;
  transaction: string;
}

export interface Claim {
  address: Address;
  symbol: string;
  decimals: number;
  amount: bigint;
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
  /** What redemptions could not pay: the vault keeps it until it is fetched. */
  claims: Claim[];
  lots: Lot[];
  disposals: Disposal[];
  /** Why nothing is known of the past. */
  problem: string | null;
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
  zap: { address: Address; tokens: Token[] } | null;
}

const NOBODY = `0x${"0".repeat(40)}`;

function maybe(text: MaybeText): bigint | null {
  return text === null ? null : BigInt(text);
}

function modeOf(found: { paused: boolean | null; is_shut_down: boolean | null }): Mode {
  if (found.is_shut_down) return "shut down";
  return found.paused ? "paused" : "open";
}

async function ask<T>(path: string, order?: unknown): Promise<T> {
  const headers: Record<string, string> = { Accept: "application/json" };
  if (order !== undefined) headers["Content-Type"] = "application/json";
  let answer: Response;
  try {
    answer = await fetch(`/api/v1${path}`, {
      // Always asked anew: what was read before a transaction is old after it. The tag makes it cheap.
      cache: "no-cache",
      headers,
      ...(order === undefined ? {} : { method: "POST", body: JSON.stringify(order) }),
    });
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

interface WireLeg {
  pool: string;
  venue: string | null;
  token_in: Address;
  token_out: Address;
  symbol_in: string;
  symbol_out: string;
  decimals_in: number | null;
  decimals_out: number | null;
  amount_in: Text;
  amount_out: Text;
}

function legOf(wire: WireLeg): Leg {
  return {
    venue: wire.venue ?? `pool ${wire.pool.slice(0, 6)}…`,
    pool: wire.pool,
    from: { address: wire.token_in, symbol: wire.symbol_in, decimals: wire.decimals_in ?? 0 },
    to: { address: wire.token_out, symbol: wire.symbol_out, decimals: wire.decimals_out ?? 0 },
    amountIn: BigInt(wire.amount_in),
    amountOut: BigInt(wire.amount_out),
  };
}

/** NAV per share at the blocks in which something happened and at some between, oldest first. */
export async function navOf(address: Address): Promise<NavPoint[]> {
  const { points } = await ask<{ points: { time: number; nav_per_share: Text }[] }>(`/vaults/${address}/nav`);
  return points.map((each) => ({ time: each.time, perShare: BigInt(each.nav_per_share) }));
}

interface WireRebalance {
  transaction: string;
  block: { number: number; time: number };
  value_out: Text;
  value_in: Text;
  drift_before: Text;
  drift_after: Text;
  pool_fees: Text;
  impact: Text;
  kept: Text;
  gas: MaybeText;
  legs: WireLeg[];
}

/** The last fills, newest first. */
export async function rebalancesOf(address: Address, limit: number): Promise<Rebalance[]> {
  const path = `/vaults/${address}/rebalances?limit=${limit}`;
  const { rebalances } = await ask<{ rebalances: WireRebalance[] }>(path);
  return rebalances.map((each) => ({
    time: each.block.time,
    block: each.block.number,
    transaction: each.transaction,
    valueOut: BigInt(each.value_out),
    valueIn: BigInt(each.value_in),
    driftBefore: BigInt(each.drift_before),
    driftAfter: BigInt(each.drift_after),
    poolFees: BigInt(each.pool_fees),
    impact: BigInt(each.impact),
    kept: BigInt(each.kept),
    gasUsd: maybe(each.gas),
    legs: each.legs.map(legOf),
  }));
}

interface WireQuote {
  shares: Text;
  fee: Text;
  value: MaybeText;
  parts: { asset: Address; symbol: string; decimals: number; amount: Text; limit: Text }[];
  problem: MaybeText;
}

/** What so many shares cost or pay of every asset, in basket order. */
export async function quoteOf(kind: "mint" | "redeem", address: Address, shares: bigint): Promise<Quote> {
  const path = `/vaults/${address}/quotes/${kind}?shares=${shares}&slippage_bps=${SLIPPAGE_BPS}`;
  const found = await ask<WireQuote>(path);
  return {
    shares: BigInt(found.shares),
    fee: BigInt(found.fee),
    value: maybe(found.value),
    parts: found.parts.map((each) => ({
      address: each.asset,
      symbol: each.symbol,
      decimals: each.decimals,
      amount: BigInt(each.amount),
      limit: BigInt(each.limit),
    })),
    problem: found.problem,
  };
}

interface WireTransactions {
  simulation: { succeeds: boolean | null; reason: MaybeText; words: MaybeText };
  transactions: { to: Address; data: `0x${string}`; value: Text; gas: number | null }[];
}

/** What an account's mint or redemption would do now, approvals and all. Nothing is sent. */
export async function simulate(
  kind: "mint" | "redeem",
  address: Address,
  shares: bigint,
  account: Address,
): Promise<Simulation> {
  const order = { account, shares: String(shares), slippage_bps: SLIPPAGE_BPS };
  return simulationOf(await ask<WireTransactions>(`/vaults/${address}/transactions/${kind}`, order));
}

function simulationOf({ simulation, transactions }: WireTransactions): Simulation {
  return {
    succeeds: simulation.succeeds,
    words: simulation.words ?? simulation.reason,
    gas: transactions.map((each) => (each.gas === null ? null : BigInt(each.gas))),
  };
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

/** What one token buys of shares, or shares of one token; with the transaction of an account that is named. */
export async function zapOf(
  kind: "mint" | "redeem",
  address: Address,
  token: Address | null,
  amount: bigint,
  account: Address | null,
): Promise<Zapped> {
  const order = {
    token: token ?? "ETH",
    [kind === "mint" ? "amount" : "shares"]: String(amount),
    slippage_bps: String(SLIPPAGE_BPS),
  };
  if (account === null) {
    const asked = new URLSearchParams(order);
    const quote = await ask<WireZapQuote>(`/vaults/${address}/quotes/zap-${kind}?${asked}`);
    return { quote: zapQuoteOf(quote), prepared: null, simulation: null };
  }
  const path = `/vaults/${address}/transactions/zap-${kind}`;
  const found = await ask<WireTransactions & { quote: WireZapQuote }>(path, {
    ...order,
    slippage_bps: SLIPPAGE_BPS,
    account,
  });
  const last = found.transactions.at(-1);
  return {
    quote: zapQuoteOf(found.quote),
    prepared: last ? { to: last.to, data: last.data, value: BigInt(last.value) } : null,
    simulation: simulationOf(found),
  };
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

interface WireDecision {
  kind: string;
  reason: string;
  until: number | null;
  block: { number: number; time: number };
  value_out: MaybeText;
  value_in: MaybeText;
  gas_cost: MaybeText;
  gap_bps: number | null;
  partial_reason: MaybeText;
  legs: WireLeg[];
  alternatives: { name: string; worth: MaybeText; left_out: MaybeText }[];
}

/** What the keeper would do now, and why. */
export async function decisionOf(address: Address): Promise<Decision> {
  const found = await ask<WireDecision>(`/vaults/${address}/decision`);
  return {
    kind: found.kind,
    reason: found.reason,
    until: found.until,
    block: found.block.number,
    time: found.block.time,
    valueOut: maybe(found.value_out),
    valueIn: maybe(found.value_in),
    gasUsd: maybe(found.gas_cost),
    gapBps: found.gap_bps,
    partialReason: found.partial_reason,
    legs: found.legs.map(legOf),
    alternatives: found.alternatives.map((each) => ({
      name: each.name,
      worth: maybe(each.worth),
      leftOut: each.left_out,
    })),
  };
}

interface WirePosition {
  chain_id: number;
  vault: Address;
  name: string;
  symbol: string;
  shares: Text;
  value: MaybeText;
  cost: MaybeText;
  unrealised_gain: MaybeText;
  realised_gain: MaybeText;
  claims: { asset: Address; symbol: string; decimals: number; amount: Text }[];
  lots: { quantity: Text; cost: MaybeText; acquired_at: number | null; transaction: string }[] | null;
  disposals:
    | {
        quantity: Text;
        proceeds: Text;
        gain: MaybeText;
        acquired_at: number | null;
        disposed_at: number;
        transaction: string;
      }[]
    | null;
  books_problem: MaybeText;
}

/** What an account has of the vaults of this server. */
export async function positionsOf(account: Address): Promise<Position[]> {
  const { positions } = await ask<{ positions: WirePosition[] }>(`/accounts/${account}/positions`);
  return positions.map((each) => ({
    vault: each.vault,
    chainId: each.chain_id,
    name: each.name,
    symbol: each.symbol,
    shares: BigInt(each.shares),
    value: maybe(each.value),
    cost: maybe(each.cost),
    gain: maybe(each.unrealised_gain),
    realised: maybe(each.realised_gain),
    claims: each.claims.map((claim) => ({
      address: claim.asset,
      symbol: claim.symbol,
      decimals: claim.decimals,
      amount: BigInt(claim.amount),
    })),
    lots: (each.lots ?? []).map((lot) => ({
      acquired: lot.acquired_at,
      shares: BigInt(lot.quantity),
      cost: maybe(lot.cost),
      transaction: lot.transaction,
    })),
    disposals: (each.disposals ?? []).map((gone) => ({
      acquired: gone.acquired_at,
      disposed: gone.disposed_at,
      shares: BigInt(gone.quantity),
      proceeds: BigInt(gone.proceeds),
      gain: maybe(gone.gain),
      transaction: gone.transaction,
    })),
    problem: each.books_problem,
  }));
}
