"""What became of a vault: performance and tax, from the chain's events and the ledger.

    events      the chain's logs of a vault, read in pieces and kept in a file
    decode      logs → what happened, each amount from a token's own Transfer
    states      prices, supply and targets at a block; receipts of fills
    lots        FIFO, LIFO, HIFO and average cost in integers
    books       the vault's and a holder's lots and disposals
    costs       a fill's loss against the oracle: pools' fees, impact, what the executor kept; gas
    path        NAV and NAV per share step by step, to the unit
    performance against hold and the targets, tracking error, turnover, drawdown
    exports     CSV for tax software
    page        one HTML file
    reconcile   ledger = events = lots = performance

Amounts are base units, prices and USD are WAD, times unix seconds; all of them integers. Floats are ratios for people.
"""
