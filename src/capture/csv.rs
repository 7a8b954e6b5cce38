//! Comma-separated values as spans of the text.
//!
//! A table holds the start of each row. Cells are found again when a row is read, so that a table takes four bytes for each
//! row in addition to the text. The syntax is RFC 4180; the separator is that of the header.

use super::reports::Reports;
use super::secrets::is_secret_name;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Place, Source, Span, byte_offset};
use crate::value::fold::caseless;
use std::borrow::Cow;
use std::sync::Arc;

/// The largest number of columns.
const MAX_COLUMNS: usize = 1_000;

/// A cell of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    /// The bytes, with quotes.
    pub(super) span: Span,
    /// Whether it is in quotes.
    is_quoted: bool,
}

/// A table of cells.
#[derive(Debug)]
pub(super) struct Table {
    /// The text.
    pub(super) source: Arc<Source>,
    /// The cells of the header.
    pub(super) header: Vec<Cell>,
    /// Whether rows are missing or not readable.
    pub(super) is_damaged: bool,
    separator: u8,
    rows: Vec<u32>,
}

/// The reason why a row cannot be divided into cells.
enum Fault {
    /// A quote without a partner, here.
    Unclosed(usize),
    /// A text after a quoted cell, here.
    AfterQuote(usize),
    /// A blank before the quote of a cell, here.
    BeforeQuote(usize),
}

impl Table {
    /// Reads a text. Rows that are not readable are reported and left out. `None` if there is no header, or it is not readable.
    pub(super) fn read(source: &Arc<Source>, reports: &mut Reports) -> Option<Self> {
        let text = source.text();
        let (separator, start) = separator(text);
        let mut table =
            Self { source: Arc::clone(source), header: Vec::new(), is_damaged: false, separator, rows: Vec::new() };
        let (mut at, mut cells) = (start, Vec::new());
        // Excerpts mask the cells below a header that is the name of a secret, and rows whose cells are not known.
        let (mut secret, mut hidden): (Vec<usize>, Vec<Span>) = (Vec::new(), Vec::new());
        while at < text.len() {
            let from = at;
            match record(text, from, separator, &mut cells) {
                Ok(next) => at = next,
                Err(fault) => {
                    at = table.skip(&fault, from, reports);
                    // The next line is not the header.
                    if table.header.is_empty() {
                        return None;
                    }
                    hidden.extend((!secret.is_empty()).then(|| Span::from(from..at)));
                    continue;
                }
            }
            let is_blank = cells.iter().all(|cell| text_of(text, *cell).trim().is_empty());
            if is_blank {
                continue;
            }
            if table.header.is_empty() {
                table.header = std::mem::take(&mut cells);
                let is_secret = |cell: &Cell| is_secret_name(&table.text(*cell), "");
                secret = (0..).zip(&table.header).filter(|(_, cell)| is_secret(cell)).map(|(at, _)| at).collect();
            } else if cells.len() == table.header.len() {
                table.rows.push(byte_offset(from));
                hidden.extend(secret.iter().filter_map(|at| cells.get(*at)).map(|cell| cell.span));
            } else {
                hidden.extend((!secret.is_empty()).then(|| Span::from(from..at)));
                table.ragged(from..at, cells.len(), reports);
            }
        }
        if table.header.is_empty() || table.header.len() > MAX_COLUMNS {
            let message = match table.header.is_empty() {
                true => format!("`{}` has no header", source.name()),
                false => format!("`{}` has more than {MAX_COLUMNS} columns", source.name()),
            };
            let error = Diagnostic::error(Code::CaptureSource, message);
            reports.push(error.help("export the file again, as CSV with the names of the columns in its first line"));
            return None;
        }
        reports.hide(source, hidden);
        Some(table)
    }

    /// Reports a row that is not readable, and returns the start of the next one.
    fn skip(&mut self, fault: &Fault, from: usize, reports: &mut Reports) -> usize {
        self.is_damaged = true;
        let text = self.source.text();
        let (at, message, help) = match fault {
            Fault::Unclosed(at) => {
                let help = "close the quote; the file may have been cut off, so export it again";
                (*at, "this quote has no partner, and the rest of the file is not read", help)
            }
            Fault::AfterQuote(at) => (
                *at,
                "a text follows a quoted cell",
                "write a quote in a cell as two quotes, and put the cell in quotes",
            ),
            Fault::BeforeQuote(at) => (
                *at,
                "a blank is before the quote of a cell",
                "remove the blank; if the quote belongs to the text, write it as two quotes, and put the cell in quotes",
            ),
        };
        let end = text.get(at..).and_then(|rest| rest.chars().next()).map_or(at, |c| at + c.len_utf8());
        let place = Place::new(&self.source, Span::from(at..end));
        reports.report("syntax", &place, || {
            let error = Diagnostic::error(Code::CaptureRow, message);
            error.label(&place.source, place.span, "here").help(help)
        });
        match fault {
            Fault::Unclosed(_) => text.len(),
            Fault::AfterQuote(at) | Fault::BeforeQuote(at) => {
                text.get((*at).max(from)..).and_then(|rest| rest.find('\n')).map_or(text.len(), |n| at + n + 1)
            }
        }
    }

    fn ragged(&mut self, row: std::ops::Range<usize>, cells: usize, reports: &mut Reports) {
        self.is_damaged = true;
        let columns = self.header.len();
        let is_last = row.end == self.source.text().len() && cells < columns;
        let written = self.source.text().get(row.clone()).unwrap_or_default();
        let span = Span::from(row.start..row.start + written.trim_end_matches(['\r', '\n']).len());
        reports.report("ragged", &Place::new(&self.source, span), || {
            let s = if cells == 1 { "" } else { "s" };
            let message = format!("this row has {cells} cell{s}, and the header has {columns}");
            let help = match is_last {
                true => "export the file again, because it may have been cut off; remove the row if it is a remark",
                false => "put cells with a separator in quotes, or export the file again",
            };
            Diagnostic::error(Code::CaptureRow, message).label(&self.source, span, "not read").help(help)
        });
    }

    /// Returns the number of rows.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Returns whether there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Finds the cells of a row.
    pub(super) fn cells(&self, row: usize, cells: &mut Vec<Cell>) {
        cells.clear();
        if let Some(from) = self.rows.get(row) {
            // The row was readable before.
            record(self.source.text(), *from as usize, self.separator, cells).ok();
        }
    }

    /// Returns the text of a cell without quotes and white space around it.
    pub(super) fn text(&self, cell: Cell) -> Cow<'_, str> {
        match text_of(self.source.text(), cell) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        }
    }

    /// Returns whether a cell without quotes has a quote, which RFC 4180 does not allow: it may be a part of a cell that was
    /// in quotes.
    pub(super) fn has_stray_quote(&self, cell: Cell) -> bool {
        !cell.is_quoted && self.source.slice(cell.span).contains('"')
    }

    /// Returns the place of a cell.
    pub(super) fn place(&self, cell: Cell) -> Place {
        Place::new(&self.source, cell.span)
    }

    /// Returns the place of a row.
    pub(super) fn row_place(&self, row: usize) -> Place {
        let mut cells = Vec::new();
        self.cells(row, &mut cells);
        let start = cells.first().map_or(0, |cell| cell.span.start);
        Place::new(&self.source, Span::new(start, cells.last().map_or(start, |cell| cell.span.end)))
    }

    /// Returns the place of the header.
    pub(super) fn header_place(&self) -> Place {
        let start = self.header.first().map_or(0, |cell| cell.span.start);
        Place::new(&self.source, Span::new(start, self.header.last().map_or(start, |cell| cell.span.end)))
    }

    /// Returns the numbers of the columns with one of some headers.
    pub(super) fn columns(&self, headers: &[String]) -> Vec<usize> {
        let wanted: Vec<String> = headers.iter().map(|header| folded(header)).collect();
        let is_it = |cell: &Cell| wanted.contains(&folded(&self.text(*cell)));
        self.header.iter().enumerate().filter(|(_, cell)| is_it(cell)).map(|(at, _)| at).collect()
    }
}

/// Returns the folded form of a header, with one space for each run of white space.
fn folded(header: &str) -> String {
    caseless(&header.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

/// Returns the separator of a text, and the start of its header. Some programs write `sep=;` in a line of its own.
fn separator(text: &str) -> (u8, usize) {
    let end = text.find('\n').map_or(text.len(), |at| at + 1);
    let first = text.get(..end).unwrap_or_default().trim_end_matches(['\r', '\n']);
    if let Some([separator @ (b',' | b';' | b'\t')]) = first.strip_prefix("sep=").map(str::as_bytes) {
        return (*separator, end);
    }
    let mut counts = [(b',', 0usize), (b';', 0), (b'\t', 0)];
    let header = text.trim_start_matches(['\r', '\n']);
    let mut is_quoted = false;
    for byte in header.bytes() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            b'\n' | b'\r' if !is_quoted => break,
            _ if !is_quoted => counts.iter_mut().filter(|(known, _)| *known == byte).for_each(|(_, count)| *count += 1),
            _ => {}
        }
    }
    let best = counts.iter().rev().max_by_key(|(_, count)| *count);
    (best.map_or(b',', |(separator, _)| *separator), 0)
}

/// Divides the row at a byte into cells. Returns the start of the next row.
fn record(text: &str, from: usize, separator: u8, cells: &mut Vec<Cell>) -> Result<usize, Fault> {
    let bytes = text.as_bytes();
    cells.clear();
    let mut at = from;
    loop {
        let start = at;
        let is_quoted = bytes.get(at) == Some(&b'"');
        if is_quoted {
            at = quoted_end(bytes, start).ok_or(Fault::Unclosed(start))?;
            if bytes.get(at).is_some_and(|byte| !matches!(*byte, b'\r' | b'\n') && *byte != separator) {
                return Err(Fault::AfterQuote(at));
            }
        } else {
            let rest = bytes.get(at..).unwrap_or_default();
            let is_blank = |byte: &u8| matches!(byte, b' ' | b'\t') && *byte != separator;
            if rest.first().is_some_and(is_blank) && rest.iter().find(|byte| !is_blank(byte)) == Some(&b'"') {
                return Err(Fault::BeforeQuote(start));
            }
            at += memchr::memchr3(separator, b'\r', b'\n', rest).unwrap_or(rest.len());
        }
        cells.push(Cell { span: Span::from(start..at), is_quoted });
        match bytes.get(at) {
            Some(byte) if *byte == separator => at += 1,
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => return Ok(at + 2),
            Some(_) => return Ok(at + 1),
            None => return Ok(at),
        }
    }
}

/// Returns the end of a quoted cell, after its last quote.
fn quoted_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 1;
    loop {
        let quote = at + memchr::memchr(b'"', bytes.get(at..)?)?;
        if bytes.get(quote + 1) != Some(&b'"') {
            return Some(quote + 1);
        }
        at = quote + 2;
    }
}

/// Returns the text of a cell without quotes.
fn text_of(text: &str, cell: Cell) -> Cow<'_, str> {
    let written = text.get(cell.span.range()).unwrap_or_default();
    let inner = match cell.is_quoted {
        true => written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(written),
        false => return Cow::Borrowed(written),
    };
    if inner.contains('"') { Cow::Owned(inner.replace("\"\"", "\"")) } else { Cow::Borrowed(inner) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(text: &str) -> (Option<Table>, Vec<String>) {
        let mut reports = Reports::default();
        let table = Table::read(&Source::new("x.csv", text).unwrap(), &mut reports);
        (table, reports.finish().into_iter().map(|it| it.message).collect())
    }

    fn rows(table: &Table) -> Vec<Vec<String>> {
        let mut cells = Vec::new();
        let mut row = |row| {
            table.cells(row, &mut cells);
            cells.iter().map(|cell| text_of(table.source.text(), *cell).into_owned()).collect()
        };
        (0..table.len()).map(&mut row).collect()
    }

    #[test]
    fn the_separator_is_that_of_the_header() {
        for (text, expected) in [
            ("a,b;c,d\n1,2;3,4\n", vec!["1", "2;3", "4"]),
            ("a;b\r\n1,5;2\r\n", vec!["1,5", "2"]),
            ("a\tb\n1\t\"2\n3\"\n", vec!["1", "2\n3"]),
            ("sep=;\na;b\n1;2", vec!["1", "2"]),
            ("\n\"a,b,c\";d\n=1+1;@x", vec!["=1+1", "@x"]),
            ("a\n\n1\n \n", vec!["1"]),
        ] {
            let (table, problems) = read(text);
            assert_eq!(
                (rows(&table.unwrap()), problems),
                (vec![expected.into_iter().map(str::to_owned).collect()], vec![])
            );
        }
    }

    #[test]
    fn rows_that_are_not_readable_are_reported_in_their_line() {
        let (table, problems) = read("a,b\n1\n2,3\n\"4\"5,6\n4, \"5\"\n7,8,9\n\"0,1\n");
        let table = table.unwrap();
        assert_eq!((rows(&table), table.is_damaged), (vec![vec!["2".to_owned(), "3".to_owned()]], true));
        assert_eq!(
            problems,
            [
                "this row has 1 cell, and the header has 2",
                "a text follows a quoted cell",
                "a blank is before the quote of a cell",
                "this row has 3 cells, and the header has 2",
                "this quote has no partner, and the rest of the file is not read",
            ]
        );
        assert!(read("").0.is_none() && read("\n \n").0.is_none());
    }

    #[test]
    fn a_row_below_a_header_that_is_not_readable_is_not_the_header() {
        let (table, problems) = read("\"a\", \"b\"\na,b\n");
        assert!(table.is_none());
        assert_eq!(problems, ["a blank is before the quote of a cell"]);
    }

    #[test]
    fn a_quote_in_a_cell_without_quotes_is_stray() {
        let (table, problems) = read("a,b\n5\" pipe,\"5\"\" pipe\"\nO'Neil, x\n");
        let (table, mut cells) = (table.unwrap(), Vec::new());
        let mut stray = |row| {
            table.cells(row, &mut cells);
            cells.iter().map(|cell| table.has_stray_quote(*cell)).collect::<Vec<_>>()
        };
        assert_eq!((stray(0), stray(1), problems), (vec![true, false], vec![false, false], vec![]));
        // With tabs between cells, a tab is not a blank.
        assert_eq!(read("a\tb\tc\n\t\t\"x\"\n").1, Vec::<String>::new());
    }

    #[test]
    fn headers_are_compared_in_folded_form() {
        let (table, _) = read("\"E-MAIL\n ID\",Stra\u{df}e,x\n");
        let table = table.unwrap();
        assert_eq!(table.columns(&["e-mail  id".into(), "STRASSE".into()]), [0, 1]);
    }

    proptest! {
        #[test]
        fn rows_are_those_of_the_csv_crate(cells in proptest::collection::vec(proptest::collection::vec("[a;\"\n\r ,=]{0,4}", 3), 1..6)) {
            let mut text = b"h,i,j\n".to_vec();
            {
                let mut writer = csv::WriterBuilder::new().quote_style(csv::QuoteStyle::Necessary).from_writer(&mut text);
                for row in &cells {
                    writer.write_record(row).unwrap();
                }
            }
            let text = String::from_utf8(text).unwrap();
            let (table, problems) = read(&text);
            let is_blank = |row: &Vec<String>| row.iter().all(|cell| cell.trim().is_empty());
            let expected: Vec<Vec<String>> = csv::ReaderBuilder::new()
                .from_reader(text.as_bytes())
                .records()
                .map(|record| record.unwrap().iter().map(str::to_owned).collect())
                .filter(|row| !is_blank(row))
                .collect();
            prop_assert_eq!(rows(&table.unwrap()), expected);
            prop_assert!(problems.is_empty());
        }

        #[test]
        fn any_text_is_read_without_a_panic(text in "[a,;\"\n\r\u{e9}]{0,60}") {
            let (table, _) = read(&text);
            if let Some(table) = table {
                rows(&table);
            }
        }
    }
}
