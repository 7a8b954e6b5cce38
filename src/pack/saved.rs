//! The saved form of a pack of this program: its policies, and the program of all its checks.
//!
//! A start reads it in place of parsing, reviewing and lowering the policies. It has the digests of the texts that it was
//! made of, and is used for these texts only.

use super::Pack;
use crate::policy::Policies;
use crate::program::Program;
use crate::source::Source;
use std::sync::Arc;

/// Reads what [`Pack::save`] has written. `None` if it is of other texts, or of another version of this program.
pub(super) fn read(schema: &Source, policies: &[Arc<Source>]) -> Option<(Policies, Program)> {
    let bytes = schema.saved()?.program;
    let (of, rest) = postcard::take_from_bytes::<Vec<(&str, &str)>>(bytes).ok()?;
    if !same(&of, schema, policies) {
        return None;
    }
    let (mut read, mut program): (Policies, Program) = postcard::from_bytes(rest).ok()?;
    read.restore(policies)?;
    program.restore(policies)?;
    Some((read, program))
}

/// Returns whether digests are those of the texts.
fn same(digests: &[(&str, &str)], schema: &Source, policies: &[Arc<Source>]) -> bool {
    let texts = std::iter::once(schema).chain(policies.iter().map(|file| &**file));
    digests.len() == policies.len() + 1
        && digests.iter().zip(texts).all(|((name, sha256), text)| *name == text.name() && *sha256 == text.sha256())
}

impl Pack {
    /// Returns the digests of the texts, the policies and the program, as bytes. The pack must have no problem, no waiver and
    /// no change of a project, and all of its checks must be selected.
    ///
    /// # Errors
    /// None occur: every part has a saved form.
    #[doc(hidden)]
    pub fn save(&self, policies: &[Arc<Source>]) -> postcard::Result<Vec<u8>> {
        let texts = std::iter::once(&self.schema.source).chain(policies);
        let digests: Vec<(&str, String)> = texts.map(|text| (text.name(), text.sha256())).collect();
        postcard::to_allocvec(&(digests, &*self.policies, &*self.program))
    }
}
