"""The files around the package agree with it, and with each other."""

import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

import skoverfit

ROOT = Path(__file__).resolve().parents[2]


def pyproject():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())


def direct_requirements():
    """Return every requirement of pyproject.toml: core, extras, groups, build."""
    settings = pyproject()
    lists = [
        settings["project"]["dependencies"],
        settings["build-system"]["requires"],
        *settings["project"]["optional-dependencies"].values(),
        *settings["dependency-groups"].values(),
    ]
    entries = (entry for entries in lists for entry in entries)
    # The others are tables: {include-group = "..."}.
    return [Requirement(entry) for entry in entries if isinstance(entry, str)]


def pins():
    """Return {name: versions} of constraints.txt."""
    found = {}
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        text = line.partition("#")[0].strip()
        if text:
            requirement = Requirement(text)
            (specifier,) = requirement.specifier
            assert specifier.operator == "==", line
            name = canonicalize_name(requirement.name)
            found.setdefault(name, []).append(specifier.version)
    return found


def tracked_texts():
    """Return {path: text} of the text files that git tracks."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    listed = subprocess.run(
        [git, "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True
    )
    texts = {}
    for name in listed.stdout.decode().split("\0"):
        path = ROOT / name
        if not name or not path.is_file():
            continue
        content = path.read_bytes()
        if b"\0" not in content:
            texts[name] = content.decode(errors="replace")
    return texts


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    (version,) = re.findall(r"^version: (\S+)$", text, flags=re.MULTILINE)
    assert version == Version(skoverfit.__version__).base_version


def test_the_changelog_begins_with_this_version():
    text = (ROOT / "CHANGELOG.md").read_text()
    first = re.search(r"^## (\S+)", text, flags=re.MULTILINE)
    assert first is not None
    assert first[1] == Version(skoverfit.__version__).base_version


def test_every_direct_dependency_is_pinned_once_within_its_bounds():
    pinned = pins()
    for requirement in direct_requirements():
        versions = pinned.get(canonicalize_name(requirement.name), [])
        assert len(versions) == 1, f"{requirement.name} is pinned {len(versions)} times"
        assert requirement.specifier.contains(versions[0]), requirement


def test_no_pin_is_given_twice():
    assert [name for name, versions in pins().items() if len(versions) > 1] == []


# Written so that this file does not contain what it looks for.
MACHINE_PATHS = r"(?<![\w.~/-])/(?:work|root|home/\w+|tmp/wt)(?=[/\s\"'`),:;]|$)"
# Which index packages come from is the user's affair: no host is written down.
_INDEX_WORDS = ("/simple", "/whl/", "py" + "pi", "python" + "hosted", "artifactory")
INDEX_HOSTS = r"https?://[^\s\"'<>)]*(?:{})".format("|".join(_INDEX_WORDS))


@pytest.mark.parametrize(
    ("pattern", "example"),
    [
        (MACHINE_PATHS, "see " + "/" + "work/main"),
        (MACHINE_PATHS, "'" + "/" + "root'"),
        (INDEX_HOSTS, "https" + "://mirror.example.org/simple"),
        (INDEX_HOSTS, "https" + "://files.python" + "hosted.org/packages"),
    ],
)
def test_no_machine_path_or_package_index_is_written_down(pattern, example):
    assert re.search(pattern, example), "the pattern would find nothing"
    found = [
        f"{name}:{number}: {line.strip()[:100]}"
        for name, text in tracked_texts().items()
        for number, line in enumerate(text.splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == []


def test_the_command_line_brings_what_saves_its_models():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"][
        "optional-dependencies"
    ]
    assert set(extras["safe"]) <= set(extras["bench"])
