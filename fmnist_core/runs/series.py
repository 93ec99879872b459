"""Prepares long series of numbers for charts."""

import numpy as np
from numpy.typing import NDArray


def smooth(values: NDArray[np.float64], smoothing: float) -> NDArray[np.float64]:
    """Exponential moving average with Adam's bias correction, so that the first values are not pulled towards 0.

    Args:
        smoothing: from 0 (no smoothing) to below 1; each average keeps this share of the previous one.
    """
    if smoothing <= 0 or len(values) == 0:
        return values
    import pandas as pd

    return pd.Series(values).ewm(alpha=1 - smoothing, adjust=True).mean().to_numpy()


def downsample(values: NDArray[np.float64], max_points: int) -> NDArray[np.int64]:
    """Indices of at most `max_points` values that draw the same curve: the lowest and highest of each stretch, and the last.

    The length of a stretch is a power of two, and it starts at a multiple of it, so that points already drawn stay in place when
    values are added.

    Args:
        max_points: at least 3.
    """
    count = len(values)
    if count <= max_points:
        return np.arange(count)
    length = 1
    while 2 * (count // length + 1) + 1 > max_points:
        length *= 2
    picked = {count - 1}
    for start in range(0, count, length):
        stretch = values[start : start + length]
        picked |= {start + int(stretch.argmin()), start + int(stretch.argmax())}
    return np.array(sorted(picked))
