//! Differences as Markdown, for comments and job summaries.

use super::diff::{Changed, Difference, Kind};
use super::words;
use crate::render::{code, prose};
use std::io::{self, Write};

/// The largest number of characters, so that the text fits in a comment on GitHub.
const MOST: usize = 60_000;

/// Checks with other numbers of verdicts that are listed.
const MOST_RECOUNTED: usize = 50;

/// Writes a difference. The last changes are omitted, and counted, if the text would be too long.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_difference(difference: &Difference<'_>, out: &mut dyn Write) -> io::Result<()> {
    let mut page = format!("## Deodar: {}\n\n", words::reason(difference));
    for (name, side) in [("old", &difference.old), ("new", &difference.new)] {
        page.push_str(&format!("- {name}: {}, as of {}\n", code(&side.path), code(&side.now)));
    }
    words::configurations(difference).iter().for_each(|line| page.push_str(&format!("- {}\n", code(line))));
    page.push_str(&format!("\n{}\n", prose(&words::totals(difference))));
    if !difference.complete {
        page.push_str(&format!("\n{}\n", prose(words::INCOMPLETE)));
    }
    if !difference.recounted.is_empty() {
        let (first, more) = difference.recounted.split_at(difference.recounted.len().min(MOST_RECOUNTED));
        page.push_str(&format!("\n### {} ({})\n\n", words::RECOUNTED, difference.recounted.len()));
        first.iter().for_each(|it| page.push_str(&format!("- {}\n", code(&words::recounted(it)))));
        if !more.is_empty() {
            page.push_str(&format!("- and {} more\n", more.len()));
        }
    }
    let (mut shown, mut length) = (0, page.chars().count());
    'kinds: for kind in Kind::ALL {
        let changes: Vec<&Changed<'_>> = difference.changes.iter().filter(|change| change.kind == kind).collect();
        for (at, change) in changes.iter().enumerate() {
            let head = if at == 0 { format!("\n### {} ({})\n\n", kind.title(), changes.len()) } else { String::new() };
            let item = format!("{head}{}", item(change, difference));
            length += item.chars().count();
            if length > MOST {
                break 'kinds;
            }
            page.push_str(&item);
            shown += 1;
        }
    }
    if shown < difference.changes.len() {
        let omitted = difference.changes.len() - shown;
        page.push_str(&format!("\n**{omitted} of {} changes are not shown.**\n", difference.changes.len()));
    }
    out.write_all(page.as_bytes())
}

fn item(change: &Changed<'_>, difference: &Difference<'_>) -> String {
    let mut text = format!(
        "- {} ({}) {}: {}, fingerprint {}\n",
        code(&change.check),
        change.severity.name(),
        code(&words::resource(change, difference)),
        words::verdicts(change.old, change.new).replace("->", "to"),
        code(&change.fingerprint)
    );
    for cause in &change.causes {
        text.push_str(&format!("  - {}\n", code(&words::cause(cause))));
    }
    text
}
