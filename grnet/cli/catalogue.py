"""`grnet methods`."""

import grnet as gn
from grnet.cli._console import show


def methods() -> None:
    """List the methods of inference, with their options and measured accuracy."""
    catalogue = gn.infer.methods.reset_index()
    table = catalogue.drop(columns=["needs", "takes", "signed", "shares_contexts", "reference"])
    note = 'Give an option as --option key=value; gn.infer.methods["reference"] says who made it.'
    show(table.dropna(axis="columns", how="all"), title="Methods", note=note)
