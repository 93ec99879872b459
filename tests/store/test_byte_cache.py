import threading

import pytest

from fmnist_core.store.byte_cache import ByteCache


def fill(cache: ByteCache, *keys: str, size: int = 40) -> None:
    for key in keys:
        cache.get(key, lambda: key.upper(), lambda _value: size)  # noqa: B023


def kept(cache: ByteCache, *keys: str) -> str:
    """Which of these are in the cache; asking for one that is not leaves the cache as it is."""
    return "".join(key for key in keys if cache.get(key, lambda: None, lambda _value: 0) is not None)


def test_a_value_is_made_once() -> None:
    cache, made = ByteCache(100), iter("ABC")
    for _ in range(3):
        assert cache.get("a", lambda: next(made), lambda _value: 40) == "A"
    assert cache.nbytes == 40


def test_what_was_used_longest_ago_goes_first() -> None:
    cache = ByteCache(120)
    fill(cache, "a", "b", "c")
    assert cache.nbytes == 120
    fill(cache, "a")  # used again
    fill(cache, "d")
    assert kept(cache, "a", "b", "c", "d") == "acd"
    assert cache.nbytes == 120
    fill(cache, "e", size=100)
    assert kept(cache, "a", "c", "d", "e") == "e"
    assert cache.nbytes == 100


def test_it_never_holds_more_than_its_limit_whatever_the_sizes() -> None:
    cache = ByteCache(1_000)
    for number in range(500):
        cache.get(number, lambda: "value", lambda _value: 1 + number * 37 % 300)  # noqa: B023
        assert 0 < cache.nbytes <= 1_000


def test_a_value_larger_than_the_cache_is_returned_and_not_kept() -> None:
    cache = ByteCache(100)
    fill(cache, "a")
    fill(cache, "b", size=101)
    assert kept(cache, "a", "b") == "a"
    assert cache.nbytes == 40


def test_nothing_is_kept_of_none_and_of_errors() -> None:
    cache = ByteCache(100)
    assert cache.get("a", lambda: None, lambda _value: 1) is None
    with pytest.raises(ZeroDivisionError):
        cache.get("a", lambda: 1 / 0, lambda _value: 1)
    assert cache.nbytes == 0
    assert cache.get("a", lambda: 5, lambda _value: 1) == 5


def test_one_thread_makes_a_value_while_the_others_wait() -> None:
    cache, made, results = ByteCache(100), [], []
    begun, may_end = threading.Event(), threading.Event()

    def make() -> str:
        made.append(threading.get_ident())
        begun.set()
        assert may_end.wait(60)
        return "A"

    threads = [threading.Thread(target=lambda: results.append(cache.get("a", make, lambda _value: 10))) for _ in range(8)]
    threads[0].start()
    assert begun.wait(60)
    for thread in threads[1:]:
        thread.start()
    fill(cache, "b", size=10)  # another key is not held up
    may_end.set()
    for thread in threads:
        thread.join(60)
    assert results == ["A"] * 8
    assert len(made) == 1
    assert cache.nbytes == 20


def test_if_the_first_thread_fails_another_makes_the_value() -> None:
    cache, results, problems = ByteCache(100), [], []
    begun, may_fail = threading.Event(), threading.Event()

    def fail() -> str:
        begun.set()
        assert may_fail.wait(60)
        raise OSError("no disk")

    def first() -> None:
        try:
            cache.get("a", fail, lambda _value: 1)
        except OSError as error:
            problems.append(str(error))

    threads = [threading.Thread(target=first), threading.Thread(target=lambda: results.append(cache.get("a", lambda: "A", len)))]
    threads[0].start()
    assert begun.wait(60)
    threads[1].start()
    may_fail.set()
    for thread in threads:
        thread.join(60)
    assert (results, problems, cache.nbytes) == (["A"], ["no disk"], 1)
