"""fer: a command-line toolbox for facial-expression-recognition studies."""

__version__ = "0.1.0"
