"""What benchmarks/routing.py is made of: seeded markets, the routers that ours is compared with, and the devnet's verdict."""
