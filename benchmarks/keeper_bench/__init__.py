"""What benchmarks/keeper.py and the long runs are made of."""
