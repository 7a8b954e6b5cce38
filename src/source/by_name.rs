//! The saved form of a reference to a text: its name.
//!
//! A text that is read has the name and no content. [`restore`] puts the text in its place.

use super::Source;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};
use std::sync::Arc;

/// Writes the name of a text.
pub(crate) fn serialize<S: Serializer>(source: &Arc<Source>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(source.name())
}

/// Reads the name of a text.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Arc<Source>, D::Error> {
    Source::new(<&str>::deserialize(deserializer)?, "").map_err(D::Error::custom)
}

/// Replaces what [`deserialize`] has read by the text with its name; `None` if there is none.
pub(crate) fn restore(source: &mut Arc<Source>, texts: &[Arc<Source>]) -> Option<()> {
    *source = texts.iter().find(|text| text.name() == source.name()).map(Arc::clone)?;
    Some(())
}
