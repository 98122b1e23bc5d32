"""`grnet doctor`."""

import typer

import grnet as gn
from grnet.cli._console import show, step, told


def doctor() -> None:
    """Check the installation: versions, what is missing and how to install it, device, memory.

    The exit code is 1 if a part is missing, too old or broken without which grnet does not work.
    """
    with step("Looking"):
        report = gn.doctor()
    show(report.drop(columns="fix"), title="Installation")
    fixes = report.loc[report["fix"] != "", "fix"].unique()
    if len(fixes):
        told("\n".join(["What sets right what is not ok:", *(f"  {fix}" for fix in fixes)]))
    bad = report.loc[(report["kind"] == "core") & (report["status"] != "ok")]
    if len(bad):
        told(f"{len(bad)} core part(s) need attention: {', '.join(bad['part'])}.")
        raise typer.Exit(1)
    told("All that grnet needs is there.")
