//! The saved form of a program.

use super::Program;
use crate::source::{Source, by_name};
use std::sync::Arc;

impl Program {
    /// Completes a program that is read from a saved form with the texts of its policies. `None` if one is missing.
    pub(crate) fn restore(&mut self, texts: &[Arc<Source>]) -> Option<()> {
        let parts = self.derived.iter_mut().flat_map(|attribute| &mut attribute.parts).map(|part| &mut part.source);
        let mut sources = parts.chain(self.comparisons.iter_mut().map(|comparison| &mut comparison.source));
        sources.try_for_each(|source| by_name::restore(source, texts))
    }
}
