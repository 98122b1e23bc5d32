"""The command line: one command per job, and errors without tracebacks."""

import os
import sys
import warnings
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from rich.markup import escape

import grnet as gn
from grnet.cli._console import err, out
from grnet.cli.catalogue import methods
from grnet.cli.demonstration import demo
from grnet.cli.environment import doctor
from grnet.cli.evaluation import evaluate
from grnet.cli.explaining import explain
from grnet.cli.exporting import export
from grnet.cli.graph_build import build
from grnet.cli.inference import infer
from grnet.cli.motif_scan import scan
from grnet.cli.sequence import predict, train

EXPECTED = (ValueError, OSError, ImportError, MemoryError)
"""What the user can set right: told in one message."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Add --debug to any command to see the traceback of an error.",
)
for command in (demo, infer, evaluate, explain, export, methods, doctor):
    app.command()(command)
graph = typer.Typer(no_args_is_help=True, help="Graphs of TFs, peaks and genes.")
graph.command()(build)
motifs = typer.Typer(no_args_is_help=True, help="Motifs of transcription factors.")
motifs.command()(scan)
app.add_typer(graph, name="graph")
sequence = typer.Typer(no_args_is_help=True, help="Models that read DNA.")
sequence.command()(train)
sequence.command()(predict)
app.add_typer(motifs, name="motifs")
app.add_typer(sequence, name="sequence")


def _print_version(asked: bool) -> None:  # noqa: FBT001 - typer calls it so
    if asked:
        out().print(f"grnet {gn.__version__}", highlight=False)
        raise typer.Exit


@app.callback()
def _grnet(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Gene regulatory networks from multi-omics data: infer, evaluate, open in Cytoscape."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code.

    0: done. 1: the data, a file or the installation is at fault, and the message says how. 2: the
    command was not understood. 130: stopped by Ctrl-C.
    """
    asked = [argument for argument in arguments if argument != "--debug"]
    debug = len(asked) < len(arguments)
    with warnings.catch_warnings():
        if not debug:
            warnings.showwarning = _tell_warning
            warnings.simplefilter("ignore", FutureWarning)
        try:
            app(asked, prog_name="grnet")
        except SystemExit as done:
            return done.code if isinstance(done.code, int) else int(done.code is not None)
        except KeyboardInterrupt:
            return 130
        except EXPECTED as error:
            if debug:
                raise
            _tell_error(error)
            return 1
    return 0


def main() -> None:
    """Run the command line of this process."""
    # threads that wait by spinning make a run on busy cores ten times slower; torch reads this once
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(run(sys.argv[1:]))


def _tell_error(error: Exception) -> None:
    notes = getattr(error, "__notes__", [])
    text = "\n".join([str(error) or type(error).__name__, *notes])
    err().print(f"[bold red]Error:[/] {escape(text)}", highlight=False, soft_wrap=True)


def _tell_warning(message: Warning | str, *_: Any, **__: Any) -> None:  # noqa: ANN401
    text = escape(str(message))
    err().print(f"[bold yellow]Warning:[/] {text}", highlight=False, soft_wrap=True)
