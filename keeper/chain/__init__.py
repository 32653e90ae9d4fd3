"""The chain: an RPC client, one multicall per block, and the frozen snapshots that pure code works on."""
