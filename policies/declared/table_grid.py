"""A table's cells as a grid: rows of equal width, merged cells repeated wherever they reach. Pure."""

from __future__ import annotations

from policies.declared.document import Cell, Table

Grid = list[list[Cell]]
_WIDEST = 40


def grid_of(table: Table) -> Grid:
    """The cells of a table by row and column, never wider than `_WIDEST` columns, whatever a page says of its cells."""
    held: dict[int, tuple[Cell, int]] = {}
    grid: Grid = []
    for row in table.rows:
        line: list[Cell] = []
        cells = iter(row)
        column = 0
        while column < _WIDEST:
            if column in held:
                cell, left = held[column]
                line.append(cell)
                if left > 1:
                    held[column] = (cell, left - 1)
                else:
                    del held[column]
                column += 1
                continue
            following = next(cells, None)
            if following is None:
                if any(later > column for later in held):
                    column += 1
                    line.append(Cell(row[-1].end, row[-1].end))
                    continue
                break
            for _ in range(min(following.columns, _WIDEST - column)):
                line.append(following)
                if following.rows > 1:
                    held[column] = (following, following.rows - 1)
                column += 1
        grid.append(line)
    width = max(map(len, grid), default=0)
    for line in grid:
        end = line[-1].end if line else table.start
        line.extend(Cell(end, end) for _ in range(width - len(line)))
    return grid
