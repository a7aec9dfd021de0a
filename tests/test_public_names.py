"""The public tables: every name resolves, and no module hides a function of its package."""

import importlib
import pkgutil

import pytest

PACKAGES = ["marlgt", "marlgt.games", "marlgt.concepts", "marlgt.solvers", "marlgt.dynamics", "marlgt.testing"]
PACKAGES.append("marlgt.pictures")


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_name_resolves(name):
    package = importlib.import_module(name)
    for public in package.__all__:
        assert getattr(package, public) is not None
        assert public in dir(package)


@pytest.mark.parametrize("name", PACKAGES)
def test_no_module_bears_the_name_of_a_public_function(name):
    package = importlib.import_module(name)
    modules = {module.name for module in pkgutil.iter_modules(package.__path__)}
    assert not modules & set(package._EXPORTS)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'no_such_name'"):
        _ = importlib.import_module("marlgt").no_such_name
