"""Where the stages run: worker processes on this machine, or the workers of a Spark session."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Workers(Protocol):
    """What calls a function on items elsewhere."""

    def map(
        self,
        function: Callable[..., Result],
        items: Iterable[tuple[Any, ...]],
        *,
        rescue: Callable[..., Result] | None = None,
    ) -> Iterator[Result]:
        """Yield `function(*item)` for each item, in the order of the items; `rescue(*item)` for one that ends its worker."""
