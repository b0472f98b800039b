import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from landmark_discovery import streaming
from landmark_discovery.streaming import batched, cpu_count, in_parallel, one_ahead


def counted(items, taken):
    for item in items:
        taken.append(item)
        yield item


def test_results_come_in_the_order_of_the_items_however_long_each_takes():
    def work(number):
        time.sleep(0.02 if number % 3 == 0 else 0)
        return number * number

    assert list(in_parallel(work, range(20), workers=4)) == [number * number for number in range(20)]


def test_few_items_wait_however_many_there_are():
    taken = []
    results = in_parallel(lambda number: number, counted(range(1000), taken), workers=2)
    assert next(results) == 0
    assert len(taken) <= 5
    results.close()
    assert len(taken) <= 5


def test_an_error_of_the_work_reaches_the_caller_and_ends_the_threads():
    before = threading.active_count()
    with pytest.raises(ZeroDivisionError):
        list(in_parallel(lambda number: 1 // number, iter([2, 1, 0, 1]), workers=2))
    assert threading.active_count() == before


def test_nothing_is_worked_on_after_the_end():
    done = []
    results = in_parallel(done.append, range(100), workers=1)
    next(results)
    results.close()
    seen = len(done)
    time.sleep(0.05)
    assert len(done) == seen


def test_closing_early_starts_no_further_work(monkeypatch):
    closing, begun = threading.Event(), []

    class Pool(ThreadPoolExecutor):
        def shutdown(self, *arguments, **options):
            closing.set()
            super().shutdown(*arguments, **options)

    def work(number):
        begun.append(number)
        return number == 0 or closing.wait(60)

    monkeypatch.setattr(streaming, "ThreadPoolExecutor", Pool)
    results = in_parallel(work, range(100), workers=1)
    next(results)
    results.close()
    assert begun in ([0], [0, 1])


def test_the_next_item_is_fetched_while_the_caller_works():
    fetched = threading.Event()

    def items():
        yield "first"
        fetched.set()
        yield "second"

    ahead = one_ahead(items())
    assert next(ahead) == "first"
    assert fetched.wait(timeout=10)
    assert list(ahead) == ["second"]


@pytest.mark.parametrize("items", [[], [None], [0, "", None, 3]])
def test_one_ahead_changes_no_items(items):
    assert list(one_ahead(iter(items))) == items


def test_an_error_of_the_fetched_items_reaches_the_caller():
    def items():
        yield 1
        raise KeyError

    ahead = one_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(KeyError):
        next(ahead)


def test_items_are_taken_together_for_as_long_as_they_fit():
    batches = batched([3, 4, 1, 9, 20, 2, 2], lambda batch: sum(batch) <= 10)
    assert list(batches) == [[3, 4, 1], [9], [20], [2, 2]]
    assert list(batched([], lambda _: True)) == []


def test_there_is_a_cpu():
    assert cpu_count() >= 1
