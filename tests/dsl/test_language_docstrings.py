import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import dsl

MODULES = [f"dsl.{module.name}" for module in iter_modules(dsl.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_are_true(name):
    assert doctest.testmod(import_module(name)).failed == 0
