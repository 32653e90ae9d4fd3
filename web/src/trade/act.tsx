/** The end of every form: what stands in the way, how far the transactions are, and the button that starts them. */
import type { ReactNode } from "react";
import { inWords } from "../words";
import { type Runner, Transactions } from "./runner";

export function Act(props: {
  runner: Runner;
  chain: number;
  /** Why balances could not be read; null where they were. */
  trouble: unknown;
  obstacle: string | null;
  /** Whether there is a wallet on the vault's chain. */
  isHere: boolean;
  title: string;
  /** Null where it cannot be done now. */
  start: (() => void) | null;
  /** What is said once all is mined. */
  children: ReactNode;
}) {
  const { runner, trouble, obstacle, start } = props;
  return (
    <>
      {trouble !== null && (
        <div className="notice bad" role="alert">
          <p>
            <strong>Could not read your balances.</strong> {inWords(trouble)} Trying again by itself.
          </p>
        </div>
      )}
      {obstacle !== null && !runner.running && (
        <p className="notice bad" role="alert">
          {obstacle}
        </p>
      )}
      <Transactions runner={runner} chain={props.chain}>
        {props.children}
      </Transactions>
      {props.isHere && (
        <button
          type="button"
          className="main large"
          disabled={start === null || obstacle !== null || runner.isBusy || runner.done || runner.isLost}
          onClick={() => start?.()}
        >
          {runner.failed ? "Go on" : props.title}
        </button>
      )}
    </>
  );
}
