"""Vectors in and out."""

from __future__ import annotations

import base64
import struct
from typing import Any

import numpy as np
import pytest

from needletail.errors import InvalidArgument
from needletail.vectors import decode_vector, encode_vector, float32_array


@pytest.mark.parametrize(
    "values",
    [
        [1, 2.5, -3],
        (1, 2.5, -3),
        np.array([1, 2.5, -3], np.float16),
        np.array([1, 2.5, -3], np.float32),
        np.array([1, 2.5, -3], np.float64),
        np.array([1, 2.5, -3], ">f4"),
        np.array([1, 0, 2.5, 0, -3, 0], np.float32)[::2],
    ],
)
def test_every_kind_of_vector_becomes_little_endian_float32(values: Any) -> None:
    assert base64.b64decode(encode_vector(values)) == struct.pack("<3f", 1, 2.5, -3)


def test_integers_and_float64_are_rounded_to_float32() -> None:
    assert encode_vector(np.array([1, 2], np.int64)) == encode_vector([1.0, 2.0])
    assert decode_vector(encode_vector([0.1]))[0] == np.float32(0.1)


@pytest.mark.parametrize(
    ("values", "at", "words"),
    [
        ([1.0, float("nan")], "vector[1]", "not finite"),
        ([1e300], "vector[0]", "float32"),
        (np.array([1, np.inf], np.float16), "vector[1]", "not finite"),
        ([], "vector", "empty"),
        ([[1.0, 2.0]], "vector", "(1, 2)"),
        ([[1.0], [1.0, 2.0]], "vector", "not an array"),
        (3.0, "vector", "()"),
        ("1,2", "vector", "not an array of numbers"),
        ([True, False], "vector", "bool"),
        ([1j], "vector", "complex"),
        ([None, 1.0], "vector", "object"),
        ({"a": 1}, "vector", "object"),
    ],
)
def test_what_is_no_vector_is_refused_with_its_place(values: Any, at: str, words: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        encode_vector(values)
    assert caught.value.at == at
    assert words in caught.value.message


def test_the_place_in_a_matrix_is_row_and_column() -> None:
    matrix = np.zeros((3, 2))
    matrix[2, 1] = np.nan
    with pytest.raises(InvalidArgument) as caught:
        float32_array(matrix, axes=2, at="matrix")
    assert caught.value.at == "matrix[2][1]"


def test_a_vector_comes_back_bit_for_bit_and_can_be_written_to() -> None:
    vector = np.frombuffer(struct.pack("<4I", 1, 0x80000000, 0x7F7FFFFF, 0x00800000), "<f4")
    back = decode_vector(encode_vector(vector))
    assert back.tobytes() == vector.tobytes()
    assert back.dtype == np.float32
    back[0] = 7


@pytest.mark.parametrize("value", ["AAA", "AAAAAAA=", 7, None, ["1"], [True]])
def test_a_malformed_vector_of_a_reply_is_an_error(value: Any) -> None:
    with pytest.raises(ValueError):
        decode_vector(value)
