"""Expression tables of any common format."""

from grnet.io.expression.reading import read_expression

__all__ = ["read_expression"]
