/** Steps through the wallet, one after the other: simulated, signed, mined. Stops at the first that fails. */
import type { Hash, TransactionReceipt } from "viem";
import { getBlock, getPublicClient, signTypedData, simulateContract, writeContract } from "wagmi/actions";
import { tokenAbi, vaultAbi } from "../abi";
import type { Address } from "../api/wire";
import { type ChainId, isKnown } from "../chains";
import { config } from "../wallet";
import { inWords, isRejected } from "../words";
import { CannotSign, type Permission, type Permit, permitOf, typedDataOf } from "./permit";
import { DEADLINE_S, type Step } from "./steps";
import { zapCall } from "./zap";

/** How often the outcome of a transaction is asked for where the connection fails, and how long between. */
const ATTEMPTS = 60;
const PAUSE_MS = 2_000;
/** A quarter of gas to spare: an estimate is of one block, and a redemption gives each token its own share of what is left. */
const SPARE = 4n;

export type State = "waiting" | "checking" | "signing" | "mining" | "done" | "failed";
export interface Progress {
  state: State;
  hash?: Hash;
  /** Of a step that is done. */
  receipt?: TransactionReceipt;
  error?: unknown;
}

/** A step that is sent; the others are signed. */
type Sent = Exclude<Step, { kind: "permit" }>;

/**
 * What a step calls. The deadline counts from the chain's clock, which need not be this machine's.
 *
 * @param permit what was signed for a zap, whose deadline it is too
 */
export function callOf(step: Sent, now: bigint, permit?: Permit) {
  if (step.kind === "approve")
    return { address: step.token, abi: tokenAbi, functionName: "approve", args: [step.spender, step.amount] } as const;
  if (step.kind === "claim")
    return { address: step.vault, abi: vaultAbi, functionName: "claim", args: [step.asset, step.receiver] } as const;
  if (step.kind === "zap")
    return zapCall(step.order, step.least, step.swaps, permit?.deadline ?? now + DEADLINE_S, permit);
  const args = [step.shares, step.receiver, step.limits, now + DEADLINE_S] as const;
  return { address: step.vault, abi: vaultAbi, functionName: step.kind, args } as const;
}

/**
 * Run the steps.
 *
 * @returns whether all of them were mined
 */
export async function run(
  steps: readonly Step[],
  account: Address,
  chain: number,
  tell: (index: number, progress: Progress) => void,
): Promise<boolean> {
  let permit: Permit | undefined;
  for (const [index, step] of steps.entries()) {
    let hash: Hash | undefined;
    const say = (progress: Progress) => {
      hash = progress.hash ?? hash;
      tell(index, progress);
    };
    try {
      if (step.kind === "permit") {
        say({ state: "signing" });
        permit = await sign(step.permission, account, known(chain));
        say({ state: "done" });
        continue;
      }
      if (step.kind === "approve" && step.allowed > 0n && (await refuses(step, account, chain)))
        await send({ ...step, amount: 0n }, account, chain, say);
      const receipt = await send(step, account, chain, say, permit);
      say({ state: "done", hash: receipt.transactionHash, receipt });
    } catch (error) {
      say({ state: "failed", error, ...(hash ? { hash } : {}) });
      return false;
    }
  }
  return true;
}

/** Some tokens (USDT) change an allowance only from zero. */
async function refuses(step: Sent, account: Address, chain: number): Promise<boolean> {
  const call = { ...callOf(step, 0n), account, chainId: known(chain) };
  return simulateContract(config, call as never).then(
    () => false,
    () => true,
  );
}

/** Have the wallet sign a permission, which holds as long as a transaction would. */
async function sign(permission: Permission, account: Address, chainId: ChainId): Promise<Permit> {
  const { timestamp } = await getBlock(config, { chainId });
  const deadline = timestamp + DEADLINE_S;
  const data = typedDataOf(permission, account, chainId, deadline);
  const signature = await signTypedData(config, { ...data, account } as never).catch((error) => {
    throw isRejected(error) ? error : new CannotSign();
  });
  return permitOf(permission, deadline, signature);
}

async function send(
  step: Sent,
  account: Address,
  chain: number,
  say: (progress: Progress) => void,
  permit?: Permit,
): Promise<TransactionReceipt> {
  const chainId = known(chain);
  say({ state: "checking" });
  const { timestamp } = await getBlock(config, { chainId });
  const call = { ...callOf(step, timestamp, permit), account, chainId };
  await simulateContract(config, call as never);
  const gas = await getPublicClient(config, { chainId }).estimateContractGas(call as never);
  say({ state: "signing" });
  const hash = await writeContract(config, { ...call, gas: gas + gas / SPARE } as never);
  say({ state: "mining", hash });
  const receipt = await mined(chainId, hash);
  if (receipt.status === "success") return receipt;
  // What the call says on top of its block is most likely why it reverted in it.
  const why = await simulateContract(config, { ...call, blockNumber: receipt.blockNumber } as never).then(
    () => "The chain changed after it was simulated.",
    inWords,
  );
  throw new Error(`It was mined and reverted: only its gas is spent. ${why}`);
}

/** It was sent, and nobody can say what became of it: to send it again might do it twice. */
export class OutcomeUnknown extends Error {}

/** Wait until a transaction is mined. A connection that fails meanwhile is asked again: what was sent stays sent. */
async function mined(chainId: ChainId, hash: Hash): Promise<TransactionReceipt> {
  const client = getPublicClient(config, { chainId });
  let cancelled = false;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const receipt = await client
      .waitForTransactionReceipt({ hash, onReplaced: ({ reason }) => (cancelled = reason !== "repriced") })
      .catch(() => null);
    if (cancelled) throw new Error("It was cancelled or replaced in the wallet. Start again.");
    if (receipt) return receipt;
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new OutcomeUnknown(
    "It was sent, but the connection does not say what became of it: look in your wallet first.",
  );
}

/** Wei a unit of gas costs now, as the wallet's chain says. */
export async function gasPrice(chain: number): Promise<bigint> {
  const client = getPublicClient(config, { chainId: known(chain) });
  if (!client) throw new Error("The wallet gives no connection to the chain.");
  return client.getGasPrice();
}

function known(chain: number): ChainId {
  if (!isKnown(chain)) throw new Error(`This page does not know chain ${chain}.`);
  return chain;
}
