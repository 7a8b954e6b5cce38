//! Lists that outputs write item by item. The items are rendered in chunks, by all threads, while the earlier chunks are
//! written, so that few of them are in memory at a time. The verdicts of a report are explained for that.

use super::document::Builder;
use crate::parallel::in_chunks;
use crate::report::{CHUNK, Finding, ListedVerdict, Report, explain};
use std::io::{self, Write};
use std::ops::Range;

/// Bytes of an item, as most have at most.
const BYTES_OF_ITEM: usize = 4096;

/// Writes the items of a document, with a text between them.
///
/// # Errors
/// When an item cannot be rendered, or `out` cannot be written.
pub(super) fn write_saved<T: Sync>(
    items: &[T],
    between: &[u8],
    render: impl Fn(&T, &mut Vec<u8>) -> io::Result<()> + Sync,
    out: &mut dyn Write,
) -> io::Result<()> {
    let of_chunk = |range: Range<usize>, text: &mut Vec<u8>| {
        items.get(range).unwrap_or_default().iter().try_for_each(|item| {
            text.extend_from_slice(between);
            render(item, text)
        })
    };
    write(items.len(), between, of_chunk, out)
}

/// Explains verdicts of a report and writes them, with a text between them.
///
/// # Errors
/// When a finding cannot be rendered, or `out` cannot be written.
pub(super) fn write_listed(
    report: &Report,
    listed: &[&ListedVerdict],
    between: &[u8],
    render: impl Fn(Builder<'_>, &Finding, &mut Vec<u8>) -> io::Result<()> + Sync,
    out: &mut dyn Write,
) -> io::Result<()> {
    let of_chunk = |range: Range<usize>, text: &mut Vec<u8>| {
        explain(listed.get(range).unwrap_or_default(), |secrets, found| {
            text.extend_from_slice(between);
            render(Builder { report, secrets }, &found, text)
        })
    };
    write(listed.len(), between, of_chunk, out)
}

fn write(
    count: usize,
    between: &[u8],
    of_chunk: impl Fn(Range<usize>, &mut Vec<u8>) -> io::Result<()> + Sync,
    out: &mut dyn Write,
) -> io::Result<()> {
    let text = |range: Range<usize>| {
        let mut text = Vec::with_capacity(range.len() * BYTES_OF_ITEM);
        of_chunk(range, &mut text).map(|()| text)
    };
    // There is no text before the first item.
    let mut left_out = between.len();
    in_chunks(count, CHUNK, text, |text| {
        let text = text?;
        out.write_all(text.get(std::mem::take(&mut left_out)..).unwrap_or_default())
    })
}
