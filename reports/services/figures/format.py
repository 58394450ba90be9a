"""How a figure is printed. One rule for pages, API and statements."""

PERCENT_FROM = 200  # smaller denominators are printed as counts: one report would move a percentage visibly


def figure(n: int, of: int) -> str:
    """The short text of "n of N": a whole percentage, half up, where `of` is 200 or more; else the count `n`.

    The count too where the percentage would lie: some but not none rounds to 0 %, most but not
    all rounds to 100 %. "0" where there is nothing to divide by.
    """
    if of < PERCENT_FROM:
        return str(n)
    percent = (200 * n + of) // (2 * of)
    if (percent == 0 and n > 0) or (percent == 100 and n < of):
        return str(n)
    return f"{percent}%"
