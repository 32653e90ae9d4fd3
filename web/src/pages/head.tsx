/** The top of every page about one vault. */
import { Link } from "wouter";
import type { Vault } from "../api/vaults";
import { chainName } from "../chains";
import { moment, whole } from "../format";
import { Badge } from "../ui/badge";
import { Hex } from "../ui/parts";

export function VaultHead(props: { vault: Vault; title?: string }) {
  const { vault } = props;
  const here = `/vaults/${vault.address}`;
  const tabs: [string, string][] = [
    ["Overview", here],
    ["Mint", `${here}/mint`],
    ["Redeem", `${here}/redeem`],
    ["Keeper", `${here}/keeper`],
  ];
  return (
    <>
      <h1>
        {vault.name} <span className="quiet">{vault.symbol}</span>
      </h1>
      <p className="quiet">
        <Badge vault={vault} /> <Hex of={vault.address} /> on {chainName(vault.chainId)}, block {whole(vault.block)} of{" "}
        {moment(vault.time)}
      </p>
      <nav className="tabs" aria-label={`${vault.name}`}>
        {tabs.map(([label, href]) => (
          <Link
            key={href}
            href={href}
            className={(active) => (active ? "here" : "")}
            {...(props.title === label ? { "aria-current": "page" as const } : {})}
          >
            {label}
          </Link>
        ))}
      </nav>
    </>
  );
}
