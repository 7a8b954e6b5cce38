//! `has` of a required attribute. A required value that is missing is uncaptured and not absent, so such a `has` is
//! always true, and `unless { resource has x }` always passes.

use super::{Reviewed, reached};
use crate::diagnostic::{Code, Diagnostic};
use crate::program::lower::{Presence, Whole};
use crate::schema::Model;
use crate::source::Span;
use std::collections::BTreeMap;

/// Returns an error for every `has` that the types settle, and a warning where only some of the types do.
pub(super) fn always(model: &Model, whole: &Whole, reviewed: &Reviewed<'_>) -> Vec<Diagnostic> {
    let mut asked: BTreeMap<Span, Vec<&Presence>> = BTreeMap::new();
    for body in &reviewed.bodies {
        for node in reached(model, &whole.program, body).1 {
            if let Some(presence) = whole.presence.get(&node) {
                asked.entry(whole.program.node(node).span).or_default().push(presence);
            }
        }
    }
    asked.into_iter().filter_map(|(span, answers)| one(reviewed, span, &answers)).collect()
}

fn one(reviewed: &Reviewed<'_>, span: Span, answers: &[&Presence]) -> Option<Diagnostic> {
    let names = &answers.first()?.names;
    let mut holders: Vec<String> =
        answers.iter().filter(|answer| answer.always).map(|answer| answer.holder.clone()).collect();
    holders.sort();
    holders.dedup();
    let required = holders.join(", ");
    let source = &reviewed.statement.source;
    if holders.is_empty() {
        None
    } else if answers.iter().all(|answer| answer.always) {
        let message = format!("`has {names}` is always true: `{names}` is required in {required}");
        let error = Diagnostic::error(Code::PolicyHas, message).label(source, span, "always true");
        let last = names.rsplit('.').next().unwrap_or(names);
        Some(error.help(match answers.iter().any(|answer| answer.holder.starts_with("`context")) {
            true => "remove the `has`".to_owned(),
            false => format!(
                "a required value that is `null` or missing is unknown, not absent: remove the `has`, or declare `{last}?` in the schema"
            ),
        }))
    } else {
        let message = format!("`has {names}` is always true for {required}, where `{names}` is required");
        let warning =
            Diagnostic::warning(Code::PolicyHas, message).label(source, span, "true or false for other types only");
        Some(warning.help("name the type that is meant with `is`"))
    }
}
