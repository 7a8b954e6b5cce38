//! The changes that a project makes to the policies of a pack, without editing them.

use super::frameworks::FRAMEWORKS;
use super::model::{CheckSeverity, Policies};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::Place;
use smol_str::SmolStr;

/// The changes of a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Adaptation {
    /// Annotations that policies may have in addition to the built-in ones.
    pub annotations: Vec<SmolStr>,
    /// Frameworks that `@controls` may name in addition to the built-in ones.
    pub frameworks: Vec<SmolStr>,
    /// Severities that replace those of the policies.
    pub severities: Vec<SeverityOverride>,
}

/// A severity that replaces the one in the policy of a check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SeverityOverride {
    /// The id of the check.
    pub check: SmolStr,
    /// The severity.
    pub severity: CheckSeverity,
    /// The reason.
    pub reason: SmolStr,
    /// The place of the id.
    pub place: Place,
}

impl Adaptation {
    /// Returns the names of all frameworks, the built-in ones first.
    pub fn framework_names(&self) -> impl Iterator<Item = &str> + Clone {
        FRAMEWORKS.iter().map(|framework| framework.name).chain(self.frameworks.iter().map(SmolStr::as_str))
    }
}

impl Policies {
    /// Replaces the severities of checks. Also returns an error for each id that no check has.
    pub(crate) fn adapted(mut self, adaptation: &Adaptation) -> (Self, Vec<Diagnostic>) {
        let (policies, mut diagnostics) = (&mut self, Vec::new());
        for change in &adaptation.severities {
            match policies.checks.iter_mut().find(|check| check.statement.id == change.check) {
                Some(check) => {
                    check.overridden = Some(super::model::Overridden {
                        severity: check.severity,
                        reason: change.reason.clone(),
                        place: change.place.clone(),
                    });
                    check.severity = change.severity;
                }
                None => {
                    let message = format!("a severity is set for `{}`, and no check has this id", change.check);
                    let ids: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
                    let error = Diagnostic::error(Code::Configuration, message);
                    let error = error.label(&change.place.source, change.place.span, "set here");
                    diagnostics.push(error.suggest(&change.check, ids));
                }
            }
        }
        crate::diagnostic::sort(&mut diagnostics);
        (self, diagnostics)
    }
}
