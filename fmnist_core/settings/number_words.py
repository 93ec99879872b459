"""Numbers in words: losses of any size, and nouns that agree with their numbers."""

import math

LONGEST_LOSS = 1e6  # from here on, a loss is written with a power of ten
_SHORTEST = 1e-4
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def format_loss(loss: float) -> str:
    """A loss such as "0.31", "0.0042", "48", "1,030" or "1.6 × 10¹⁴"; in words if it is infinite or not a number."""
    if math.isnan(loss):
        return "not a number"
    if math.isinf(loss):
        return "infinite"
    size = abs(loss)
    if size == 0:
        return "0"
    if not _SHORTEST <= size < LONGEST_LOSS:
        return power_of_ten(loss, 2)
    if size < 0.01:
        return f"{loss:.2g}"
    return f"{loss:.2f}" if size < 100 else f"{loss:,.0f}"


def power_of_ten(number: float, digits: int) -> str:
    """A number such as "1.6 × 10¹⁴"; "10¹⁴" if its digits are only a 1, and without a power if that is 0.

    Args:
        digits: how many are written at most.
    """
    if number == 0:
        return "0"
    mantissa, _, power = f"{number:.{digits - 1}e}".partition("e")
    digits_kept = mantissa.rstrip("0").rstrip(".") if "." in mantissa else mantissa
    if int(power) == 0:
        return digits_kept
    raised = f"10{str(int(power)).translate(_SUPERSCRIPTS)}"
    return raised if digits_kept == "1" else f"{digits_kept} × {raised}"


def count(number: int, noun: str, plural: str = "") -> str:
    """ "1 epoch" or "1,200 epochs".

    Args:
        plural: of a noun that does not simply take an "s".
    """
    return f"{number:,} {noun if number == 1 else plural or f'{noun}s'}"
