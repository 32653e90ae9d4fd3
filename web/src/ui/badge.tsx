import type { Vault } from "../api/vaults";

/** In words what the vault may do now. */
export function Badge(props: { vault: Pick<Vault, "mode" | "isOpen" | "nav"> }) {
  const { mode, isOpen, nav } = props.vault;
  if (mode === "shut down") return <span className="badge bad">Shut down: redeem only</span>;
  if (mode === "paused") return <span className="badge bad">Paused: redeem only</span>;
  if (nav === null) return <span className="badge bad">No price: mint and redeem work</span>;
  return isOpen ? <span className="badge live">Rebalancing now</span> : <span className="badge">Open</span>;
}
