CREATE TABLE decisions (
    id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    chain_id INTEGER NOT NULL,
    vault VARCHAR NOT NULL,
    block_number INTEGER NOT NULL,
    block_hash VARCHAR NOT NULL,
    armed BOOLEAN NOT NULL,
    kind VARCHAR NOT NULL,
    reason VARCHAR NOT NULL,
    until INTEGER,
    nav VARCHAR,
    drift VARCHAR,
    value_out VARCHAR,
    value_in VARCHAR,
    gas_cost VARCHAR,
    PRIMARY KEY (id)
);
CREATE INDEX decisions_by_vault ON decisions (chain_id, vault, at);
CREATE TABLE transactions (
    id INTEGER NOT NULL,
    decision_id INTEGER NOT NULL,
    at INTEGER NOT NULL,
    chain_id INTEGER NOT NULL,
    sender VARCHAR NOT NULL,
    nonce INTEGER NOT NULL,
    target VARCHAR NOT NULL,
    mode VARCHAR NOT NULL,
    state VARCHAR(6) NOT NULL,
    hash VARCHAR,
    max_fee VARCHAR NOT NULL,
    tip VARCHAR NOT NULL,
    gas_limit INTEGER NOT NULL,
    block_number INTEGER,
    block_hash VARCHAR,
    gas_used INTEGER,
    gas_price VARCHAR,
    value_out VARCHAR,
    value_in VARCHAR,
    error VARCHAR,
    PRIMARY KEY (id),
    FOREIGN KEY(decision_id) REFERENCES decisions (id)
);
CREATE INDEX ix_transactions_hash ON transactions (hash);
CREATE INDEX transactions_by_sender ON transactions (chain_id, sender, state);
CREATE TABLE legs (
    id INTEGER NOT NULL,
    transaction_id INTEGER NOT NULL,
    position INTEGER NOT NULL,
    pool VARCHAR NOT NULL,
    venue VARCHAR NOT NULL,
    token_in VARCHAR NOT NULL,
    token_out VARCHAR NOT NULL,
    amount_in VARCHAR NOT NULL,
    amount_out VARCHAR NOT NULL,
    PRIMARY KEY (id),
    UNIQUE (transaction_id, position),
    FOREIGN KEY(transaction_id) REFERENCES transactions (id)
);
