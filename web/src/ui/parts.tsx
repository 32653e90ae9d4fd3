/** Small pieces that several pages share. */
import type { ReactNode } from "react";
import { exact, short, tokens } from "../format";

export function Figure(props: { label: string; value: ReactNode; note?: ReactNode }) {
  return (
    <div className="figure">
      <dt>{props.label}</dt>
      <dd>
        <span className="value">{props.value}</span>
        {props.note && <span className="note">{props.note}</span>}
      </dd>
    </div>
  );
}

/** An amount of a token; every digit of it in the title. */
export function Amount(props: { of: bigint; decimals: number; symbol?: string; up?: boolean }) {
  const { of, decimals, symbol, up } = props;
  return (
    <span className="number" title={`${exact(of, decimals)}${symbol ? ` ${symbol}` : ""}`}>
      {tokens(of, decimals, up ? "ceil" : "floor")}
      {symbol && <span className="unit"> {symbol}</span>}
    </span>
  );
}

export function Hex(props: { of: string; href?: string | null }) {
  const text = <code title={props.of}>{short(props.of)}</code>;
  return props.href ? (
    <a href={props.href} target="_blank" rel="noreferrer">
      {text}
    </a>
  ) : (
    text
  );
}

/** A table that a narrow screen scrolls, by keyboard too. */
export function Table(props: { label: string; head: ReactNode; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reachable by keyboard
    // biome-ignore lint/a11y/useSemanticElements: a named region, not a section with a heading
    <div className="scroll" role="region" aria-label={props.label} tabIndex={0}>
      <table>
        <thead>
          <tr>{props.head}</tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

export function Section(props: { title: string; children: ReactNode; aside?: ReactNode }) {
  const id = props.title.toLowerCase().replaceAll(/[^a-z]+/g, "-");
  return (
    <section aria-labelledby={id}>
      <div className="heading">
        <h2 id={id}>{props.title}</h2>
        {props.aside}
      </div>
      {props.children}
    </section>
  );
}
