//! Columns that line up, and paragraphs that fit.

use crate::words;

/// What a table for people may be wide.
pub(crate) const WIDTH: usize = 80;

const GAP: &str = "  ";

/// Rows under titles. Every text is made fit for a terminal on its way in.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(titles: &[&str]) -> Self {
        let mut table = Table { rows: Vec::new() };
        table.row(titles.iter().map(|title| (*title).to_owned()));
        table
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().map(|cell| words::clean(&cell)).collect());
    }

    /// No rows but the titles.
    pub(crate) fn is_empty(&self) -> bool {
        self.rows.len() == 1
    }

    fn widths(&self) -> Vec<usize> {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        (0..columns).map(width).collect()
    }

    pub(crate) fn width(&self) -> usize {
        let widths = self.widths();
        widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1)
    }

    pub(crate) fn render(&self) -> String {
        let widths = self.widths();
        let mut text = String::new();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join(GAP);
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// The first table that fits, else the last: they go from rich to poor.
pub(crate) fn first_that_fits(mut candidates: impl Iterator<Item = Table>) -> String {
    let mut chosen = candidates.next();
    while let Some(table) = &chosen {
        if table.width() <= WIDTH {
            break;
        }
        match candidates.next() {
            Some(poorer) => chosen = Some(poorer),
            None => break,
        }
    }
    chosen.map(|table| table.render()).unwrap_or_default()
}

/// `text` in lines of at most [`WIDTH`], the first after `lead`, the others
/// after as many blanks.
pub(crate) fn paragraph(lead: &str, text: &str) -> String {
    let indent = lead.chars().count();
    let mut out = String::from(lead);
    let mut used = indent;
    for word in words::clean(text).split_whitespace() {
        let length = word.chars().count();
        if used > indent && used + 1 + length > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            used = indent;
        } else if used > indent {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += length;
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_no_line_ends_in_blanks() {
        let mut table = Table::new(&["A", "LONG"]);
        table.row(["wide one".into(), String::new()]);
        assert_eq!(table.render(), "A         LONG\nwide one\n");
        assert_eq!(table.width(), 14);
    }

    #[test]
    fn a_table_that_is_too_wide_makes_way_for_a_poorer_one() {
        let of = |width: usize| Table::new(&["x".repeat(width).as_str()]);
        assert_eq!(first_that_fits([of(81), of(80), of(3)].into_iter()).trim().len(), 80);
        assert_eq!(first_that_fits([of(99), of(90)].into_iter()).trim().len(), 90);
    }

    #[test]
    fn a_paragraph_is_wrapped_under_its_lead() {
        let text = paragraph("! ", &"word ".repeat(20));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 2);
        assert!(lines.iter().all(|line| line.chars().count() <= WIDTH));
        assert!(lines[0].starts_with("! word") && lines[1].starts_with("  word"));
    }
}
