"""Which of many images are taken: evenly spread over all, and in step with no order that they may have."""

from __future__ import annotations

from itertools import pairwise

GOLDEN = (5 ** 0.5 - 1) / 2         #: its multiples, without their whole part, come back to no value


def spread(count: int, limit: int) -> list[int]:
    """Numbers of 0 .. count - 1, rising, at most `limit` of them: one from each of `limit` equal parts.

    Its place in the part is another each time. Were it the same, every tenth image of a set that repeats its ten
    classes would have one class; sets that are sorted by class need parts.

    >>> spread(20, 4), spread(3, 4)
    ([0, 8, 11, 19], [0, 1, 2])
    """
    if count <= limit:
        return list(range(count))
    ends = [index * count // limit for index in range(limit + 1)]
    return [start + int((end - start) * (index * GOLDEN % 1))
            for index, (start, end) in enumerate(pairwise(ends))]
