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

/// Patterns of `like`: their elements, of which `None` is the wildcard.
pub(super) mod pattern {
    use cedar_policy_core::ast::{Pattern, PatternElem};
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer>(pattern: &Pattern, serializer: S) -> Result<S::Ok, S::Error> {
        let element = |element: &PatternElem| match element {
            PatternElem::Char(character) => Some(*character),
            PatternElem::Wildcard => None,
        };
        pattern.iter().map(element).collect::<Vec<_>>().serialize(serializer)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Pattern, D::Error> {
        let elements = Vec::<Option<char>>::deserialize(deserializer)?;
        let element = |element: Option<char>| element.map_or(PatternElem::Wildcard, PatternElem::Char);
        Ok(elements.into_iter().map(element).collect())
    }
}
