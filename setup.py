"""All metadata and dependencies of the distribution `fer-cli`."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "fer_cli" / "__init__.py").read_text(encoding="utf-8"))[1]

setup(
    name="fer-cli",
    version=VERSION,
    description="A command-line toolbox for facial-expression-recognition studies",
    long_description=(HERE / "README.md").read_text(encoding="utf-8"),
    long_description_content_type="text/markdown",
    license="MIT",
    python_requires=">=3.11",
    packages=find_packages(include=["fer_cli", "fer_cli.*"]),
    package_data={"fer_cli.reports": ["templates/*"], "fer_cli.pretrained": ["*.keras", "README.md"]},
    entry_points={"console_scripts": ["fer = fer_cli.main:cli"]},
    install_requires=[
        "click>=8.1.8,<9",
        "h5py>=3.11,<4",
        "jinja2>=3.1,<4",
        "joblib>=1.4,<2",
        "keras>=3.13,<4",
        "matplotlib>=3.9,<4",
        "mtcnn>=1.0,<2",
        "numpy>=1.26,<3",
        "opencv-python>=4.10,<5",  # 5.0 dropped the Haar cascades
        "rich>=13.7",
        "scikit-learn>=1.5,<2",
        "scipy>=1.11,<2",
        "skops>=0.13,<1",
        "tensorflow>=2.19,<3",
    ],
    extras_require={
        "accel": ["scikit-learn-intelex>=2025.1"],
        "labels": ["cleanlab>=2.7,<3"],
        "tune": ["optuna>=4,<6"],
        "dask": ["dask>=2025.1", "distributed>=2025.1"],
        "export": ["ai-edge-litert>=1.2,<3", "onnx>=1.17,<2", "onnxruntime>=1.20,<2", "tf2onnx>=1.16,<2"],
        "plots": ["plotly>=6,<7"],
        "dev": [
            "ai-edge-litert>=1.2,<3",
            "axe-playwright-python>=0.1.8,<1",
            "cleanlab>=2.7,<3",
            "dask>=2025.1",
            "distributed>=2025.1",
            "foolbox>=3.3,<4",
            "hypothesis>=6.100",
            "jax>=0.5,<1",
            "mypy>=1.15",
            "onnx>=1.17,<2",
            "onnxruntime>=1.20,<2",
            "optuna>=4,<6",
            "pandas>=2.2",
            "playwright>=1.50",
            "pytest>=8.3",
            "pytest-xdist>=3.6",
            "ruff>=0.11",
            "tf-keras-vis>=0.8.7,<1",
            "tf2onnx>=1.16,<2",
        ],
    },
)
