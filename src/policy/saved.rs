//! Policies of this program, saved without their expressions.

use super::model::{Clauses, Policies, SavedFile, Written};
use super::parse::{Grammatical, PolicyFile, clauses, span_of, with_parts};
use crate::source::{Source, Span, by_name, cedar};
use cedar_policy_core::ast;
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

impl Policies {
    /// Completes policies that are read from a saved form: with their texts, and with expressions that Cedar parses when
    /// they are first read. `None` if a text is missing.
    pub(crate) fn restore(&mut self, texts: &[Arc<Source>]) -> Option<()> {
        let files: Vec<(&Arc<Source>, Arc<SavedFile>)> = texts.iter().map(|text| (text, unparsed(text))).collect();
        for statement in self.statements() {
            by_name::restore(&mut statement.source, texts)?;
            let (_, file) = files.iter().find(|(text, _)| Arc::ptr_eq(text, &statement.source))?;
            statement.clauses = Clauses::Saved(Arc::clone(file), statement.span);
        }
        Some(())
    }
}

/// Returns the policies of a file, which are parsed when they are first read.
fn unparsed(text: &Arc<Source>) -> Arc<SavedFile> {
    let text = Arc::clone(text);
    Arc::new(LazyLock::new(Box::new(move || cedar::on_deep_stack(|| parsed(&text)))))
}

fn parsed(text: &Arc<Source>) -> BTreeMap<Span, Written> {
    let Some(sound) = PolicyFile::parse(text).sound else { return BTreeMap::new() };
    let Grammatical { set, parts } = *sound;
    let written = |(policy, parts): (&cedar_policy::Policy, _)| {
        let span = AsRef::<ast::Policy>::as_ref(policy).loc().map(span_of)?;
        Some((span, Written { clauses: clauses(parts)?, policy: policy.clone() }))
    };
    with_parts(&set, &parts).filter_map(written).collect()
}
