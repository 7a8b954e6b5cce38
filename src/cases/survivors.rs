//! The list of accepted survivors, each with the reason.

use crate::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use crate::source::{Source, Span, nearest, one_line};
use std::sync::Arc;
use toml_edit::{Document, Item, TableLike};

/// The keys of an entry, all of them required.
const IN_ENTRY: [&str; 4] = ["policy", "before", "after", "why"];

/// Survivors that the diagnostic of a stale entry lists.
const LISTED: usize = 3;

/// A list of explained survivors.
#[derive(Debug)]
pub struct SurvivorList {
    /// Its file.
    pub source: Arc<Source>,
    /// Its entries, in order.
    pub entries: Vec<AcceptedSurvivor>,
}

/// An explained survivor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptedSurvivor {
    /// The id of the policy.
    pub policy: String,
    /// The text before the change, on one line.
    pub before: String,
    /// The text after the change, on one line.
    pub after: String,
    /// The reason why no case needs to detect it.
    pub why: String,
    /// The place of the entry.
    pub span: Span,
}

impl SurvivorList {
    /// Reads a list. Mistakes are reported, and their entries are omitted.
    pub fn parse(source: &Arc<Source>) -> (Self, Vec<Diagnostic>) {
        let mut list = Self { source: Arc::clone(source), entries: Vec::new() };
        let document = match Document::parse(source.text()) {
            Ok(document) => document,
            Err(error) => {
                let message = format!("`{}` is not TOML: {}", source.name(), error.message().replace('\n', ", "));
                let error = Diagnostic::error(Code::NotToml, message).label(source, span(error.span()), "here");
                return (list, vec![error]);
            }
        };
        let mut diagnostics = Vec::new();
        for (name, item) in document.as_table().iter() {
            if name != "survivor" {
                let at = document.as_table().key(name).and_then(toml_edit::Key::span);
                let error =
                    Diagnostic::error(Code::SurvivorKey, format!("unknown key `{name}` in a list of survivors"));
                diagnostics.push(error.label(source, span(at), "").suggest(name, ["survivor"]));
                continue;
            }
            match item {
                Item::ArrayOfTables(tables) => {
                    for table in tables.iter() {
                        list.entry(table, span(table.span()), &mut diagnostics);
                    }
                }
                _ => {
                    let error = Diagnostic::error(Code::SurvivorKey, "`survivor` is not a list of tables");
                    let error = error.label(source, span(item.span()), "this");
                    diagnostics.push(error.help("write `[[survivor]]` over every entry"));
                }
            }
        }
        (list, diagnostics)
    }

    fn entry(&mut self, table: &dyn TableLike, at: Span, diagnostics: &mut Vec<Diagnostic>) {
        let before = diagnostics.len();
        for (name, item) in table.iter().filter(|(name, _)| !IN_ENTRY.contains(name)) {
            let error = Diagnostic::error(Code::SurvivorKey, format!("unknown key `{name}` in a survivor"));
            let place = table.key(name).and_then(toml_edit::Key::span).or(item.span());
            diagnostics.push(error.label(&self.source, span(place), "").suggest(name, IN_ENTRY));
        }
        let mut values = IN_ENTRY.map(|name| match table.get(name).and_then(Item::as_str) {
            Some(text) if !text.trim().is_empty() => match name {
                "before" | "after" => one_line(text),
                _ => text.split_whitespace().collect::<Vec<_>>().join(" "),
            },
            _ => {
                let place = table.get(name).and_then(Item::span).map_or(at, |found| span(Some(found)));
                let error = Diagnostic::error(Code::SurvivorKey, format!("a survivor has no text for `{name}`"));
                let help =
                    "an entry has `policy`, `before` and `after` as `deodar test --mutate` shows them, and `why`";
                diagnostics.push(error.label(&self.source, place, "here").help(help));
                String::new()
            }
        });
        let [policy, text, after, why] = values.each_mut().map(std::mem::take);
        if diagnostics.len() > before {
            return;
        }
        let entry = AcceptedSurvivor { policy, before: text, after, why, span: at };
        match self.entries.iter().find(|known| known.is_same(&entry)) {
            Some(first) => {
                let error = Diagnostic::error(Code::SurvivorKey, "a survivor is explained twice");
                let error = error.label(&self.source, at, "again here");
                diagnostics.push(error.label(&self.source, first.span, "first here"));
            }
            None => self.entries.push(entry),
        }
    }
}

impl AcceptedSurvivor {
    fn is_same(&self, other: &Self) -> bool {
        (&self.policy, &self.before, &self.after) == (&other.policy, &other.before, &other.after)
    }

    /// Returns the diagnostic that this change does not survive; `survivors` are the texts of the unexplained survivors
    /// of the policy.
    pub(super) fn stale(
        &self,
        source: &Arc<Source>,
        policies: &[&str],
        survivors: &[(&str, &str)],
        level: DiagnosticLevel,
    ) -> Diagnostic {
        let known = policies.contains(&self.policy.as_str());
        let message = match known {
            true => format!("no change of `{}` as explained here survives the cases", self.policy),
            false => format!("there is no policy `{}`", self.policy),
        };
        let near = nearest(&self.policy, policies.iter().copied()).filter(|_| !known);
        let help = match (near, survivors) {
            (Some(near), _) => format!("did you mean `{near}`?"),
            (None, []) => "remove the entry: its text has changed, or a case now detects it".to_owned(),
            (None, survivors) => {
                let listed = survivors.iter().take(LISTED).map(|(before, after)| format!("`{before}` to `{after}`"));
                let more = survivors.len().saturating_sub(LISTED);
                let more = if more > 0 { format!(", and {more} more") } else { String::new() };
                let listed: Vec<String> = listed.collect();
                format!("surviving changes without an explanation: {}{more}", listed.join("; "))
            }
        };
        let stale = Diagnostic::warning(Code::SurvivorStale, message).label(source, self.span, "explained here");
        Diagnostic { level, ..stale.help(help) }
    }
}

fn span(range: Option<std::ops::Range<usize>>) -> Span {
    range.map_or(Span::default(), Span::from)
}
