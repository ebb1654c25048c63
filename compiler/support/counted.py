"""Numbers of things, as people read them."""


def counted(number: int, thing: str) -> str:
    """A number with the name of what it counts.

    >>> counted(1, "image"), counted(12_345, "image")
    ('1 image', '12,345 images')
    """
    return f"{number:,} {thing}{'s' * (number != 1)}"
