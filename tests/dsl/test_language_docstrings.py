import doctest
from importlib import import_module
from pkgutil import walk_packages

import pytest

import dsl

MODULES = [module.name for module in walk_packages(dsl.__path__, "dsl.")]


@pytest.mark.parametrize("name", MODULES)
def test_docstrings_are_true(name):
    assert doctest.testmod(import_module(name)).failed == 0
