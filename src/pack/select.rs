//! The checks that a run selects, by id, pattern or severity.

use crate::diagnostic::{Code, Diagnostic};
use crate::ids::IdVec;
use crate::policy::{CheckId, CheckSeverity, Policies};
use crate::source::nearest;
use globset::{Glob, GlobSet, GlobSetBuilder};

/// Patterns of ids, and severities: the checks to run and the checks to leave out.
#[derive(Debug, Clone, Copy, Default)]
pub struct CheckFilter<'f> {
    /// The checks to run; empty for all.
    pub only: &'f [String],
    /// The checks to leave out.
    pub skip: &'f [String],
}

/// Patterns, compiled.
struct Patterns {
    ids: GlobSet,
    levels: Vec<CheckSeverity>,
}

impl CheckFilter<'_> {
    /// Returns whether each check is selected. A pattern that matches no check and no severity is an error.
    pub(super) fn selected(&self, policies: &Policies, diagnostics: &mut Vec<Diagnostic>) -> IdVec<CheckId, bool> {
        let only = Patterns::new(self.only, policies, diagnostics);
        let skip = Patterns::new(self.skip, policies, diagnostics);
        let selected = policies.checks.iter().map(|check| {
            let id = check.statement.id.as_str();
            (self.only.is_empty() || only.matches(id, check.severity)) && !skip.matches(id, check.severity)
        });
        selected.collect()
    }
}

impl Patterns {
    /// Reads patterns; one that no check and no severity matches is an error.
    fn new(patterns: &[String], policies: &Policies, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let (mut ids, mut levels) = (GlobSetBuilder::new(), Vec::new());
        let known: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
        for pattern in patterns {
            if let Ok(level) = pattern.parse::<CheckSeverity>() {
                levels.push(level);
                continue;
            }
            match Glob::new(pattern) {
                Ok(glob) => {
                    if !known.iter().any(|id| glob.compile_matcher().is_match(id)) {
                        let error = Diagnostic::error(Code::Selection, format!("no check is called `{pattern}`"));
                        let help = match nearest(pattern, known.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "valid are ids, patterns as `MOE-AUTH-*`, and severities; `deodar list` shows them"
                                .to_owned(),
                        };
                        diagnostics.push(error.help(help));
                    }
                    ids.add(glob);
                }
                Err(error) => diagnostics.push(Diagnostic::error(
                    Code::Selection,
                    format!("`{pattern}` is not a pattern: {}", error.kind()),
                )),
            }
        }
        Self { ids: ids.build().unwrap_or_else(|_| GlobSet::empty()), levels }
    }

    fn matches(&self, id: &str, severity: CheckSeverity) -> bool {
        self.levels.contains(&severity) || self.ids.is_match(id)
    }
}
