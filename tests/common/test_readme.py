"""What the README shows runs as it stands there."""

import re
from pathlib import Path

from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split

README = Path(__file__).resolve().parents[2] / "README.md"


def test_python_examples_run():
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    X, y = load_wine(return_X_y=True)
    names = ("X_train", "X_test", "y_train", "y_test")
    split = train_test_split(X, y, stratify=y, random_state=0)
    namespace = dict(zip(names, split, strict=True))
    ran = 0
    for block in blocks:
        code = compile(block, "README.md", "exec")
        if "t.csv" not in block:  # a table that the reader has; the command is tested
            exec(code, namespace)
            ran += 1
    assert ran == 5
    assert namespace["net"].score(split[1], split[3]) > 0.9
    assert namespace["probabilities"].shape == (len(split[1]), 3)
    assert namespace["search"].best_score_ > 0.9
    assert (namespace["parents"] >= 0).all()
    assert len(namespace["parents"]) == len(namespace["y_more"]) - len(split[2])
    assert (namespace["y_noisy"] != namespace["y_train"]).mean() > 0.15
    assert 0 <= namespace["error"] < 0.5


def test_commands_exist():
    makefile = (README.parent / "Makefile").read_text()
    for target in re.findall(r"^\$ make (\w+)", README.read_text(), re.MULTILINE):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE)


def test_pictures_exist():
    for name in re.findall(r"!\[[^\]]*\]\(([^)]+)\)", README.read_text()):
        assert (README.parent / name).stat().st_size > 10_000
