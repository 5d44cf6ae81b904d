//! `Table`: rows of cells whose columns line up.
//!
//! Owns the padding. Refuses colours and lines: what is aligned is readable.

use std::fmt;

/// The blanks between two columns.
const GAP: &str = "   ";

/// On which side a column's cells lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Left,
    /// For numbers.
    Right,
}

/// A table, indented by two blanks; the last column is not padded.
#[derive(Debug)]
pub(crate) struct Table {
    aligns: Vec<Align>,
    rows: Vec<Row>,
}

#[derive(Debug)]
enum Row {
    Cells(Vec<String>),
    /// Lines that stand across all columns, as they are.
    Note(String),
}

impl Table {
    pub(crate) fn new(aligns: impl Into<Vec<Align>>) -> Self {
        Self { aligns: aligns.into(), rows: Vec::new() }
    }

    /// # Panics
    /// If it has not as many cells as the table has columns.
    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        let cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(cells.len(), self.aligns.len(), "a cell for each column: {cells:?}");
        self.rows.push(Row::Cells(cells));
    }

    /// Lines below the last row, which no column makes room for.
    pub(crate) fn note(&mut self, lines: impl Into<String>) {
        self.rows.push(Row::Note(lines.into()));
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths = vec![0; self.aligns.len()];
        for row in &self.rows {
            let Row::Cells(row) = row else { continue };
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        widths
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let widths = self.widths();
        for row in &self.rows {
            let row = match row {
                Row::Cells(cells) => cells,
                Row::Note(lines) => {
                    writeln!(formatter, "{lines}")?;
                    continue;
                }
            };
            let mut line = String::new();
            for (column, cell) in row.iter().enumerate() {
                let width = widths[column];
                line.push_str(if column == 0 { "  " } else { GAP });
                match self.aligns[column] {
                    Align::Left => line.push_str(&format!("{cell:<width$}")),
                    Align::Right => line.push_str(&format!("{cell:>width$}")),
                }
            }
            writeln!(formatter, "{}", line.trim_end())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_lines_end_without_blanks() {
        let mut table = Table::new([Align::Left, Align::Right, Align::Left]);
        table.row(["answered", "41,213", ""]);
        table.note("    something that is longer than a column");
        table.row(["lost", "0", "µ"]);
        assert_eq!(
            table.to_string(),
            "  answered   41,213\n    something that is longer than a column\n  \
               lost            0   µ\n"
        );
    }

    #[test]
    fn a_table_without_rows_is_nothing() {
        assert_eq!(Table::new([Align::Left]).to_string(), "");
    }
}
