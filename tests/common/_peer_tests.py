# SPDX-License-Identifier: BSD-3-Clause
"""Run a peer's own test module against our class of the same name.

The installed module's source is executed with the names of its classes replaced; what
is left out is named with a reason, and a name that is left out and no longer exists is
an error.
"""

import ast
import importlib
import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def load_peer_tests(
    module_name: str, replaced: dict[str, type], left_out: dict[str, str]
) -> dict[str, object]:
    """Return tests and fixtures of a peer's module, to be put into ``globals()``.

    Parameters
    ----------
    module_name : str
        For example ``"imblearn.over_sampling.tests.test_random_over_sampler"``.
    replaced : dict
        Name of a class in that module -> our class.
    left_out : dict
        Name of a test function -> the reason why it isn't run.
    """
    spec = importlib.util.find_spec(module_name)
    if spec is None or spec.origin is None:
        pytest.skip(f"{module_name} is not installed", allow_module_level=True)
    source = Path(spec.origin).read_text(encoding="utf-8")
    tree = ast.parse(source)
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    gone = set(left_out) - defined
    assert not gone, f"{sorted(gone)} are left out of {module_name}, but not in it"
    assert all(reason.strip() for reason in left_out.values())
    tree.body = _replace_imports(tree.body, replaced)
    module = ModuleType(module_name.rpartition(".")[2])
    vars(module).update(replaced)
    exec(compile(tree, spec.origin, "exec"), vars(module))
    names = [n for n in defined if n not in left_out]
    wanted = [n for n in names if n.startswith("test_") or _is_fixture(module, n)]
    return {name: getattr(module, name) for name in sorted(wanted)}


def _is_fixture(module: ModuleType, name: str) -> bool:
    return "Fixture" in type(getattr(module, name)).__name__


def _replace_imports(body: list[ast.stmt], replaced: dict[str, type]) -> list[ast.stmt]:
    """Drop the imports of the replaced names; each must have been one."""
    found, out = set(), []
    for node in body:
        if isinstance(node, ast.ImportFrom):
            found |= {alias.name for alias in node.names} & set(replaced)
            node.names = [a for a in node.names if a.name not in replaced]
            if not node.names:
                continue
        out.append(node)
    assert found == set(replaced), f"{set(replaced) - found} are not imported there"
    return out
