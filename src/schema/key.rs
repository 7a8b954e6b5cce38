//! The form in which texts of ids are compared between files.

use super::{EntityType, Origin, Reader, folded};
use crate::value::fold::caseless;

/// The form of an id.
///
/// An attribute that reads the property of the id in folded form makes two spellings one value, so they are one id in
/// several files of an account. In one file they are two instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyForm {
    /// The trimmed text.
    Exact,
    /// Texts in folded form.
    Casefold,
    /// E-mail addresses.
    Email,
}

impl KeyForm {
    /// Returns the form of the id at a pointer. It is exact if an attribute reads the text there as it is written: two
    /// spellings are two values then.
    pub(crate) fn of(declared: &EntityType, pointer: &[String]) -> Self {
        let chains = declared.slots.iter().filter_map(|slot| match &slot.origin {
            Origin::Read(at, chain) if *at == pointer => Some(chain.as_ref()),
            _ => None,
        });
        if chains.clone().any(|chain| chain.is_none()) {
            return Self::Exact;
        }
        // A reader of a part, such as the domain of an address, does not compare ids.
        let readers = chains.flatten().filter_map(|chain| chain.only());
        readers.fold(Self::Exact, |form, reader| match (form, reader) {
            (_, Reader::Email) => Self::Email,
            (Self::Exact, Reader::Casefold) => Self::Casefold,
            (form, _) => form,
        })
    }

    /// Returns a text in this form.
    pub(crate) fn fold(self, text: &str) -> String {
        let text = text.trim();
        match self {
            Self::Exact => text.to_owned(),
            Self::Casefold => caseless(text).into_owned(),
            Self::Email => folded(&Reader::Email, text).unwrap_or_else(|| text.to_owned()),
        }
    }
}
