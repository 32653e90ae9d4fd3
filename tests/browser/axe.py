"""axe-core: the rules of WCAG that a program can judge."""

import tarfile
from functools import cache
from typing import Any

from playwright.sync_api import Page

from keeper.toolchain import Package, fetch

PACKAGE = Package(
    "npm",
    "axe-core",
    "4.14.1",
    "sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
)
_RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) => nodes.map((node) => `${id}: ${node.target.join(" ")}: ${node.failureSummary}`));
}"""


@cache
def _script() -> str:
    with tarfile.open(fetch(PACKAGE)) as tar:
        found = tar.extractfile("package/axe.min.js")
        assert found is not None
        return found.read().decode()


def violations(page: Page) -> list[str]:
    """What the page as it stands does against the rules: rule, place and mend of each."""
    # Evaluated by the browser's tools, which the page's policy does not bind.
    page.evaluate(_script())
    found: list[Any] = page.evaluate(_RUN)
    return [str(each) for each in found]
