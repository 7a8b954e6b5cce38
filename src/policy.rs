//! `.cedar` files: checks, derivations and waivers with their metadata and the spans of their clauses.
//!
//! Cedar parses and strictly validates. The effect, the action and the annotations of a policy determine its role. A
//! broken policy does not hide the others: all problems are reported, and the valid policies are used.

mod frameworks;
mod model;
mod adaptation;
mod parse;
mod absence;
mod annotations;
mod cost;
mod waivers;
mod validate;
mod roles;
mod request;
mod saved;
#[cfg(test)]
mod tests;

pub use adaptation::{Adaptation, SeverityOverride};
pub use annotations::is_built_in_annotation;
pub use frameworks::{FRAMEWORKS, Framework};
pub use model::*;
pub use parse::{PolicyFile, warm_up};
pub use request::Policy;
pub(crate) use waivers::end_of;

use crate::diagnostic::{Diagnostic, has_errors};
use crate::parallel::*;
use crate::schema::Schema;
use crate::source::{Source, cedar};
use roles::{PolicyReader, of_another_schema};
use std::sync::Arc;

impl Policies {
    /// Parses policy files, which share one set of ids, and validates them against a schema.
    pub fn parse(schema: &Schema, files: &[Arc<Source>]) -> (Self, Vec<Diagnostic>) {
        let files: Vec<PolicyFile> = files.par_iter().map(PolicyFile::parse).collect();
        Self::read(schema, &files.iter().collect::<Vec<_>>(), &[], &Adaptation::default())
    }

    /// Validates parsed policy files and files of waivers, which share one set of ids, against a schema. `adaptation` has
    /// the changes of the project.
    pub fn read(
        schema: &Schema,
        files: &[&PolicyFile],
        waivers: &[&PolicyFile],
        adaptation: &Adaptation,
    ) -> (Self, Vec<Diagnostic>) {
        let mut reader = PolicyReader::new(schema, adaptation);
        cedar::on_deep_stack(|| {
            files.iter().for_each(|file| reader.file(file));
            waivers.iter().for_each(|file| reader.file_of_waivers(file));
        });
        let (mut policies, mut diagnostics) = reader.finish();
        diagnostics.extend(validate::validate(schema, &mut policies));
        policies.checks.sort_by(|a, b| a.statement.id.cmp(&b.statement.id));
        policies.derivations.sort_by(|a, b| a.statement.id.cmp(&b.statement.id));
        policies.waivers.sort_by(|a, b| a.statement.id.cmp(&b.statement.id));
        policies.has_errors = has_errors(&diagnostics);
        let (policies, wrong) = policies.adapted(adaptation);
        diagnostics.extend(wrong);
        crate::diagnostic::sort(&mut diagnostics);
        if policies.checks.is_empty() && policies.derivations.is_empty() {
            of_another_schema(schema, &mut diagnostics);
        }
        (policies, diagnostics)
    }
}
