# SPDX-License-Identifier: BSD-3-Clause
"""Settings of the documentation; everything is built without a network.

``SKOVERFIT_INTERSPHINX=1`` fetches the inventories of the peers, so that their classes
become links.
"""

import os
import sys
import warnings
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The checkout is documented, and the helpers beside this file are found.
sys.path[:0] = [str(HERE.parent), str(HERE / "_ext")]

import claims
import reference

import skoverfit

project = "skoverfit"
author = "the skoverfit developers"
copyright = author
version = release = skoverfit.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "markdown_pages",
    "mathml",
]
exclude_patterns = ["_build", "_ext", "_templates", "examples"]
templates_path = ["_templates"]
# Single backticks are code here as in scikit-learn's docstrings; links are roles.
default_role = "literal"

# A role that finds nothing of ours is an error. The peers' objects are links only where
# their inventories are fetched.
nitpicky = True
toc_object_entries_show_parents = "hide"
# Attributes of one name that several classes have are no mistake.
suppress_warnings = ["ref.python"]
nitpick_ignore_regex = [
    # Properties that scikit-learn's pipeline has; numpydoc makes links of them.
    (r"py:obj", r"(named_steps|classes_|n_features_in_|feature_names_in_)"),
    # A label in the docstring that regressors inherit.
    (r"std:ref", r"r2_score"),
    # Labels in the docstring of `set_output`, which transformers inherit.
    (r"std:ref", r"(df_output_transform|sphx_glr_auto_examples_misc.*set_output\.py)"),
    (r"py:.*", r"(imblearn|joblib|numpy|pandas|polars|scipy|sklearn|skorch|torch)\..*"),
]
if os.environ.get("SKOVERFIT_INTERSPHINX") == "1":
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "imblearn": ("https://imbalanced-learn.org/stable", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "python": ("https://docs.python.org/3", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "sklearn": ("https://scikit-learn.org/stable", None),
    }

# -- API reference: written anew at every build ------------------------------------

autosummary_generate = reference.write_reference(HERE / "api")
autosummary_generate_overwrite = True
autosummary_imported_members = False
autodoc_typehints = "none"
autodoc_inherit_docstrings = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False

claims.write_claims(HERE.parent / "benchmarks/results/claims", HERE / "claims.rst")

# -- Gallery: runs on scikit-learn's embedded data ----------------------------------

sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "auto_examples",
    "filename_pattern": r"/plot_",
    "within_subsection_order": "FileNameSortKey",
    "abort_on_example_error": True,
    "doc_module": ("skoverfit",),
    "reference_url": {"skoverfit": None},
    "backreferences_dir": "api/backreferences",
    "download_all_examples": False,
    "remove_config_comments": True,
    "show_memory": False,
    "write_computation_times": False,
    "min_reported_time": 1e9,
}
# A warning that an example causes is an error, as in the tests.
warnings.filterwarnings("error", module=r"(__main__|imblearn|sklearn|skoverfit)(\.|$)")

# -- HTML ---------------------------------------------------------------------------

html_theme = "pydata_sphinx_theme"
html_title = f"skoverfit {version}"
html_static_path = ["_static"]
html_css_files = ["skoverfit.css"]
html_show_sourcelink = False
html_copy_source = False
html_math_renderer = "mathml"
html_context = {"default_mode": "auto"}
html_theme_options = {
    "show_prev_next": False,
    "show_toc_level": 2,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
