//! TOML: a tree with spans becomes JSON.
//!
//! The place of a table is its header; that of a table without a header is its name.

use super::{control_character, mark};
use crate::source::derived::{Container, Derivation, Fault};
use crate::source::{Place, Source, Span, TooLarge};
use std::ops::Range;
use std::sync::Arc;
use toml_edit::{Array, Document, Item, TableLike, Value};

/// The largest file. The tree of a file takes many times its size.
const MOST_BYTES: usize = 64 << 20;

/// Returns a TOML document as JSON.
pub(super) fn read(main: &Arc<Source>) -> Result<Arc<Source>, TooLarge> {
    let base = mark(main.text());
    let text = main.text().get(base as usize..).unwrap_or_default();
    let json = Derivation::new(main);
    if let Some(fault) = faulty(main.text()) {
        return json.fail(main, 0, fault);
    }
    match Document::parse(text) {
        Ok(document) => {
            let mut writer = Writer { main, text, base, json };
            writer.table(document.as_table(), Span::new(base, base));
            writer.json.finish()
        }
        Err(error) => {
            let at = error.span().map_or(Span::default(), |range| moved(range, base));
            json.fail(main, 0, fault(at, error.message()))
        }
    }
}

fn faulty(text: &str) -> Option<Fault> {
    let too_large = text.len() > MOST_BYTES;
    let message = || Fault::new(Span::default(), format!("a TOML snapshot has at most {} MiB", MOST_BYTES >> 20));
    too_large
        .then(|| message().help("write the snapshot as JSON or YAML").too_large())
        .or_else(|| control_character(text))
}

/// Returns the fault for a message of the parser, which may quote the text.
fn fault(at: Span, message: &str) -> Fault {
    let lines: Vec<&str> = message.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let message = if lines.is_empty() { "invalid".to_owned() } else { lines.join(", ") };
    if message.contains("recurs") {
        return Fault::new(at, "tables and arrays nest deeper than 80 levels");
    }
    let fault = Fault::new(at, format!("this is not TOML: {message}")).unquoted("this is not TOML");
    let is_word = message.starts_with("invalid float") || message.starts_with("string values must be quoted");
    if is_word { fault.help("write a text in quotes, and a boolean as `true` or `false`") } else { fault }
}

fn moved(range: Range<usize>, base: u32) -> Span {
    let span = Span::from(range);
    Span::new(span.start + base, span.end + base)
}

/// A walk over a document. The parser limits its depth.
struct Writer<'s> {
    main: &'s Arc<Source>,
    /// The text after the byte order mark.
    text: &'s str,
    base: u32,
    json: Derivation,
}

impl Writer<'_> {
    fn place(&self, span: Span) -> Place {
        Place { source: Arc::clone(self.main), span }
    }

    /// Returns a span of the parser, or that of the name if the value has none of its own.
    fn span(&self, found: Option<Range<usize>>, name: Span) -> Span {
        found.map_or(name, |range| moved(range, self.base))
    }

    fn table(&mut self, table: &dyn TableLike, span: Span) -> Span {
        self.json.open(Container::Object, &self.place(span));
        for (name, item) in table.iter().filter(|(_, item)| !item.is_none()) {
            let key = self.span(table.key(name).and_then(|key| key.span()), span);
            self.json.key(name, &self.place(key));
            self.item(item, key);
        }
        self.json.close()
    }

    fn item(&mut self, item: &Item, key: Span) {
        match item {
            Item::None => {}
            Item::Value(value) => self.value(value, key),
            Item::Table(table) => {
                self.table(table, self.span(table.span(), key));
            }
            Item::ArrayOfTables(tables) => {
                self.json.open(Container::Array, &self.place(self.span(tables.span(), key)));
                for table in tables {
                    self.table(table, self.span(table.span(), key));
                }
                self.json.close();
            }
        }
    }

    fn value(&mut self, value: &Value, key: Span) {
        let span = self.span(value.span(), key);
        let place = self.place(span);
        match value {
            Value::String(text) => self.json.text(text.value(), &place),
            Value::Integer(number) => self.json.json(&number.value().to_string(), &place),
            Value::Float(number) => match self.decimal(value.span()) {
                Some(digits) => self.json.json(&digits, &place),
                // JSON has no infinity.
                None => self.json.text(&number.value().to_string(), &place),
            },
            Value::Boolean(yes) => self.json.json(if *yes.value() { "true" } else { "false" }, &place),
            Value::Datetime(time) => {
                // TOML allows a time without seconds, and RFC 3339 does not.
                let mut time = *time.value();
                time.time.iter_mut().for_each(|time| time.second = time.second.or(Some(0)));
                self.json.text(&time.to_string(), &place)
            }
            Value::Array(array) => self.array(array, &place),
            Value::InlineTable(table) => self.table(table, span),
        };
    }

    fn array(&mut self, array: &Array, place: &Place) -> Span {
        self.json.open(Container::Array, place);
        for value in array {
            self.value(value, place.span);
        }
        self.json.close()
    }

    /// Returns the digits of a number as written, which JSON accepts without separators and plus signs.
    fn decimal(&self, span: Option<Range<usize>>) -> Option<String> {
        let digits = self.text.get(span?)?.replace('_', "");
        let digits = digits.strip_prefix('+').unwrap_or(&digits);
        digits.bytes().any(|byte| byte.is_ascii_digit()).then(|| digits.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{check, places};
    use crate::source::format::SourceFormat::Toml;

    #[test]
    fn values_become_those_of_json() {
        check(
            Toml,
            &[
                ("", "{}"),
                ("# only\n", "{}"),
                ("\u{feff}a = 1\r\nb = true", r#"{"a":1,"b":true}"#),
                ("a = 'x'\nb = \"\"\"\none\ntwo\"\"\"", r#"{"a":"x","b":"one\ntwo"}"#),
                ("a = 1_000\nb = 0x1F\nc = 0o17\nd = 0b11", r#"{"a":1000,"b":31,"c":15,"d":3}"#),
                ("a = [+1.50, 1e06, 6_0.2_5, -0.0]", r#"{"a":[1.50,1e06,60.25,-0.0]}"#),
                ("a = [inf, -inf, nan]", r#"{"a":["inf","-inf","NaN"]}"#),
                (
                    "a = 2026-09-01 06:00:00.5+05:30\nb = 2026-09-01",
                    r#"{"a":"2026-09-01T06:00:00.5+05:30","b":"2026-09-01"}"#,
                ),
                ("a = 2026-09-01T06:00:00\nb = 07:32:00", r#"{"a":"2026-09-01T06:00:00","b":"07:32:00"}"#),
                (
                    "a = 2026-09-01T06:00Z\nb = 07:32\nc = 2026-09-01 06:00+05:30",
                    r#"{"a":"2026-09-01T06:00:00Z","b":"07:32:00","c":"2026-09-01T06:00:00+05:30"}"#,
                ),
                ("a.b.c = 1\na.d = {e = 2, f.g = 3}", r#"{"a":{"b":{"c":1},"d":{"e":2,"f":{"g":3}}}}"#),
                ("[[p]]\nid = 1\n[p.q]\nr = 2\n[[p]]\nid = 3", r#"{"p":[{"id":1,"q":{"r":2}},{"id":3}]}"#),
                ("[a.b]\nc = 1\n[a]\nd = 2", r#"{"a":{"b":{"c":1},"d":2}}"#),
                ("\"q\\u00e9 \\\"\" = 1", "{\"qé \\\"\":1}"),
            ],
        );
    }

    #[test]
    fn places_are_values_names_and_headers() {
        let text = "a.b = 'x'\n[s.t]\nu = {v = 1}\n[[l]]\nw = 2\n[[l]]\nw = 3\n";
        let shown = |parts: &[&str]| places(Toml, text, parts);
        assert_eq!(shown(&["\"x\"", "\"b\"", "{\"b\":\"x\"}"]), ["'x'", "b", "a"]);
        assert_eq!(shown(&["{\"v\":1}", "1"]), ["{v = 1}", "1"]);
        // `s` has no header of its own.
        assert_eq!(shown(&["{\"t\"", "{\"u\":{\"v\":1}}", "{\"w\":3}"]), ["s", "[s.t]", "[[l]]"]);
    }

    #[test]
    fn what_is_not_toml_is_a_fault() {
        let deep = format!("a = {}{}", "[".repeat(100), "]".repeat(100));
        let dotted = format!("{}a = 1", "a.".repeat(100_000));
        check(
            Toml,
            &[
                ("a = 1\na = 2", "2:1: this is not TOML: duplicate key"),
                (
                    "a = no",
                    "1:5: this is not TOML: invalid float, expected `nan`; write a text in quotes, and a boolean as `true` or `false`",
                ),
                ("a = 99999999999999999999", "1:5: this is not TOML: integer number overflowed"),
                (
                    "a = 1\0",
                    "1:6: a control character in the text; remove it, or write it as an escape in double quotes",
                ),
                (&deep, "1:85: tables and arrays nest deeper than 80 levels"),
                (&dotted, "1:1: tables and arrays nest deeper than 80 levels"),
            ],
        );
    }
}
