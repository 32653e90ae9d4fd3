"""One module for each protocol: `deploy` puts its contracts up, `seed` gives it liquidity."""
