"""The HTTP API of `equipoise serve`: reads of the settings' vaults, quotes, and transactions for somebody else to sign.

It sends nothing, signs nothing and holds no key: the settings that it works with have none.

    request → guard (limits, headers) → routes → chains (one block, remembered) → services → views → answers (models)

Routes, views and models have a module for each resource.
Every answer names its block. An error is a problem document (RFC 9457) with a stable `type`.
"""
