"""GTF and GFF3 in blocks: rows of genes, transcripts and exons with the attributes needed."""

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from grnet import _checks
from grnet.io import _text

EXON = "exon"
_COLUMNS = ["chrom", "source", "feature", "start", "end", "score", "strand", "phase", "attributes"]
_WANTED = ["chrom", "feature", "start", "end", "strand", "attributes"]
_BLOCK = 1 << 24
_FASTA = b"\n##FASTA"
_GTF_FEATURES = ["gene", "transcript", EXON]
_UNUSED = [
    *("CDS", "start_codon", "stop_codon", "five_prime_UTR", "three_prime_UTR", "intron", "region"),
    *("chromosome", "scaffold", "supercontig", "contig", "biological_region", "match"),
    *("cDNA_match", "protein", "sequence_feature", "enhancer", "silencer", "nucleotide_motif"),
]
_GTF_KEYS = {
    "gene_id": "gene_id",
    "transcript_id": "transcript_id",
    "gene": "gene_name|gene_symbol|gene",
    "biotype": "gene_biotype|gene_type|biotype",
    "transcript_biotype": "transcript_biotype|transcript_type",
}
_GFF3_KEYS = {
    "id": "ID",
    "parent": "Parent",
    "name": "gene_name|Name",
    "symbol": "gene",
    "gene_id": "gene_id",
    "biotype": "gene_biotype|gene_type|biotype",
    "transcript_id": "transcript_id",
    "transcript_biotype": "transcript_biotype|transcript_type|biotype",
}


class Parts(NamedTuple):
    """Rows of an annotation; each frame has gene_id, gene, biotype and intervals."""

    genes: pd.DataFrame
    transcripts: pd.DataFrame
    exons: pd.DataFrame


def is_gff3(row: str) -> bool:
    """Tell GFF3 (``ID=gene1;Name=A``) from GTF (``gene_id "gene1"; gene_name "A";``)."""
    key, _, _ = row.split("\t")[8].strip().partition("=")
    return " " not in key and key != row.split("\t")[8].strip()


def read_parts(path: Path, *, gff3: bool) -> Parts:
    """Return genes, transcripts and exons of a GTF or GFF3 file."""
    read: list[pa.Table] = []
    features: set[str] = set()
    for block in _blocks(path):
        features.update(block["feature"].unique().to_pylist())
        unused = pc.is_in(block["feature"], pa.array(_UNUSED if gff3 else _GTF_FEATURES))
        kept = block.filter(pc.invert(unused) if gff3 else unused)
        read.append(_with_attributes(kept, gff3=gff3))
    table = pa.concat_tables(read).unify_dictionaries().to_pandas() if read else pd.DataFrame()
    if table.empty:
        message = (
            f"{path} has no rows of genes, transcripts or exons, only "
            f"{_checks.examples(sorted(features), 8)}. Take the full annotation of the genome."
        )
        raise ValueError(message)
    return _gff3_parts(table) if gff3 else _gtf_parts(table)


def _blocks(path: Path) -> Iterator[pa.Table]:
    """Yield tables of about 16 MB of the file each."""
    packed = _text.is_gzipped(path)
    with _text.naming(path), gzip.open(path) if packed else path.open("rb") as file:
        rest = b""
        while block := file.read(_BLOCK):
            text = rest + block
            at = text.find(_FASTA)
            if at >= 0:
                rest = text[: at + 1]
                break
            cut = text.rfind(b"\n") + 1
            rest = text[cut:]
            if cut:
                yield _parsed(text[:cut], path)
        if rest:
            yield _parsed(rest, path)


def _parsed(text: bytes, path: Path) -> pa.Table:
    """Parse whole lines; comments are skipped, other lines without nine columns raise."""
    wrong: list[str] = []
    if not text.isascii():
        text.decode("utf-8")  # raises here, not inside of pyarrow, where it would be lost

    def handle(row: csv.InvalidRow) -> str:
        if not row.text.startswith("#"):
            wrong.append(row.text)
        return "skip"

    options = csv.ParseOptions(delimiter="\t", quote_char=False, invalid_row_handler=handle)
    types = dict.fromkeys(_WANTED, pa.string())
    types |= {"start": pa.int64(), "end": pa.int64()}
    types |= dict.fromkeys(("chrom", "feature", "strand"), pa.dictionary(pa.int32(), pa.string()))
    convert = csv.ConvertOptions(
        include_columns=_WANTED, column_types=types, null_values=[], strings_can_be_null=False
    )
    read = csv.ReadOptions(column_names=_COLUMNS, block_size=len(text) + 1, use_threads=False)
    try:
        table = csv.read_csv(
            pa.BufferReader(text), read_options=read, parse_options=options, convert_options=convert
        )
    except pa.ArrowInvalid as error:
        message = f"{path} is not a sound GTF or GFF3 file: {error}"
        raise ValueError(message) from error
    if wrong:
        message = (
            f"{len(wrong)} line(s) of {path} have not the nine columns of GTF and GFF3, separated "
            f"by tabs, the first: {wrong[0][:80]!r}. The file is damaged: download it again."
        )
        raise ValueError(message)
    return table


def _with_attributes(block: pa.Table, *, gff3: bool) -> pa.Table:
    """Replace the column of attributes by those needed."""
    text = block["attributes"]
    pattern = r"(?:^|;)\s*(?:{})=(?P<v>[^;]*)" if gff3 else r'(?:^|;)\s*(?:{})\s+"?(?P<v>[^";]*)'
    for name, keys in (_GFF3_KEYS if gff3 else _GTF_KEYS).items():
        values = pc.struct_field(pc.extract_regex(text, pattern.format(keys)), "v")
        block = block.append_column(name, values.dictionary_encode())
    return block.drop_columns(["attributes"])


def _gtf_parts(table: pd.DataFrame) -> Parts:
    table = _plain(table)
    kind = table.pop("feature")
    return Parts(*(table.loc[kind == name].reset_index(drop=True) for name in _GTF_FEATURES))


def _gff3_parts(table: pd.DataFrame) -> Parts:
    """Follow Parent from exons to transcripts to genes."""
    table = _plain(table)
    is_gene = table["feature"].str.endswith("gene")
    is_exon = table["feature"] == EXON
    genes = table.loc[is_gene].reset_index(drop=True)
    genes["gene_id"] = either(genes["gene_id"], genes["id"].map(_bare))
    genes["gene"] = either(genes["symbol"], genes["name"])
    genes["biotype"] = either(genes["biotype"], genes["feature"])
    facts = genes.dropna(subset=["id"]).drop_duplicates("id").set_index("id")
    facts = facts[["gene_id", "gene", "biotype"]]
    rest = table.loc[~is_gene & ~is_exon & table["parent"].notna()]
    transcripts = _of_genes(rest, facts)
    transcripts["transcript_id"] = either(
        transcripts["transcript_id"], transcripts["id"].map(_bare)
    )
    named = transcripts.dropna(subset=["id"]).drop_duplicates("id").set_index("id")
    through = named[["gene_id", "gene", "biotype", "transcript_id"]]
    exons = _of_genes(table.loc[is_exon], pd.concat([through, facts]))
    return Parts(genes, transcripts, exons)


def _of_genes(rows: pd.DataFrame, facts: pd.DataFrame) -> pd.DataFrame:
    """Give rows what is known of their parents; a row with several parents counts for each."""
    rows = rows.drop(columns=facts.columns, errors="ignore")
    rows = rows.assign(parent=rows["parent"].str.split(",")).explode("parent")
    rows = rows.loc[rows["parent"].isin(facts.index)].reset_index(drop=True)
    known = facts.loc[~facts.index.duplicated()].reindex(rows["parent"]).reset_index(drop=True)
    return pd.concat([rows, known], axis=1)


def either(first: pd.Series, second: pd.Series) -> pd.Series:
    """Return the first value, or the second where the first is missing."""
    return first.where(first.notna(), second)


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Return text instead of categories, without the escapes of GFF3; empty text is missing."""
    for name in table.columns:
        if isinstance(table[name].dtype, pd.CategoricalDtype):
            labels = table[name].cat.categories
            texts = {label: unquote(label) if "%" in label else label for label in labels}
            table[name] = table[name].astype(object).map(texts).replace("", None)
    return table


def _bare(name: str | None) -> str | None:
    """Drop the kind that Ensembl and RefSeq write before an ID: ``gene:``, ``gene-``, ``rna-``."""
    for prefix in ("gene:", "gene-", "transcript:", "rna-"):
        if isinstance(name, str) and name.startswith(prefix):
            return name.removeprefix(prefix)
    return name
