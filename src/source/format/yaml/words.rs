//! The messages about YAML.

use super::super::character;
use crate::source::Span;
use crate::source::derived::Fault;

/// A part of a message of the parser, and the message and the remedy for users.
const MESSAGES: [(&str, &str, &str); 19] = [
    ("recursion limit", "brackets nest deeper than 255 levels", "write the inner values with indentation"),
    (
        "unknown anchor",
        "there is no anchor of this name above",
        "define the anchor with `&` before the alias, or correct the name",
    ),
    ("unexpected character", "a value cannot begin with this character", "put the value in quotes"),
    ("mapping values are not allowed", COLON.0, COLON.1),
    ("illegal placement of ':'", COLON.0, COLON.1),
    (
        "simple key expect",
        "a line without `:`",
        "write `name: value`, or indent the line to continue the value before it",
    ),
    ("unexpected end of stream", "this text in quotes does not end", "add the quote at its end"),
    (
        "invalid indentation in quoted",
        "this text in quotes does not end, or a line of it is not indented",
        "add the quote at its end, or indent its lines",
    ),
    ("invalid indentation", INDENT, "indent it like the other lines of its mapping"),
    ("escape", "an unknown escape in double quotes", "write a backslash as `\\\\`, or use single quotes"),
    ("trailing content", "text after the end of a value in quotes", "put the whole value in quotes"),
    ("did not find expected ',' or '}'", "expected `,` or `}`", "end the mapping with `}`, or put the value in quotes"),
    ("expected ',' or ']'", "expected `,` or `]`", "end the list with `]`, or put the value in quotes"),
    ("expected key", INDENT, "indent it like the other lines of its mapping"),
    ("expected '-' indicator", INDENT, "begin an element with `- `, or indent the line more"),
    ("block sequence entries", "a list cannot begin here", "begin it on a line of its own"),
    ("unprintable", "a character that YAML does not allow", "write it as an escape in double quotes"),
    ("expected tag URI", "a `!` without the name of a tag", "put a value that begins with `!` in quotes"),
    ("handle wasn't declared", "a tag that has no meaning in a snapshot", "remove the tag"),
];

const COLON: (&str, &str) =
    ("a `:` where no name can be", "check the indentation, or put a value that contains `: ` in quotes");

const INDENT: &str = "the indentation of this line fits no line above";

/// Returns the fault for a message of the parser about an offset.
pub(super) fn fault(text: &str, at: u32, info: &str) -> Fault {
    if let Some(fault) = nearby_tab(text, at) {
        return fault;
    }
    let here = character(text, at);
    match MESSAGES.iter().find(|(part, ..)| info.contains(part)) {
        Some((_, message, help)) => Fault::new(here, format!("this is not YAML: {message}")).help(*help),
        None => Fault::new(here, format!("this is not YAML: {info}")).unquoted("this is not YAML"),
    }
}

/// Returns the fault for a tab in the indentation of a line of an error, or of the next line with text.
fn nearby_tab(text: &str, at: u32) -> Option<Fault> {
    let before = text.get(..at as usize)?;
    let line = before.rfind('\n').map_or(0, |at| at + 1);
    let mut start = line;
    for line in text.get(line..)?.split_inclusive('\n').filter(|line| !line.trim().is_empty()).take(2) {
        start = text.get(start..)?.find(line)? + start;
        let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
        if let Some(tab) = line.get(..indent)?.find('\t') {
            return Some(tab_at(start + tab));
        }
        start += line.len();
    }
    None
}

/// Returns the fault for a tab in the indentation before a name.
pub(super) fn tab(text: &str, name: u32) -> Option<Fault> {
    let before = text.get(..name as usize)?;
    let indent = before.trim_end_matches([' ', '\t']);
    let is_first = indent.is_empty() || indent.ends_with(['\n', '\r', '\u{feff}']);
    let tab = before.get(indent.len()..)?.find('\t').filter(|_| is_first)?;
    Some(tab_at(indent.len() + tab))
}

fn tab_at(at: usize) -> Fault {
    let tab = Span::from(at..at + 1);
    Fault::new(tab, "a tab in the indentation, where YAML takes spaces").help("replace the tab with spaces")
}

/// Returns the fault for a directive of another version of YAML before the start of the document.
pub(super) fn directive(text: &str, start: u32) -> Option<Fault> {
    let before = text.get(..start as usize)?;
    let mut at = 0;
    for line in before.split_inclusive('\n') {
        let version = line.trim_start_matches('\u{feff}').strip_prefix("%YAML").map(str::trim);
        let version = version.map(|version| version.split(['#', ' ']).next().unwrap_or_default());
        if version.is_some_and(|version| version != "1.2") {
            let fault =
                Fault::new(Span::from(at..at + line.trim_end().len()), "a document of another version than YAML 1.2");
            return Some(fault.help("remove the line, and write `true` and `false` for `yes` and `no`"));
        }
        at += line.len();
    }
    None
}

/// Returns the fault for a name that is not a scalar.
pub(super) fn not_a_name(place: Span) -> Fault {
    Fault::new(place, "the name of a property is not a text")
        .help("write a text, and put it in quotes if it has special characters")
}

/// Returns the fault for the value of a merge key that is not a mapping.
pub(super) fn bad_merge(place: Span) -> Fault {
    let fault = Fault::new(place, "the value of the merge key `<<` is not an alias of a mapping");
    fault.help("write `<<: *anchor` or `<<: [*first, *second]`, or put `<<` in quotes if it is a name")
}

/// Returns the fault for an alias of an anchor that is not in the document.
pub(super) fn no_anchor(place: Span) -> Fault {
    Fault::new(place, "there is no anchor of this name above").help("define the anchor with `&` before the alias")
}
