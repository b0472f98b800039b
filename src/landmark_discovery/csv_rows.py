"""The rows of a CSV table, with faults named by file and line."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from landmark_discovery.errors import UserError


@dataclass(frozen=True)
class Row:
    """Hold the cells of a row, without the white space round them, and the line that it ends on."""

    line: int
    cells: list[str]


def read_rows(path: str | Path) -> Iterator[Row]:
    """Yield the header, then the rows, all of the header's length; empty lines are passed over.

    Raises:
        UserError: no such file, no text in UTF-8, no CSV, no header, or a row of another length.
    """
    columns = 0
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            for raw in reader:
                cells = [cell.strip() for cell in raw]
                if not any(cells):
                    continue
                columns = columns or len(cells)
                if len(cells) != columns:
                    raise UserError(
                        f"{len(cells)} columns where the header has {columns}",
                        where=f"{path}, line {reader.line_num}",
                        remedy="give every row all columns; an absent value is an empty cell",
                    )
                yield Row(reader.line_num, cells)
    except FileNotFoundError as error:
        raise UserError("no such file", where=path) from error
    except OSError as error:
        raise UserError(f"can't be read ({error.strerror})", where=path) from error
    except UnicodeDecodeError as error:
        raise UserError("not UTF-8 text", where=path, remedy="save the table as CSV in UTF-8") from error
    except csv.Error as error:
        raise UserError(f"not a CSV table ({error})", where=path, remedy="save the table as CSV in UTF-8") from error
    if not columns:
        raise UserError("the table is empty", where=path, remedy="remove the file, or give it a header and rows")
