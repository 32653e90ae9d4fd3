/** An amount that a person types, and what is wrong with it. */
import { type ReactNode, useEffect, useId, useState } from "react";
import { parseAmount } from "../format";

const PAUSE_MS = 400;

export interface Typed {
  amount: bigint | null;
  fault: string | null;
}

/** What was typed, in base units; neither amount nor fault while nothing is. */
export function read(text: string, decimals: number): Typed {
  if (text.trim() === "") return { amount: null, fault: null };
  try {
    return { amount: parseAmount(text, decimals), fault: null };
  } catch (error) {
    return { amount: null, fault: (error as Error).message };
  }
}

/** The value once it has stayed what it is for a moment: what is asked of a server while somebody types is asked once. */
export function useSettled<T>(value: T): T {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

export function AmountField(props: {
  label: string;
  unit: string;
  text: string;
  onText: (text: string) => void;
  fault: string | null;
  /** Stands below; a fault takes its place. */
  hint: ReactNode;
  /** All that there is, where that is known. */
  onMax?: (() => void) | undefined;
}) {
  const { label, unit, text, onText, fault, hint, onMax } = props;
  const id = useId();
  return (
    <>
      <label htmlFor={id}>{label}</label>
      <div className="amount">
        <input
          id={id}
          inputMode="decimal"
          autoComplete="off"
          placeholder="0.0"
          value={text}
          aria-invalid={fault !== null}
          aria-describedby={`${id}-hint`}
          onChange={(event) => onText(event.target.value)}
        />
        <span className="unit">{unit}</span>
        {onMax && (
          <button type="button" className="plain" onClick={onMax}>
            Max
          </button>
        )}
      </div>
      <p id={`${id}-hint`} className={fault ? "bad small" : "quiet small"} role={fault ? "alert" : undefined}>
        {fault ?? hint}
      </p>
    </>
  );
}
