//! The document of a run as JSON. Its schema is `schemas/report.schema.json`.

use super::document::Document;
use super::output::{Audience, Format, OfDocument, Presentation, Unit};
use std::io::{self, BufWriter, Write};

/// Bytes that are written at once.
const BUFFER: usize = 1 << 16;

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "json",
    help: "For programs; described by schemas/report.schema.json",
    audience: Audience::Programs,
    unit: Unit::Run,
    new: |presentation| Box::new(OfDocument { presentation: presentation.clone(), write, others: true }),
    saved: Some(write),
};

pub(super) fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    // The serializer writes a few bytes at a time: a buffer of a known type takes them without a call.
    let mut out = BufWriter::with_capacity(BUFFER, out);
    serde_json::to_writer_pretty(&mut out, document)?;
    out.write_all(b"\n")?;
    out.flush()
}
