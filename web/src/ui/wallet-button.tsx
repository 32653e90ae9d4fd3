import { useEffect, useId, useRef, useState } from "react";
import { type Connector, useConnect, useConnection, useConnectors, useDisconnect, useSwitchChain } from "wagmi";
import { chainName, isKnown } from "../chains";
import { short } from "../format";
import { inWords } from "../words";

/** Wallets that announced themselves; the one in `window.ethereum` only where none did. */
export function useWallets(): readonly Connector[] {
  const connectors = useConnectors();
  const announced = connectors.filter((each) => each.id !== "injected");
  if (announced.length > 0) return announced;
  return "ethereum" in window ? connectors.filter((each) => each.id === "injected") : [];
}

export function WalletButton(props: { chain: number | null }) {
  const { address, chainId, isConnected, connector } = useConnection();
  const wallets = useWallets();
  const { mutate: connect, error, isPending, reset } = useConnect();
  const { mutate: disconnect } = useDisconnect();
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const id = useId();

  useEffect(() => {
    if (!open) return;
    const leave = (event: Event) => {
      if (event instanceof KeyboardEvent ? event.key === "Escape" : !box.current?.contains(event.target as Node))
        setOpen(false);
    };
    document.addEventListener("keydown", leave);
    document.addEventListener("pointerdown", leave);
    return () => {
      document.removeEventListener("keydown", leave);
      document.removeEventListener("pointerdown", leave);
    };
  }, [open]);

  const wrong = isConnected && props.chain !== null && chainId !== props.chain;
  return (
    <div className="wallet" ref={box}>
      <button
        type="button"
        className={isConnected ? "plain" : "main"}
        aria-expanded={open}
        aria-controls={id}
        onClick={() => {
          reset();
          setOpen(!open);
        }}
      >
        {wrong && (
          <span className="dot bad" role="img" aria-label="Wrong network">
            !
          </span>
        )}
        {isConnected && address ? short(address) : "Connect"}
      </button>
      <div id={id} className="menu" hidden={!open}>
        {isConnected && address ? (
          <>
            <p className="quiet">
              {connector?.name} on {chainName(chainId ?? 0)}
            </p>
            <p>
              <code className="long">{address}</code>
            </p>
            <button
              type="button"
              className="plain"
              onClick={() => {
                disconnect();
                setOpen(false);
              }}
            >
              Disconnect
            </button>
          </>
        ) : wallets.length === 0 ? (
          <p>
            <strong>No wallet found in this browser.</strong> Install one as an extension, or open this page in a
            wallet's own browser. Looking around needs none.
          </p>
        ) : (
          wallets.map((wallet) => (
            <button
              type="button"
              className="plain wide"
              key={wallet.uid}
              disabled={isPending}
              onClick={() => connect({ connector: wallet }, { onSuccess: () => setOpen(false) })}
            >
              {wallet.icon?.startsWith("data:image/") && <img src={wallet.icon} alt="" width="20" height="20" />}
              {wallet.id === "injected" ? "Browser wallet" : wallet.name}
            </button>
          ))
        )}
        {error && (
          <p className="bad" role="alert">
            {inWords(error)}
          </p>
        )}
      </div>
    </div>
  );
}

/** Shown where a wallet is connected to another chain than the vault's. */
export function WrongNetwork(props: { chain: number }) {
  const { mutate: switchChain, error, isPending } = useSwitchChain();
  const { chainId } = useConnection();
  const wanted = props.chain;
  return (
    <div className="notice bad" role="alert">
      <p>
        <strong>
          Your wallet is on {chainName(chainId ?? 0)}, this vault on {chainName(wanted)}.
        </strong>{" "}
        {error ? inWords(error) : "Switch before you go on."}
      </p>
      {isKnown(wanted) && (
        <button type="button" className="main" disabled={isPending} onClick={() => switchChain({ chainId: wanted })}>
          Switch to {chainName(wanted)}
        </button>
      )}
    </div>
  );
}
