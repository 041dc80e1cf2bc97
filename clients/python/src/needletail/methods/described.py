"""Functions that make calls, as methods of a client: the same name, documentation and parameters behind ``self``."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, TypeVar

M = TypeVar("M", bound=Callable[..., Any])


def described_by(build: Callable[..., Any], result: str) -> Callable[[M], M]:
    """A decorator that makes a method look like ``build``; ``result`` is what it gives, with ``{}`` for the result of the
    call."""

    def decorate(method: M) -> M:
        functools.update_wrapper(method, build)
        signature = inspect.signature(build)
        self = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
        returned = str(signature.return_annotation).removeprefix("Call[").removesuffix("]")
        # Without this, `help` would take the first parameter of `build` for `self`.
        method.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[self, *signature.parameters.values()], return_annotation=result.format(returned)
        )
        return method

    return decorate
