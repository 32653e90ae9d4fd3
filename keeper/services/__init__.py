"""Services: whole jobs put together from the chain, the policy, the router, execution and the ledger."""
