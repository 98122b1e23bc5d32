"""The package as a whole: its face, its documentation, its order."""

import ast
import importlib
import inspect
import re
import subprocess
import sys
from importlib import metadata, resources
from pathlib import Path

import pytest

import grnet as gn

PROJECT = Path(__file__).resolve().parents[1]
PACKAGES = (
    *("cis", "datasets", "dna", "evaluate", "explain", "graph", "infer", "io", "models", "pl"),
    *("pp", "train"),
)
HEAVY = {"anndata", "lightning", "matplotlib", "numpy", "pandas", "scanpy", "scipy", "torch"}
MODULES = sorted((PROJECT / "grnet").rglob("*.py"))


def public():
    """Every public function and class, by its full name."""
    found = {"GRN": gn.GRN, "doctor": gn.doctor}
    for package in PACKAGES:
        module = importlib.import_module(f"grnet.{package}")
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isfunction(value) or inspect.isclass(value):
                found[f"{package}.{name}"] = value
    methods = inspect.getmembers(gn.GRN, callable)
    found |= {f"GRN.{name}": value for name, value in methods if not name.startswith("_")}
    return found


def documented(value):
    """The names in the section Parameters of a docstring."""
    text = inspect.getdoc(value) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w+\n-+\n|\Z)", text, re.DOTALL | re.MULTILINE)
    lines = section[1].splitlines() if section else []
    heads = [line.split(":")[0] for line in lines if line and not line.startswith(" ")]
    return [name.strip(" *") for head in heads for name in head.split(",")]


PUBLIC = public()
each_public = pytest.mark.parametrize("name", PUBLIC)


def test_import_loads_nothing_heavy():
    code = f"import sys, grnet; print(*sorted({HEAVY} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_every_name_loads_on_first_use_and_is_offered_by_all():
    code = (
        "import grnet; from grnet import *; "
        "print(sorted(set(grnet.__all__) - set(globals())), len(grnet.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["[]", str(len(gn.__all__))]


def test_unknown_attribute_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'grnet' has no attribute 'magic'"):
        _ = gn.magic


def test_version_is_that_of_the_installed_package():
    assert gn.__version__ == metadata.version("grnet")


@pytest.mark.parametrize("package", ["", *PACKAGES])
def test_all_is_sorted_and_resolves(package):
    module = importlib.import_module(f"grnet.{package}".rstrip("."))
    assert module.__all__ == sorted(set(module.__all__))
    assert all(getattr(module, name) is not None for name in module.__all__)


@each_public
def test_docstring_has_a_summary_and_an_example(name):
    text = inspect.getdoc(PUBLIC[name]) or ""
    summary, *rest = text.splitlines()
    assert re.fullmatch(r"[A-Z].*\.", summary), f"{name}: {summary!r} is no sentence"
    assert "Examples\n--------\n>>> " in "\n".join(rest), f"{name} has no example"


@pytest.mark.parametrize("name", [name for name in PUBLIC if documented(PUBLIC[name])])
def test_documented_parameters_are_those_of_the_signature(name):
    signature = [p for p in inspect.signature(PUBLIC[name]).parameters if p not in {"self", "cls"}]
    assert sorted(documented(PUBLIC[name])) == sorted(signature)


@pytest.mark.parametrize("name", [name for name in PUBLIC if "." in name])
def test_options_are_documented(name):
    options = inspect.signature(PUBLIC[name]).parameters.values()
    by_keyword = [p.name for p in options if p.kind is p.KEYWORD_ONLY]
    if len(by_keyword) > 2:
        assert documented(PUBLIC[name]), f"{name} documents none of {by_keyword}"


@each_public
def test_at_most_three_arguments_by_position(name):
    parameters = inspect.signature(PUBLIC[name]).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    allowed = 4 if inspect.isclass(PUBLIC[name]) or positional[:1] == ["self"] else 3
    assert len(positional) <= allowed, f"{name}{tuple(positional)}"


@each_public
def test_everything_is_annotated(name):
    signature = inspect.signature(PUBLIC[name])
    without = [
        p.name
        for p in signature.parameters.values()
        if p.annotation is p.empty
        and p.name not in {"self", "cls"}
        and not getattr(PUBLIC[name], "_is_protocol", False)  # never made, so never called
    ]
    assert without == []
    assert inspect.isclass(PUBLIC[name]) or signature.return_annotation is not signature.empty


def test_nothing_bears_the_name_of_its_module():
    namesakes = [
        f"{path.relative_to(PROJECT)}: {node.name}"
        for path in MODULES
        for node in ast.parse(path.read_text()).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and node.name in path.relative_to(PROJECT).with_suffix("").parts
    ]
    assert namesakes == []


def test_init_files_hold_no_definitions():
    defined = [
        f"{path.relative_to(PROJECT)}: {node.name}"
        for path in MODULES
        if path.name == "__init__.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    assert defined == []


def test_no_assert_validates():
    asserts = [
        f"{path.relative_to(PROJECT)}:{node.lineno}"
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Assert)
    ]
    assert asserts == []


def test_types_are_shipped():
    assert resources.files("grnet").joinpath("py.typed").is_file()


def test_imports_go_downwards_only():
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
