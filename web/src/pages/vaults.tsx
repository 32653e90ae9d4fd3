import type { UseQueryResult } from "@tanstack/react-query";
import { Link } from "wouter";
import type { Summary } from "../api/vaults";
import { chainName } from "../chains";
import { percent, usd } from "../format";
import { Answer, Empty } from "../live";
import { Badge } from "../ui/badge";

export function Vaults(props: { query: UseQueryResult<Summary[]> }) {
  return (
    <>
      <h1>Vaults</h1>
      <p className="lead">
        Each is one token over a basket that keeps itself in balance, at prices that an oracle bounds.
      </p>
      <Answer query={props.query} what="the vaults">
        {(vaults) =>
          vaults.length === 0 ? (
            <Empty>
              This server serves no vault yet: name one in the settings under <code>[[vaults]]</code>.
            </Empty>
          ) : (
            <ul className="cards">
              {vaults.map((vault) => (
                <li key={vault.address} className="card">
                  <h2>
                    <Link href={`/vaults/${vault.address}`}>{vault.name}</Link>{" "}
                    <span className="quiet">{vault.symbol}</span>
                  </h2>
                  {vault.problem ? <p className="bad">{vault.problem}</p> : <Badge vault={vault} />}
                  <dl className="figures">
                    <div className="figure">
                      <dt>NAV per share</dt>
                      <dd className="value">{vault.navPerShare === null ? "no price" : usd(vault.navPerShare)}</dd>
                    </div>
                    <div className="figure">
                      <dt>NAV</dt>
                      <dd className="value">{vault.nav === null ? "no price" : usd(vault.nav)}</dd>
                    </div>
                    <div className="figure">
                      <dt>Drift</dt>
                      <dd className="value">{vault.drift === null ? "no price" : percent(vault.drift)}</dd>
                    </div>
                  </dl>
                  <p className="quiet">
                    {vault.symbols.join(" · ")} — {chainName(vault.chainId)}
                  </p>
                </li>
              ))}
            </ul>
          )
        }
      </Answer>
    </>
  );
}
