//! The form in which texts of ids are compared between files.

use super::{EntityType, Origin, Reader, WrongShape, folded};

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
    /// E-mail addresses, and names in folded form.
    EmailOrName,
    /// Domains.
    Domain,
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
            (_, Reader::EmailOrName) => Self::EmailOrName,
            (_, Reader::Domain) => Self::Domain,
            (Self::Exact, Reader::Casefold) => Self::Casefold,
            (form, _) => form,
        })
    }

    /// Returns a text in this form.
    pub(crate) fn fold(self, text: &str) -> String {
        let text = text.trim();
        self.reader().and_then(|reader| folded(&reader, text)).unwrap_or_else(|| text.to_owned())
    }

    /// Returns the error of a text that is not an id of this form: the reader of the form rejects it.
    pub(crate) fn wrong(self, text: &str) -> Option<WrongShape> {
        self.reader()?.read(text)?.err()
    }

    fn reader(self) -> Option<Reader> {
        Some(match self {
            Self::Exact => return None,
            Self::Casefold => Reader::Casefold,
            Self::Email => Reader::Email,
            Self::EmailOrName => Reader::EmailOrName,
            Self::Domain => Reader::Domain,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_the_reader_of_the_form_rejects_is_no_id() {
        for (form, text, expected) in [
            (KeyForm::Exact, "d\u{200b}", None),
            (KeyForm::Casefold, " Total: 1", None),
            (KeyForm::Casefold, "d\u{200b}", Some("a text of visible characters")),
            (KeyForm::Email, " Ann@X.example", None),
            (KeyForm::Email, "Total: 1", Some("an e-mail address")),
            (KeyForm::EmailOrName, "Growth team", None),
            (KeyForm::EmailOrName, "@ann", Some("an e-mail address")),
            (KeyForm::Domain, "X.example", None),
            (KeyForm::Domain, "@x.example", Some("a domain")),
            (KeyForm::Email, "d@x.exa\u{ad}mple", Some("an e-mail address")),
        ] {
            assert_eq!(
                form.wrong(text).map(|wrong| wrong.expected.into_owned()).as_deref(),
                expected,
                "{form:?} {text}"
            );
        }
    }
}
