//! The values that a snapshot lacks, by screen: those that its unknown verdicts need, the screens with most of them first.

use super::description::{Description, Feed, TargetForm};
use crate::engine::Verdict;
use crate::render::plain;
use crate::report::{Finding, Report};
use crate::schema::Model;
use crate::value::TypeId;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Write};

/// The version of the JSON.
const VERSION: &str = "1.0";
/// Places of a value that the text lists.
const LISTED: usize = 3;
/// Checks of a value that the text lists.
const LISTED_CHECKS: usize = 8;

/// The missing values of a snapshot.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CaptureStatus {
    /// The name and version of the format.
    format: &'static str,
    version: &'static str,
    /// The name of the snapshot.
    pub snapshot: String,
    /// The number of verdicts.
    pub verdicts: usize,
    /// The number of unknown verdicts.
    pub unknown: usize,
    /// The screens with missing values. The first blocks most verdicts; equal ones are in walking order.
    pub screens: Vec<ScreenStatus>,
    /// The unknown verdicts that no missing value explains, by check.
    pub unexplained: BTreeMap<String, usize>,
}

/// The missing values of a screen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ScreenStatus {
    /// The number of the screen, from 1; `None` for values that are on no screen of the description.
    pub number: Option<usize>,
    /// The way to it.
    pub title: Option<String>,
    /// The remark about it.
    pub note: Option<String>,
    /// The number of unknown verdicts that need a value of it.
    pub blocked: usize,
    /// The checks of these verdicts.
    pub checks: BTreeSet<String>,
    /// The values. The first blocks most verdicts.
    pub values: Vec<ValueStatus>,
}

/// A property that is missing in some places.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ValueStatus {
    /// The attributes of the schema that read it, or the type of a list.
    pub attributes: BTreeSet<String>,
    /// Its meaning, and the screen that shows it.
    pub doc: Option<String>,
    /// The number of unknown verdicts that need it.
    pub blocked: usize,
    /// The checks of these verdicts.
    pub checks: BTreeSet<String>,
    /// The flags of sources that give it, without `--`.
    pub sources: Vec<String>,
    /// The places in the snapshot.
    pub pointers: BTreeSet<String>,
}

/// The verdicts that need something.
#[derive(Default)]
struct Blocked {
    findings: BTreeSet<usize>,
    checks: BTreeSet<String>,
}

impl Blocked {
    fn add(&mut self, finding: usize, check: &str) {
        self.findings.insert(finding);
        self.checks.insert(check.to_owned());
    }
}

/// A type, and the pointer of its property; without a pointer, the list of its instances.
type Property = (TypeId, Option<Vec<String>>);

#[derive(Default)]
struct Value {
    attributes: BTreeSet<String>,
    doc: Option<String>,
    sources: Vec<String>,
    blocked: Blocked,
    pointers: BTreeSet<String>,
}

#[derive(Default)]
struct OnScreen {
    blocked: Blocked,
    /// By the property that the attributes read, or by the attribute if it is not known.
    values: BTreeMap<(Option<Property>, String), Value>,
}

impl CaptureStatus {
    /// Returns the values that the unknown verdicts of a report need. The report must have all findings of one snapshot.
    pub fn of(report: &Report, model: &Model, description: &Description) -> Self {
        let mut screens: BTreeMap<usize, OnScreen> = BTreeMap::new();
        let mut unexplained: BTreeMap<String, usize> = BTreeMap::new();
        let findings = report.findings();
        let unknown = findings.iter().filter(|finding| finding.verdict == Verdict::Unknown);
        for (number, finding) in unknown.enumerate() {
            let check = report.checks.find(finding.check).map_or_else(String::new, |check| check.id.to_string());
            if finding.captures.is_empty() {
                *unexplained.entry(check).or_default() += 1;
                continue;
            }
            add(&mut screens, model, description, (number, &check, finding));
        }
        let counts = || report.checks.iter().map(|check| &check.counts);
        let mut screens: Vec<ScreenStatus> =
            screens.into_iter().map(|(at, found)| screen_status(description, at, found)).collect();
        screens.sort_by_key(|screen| (std::cmp::Reverse(screen.blocked), screen.number.unwrap_or(usize::MAX)));
        Self {
            format: "deodar-capture-status",
            version: VERSION,
            snapshot: report.run.snapshots.first().map(|snapshot| snapshot.path.to_string()).unwrap_or_default(),
            verdicts: counts().map(|counts| counts.total()).sum(),
            unknown: counts().map(|counts| counts[Verdict::Unknown]).sum(),
            screens,
            unexplained,
        }
    }

    /// Writes it as text of a width.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub fn write_text(&self, width: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut text = Text { width, out };
        text.line(0, &format!("{}: {} of {} verdicts are unknown", self.snapshot, self.unknown, self.verdicts))?;
        for screen in &self.screens {
            let title = screen.title.as_deref().unwrap_or("Values that are on no screen of the description");
            let number = screen.number.map(|number| format!(" (screen {number})")).unwrap_or_default();
            text.blank()?;
            text.line(0, &format!("{title}{number}: {}", blocks(screen.blocked)))?;
            if let Some(note) = &screen.note {
                text.line(2, note)?;
            }
            for value in &screen.values {
                value.write_text(&mut text)?;
            }
        }
        if !self.unexplained.is_empty() {
            text.blank()?;
            text.line(0, "Unknown for other reasons, such as values that are not valid: run `deodar check`")?;
            for (check, count) in &self.unexplained {
                text.line(2, &format!("{check}: {}", verdicts(*count)))?;
            }
        }
        Ok(())
    }

    /// Writes it as JSON.
    ///
    /// # Errors
    /// When the target cannot be written.
    pub fn write_json(&self, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }
}

impl ValueStatus {
    fn write_text(&self, text: &mut Text<'_>) -> io::Result<()> {
        let names: Vec<&str> = self.attributes.iter().map(String::as_str).collect();
        text.line(2, &format!("{}: {}", names.join(", "), blocks(self.blocked)))?;
        if let Some(doc) = &self.doc {
            text.line(4, doc)?;
        }
        if !self.sources.is_empty() {
            let flags: Vec<String> = self.sources.iter().map(|flag| format!("--{flag}")).collect();
            text.line(4, &format!("read by {}", flags.join(", ")))?;
        }
        let shown: Vec<&str> = self.pointers.iter().take(LISTED).map(String::as_str).collect();
        text.line(4, &format!("at {}{}", shown.join(", "), more(self.pointers.len(), LISTED)))?;
        let checks: Vec<&str> = self.checks.iter().take(LISTED_CHECKS).map(String::as_str).collect();
        text.line(4, &format!("needed by {}{}", checks.join(", "), more(self.checks.len(), LISTED_CHECKS)))
    }
}

/// Returns the number of items that a list does not show.
fn more(all: usize, shown: usize) -> String {
    if all > shown { format!(" and {} more", all - shown) } else { String::new() }
}

/// A text with wrapped lines.
struct Text<'o> {
    width: usize,
    out: &'o mut dyn Write,
}

impl Text<'_> {
    fn line(&mut self, indent: usize, text: &str) -> io::Result<()> {
        let margin = " ".repeat(indent);
        let options = textwrap::Options::new(self.width.max(40)).initial_indent(&margin).subsequent_indent(&margin);
        let options = options.break_words(false).word_splitter(textwrap::WordSplitter::NoHyphenation);
        let options = options.word_separator(textwrap::WordSeparator::AsciiSpace);
        textwrap::wrap(&plain(text), options).iter().try_for_each(|line| writeln!(self.out, "{line}"))
    }

    fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }
}

fn blocks(count: usize) -> String {
    format!("blocks {}", verdicts(count))
}

fn verdicts(count: usize) -> String {
    if count == 1 { "1 verdict".to_owned() } else { format!("{count} verdicts") }
}

/// Adds the missing values of a finding.
fn add(
    screens: &mut BTreeMap<usize, OnScreen>,
    model: &Model,
    description: &Description,
    (number, check, finding): (usize, &str, &Finding),
) {
    for capture in &finding.captures {
        let of = property_of(model, &capture.attribute);
        let at = of.as_ref().and_then(|(ty, pointer)| match pointer {
            Some(pointer) => description.screen_of(*ty, pointer),
            None => description.screen_of_type(model, *ty),
        });
        let screen = screens.entry(at.unwrap_or(usize::MAX)).or_default();
        screen.blocked.add(number, check);
        let name = if of.is_some() { String::new() } else { capture.attribute.clone() };
        let value = screen.values.entry((of.clone(), name)).or_default();
        value.blocked.add(number, check);
        // Attributes that read one property have documents of their own; that of the first name counts.
        if value.attributes.first().is_none_or(|first| capture.attribute < *first) {
            value.doc = capture.doc.as_ref().map(ToString::to_string);
        }
        value.attributes.insert(capture.attribute.clone());
        value.pointers.insert(capture.pointer.as_str().to_owned());
        if value.sources.is_empty()
            && let Some((ty, pointer)) = of
        {
            value.sources = sources(description, ty, pointer.as_deref());
        }
    }
}

/// Returns the flags of the sources that give a property, or instances of a type.
fn sources(description: &Description, ty: TypeId, pointer: Option<&[String]>) -> Vec<String> {
    match pointer {
        Some(pointer) => description.feeds_of(ty, pointer).map(|feed| feed.flag.clone()).collect(),
        None => {
            let has_type =
                |feed: &&Feed| feed.targets.iter().any(|target| target.ty == ty && target.form != TargetForm::Instance);
            description.feeds.iter().filter(has_type).map(|feed| feed.flag.clone()).collect()
        }
    }
}

/// Returns the type and the pointer of an attribute such as `Member.status`; a type alone is the list of its instances.
fn property_of(model: &Model, attribute: &str) -> Option<Property> {
    let (name, path) = attribute.split_once('.').map_or((attribute, None), |(name, path)| (name, Some(path)));
    let ty = model.type_ids().find(|ty| model.short_name(*ty) == name && model.ty(*ty).path().is_some())?;
    let Some(path) = path else { return Some((ty, None)) };
    let slot = model.ty(ty).slots.iter().find(|slot| slot.dotted() == path)?;
    Some((ty, Some(slot.origin.pointer()?.to_vec())))
}

fn screen_status(description: &Description, at: usize, found: OnScreen) -> ScreenStatus {
    let screen = description.screens.get(at);
    let status = |value: Value| ValueStatus {
        attributes: value.attributes,
        doc: value.doc,
        blocked: value.blocked.findings.len(),
        checks: value.blocked.checks,
        sources: value.sources,
        pointers: value.pointers,
    };
    let mut values: Vec<ValueStatus> = found.values.into_values().map(status).collect();
    values.sort_by(|a, b| b.blocked.cmp(&a.blocked).then_with(|| a.attributes.cmp(&b.attributes)));
    ScreenStatus {
        number: screen.map(|_| at + 1),
        title: screen.map(|screen| screen.title.clone()),
        note: screen.and_then(|screen| screen.note.clone()),
        blocked: found.blocked.findings.len(),
        checks: found.blocked.checks,
        values,
    }
}
