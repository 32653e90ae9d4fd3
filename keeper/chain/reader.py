"""Reads vaults into their frozen snapshots: any number of them in one call.

What a vault keeps for good (its rebalancer, its tokens' names) and what seldom changes (its oracle, its assets) is remembered
from the last block, so that everything else is asked at once; what turns out to have changed is read again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from eth_abi.exceptions import DecodingError

from keeper.chain import abi
from keeper.chain.abi import Fault, Trigger, checksum
from keeper.chain.multicall import Answer, Read, read_all
from keeper.chain.reverts import PriceFault, price_fault, printable
from keeper.chain.rpc import Client, Reverted
from keeper.chain.snapshot import Asset, Block, Fees, Schedule, Terms, VaultSnapshot
from keeper.chain.tokens import Token, read_tokens
from keeper.chain.valuation import value
from keeper.errors import ConfigurationError

_VAULT_READS = (
    abi.Vault.name,
    abi.Vault.symbol,
    abi.Vault.supply,
    abi.Vault.supply_cap,
    abi.Vault.fees,
    abi.Vault.paused,
    abi.Vault.is_shut_down,
    abi.Vault.assets,
    abi.Vault.holdings,
)
_REBALANCER_READS = (
    abi.Rebalancer.oracle,
    abi.Rebalancer.targets,
    abi.Rebalancer.schedule,
    abi.Rebalancer.bands,
    abi.Rebalancer.terms,
    abi.Rebalancer.is_open,
    abi.Rebalancer.opened_at,
    abi.Rebalancer.closed_at,
    abi.Rebalancer.completed_at,
    abi.Rebalancer.price_bound,
    abi.Rebalancer.loss,
    abi.Rebalancer.head_start,
    abi.Rebalancer.trigger,
)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is remembered of a vault."""

    rebalancer: str
    oracle: str
    assets: tuple[str, ...]


class VaultReader:
    """Reads vaults of one chain, block after block. For one thread.

    :param multicall: Multicall3's address
    :param native: the wrapped native token, whose price values the gas
    :param executor: the keeper's, which a vault's owner may have listed; None is not listed
    """

    def __init__(self, client: Client, multicall: str, native: str, executor: str | None = None):
        self._client = client
        self._multicall = multicall
        self._native = native
        self._executor = executor
        self._known: dict[str, _Known] = {}
        self._tokens: dict[str, Token] = {}
        self._ailing: set[str] = set()  # whose oracle failed at last: what is wrong is asked along with the rest

    def take(self, vaults: Sequence[str], block: Block | None = None) -> dict[str, VaultSnapshot | ConfigurationError]:
        """Every vault at one block, by address: its snapshot, or why there is none.

        :param block: the head when None
        :raises ChainError: the endpoint fails
        """
        at = self._client.head() if block is None else block
        found: dict[str, VaultSnapshot | ConfigurationError] = {}
        found |= self._meet([vault for vault in vaults if vault not in self._known], at)
        for vault, read in self._attempt([vault for vault in vaults if vault not in found], at).items():
            is_complete = isinstance(read, VaultSnapshot) and (read.valuation is not None or vault in self._ailing)
            # By itself: it has changed, or fails, or a call over all of them had too little gas for it.
            found[vault] = read if is_complete else self._alone(vault, at)
        self._ailing = {
            vault for vault, read in found.items() if isinstance(read, VaultSnapshot) and read.valuation is None
        }
        return {vault: found[vault] for vault in vaults}

    def forget(self, vault: str | None = None) -> None:
        """Remember nothing of a vault, or of any: after a reorganisation, the past may have been another one."""
        for each in list(self._known) if vault is None else [vault]:
            self._known.pop(each, None)
        if vault is None:
            self._tokens.clear()

    def _meet(self, vaults: Sequence[str], block: Block) -> dict[str, ConfigurationError]:
        """Learn what is remembered of vaults; errors of those that are none."""
        errors: dict[str, ConfigurationError] = {}
        if not vaults:
            return errors
        answers = self._ask(
            [Read(vault, each) for vault in vaults for each in (abi.Vault.rebalancer, abi.Vault.assets)], block
        )
        parts: dict[str, tuple[str, tuple[str, ...]]] = {}
        for vault, half, basket in zip(vaults, answers[::2], answers[1::2], strict=True):
            if half.failed or basket.failed:
                missing = abi.Vault.rebalancer if half.failed else abi.Vault.assets
                errors[vault] = _none_at(self._client, vault, missing, block)
            else:
                parts[vault] = checksum(half.value), tuple(map(checksum, basket.value))
        oracles = self._ask([Read(rebalancer, abi.Rebalancer.oracle) for rebalancer, _ in parts.values()], block)
        unseen = {asset for _, assets in parts.values() for asset in assets} - self._tokens.keys()
        self._tokens |= read_tokens(self._client, sorted(unseen), block, self._multicall) if unseen else {}
        for (vault, (rebalancer, assets)), oracle in zip(parts.items(), oracles, strict=True):
            nameless = [asset for asset in assets if asset not in self._tokens]
            if oracle.failed:
                errors[vault] = _no_vault(vault, abi.Rebalancer.oracle)
            elif nameless:
                errors[vault] = ConfigurationError(
                    f"asset {nameless[0]} of the vault does not tell its decimals: it cannot be traded"
                )
            else:
                self._known[vault] = _Known(rebalancer, checksum(oracle.value), assets)
        return errors

    def _alone(self, vault: str, block: Block) -> VaultSnapshot | ConfigurationError:
        """Read a vault as if for the first time, with what is wrong with its oracle."""
        self.forget(vault)
        self._ailing.add(vault)
        errors = self._meet([vault], block)
        return errors[vault] if errors else self._attempt([vault], block)[vault]

    def _attempt(self, vaults: Sequence[str], block: Block) -> dict[str, VaultSnapshot | ConfigurationError]:
        """Read vaults as they are remembered."""
        reads = {vault: self._reads(vault) for vault in vaults}
        answers = iter(self._ask([read for each in reads.values() for read in each], block))
        found: dict[str, VaultSnapshot | ConfigurationError] = {}
        for vault, asked in reads.items():
            try:
                found[vault] = self._snapshot(vault, _Answers(vault, asked, list(islice(answers, len(asked)))), block)
            except ConfigurationError as error:
                found[vault] = error
        return found

    def _reads(self, vault: str) -> list[Read]:
        known = self._known[vault]
        reads = [Read(vault, each) for each in _VAULT_READS]
        reads += [Read(known.rebalancer, each) for each in _REBALANCER_READS]
        if self._executor is not None:
            reads.append(Read(known.rebalancer, abi.Rebalancer.is_keeper, (self._executor,)))
        reads += [Read(known.oracle, abi.Oracle.prices, (known.assets,))]
        reads += [Read(known.oracle, abi.Oracle.price, (self._native,))]
        if vault in self._ailing:
            reads += [Read(known.oracle, abi.Oracle.fault, (asset,)) for asset in known.assets]
        return reads

    def _snapshot(self, vault: str, answers: "_Answers", block: Block) -> VaultSnapshot:
        known = self._known[vault]
        required = answers.required
        oracle, addresses = checksum(required(abi.Rebalancer.oracle)), tuple(map(checksum, required(abi.Vault.assets)))
        if (oracle, addresses) != (known.oracle, known.assets):
            raise ConfigurationError(f"{vault} tells of another oracle or other assets than it did: read it again")
        count, _, balances = required(abi.Vault.holdings)
        assets = tuple(
            Asset(address, self._tokens[address].symbol, self._tokens[address].decimals, balance, target, band)
            for address, balance, target, band in zip(
                addresses,
                balances[:count],
                required(abi.Rebalancer.targets),
                required(abi.Rebalancer.bands),
                strict=True,
            )
        )
        final_targets, start, end = required(abi.Rebalancer.schedule)
        recipient, *rates = required(abi.Vault.fees)
        terms = required(abi.Rebalancer.terms)
        prices, trigger = answers[abi.Oracle.prices], answers[abi.Rebalancer.trigger]
        is_valued = not prices.failed and not trigger.failed
        return VaultSnapshot(
            address=vault,
            block=block,
            name=printable(required(abi.Vault.name), 32),
            symbol=printable(required(abi.Vault.symbol), 16),
            rebalancer=known.rebalancer,
            oracle=oracle,
            supply=required(abi.Vault.supply),
            supply_cap=required(abi.Vault.supply_cap),
            fees=Fees(checksum(recipient), *rates),
            paused=required(abi.Vault.paused),
            is_shut_down=required(abi.Vault.is_shut_down),
            assets=assets,
            schedule=Schedule(tuple(final_targets), start, end),
            terms=Terms(Trigger(terms[0]), *terms[1:]),
            is_open=required(abi.Rebalancer.is_open),
            opened_at=required(abi.Rebalancer.opened_at),
            closed_at=required(abi.Rebalancer.closed_at),
            completed_at=required(abi.Rebalancer.completed_at),
            bound=required(abi.Rebalancer.price_bound),
            loss=required(abi.Rebalancer.loss),
            head_start=required(abi.Rebalancer.head_start),
            is_keeper=self._executor is not None and required(abi.Rebalancer.is_keeper),
            valuation=value(assets, prices.value, Trigger(trigger.value)) if is_valued else None,
            faults=_faults(addresses, answers),
            native_price=answers[abi.Oracle.price].value or None,
        )

    def _ask(self, reads: Sequence[Read], block: Block) -> list[Answer]:
        return read_all(self._client, reads, block, self._multicall) if reads else []


class _Answers:
    """What a vault, its rebalancer and its oracle answered, by function; `faults` in basket order, where they were asked."""

    def __init__(self, vault: str, reads: Sequence[Read], answers: Sequence[Answer]):
        self._vault = vault
        self._by_function = {read.function: answer for read, answer in zip(reads, answers, strict=True)}
        self.faults = [answer for read, answer in zip(reads, answers, strict=True) if read.function == abi.Oracle.fault]

    def __getitem__(self, function: abi.Function) -> Answer:
        return self._by_function[function]

    def required(self, function: abi.Function) -> Any:
        """The value.

        :raises ConfigurationError: the call failed
        """
        answer = self._by_function[function]
        if answer.failed:
            raise _no_vault(self._vault, function)
        return answer.value


def take(
    client: Client, vault: str, multicall: str, native: str, executor: str | None = None, block: Block | None = None
) -> VaultSnapshot:
    """Read one vault once; parameters as `VaultReader`.

    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    found = VaultReader(client, multicall, native, executor).take([vault], block)[vault]
    if isinstance(found, ConfigurationError):
        raise found
    return found


def rebalancer_of(client: Client, vault: str, block: Block | str = "latest") -> str:
    """The vault's other half, the same for good.

    :raises ConfigurationError: nothing at the address, or something that is not an index vault
    :raises ChainError: the endpoint fails
    """
    try:
        return checksum(abi.Vault.rebalancer.decode(client.call(vault, abi.Vault.rebalancer.encode(), block)))
    except (Reverted, DecodingError):
        raise _none_at(client, vault, abi.Vault.rebalancer, block) from None


def _none_at(client: Client, vault: str, function: abi.Function, block: Block | str) -> ConfigurationError:
    if client.code(vault, block):
        return _no_vault(vault, function)
    return ConfigurationError(f"no contract at {vault} on chain {client.chain_id}: check the vault's address")


def _no_vault(vault: str, function: abi.Function) -> ConfigurationError:
    return ConfigurationError(f"{vault} is not an index vault, {function.signature} fails: check the vault's address")


def _faults(assets: Sequence[str], answers: _Answers) -> tuple[PriceFault, ...]:
    """What is wrong with the oracle, as far as it was asked or tells by itself."""
    told = tuple(
        PriceFault(asset, Fault(answer.value))
        for asset, answer in zip(assets, answers.faults, strict=False)
        if answer.value
    )
    prices = answers[abi.Oracle.prices]
    typed = price_fault(prices.data) if prices.failed else None
    return told if told or typed is None else (typed,)
