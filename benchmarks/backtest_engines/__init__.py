"""What `benchmarks/backtest.py` compares: other backtesters, each in an environment of its own."""
