"""Chainlink's price proxies at their mainnet addresses, each in front of an aggregator that posts what it is told."""

from devnet.addresses import CHAINLINK_OWNER, FEEDS, ZERO
from devnet.deployer import Deployer
from keeper.errors import ChainError

ROUND = "latestRoundData()(uint80,int256,uint256,uint256,uint80)"


def deploy(d: Deployer) -> dict[str, str]:
    """Put every feed up; the aggregators by description."""
    aggregators = {}
    for feed in FEEDS.values():
        aggregators[feed.description] = deploy_aggregator(d, feed.decimals, feed.answer)
        deploy_proxy(d, feed.proxy, aggregators[feed.description])
        if d.box.call(feed.proxy, ROUND)[1] != feed.answer:
            raise ChainError(f"the feed {feed.description} does not answer {feed.answer}")
    return aggregators


def deploy_aggregator(d: Deployer, decimals: int, answer: int) -> str:
    """A new aggregator that answers `answer`."""
    return d.anywhere(d.init_code("FeedAggregator", "uint8,int256", decimals, answer))


def deploy_proxy(d: Deployer, at: str, aggregator: str) -> None:
    """Chainlink's own proxy at `at`, in front of `aggregator`, open to every reader."""
    d.in_place(at, d.init_code("FeedProxy", "address,address", aggregator, ZERO), sender=CHAINLINK_OWNER)
