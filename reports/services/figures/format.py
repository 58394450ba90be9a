"""The printed form of a figure.

It is the same rule for pages, API and statements.
"""

MIN_PERCENT_DENOMINATOR = 200  # below it a count is printed: one report would change a percentage visibly


def format_figure(n: int, of: int) -> str:
    """Formats "n of N" as a short text: a percentage or a count.

    A whole percentage, rounded half up, where `of` is 200 or more; else the count `n`. The count too
    where the percentage would be false: 0 % of some but not none, 100 % of most but not all. "0"
    where there is nothing to divide by.
    """
    if of < MIN_PERCENT_DENOMINATOR:
        return str(n)
    percent = (200 * n + of) // (2 * of)
    if (percent == 0 and n > 0) or (percent == 100 and n < of):
        return str(n)
    return f"{percent}%"
