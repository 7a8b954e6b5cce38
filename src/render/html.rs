//! A run as one HTML page that loads nothing: counts by policy file and control, findings with excerpts and filters, missing
//! data, checks, problems and inputs.
//!
//! The templates are in `html/`. Every text of a template passes through [`Harmless`], so that texts from inputs are never
//! markup. The script builds no markup from texts either: the parts of a finding that are shown when it is opened are in
//! a `<noscript>`, which a browser without scripts shows and another one does not parse before that.

mod areas;
mod listing;
mod words;
mod page;

use super::document::Document;
use super::escape::plain;
use super::output::{Audience, Format, OfDocument, Presentation, Unit};
use askama::Template;
use askama::filters::{Escaper, Html};
use page::Page;
use sha2::{Digest, Sha256};
use std::fmt;
use std::io::{self, BufWriter, Write};

/// The format.
pub(super) const FORMAT: Format = Format {
    name: "html",
    help: "For people, in a browser: one page with filters",
    audience: Audience::Programs,
    unit: Unit::Run,
    recognised: &[],
    new: |presentation| OfDocument::open(presentation, write),
    saved: Some(write),
};

fn write(document: &Document<'_>, _: &Presentation, out: &mut dyn Write) -> io::Result<()> {
    let mut out = BufWriter::new(out);
    Page::of(document).write_into(&mut out)?;
    out.flush()
}

/// The escaper of all templates: no text is markup, and none hides or reorders other text.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Harmless;

impl Escaper for Harmless {
    fn write_escaped_str<W: fmt::Write>(&self, out: W, text: &str) -> fmt::Result {
        Html.write_escaped_str(out, &plain(text))
    }
}

/// A style or a script of the page.
#[derive(Debug)]
pub(crate) struct Asset {
    pub(crate) text: &'static str,
    /// Its hash as a content security policy names it.
    pub(crate) hash: String,
}

impl Asset {
    pub(crate) fn new(text: &'static str) -> Self {
        let hash = data_encoding::BASE64.encode(&Sha256::digest(text));
        Self { text, hash: format!("sha256-{hash}") }
    }
}
