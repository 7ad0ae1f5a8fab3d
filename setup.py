"""Metadata and dependencies of the package; settings of the tools are in pyproject.toml."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'^__version__ = "(.+)"$', (HERE / "skdeepprune/_version.py").read_text(), re.MULTILINE)[1]

EXTRAS = {
    "plots": ["matplotlib>=3.10"],
    "models": ["skops>=0.13"],
    "baselines": ["gkmsvm-lite>=0.1"],
    "motifs": ["memelite>=0.3", "pyjaspar>=4.0"],
    "variants": ["pysam>=0.22"],
    "fetch": ["pooch>=1.8"],
    "tracks": ["figwig>=0.2"],
    "dask": ["dask[distributed]>=2025.1"],
}
EXTRAS["test"] = [
    *(requirement for extra in EXTRAS.values() for requirement in extra),
    "biopython>=1.85",
    "dnaio>=1.2",
    "hypothesis>=6.100",
    "import-linter>=2.17",
    "lightmotif>=0.10",
    "mypy>=1.15",
    "pandas-stubs>=2.2",
    "psutil>=6.0",
    "pybigwig>=0.3.23",
    "pyfaidx>=0.8",
    "pytest>=8.2",
    "pytest-cov>=6.0",
    "pytest-xdist>=3.6.1",
    "ruff>=0.17,<0.18",
    "safetensors>=0.4",
]
EXTRAS["docs"] = [
    *EXTRAS["plots"],
    *EXTRAS["motifs"],
    *EXTRAS["tracks"],
    "myst-parser>=5.0",
    "numpydoc>=1.10",
    "pydata-sphinx-theme>=0.16",
    "sphinx>=9",
    "sphinx-gallery>=0.19",
]
EXTRAS["benchmarks"] = [
    *EXTRAS["plots"],
    *EXTRAS["baselines"],
    *EXTRAS["motifs"],
    "psutil>=6.0",
    "pytest-benchmark>=5.1",
]
EXTRAS["release"] = ["build>=1.2"]
EXTRAS["all"] = sorted({requirement for extra in EXTRAS.values() for requirement in extra})

setup(
    name="skdeepprune",
    version=VERSION,
    description="Deepprune for scikit-learn: predict protein-DNA binding with a few interpretable convolution kernels",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    author="skdeepprune developers",
    license="BSD-3-Clause",
    license_files=["LICENSE"],
    keywords="machine-learning bioinformatics genomics motif-discovery transcription-factors pruning scikit-learn",
    classifiers=[
        "Development Status :: 4 - Beta",
        "Intended Audience :: Science/Research",
        "Operating System :: OS Independent",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Topic :: Scientific/Engineering :: Bio-Informatics",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["skdeepprune", "skdeepprune.*"]),
    package_data={
        "skdeepprune": ["py.typed"],
        "skdeepprune.report": ["report.css", "report.html.jinja"],
    },
    python_requires=">=3.11",
    install_requires=[
        "jinja2>=3.1",
        "joblib>=1.5",
        "llvmlite",  # numba determines the version
        "numba>=0.61.2",
        "numpy>=2.2",
        "pandas>=2.2.3",
        "scikit-learn>=1.6",
        "scipy>=1.13",
        "sklearn-compat>=0.1.3",
        "tensorflow>=2.20",
        "threadpoolctl>=3.1",
        "tqdm>=4.66",
    ],
    extras_require=EXTRAS,
    entry_points={"console_scripts": ["skdeepprune = skdeepprune.__main__:main"]},
)
