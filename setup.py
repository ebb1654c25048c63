"""Where the packages are: everything is imported as `firelane`, while the folders are side by side at the top."""

from setuptools import find_packages, setup

ROOMS = ("hw", "compiler", "models", "sim", "boards")


def packages(room: str) -> list[str]:
    """The import names of a top-level folder and of all packages in it."""
    return [f"firelane.{room}", *(f"firelane.{room}.{name}" for name in find_packages(room))]


setup(
    package_dir={"firelane": "firelane", **{f"firelane.{room}": room for room in ROOMS}},
    packages=["firelane", *(f"firelane.{name}" for name in find_packages("firelane")),
              *(name for room in ROOMS for name in packages(room))],
)
