"""The blocks of query rows in which masks and patterns are computed."""

# Rows of a mask that are looked at together: at 16,384 keys they take 8 MB.
ROWS_PER_BLOCK = 512
# Numbers of all heads that are computed together: 128 MB, or one row if that is more.
NUMBERS_PER_BLOCK = 2**25


def row_blocks(queries: int, numbers: int = 1) -> list[range]:
    """Blocks of rows, of which each row has that many numbers."""
    height = max(1, min(ROWS_PER_BLOCK, NUMBERS_PER_BLOCK // numbers))
    return [range(start, min(start + height, queries)) for start in range(0, queries, height)]
