"""A cache whose size is counted in bytes: what was used longest ago goes first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Value = TypeVar("Value")


class ByteCache:
    """Values by key, of limited size in all. Any number of threads may use it.

    Of several that ask for a missing value at once, one makes it and the others wait.

    Args:
        max_bytes: the most that is kept.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[Hashable, tuple[Any, int]] = OrderedDict()
        self._making: dict[Hashable, threading.Event] = {}
        self._bytes = 0

    @property
    def nbytes(self) -> int:
        """The bytes of all that is kept now."""
        return self._bytes

    def get(self, key: Hashable, make: Callable[[], Value], size_of: Callable[[Any], int]) -> Value:
        """The value with this key, made if it is missing.

        Args:
            make: its errors are the caller's; nothing is kept of them, nor of None.
            size_of: the bytes of a value; one that is larger than the cache is returned but not kept.
        """
        while True:
            with self._lock:
                if key in self._kept:
                    self._kept.move_to_end(key)
                    kept: Value = self._kept[key][0]
                    return kept
                made = self._making.get(key)
                if made is None:
                    made = self._making[key] = threading.Event()
                    break
            made.wait()  # if the other thread fails, this one tries itself
        try:
            value = make()
            if value is not None:
                self._keep(key, value, size_of(value))
            return value
        finally:
            with self._lock:
                del self._making[key]
            made.set()

    def _keep(self, key: Hashable, value: object, size: int) -> None:
        if size > self.max_bytes:
            return
        with self._lock:
            self._kept[key] = value, size
            self._bytes += size
            while self._bytes > self.max_bytes:
                _, (_, dropped) = self._kept.popitem(last=False)
                self._bytes -= dropped
