/** A row of transactions on its way through the wallet, and what a person sees of it. */
import { useQueryClient } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import type { Address } from "../api/wire";
import { transactionPage } from "../chains";
import { Hex } from "../ui/parts";
import { inWords } from "../words";
import { OutcomeUnknown, type Progress, run } from "./run";
import type { Step } from "./steps";

/** The server may learn of a block a moment after the wallet did. */
const LATER_MS = 3_000;

const WORDS: Record<Progress["state"], string> = {
  waiting: "waits",
  checking: "is simulated",
  signing: "sign it in your wallet",
  mining: "sent, waits for its block",
  done: "done",
  failed: "failed",
};

export interface Runner {
  /** Null before the first start and after `clear`. */
  running: { steps: readonly Step[]; progress: readonly Progress[]; over: boolean } | null;
  isBusy: boolean;
  failed: Progress | undefined;
  /** All of them were mined. */
  done: boolean;
  /** Nobody can say what became of what was sent: there is no second try. */
  isLost: boolean;
  start: (steps: readonly Step[], account: Address) => Promise<void>;
  clear: () => void;
}

export function useRunner(chain: number): Runner {
  const queries = useQueryClient();
  const [running, setRunning] = useState<Runner["running"]>(null);

  async function start(steps: readonly Step[], account: Address) {
    const progress: Progress[] = steps.map(() => ({ state: "waiting" }));
    const show = (over: boolean) => setRunning({ steps, progress: [...progress], over });
    show(false);
    await run(steps, account, chain, (index, now) => {
      progress[index] = now;
      show(false);
    });
    // Whatever was read before is old now, so that a second try starts from what the chain says.
    void queries.invalidateQueries();
    setTimeout(() => void queries.invalidateQueries(), LATER_MS);
    show(true);
  }

  const failed = running?.progress.find((each) => each.state === "failed");
  return {
    running,
    isBusy: running !== null && !running.over,
    failed: running?.over ? failed : undefined,
    done: (running?.over && running.progress.every((each) => each.state === "done")) ?? false,
    isLost: failed?.error instanceof OutcomeUnknown,
    start,
    clear: () => setRunning(null),
  };
}

/** The transactions and how far they are; where one failed, why; where all are mined, the children. */
export function Transactions(props: { runner: Runner; chain: number; children: ReactNode }) {
  const { running, failed, done } = props.runner;
  return (
    <>
      {running && (
        <ol className="steps" aria-live="polite" aria-label="Transactions">
          {running.steps.map((step, index) => {
            const now = running.progress[index] ?? { state: "waiting" };
            return (
              <li key={step.title} className={now.state}>
                <span>{step.title}</span>
                <span className="state">
                  {WORDS[now.state]} {now.hash && <Hex of={now.hash} href={transactionPage(props.chain, now.hash)} />}
                </span>
              </li>
            );
          })}
        </ol>
      )}
      {failed && (
        <div className="notice bad" role="alert">
          <p>
            <strong>Stopped.</strong> {inWords(failed.error)} What was done before stays done.
          </p>
        </div>
      )}
      {done && (
        <div className="notice good" role="status">
          <p>{props.children}</p>
        </div>
      )}
    </>
  );
}
