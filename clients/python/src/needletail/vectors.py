"""Vectors on their way to the server and back: base64 of little-endian float32, which is shorter than decimals, exact,
and needs no number to be printed or parsed."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeAlias, Union

import numpy as np
from numpy.typing import NDArray

from .errors import InvalidArgument

Vector: TypeAlias = NDArray[np.float32]
"""A vector as the server gives it: shape ``(dimensions,)``, float32, writable."""

if TYPE_CHECKING:
    VectorLike: TypeAlias = Union[
        Sequence[float], NDArray[np.floating[Any]], NDArray[np.integer[Any]]
    ]
else:
    # numpy before 1.22 cannot subscript these types at run time, and nobody asks for them there.
    VectorLike = Any
"""What is taken for a vector: a sequence of numbers, or an array of any float or integer type, of shape
``(dimensions,)``. float64 is rounded to the nearest float32."""


def float32_array(values: Any, *, axes: int, at: str = "vector") -> Vector:
    """``values`` as float32 with so many axes (1: a vector, 2: a row each). Raises ``InvalidArgument`` for anything that is
    no such array of numbers, is empty, not finite, or beyond the range of float32."""
    try:
        array = np.asarray(values)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArgument(f"not an array of numbers: {error}", at=at) from None
    if array.dtype.kind not in "fiu":
        raise InvalidArgument(f"not an array of numbers but of {array.dtype}", at=at)
    if array.ndim != axes:
        wanted = "(dimensions,)" if axes == 1 else "(rows, dimensions)"
        raise InvalidArgument(f"the shape is {array.shape}, wanted {wanted}", at=at)
    if array.shape[-1] == 0:
        raise InvalidArgument("the vector is empty", at=at)
    if array.dtype != np.float32:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
    if not np.isfinite(array).all():
        where = np.argwhere(~np.isfinite(array))[0]
        place = at + "".join(f"[{index}]" for index in where)
        raise InvalidArgument("not finite, or beyond the range of float32", at=place)
    return array


def encode_vector(values: Any, *, at: str = "vector") -> str:
    """The text that stands for a vector in a request."""
    array = float32_array(values, axes=1, at=at)
    return base64.b64encode(array.astype("<f4", copy=False).tobytes()).decode("ascii")


def decode_vector(value: object) -> Vector:
    """The vector that a reply holds, as base64 or as an array of numbers. Raises ``ValueError``."""
    if isinstance(value, str):
        # A copy, because what lies over bytes cannot be written to.
        return np.frombuffer(base64.b64decode(value, validate=True), dtype="<f4").astype(np.float32)
    if isinstance(value, list) and all(type(each) in (int, float) for each in value):
        return np.array(value, dtype=np.float32)
    raise ValueError("neither base64 nor an array of numbers")
