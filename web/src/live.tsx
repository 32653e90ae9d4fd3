/** Data that stays fresh: what is shown while it loads, when it fails, and when what is shown has grown old. */
import { QueryClient, type UseQueryResult, useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { inWords } from "./words";

const BLOCK_MS = 12_000;
const SLOW_MS = 60_000;
/** After a failure, so that the page comes back by itself with the server. */
const RETRY_MS = 4_000;

export const queries = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: BLOCK_MS / 2,
      retry: false,
      networkMode: "always",
    },
    mutations: { networkMode: "always" },
  },
});

/** @param slow whether the answer is dear to the server, and about the past */
export function useLive<T>(
  key: readonly unknown[],
  ask: () => Promise<T>,
  { enabled = true, slow = false }: { enabled?: boolean; slow?: boolean } = {},
): UseQueryResult<T> {
  return useQuery({
    queryKey: key,
    queryFn: ask,
    enabled,
    refetchInterval: (query) => (query.state.status === "error" ? RETRY_MS : slow ? SLOW_MS : BLOCK_MS),
  });
}

/** A query's answer, or what stands in its place. */
export function Answer<T>(props: {
  query: UseQueryResult<T>;
  what: string;
  children: (data: T) => ReactNode;
  lines?: number;
}) {
  const { query, what, children, lines = 3 } = props;
  const failed = query.isError ? <Failed what={what} error={query.error} again={() => query.refetch()} /> : null;
  if (query.data === undefined) return failed ?? <Loading what={what} lines={lines} />;
  return (
    <>
      {failed && <div className="stale">{failed}</div>}
      {children(query.data)}
    </>
  );
}

function Loading(props: { what: string; lines: number }) {
  return (
    <div className="loading" role="status">
      <span className="hidden">Loading {props.what}…</span>
      {Array.from({ length: props.lines }, (_, line) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the lines are alike and never move
        <span key={line} className="bone" />
      ))}
    </div>
  );
}

function Failed(props: { what: string; error: unknown; again: () => void }) {
  return (
    <div className="notice bad" role="alert">
      <p>
        <strong>Could not read {props.what}.</strong> {inWords(props.error)} Trying again by itself.
      </p>
      <button type="button" className="plain" onClick={props.again}>
        Try now
      </button>
    </div>
  );
}

export function Empty(props: { children: ReactNode }) {
  return <p className="empty">{props.children}</p>;
}
