"""What takes long is done once a block, and who waits too long is told to come back."""

import threading

import pytest

from keeper.api.memo import PerBlock
from keeper.api.problems import ApiError
from keeper.chain.snapshot import Block
from keeper.errors import NoRoute

ONE, TWO = Block(1, "0x01", 0, 0), Block(2, "0x02", 12, 0)
KEY = ("decision", "0xvault")


@pytest.fixture
def memo():
    made = PerBlock(patience_s=5)
    yield made
    made.close()


def test_get__asked_by_many_at_one_block__is_worked_on_once(memo):
    begun, go, seen = [], threading.Event(), []

    def work() -> str:
        begun.append(1)
        go.wait(5)
        return "plan"

    threads = [threading.Thread(target=lambda: seen.append(memo.get(KEY, ONE, work))) for _ in range(8)]
    for thread in threads:
        thread.start()
    go.set()
    for thread in threads:
        thread.join()
    assert seen == [(ONE, "plan")] * 8
    assert len(begun) == 1


def test_get__at_the_next_block__is_worked_on_again(memo):
    assert memo.get(KEY, ONE, lambda: 1) == (ONE, 1)
    assert memo.get(KEY, TWO, lambda: 2) == (TWO, 2)
    assert memo.get(("decision", "0xother"), TWO, lambda: 3) == (TWO, 3)


def test_get__error_of_a_block__is_remembered_for_it(memo):
    def fails() -> None:
        raise NoRoute("no pools")

    for _ in range(2):
        with pytest.raises(NoRoute, match="no pools"):
            memo.get(KEY, ONE, fails)
    with pytest.raises(NoRoute):
        memo.get(KEY, ONE, lambda: 1)
    assert memo.get(KEY, TWO, lambda: 1) == (TWO, 1)


def test_get__longer_than_patience__says_so_and_begins_nothing_beside_it():
    memo, go, begun = PerBlock(patience_s=0.01), threading.Event(), []

    def work() -> int:
        begun.append(1)
        go.wait(5)
        return 1

    for block in (ONE, TWO):  # a new block does not pile work upon what is unfinished
        with pytest.raises(ApiError) as told:
            memo.get(KEY, block, work)
        assert told.value.kind == "not-ready"
        assert told.value.retry_s
    go.set()
    memo.close()
    assert len(begun) == 1


def test_get__time_out_of_the_work_itself__is_its_error(memo):
    def fails() -> None:
        raise TimeoutError("of a socket")

    with pytest.raises(TimeoutError, match="of a socket"):
        memo.get(KEY, ONE, fails)


def test_get__of_more_keys_than_are_kept__forgets_the_oldest_and_no_other():
    memo, worked = PerBlock(patience_s=5, most=2), []
    for name in ("a", "b", "c", "b", "c", "a"):
        assert memo.get((name,), ONE, lambda name=name: worked.append(name) or name) == (ONE, name)
    memo.close()
    assert worked == ["a", "b", "c", "a"]


def test_get__while_too_much_is_being_made__begins_no_more():
    memo, go, begun = PerBlock(patience_s=0.01, most=2), threading.Event(), []
    for name in ("a", "b", "c"):
        with pytest.raises(ApiError) as told:
            memo.get((name,), ONE, lambda name=name: (begun.append(name), go.wait(5)))
        assert told.value.kind == "not-ready"
    assert "too much is being asked for at once: the c has to wait" in told.value.detail
    go.set()
    memo.close()
    assert "c" not in begun
