"""Native code: loops over rows, written as Python functions over numpy arrays and compiled by numba.

A kernel is compiled for the types it declares and no others, when it is first called or warmed. What was compiled is
kept on disk beside its source, so that later processes load it in milliseconds. Kernels hold no interpreter lock: they
touch nothing but the arrays they are given.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from importlib import import_module
from itertools import product
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

_ARGUMENT = re.compile(r"(?P<out>out )?(?P<type>[A-Z]|[iufb][1248])(?P<array>\[(?P<axes>,?)\])?")
_NAMES = {"i": "int", "u": "uint", "f": "float"}

kernels: list[Kernel[..., Any]] = []
"""All that are declared, of the modules that were imported."""


class Kernel(Generic[P, R]):
    """A function that is compiled before it is called. A call with other types than declared raises TypeError."""

    def __init__(self, function: Callable[P, R], signatures: tuple[tuple[str, ...], ...]) -> None:
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__
        self.function = function
        self.signatures = signatures
        self._compiled: Callable[P, R] | None = None
        self._lock = threading.Lock()

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        return (self._compiled or self.compiled())(*args, **kwargs)

    def compiled(self) -> Callable[P, R]:
        """The compiled function, made or loaded now where it was not before."""
        with self._lock:
            if self._compiled is None:
                self._compiled = _compiled(self.function, self.signatures)
            return self._compiled


def kernel(*arguments: str, **types: tuple[str, ...]) -> Callable[[Callable[P, R]], Kernel[P, R]]:
    """Declare a kernel by the types of its arguments; what it returns is inferred.

    An argument is a numpy type (`i8`, `u4`, `b1`), an array of it that is only read (`u4[]`, two axes `u4[,]`), or one
    that is written to (`out u4[]`); arrays are contiguous. A capital letter stands for each of the `types` it is given
    by name, the same one wherever it stands. A kernel may call the kernels that stand above it in its own file.
    """
    letters = tuple(types)
    chosen = [dict(zip(letters, choice, strict=True)) for choice in product(*types.values())]
    signatures = tuple(tuple(_argument(each, choice) for each in arguments) for choice in chosen)

    def declared(function: Callable[P, R]) -> Kernel[P, R]:
        made = Kernel(function, signatures)
        kernels.append(made)
        return made

    return declared


def warm() -> None:
    """Compile or load every kernel declared so far, so that no question waits for it."""
    for each in kernels:
        each.compiled()


def _argument(text: str, types: dict[str, str]) -> str:
    """An argument's type as numba writes it. ValueError for what is none."""
    found = _ARGUMENT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no type of an argument")
    code = types.get(found["type"], found["type"])
    name = "boolean" if code == "b1" else f"{_NAMES[code[0]]}{int(code[1:]) * 8}"
    if not found["array"]:
        return name
    axes = 2 if found["axes"] else 1
    return f"Array({name}, {axes}, 'C', readonly={not found['out']})"


def _compiled(function: Callable[P, R], signatures: tuple[tuple[str, ...], ...]) -> Callable[P, R]:
    """Compiled by numba, which is imported only now: it takes 0.2 s, and many commands need no kernel."""
    numba = import_module("numba")
    _known_to(numba)
    types = vars(numba.types)
    exact = [tuple(eval(argument, types) for argument in each) for each in signatures]
    try:
        made: Callable[P, R] = numba.njit(exact, nogil=True, cache=True)(function)
    except RuntimeError:  # there is no directory that the cache could be kept in
        made = numba.njit(exact, nogil=True)(function)
    return made


def _known_to(numba: Any) -> None:
    """Let compiled functions call kernels by the names they have in their module."""
    typeof = numba.extending.typeof_impl
    if Kernel not in typeof.registry:
        typeof.register(Kernel)(lambda kernel, context: typeof(kernel.compiled(), context))
