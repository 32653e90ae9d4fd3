"""Execution: a decision and its route become calldata, are simulated, priced, signed, sent and written down."""
