"""The table of methods in README.md, generated from the catalogue and the measured figures.

``python -m benchmarks.readme`` writes it between the two markers.
"""

from pathlib import Path

from benchmarks._tables import markdown
from grnet.infer.catalogue import method_table

README = Path(__file__).resolve().parents[1] / "README.md"
START = "<!-- methods: written by `python -m benchmarks.readme`, do not edit by hand -->"
END = "<!-- end of methods -->"
COLUMNS = {
    "summary": "what it measures",
    "auprc_ratio": "AUPRC ratio",
    "epr": "EPR",
    "seconds": "seconds",
    "reference": "reference",
}


def methods() -> str:
    """Return the table as markdown."""
    table = method_table()[list(COLUMNS)].rename(columns=COLUMNS)
    table.index = [f"`{name}`" for name in table.index]
    return markdown(table.rename_axis("method"))


def with_methods(text: str) -> str:
    """Return the text with the table between its markers."""
    before, _, rest = text.partition(START)
    _, _, after = rest.partition(END)
    return f"{before}{START}\n\n{methods()}\n\n{END}{after}"


if __name__ == "__main__":
    README.write_text(with_methods(README.read_text(encoding="utf-8")), encoding="utf-8")
