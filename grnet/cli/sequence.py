"""`grnet sequence train` and `grnet sequence predict`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import grnet as gn
from grnet.cli import _options as o
from grnet.cli._console import shortest, show, step, told

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

Model = Annotated[Path, typer.Argument(help="A model that `grnet sequence train` wrote.")]
Labelled = Annotated[
    Path | None,
    typer.Argument(help="Labelled sequences: a table with the columns sequence and label(s)."),
]
Peaks = Annotated[
    Path | None, typer.Option(help="Peaks of TFs: a BED with a column tf, or a folder of files.")
]
TfColumn = Annotated[str | None, typer.Option(help="The column of the peaks that names the TF.")]
Genome = Annotated[Path | None, typer.Option("--genome", help="FASTA file, plain or gzipped.")]
Out = Annotated[Path, typer.Option("--out", "-o", help="Where to write the result.")]


def train(  # noqa: PLR0913 - options of a command
    labelled: Labelled = None,
    *,
    out: Out,
    genome: Genome = None,
    peaks: Peaks = None,
    tf_column: TfColumn = None,
    column: Annotated[
        list[str] | None, typer.Option(help="Names of the peaks' columns, in order; repeatable.")
    ] = None,
    tf: Annotated[list[str] | None, typer.Option(help="Model these TFs only; repeatable.")] = None,
    validation: Annotated[str, typer.Option(help="Chromosomes that choose the epoch.")] = "",
    test: Annotated[str, typer.Option(help="Chromosomes held out for the scores.")] = "",
    method: Annotated[
        str,
        typer.Option(
            help="motif_cnn, cnn, cnn_lstm, dilated_cnn, gapped_kmers, or ensemble (several)."
        ),
    ] = "motif_cnn",
    epochs: Annotated[int, typer.Option(help="Passes over the data at most.")] = 20,
    seed: o.Seed = 0,
    device: o.Device = "auto",
) -> None:
    """Train a model of sequences and write it, with its scores beside it.

    grnet sequence train labelled.csv --out model.safetensors

    grnet sequence train --genome genome.fa --peaks peaks.bed --validation chr8 --test chr1,chr2 ...
    """
    settings = gn.train.FitSettings(
        max_epochs=epochs, batch_size=32, learning_rate=2e-3, device=device
    )
    how: dict[str, Any] = {"method": method, "settings": settings, "seed": seed}
    if labelled is not None and peaks is None:
        model, scores = _of_table(labelled, how)
    elif labelled is None and peaks is not None and genome is not None:
        table = gn.io.read_peaks(peaks, columns=column, tf_column=tf_column)
        with step(f"Training on {len(table):,} peaks"):
            done = gn.train.binding(
                gn.io.Genome(genome),
                table,
                validation=_names(validation, "--validation"),
                test=_names(test, "--test"),
                tfs=tf,
                **how,
            )
        model, scores = done.fit.model, done.scores
    else:
        message = (
            "Give either a table of labelled sequences, or --genome with --peaks: found "
            f"labelled={labelled}, genome={genome}, peaks={peaks}."
        )
        raise ValueError(message)
    _write(model, scores, out)


def predict(
    model: Model,
    *,
    out: Out,
    sequences: Annotated[
        Path | None, typer.Option(help="FASTA of sequences, or a table with a column sequence.")
    ] = None,
    genome: Genome = None,
    regions: Annotated[
        Path | None, typer.Option(help="Intervals of the genome: BED, narrowPeak or broadPeak.")
    ] = None,
    device: o.Device = "auto",
) -> None:
    """Predict with a trained model, for sequences or for regions of a genome.

    grnet sequence predict model.safetensors --genome genome.fa --regions peaks.bed --out scores.tsv
    """
    from grnet.cli._files import write_table, written_as_table  # noqa: PLC0415 - heavy

    written_as_table(out)
    loaded = gn.models.load(model)
    facts: Any = loaded.facts
    if sequences is not None and regions is None:
        where, codes = _read_sequences(sequences)
    elif sequences is None and regions is not None and genome is not None:
        peaks = gn.io.read_peaks(regions)
        handle = gn.io.Genome(genome)
        where = handle.harmonise(peaks, what="the regions")[["chrom", "start", "end"]]
        codes = handle.sequence(where, width=facts.get("length"))
    else:
        message = (
            "Give either --sequences, or --genome with --regions: found "
            f"sequences={sequences}, genome={genome}, regions={regions}."
        )
        raise ValueError(message)
    with step(f"Predicting {len(codes):,} sequences"):
        guess = gn.models.predict(loaded, codes, device=device)
    names = facts.get("tasks") or [f"task_{i}" for i in range(guess.shape[1])]
    table = where.reset_index(drop=True)
    for number, name in enumerate(names):
        table[name] = guess[:, number]
    write_table(table, out)
    told(f"Written: {len(table):,} rows of {len(names):,} predictions to {shortest(out)}")


def _of_table(path: Path, how: dict[str, Any]) -> "tuple[Any, pd.DataFrame]":
    """Train on a table; a fifth of the sequences, none like the others, is held out."""
    import numpy as np  # noqa: PLC0415 - heavy
    import pandas as pd  # noqa: PLC0415 - heavy

    frame = pd.read_csv(path, sep=None, engine="python")
    if "sequence" not in frame or frame.shape[1] < 2:
        message = (
            f"{path} has the columns {list(frame.columns)[:8]}: expected 'sequence' and one or "
            "more columns of labels, 0 or 1."
        )
        raise ValueError(message)
    names = [name for name in frame.columns if name != "sequence"]
    labels = frame[names].apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float32)
    data = gn.train.SequenceData(gn.dna.to_codes(frame["sequence"].tolist()), labels, names)
    split = gn.train.split_by_similarity(data.codes, shares=(0.7, 0.1, 0.2), seed=how["seed"])
    with step(f"Training on {len(split.train):,} sequences"):
        done = gn.train.classify(
            data.take(split.train), validation=data.take(split.validation), **how
        )
    test = data.take(split.test)
    guess = gn.models.predict(done.model, test.codes)
    return done.model, gn.train.task_scores(test.labels, guess, names=names)


def _write(model: Any, scores: "pd.DataFrame", out: Path) -> None:  # noqa: ANN401 - any module
    from grnet.cli._files import write_table  # noqa: PLC0415 - heavy

    gn.models.save(model, out)
    beside = out.with_suffix(".scores.tsv")
    table = scores.reset_index()
    write_table(table, beside)
    shown = ["n", "prevalence", "auroc", "auprc", "mcc"]
    show(table[[table.columns[0], *shown]].head(20), title="On sequences that were held out")
    told(f"Written: the model to {shortest(out)}, its scores to {shortest(beside)}")


def _read_sequences(path: Path) -> "tuple[pd.DataFrame, np.ndarray]":
    import pandas as pd  # noqa: PLC0415 - heavy

    endings = (".fa", ".fasta", ".fa.gz", ".fasta.gz")
    if path.name.lower().endswith(endings):
        handle = gn.io.Genome(path)
        sizes = handle.sizes
        where = pd.DataFrame({"chrom": sizes.index, "start": 0, "end": sizes.to_numpy()})
        return where[["chrom"]].set_axis(["name"], axis=1), handle.sequence(where)
    frame = pd.read_csv(path, sep=None, engine="python")
    if "sequence" not in frame:
        message = (
            f"{path} has the columns {list(frame.columns)[:8]}: expected 'sequence', or a FASTA "
            f"file ending in {', '.join(endings)}."
        )
        raise ValueError(message)
    return frame, gn.dna.to_codes(frame["sequence"].tolist())


def _names(text: str, option: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        message = f"{option} names no chromosome: give some to hold out, such as {option} chr8."
        raise ValueError(message)
    return names
