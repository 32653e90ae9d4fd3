import { useEffect, useRef } from "react";
import { Link, Route, Switch, useLocation } from "wouter";
import { vaultsOf } from "./api/vaults";
import type { Address } from "./api/wire";
import { Empty, useLive } from "./live";
import { Keeper } from "./pages/keeper";
import { Portfolio } from "./pages/portfolio";
import { Trade } from "./pages/trade";
import { VaultPage } from "./pages/vault";
import { Vaults } from "./pages/vaults";
import { WalletButton } from "./ui/wallet-button";

export function App() {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const before = useRef(location);
  const vaults = useLive(["vaults"], vaultsOf);

  // A new page is read from its top, by eye and by ear.
  useEffect(() => {
    if (before.current === location) return;
    before.current = location;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [location]);

  return (
    <>
      <button type="button" className="skip" onClick={() => main.current?.focus()}>
        Skip to the content
      </button>
      <header className="top">
        <Link href="/" className="brand">
          <Mark />
          Equipoise
        </Link>
        <nav aria-label="Pages">
          <Link href="/" className={(active) => (active ? "here" : "")}>
            Vaults
          </Link>
          <Link href="/portfolio" className={(active) => (active ? "here" : "")}>
            Portfolio
          </Link>
        </nav>
        <WalletButton chain={vaults.data?.[0]?.chainId ?? null} />
      </header>
      <main className="page" id="main" ref={main} tabIndex={-1}>
        <Switch>
          <Route path="/">
            <Vaults query={vaults} />
          </Route>
          <Route path="/vaults/:address">{({ address }) => <VaultPage address={address as Address} />}</Route>
          <Route path="/vaults/:address/mint">
            {({ address }) => <Trade key="mint" address={address as Address} kind="mint" />}
          </Route>
          <Route path="/vaults/:address/redeem">
            {({ address }) => <Trade key="redeem" address={address as Address} kind="redeem" />}
          </Route>
          <Route path="/vaults/:address/keeper">{({ address }) => <Keeper address={address as Address} />}</Route>
          <Route path="/portfolio">
            <Portfolio />
          </Route>
          <Route>
            <h1>No such page</h1>
            <Empty>
              <Link href="/">All vaults</Link>
            </Empty>
          </Route>
        </Switch>
      </main>
      <footer className="bottom">
        <p>
          Prices are the vault's oracle's. The server only reads: what moves money is signed in your wallet, and the
          contracts hold to it.
        </p>
      </footer>
    </>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <path d="M4 11h24M16 6v20M9 26h14" />
      <path className="thick" d="M3 18h8M21 18h8" />
    </svg>
  );
}
