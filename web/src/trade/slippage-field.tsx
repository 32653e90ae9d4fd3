/** The choice of how much worse than quoted it may come: of a few, or one's own; remembered as long as the tab is open. */
import { useId, useState } from "react";
import { CHOICES, parseSlippage, percentOf, USUAL, warningOf } from "./slippage";

const KEY = "slippage";

export interface Slippage {
  /** Basis points. */
  bps: number;
  choose: (bps: number) => void;
}

export function useSlippage(): Slippage {
  const [bps, setBps] = useState(remembered);
  const choose = (chosen: number) => {
    setBps(chosen);
    try {
      sessionStorage.setItem(KEY, String(chosen / 100));
    } catch {
      // A browser that lets pages keep nothing forgets it with the page.
    }
  };
  return { bps, choose };
}

function remembered(): number {
  try {
    return parseSlippage(sessionStorage.getItem(KEY) ?? "");
  } catch {
    return USUAL;
  }
}

export function SlippageField(props: { slippage: Slippage }) {
  const { bps, choose } = props.slippage;
  const isListed = CHOICES.some((each) => each === bps);
  // What is typed; null while one of the list is chosen.
  const [text, setText] = useState<string | null>(isListed ? null : String(bps / 100));
  const name = useId();
  const fault = text === null ? null : faultOf(text);
  const hint = fault ? `${fault} Until then it is ${percentOf(bps)}.` : warningOf(bps);
  const write = (words: string) => {
    setText(words);
    if (faultOf(words) === null) choose(parseSlippage(words));
  };
  return (
    <fieldset className="ways slippage" aria-describedby={`${name}-hint`}>
      <legend>Slippage: how much worse than quoted it may come</legend>
      {CHOICES.map((each) => (
        <label key={each}>
          <input
            type="radio"
            name={name}
            checked={text === null && each === bps}
            onChange={() => {
              setText(null);
              choose(each);
            }}
          />{" "}
          {percentOf(each)}
        </label>
      ))}
      <label>
        <input type="radio" name={name} checked={text !== null} onChange={() => setText(String(bps / 100))} /> Other
      </label>
      {text !== null && (
        <label>
          <span className="hidden">Slippage in percent</span>
          <input
            className="short"
            inputMode="decimal"
            autoComplete="off"
            value={text}
            aria-invalid={fault !== null}
            aria-describedby={`${name}-hint`}
            onChange={(event) => write(event.target.value)}
          />{" "}
          %
        </label>
      )}
      <p id={`${name}-hint`} className="bad small" role={hint ? "alert" : undefined}>
        {hint}
      </p>
    </fieldset>
  );
}

function faultOf(text: string): string | null {
  try {
    parseSlippage(text);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}
