"""Reading CSV tables of images, with faults named by file, line and column."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from landmark_discovery.csv_rows import read_rows
from landmark_discovery.errors import UserError
from landmark_discovery.geometry import FloatArray

MISSING = frozenset({"", "nan", "na"})


def read_table(path: str | Path) -> pd.DataFrame:
    """Read a CSV table with one image a row; all cells stay text.

    Raises:
        UserError: no such file, no column `image`, a column twice, a row of another length, or an image twice.
    """
    header, *rows = read_rows(path)
    columns = header.cells
    if "image" not in columns or len(set(columns)) != len(columns):
        raise UserError(
            f"the header is {','.join(columns)[:80]!r}", where=path, remedy="it needs the column image, none twice"
        )
    table = pd.DataFrame([row.cells for row in rows], columns=columns, dtype=str)
    repeated = table["image"][table["image"].duplicated()]
    if len(repeated):
        raise UserError(f"image {repeated.iloc[0]!r} stands twice", where=path, remedy="keep one row an image")
    return table


def numbers(table: pd.DataFrame, columns: Sequence[str], where: str | Path) -> FloatArray:
    """Read columns of a table as numbers (N, C); an empty cell, "nan" or "NA" gives NaN.

    Raises:
        UserError: text where a number belongs, or an infinite one.
    """
    if not len(table):
        return np.empty((0, len(columns)))
    text = table[list(columns)].apply(lambda column: column.str.lower())
    values: FloatArray = text.apply(pd.to_numeric, errors="coerce").to_numpy(dtype=np.float64)
    faults = np.argwhere(~np.isfinite(values) & ~text.isin(MISSING).to_numpy())
    if len(faults):
        row, column = faults[0]
        raise UserError(
            f"{columns[column]} of {table['image'].iloc[row]!r} is {table[columns[column]].iloc[row]!r}, not a number",
            where=where,
            remedy="write a number, or leave the cell empty where there is none",
        )
    return values
