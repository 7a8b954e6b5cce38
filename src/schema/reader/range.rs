//! The texts that readers can give: a policy that compares a value of a reader with another text is never true.

use super::{Datum, Given, Reader};
use std::borrow::Cow;

impl Reader {
    /// Returns whether it gives a text, for some text that it reads.
    pub(crate) fn gives_text(&self, text: &str) -> bool {
        match self.apply(&Datum::Text(self.source_of(text).into_owned()), &mut Vec::new()) {
            Ok(Given::One(Datum::Text(given))) => given == text,
            Ok(Given::Set(given)) => given.iter().any(|given| matches!(given, Datum::Text(given) if given == text)),
            _ => false,
        }
    }

    /// Returns a text for which it gives `part`, if it gives it for any text.
    fn source_of<'t>(&self, part: &'t str) -> Cow<'t, str> {
        match self {
            Reader::EmailDomain => format!("a@{part}").into(),
            Reader::EmailLocal | Reader::EmailLocalWords => format!("{part}@x.example").into(),
            Reader::UrlScheme => format!("{part}://x.example").into(),
            Reader::UrlHost => format!("https://{part}").into(),
            _ => part.into(),
        }
    }

    /// Returns the text that it gives and that a text of another shape means, such as `x.example` for `@x.example`.
    pub(crate) fn meant(&self, text: &str) -> Option<String> {
        let part = match self {
            // A pattern of subdomains has the same parents as the domain.
            Reader::Parents => text.trim_start_matches(['@', '*', '.']),
            Reader::EmailDomain | Reader::Domain => text.trim_start_matches('@'),
            Reader::UrlScheme => text.trim_end_matches(['/', ':']),
            _ => text,
        };
        let whole = match self {
            Reader::Domain | Reader::Parents if text.contains("://") => Reader::UrlHost.value(text),
            Reader::EmailDomain | Reader::EmailLocal | Reader::UrlScheme | Reader::UrlHost => self.value(text),
            _ => None,
        };
        let of_part = || match whole {
            Some(Datum::Text(part)) => Some(part),
            _ => match self.value(&self.source_of(part)) {
                Some(Datum::Text(part)) => Some(part),
                _ => super::folded(self, part),
            },
        };
        of_part().filter(|part| self.gives_text(part))
    }

    /// Returns whether no text that it gives has a character.
    pub(crate) fn never_gives(&self, c: char) -> bool {
        let is_of_domain = |c: char| !c.is_ascii() || c.is_ascii_alphanumeric() || "-_.".contains(c);
        let is_odd = |c: char| c.is_ascii_control() || " ,;:<>()[]\"\\*".contains(c);
        match self {
            Reader::Casefold => c.is_ascii_control() && !"\t\n\r".contains(c),
            Reader::Domain | Reader::EmailDomain => !is_of_domain(c),
            Reader::Email => is_odd(c),
            Reader::EmailLocal => is_odd(c) || c == '@',
            Reader::UrlScheme => !c.is_ascii_alphanumeric() && !"+-.".contains(c),
            Reader::UrlHost => c.is_ascii_control() || " /?#@\\".contains(c),
            _ => false,
        }
    }

    /// Returns the shape of the texts that it gives.
    pub(crate) fn shape(&self) -> &'static str {
        match self {
            Reader::Casefold => "a text of visible characters",
            Reader::Email => "an e-mail address",
            Reader::EmailOrName => "an e-mail address or a text without `@`",
            Reader::EmailDomain | Reader::Domain | Reader::Parents => "a domain",
            Reader::EmailLocal => "the part of an e-mail address before the `@`",
            Reader::EmailLocalWords => "a word of letters",
            Reader::UrlScheme => "the scheme of a URL",
            Reader::UrlHost => "the host of a URL",
            Reader::Split(_) => "a piece between separators",
            _ => "a text",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn readers() -> impl Iterator<Item = Reader> {
        let readers = Reader::ALL.iter().filter_map(|(name, argument)| Reader::named(name, *argument)?.ok());
        readers.filter(|reader| reader.gives() == super::super::DatumType::Text)
    }

    fn named(name: &str) -> Reader {
        readers().find(|reader| reader.name() == name).unwrap()
    }

    #[test]
    fn a_text_of_another_shape_is_not_given() {
        for (reader, text, meant) in [
            ("url-host", "https://x.example", Some("x.example")),
            ("url-host", "x.example/", Some("x.example")),
            ("url-host", "x.example:443", Some("x.example")),
            ("url-host", "x.example.", Some("x.example")),
            ("url-host", "", None),
            ("url-host", ".", None),
            ("url-scheme", "https:", Some("https")),
            ("url-scheme", "https://", Some("https")),
            ("url-scheme", "https://x.example", Some("https")),
            ("url-scheme", "HTTPS", Some("https")),
            ("url-scheme", "", None),
            ("email-domain", "@x.example", Some("x.example")),
            ("email-domain", "a@x.example", Some("x.example")),
            ("email-domain", "x..example", None),
            ("email-domain", "", None),
            ("email", "x", None),
            ("email", "a@x.example.", None),
            ("email-local", "a@x.example", Some("a")),
            ("email-local", "", None),
            ("email-local-words", "qa-team", None),
            ("email-or-name", "a@@b", None),
            ("domain", "@x.example", Some("x.example")),
            ("domain", "*.x.example", None),
            ("domain", "https://X.example/", Some("x.example")),
            ("domain", "x..example", None),
            ("parents", "*.x.example", Some("x.example")),
            ("parents", "@x.example", Some("x.example")),
            ("casefold", "a\u{200b}", None),
            ("casefold", "Open", Some("open")),
            ("split", "a,b", None),
            ("split", "", None),
        ] {
            let reader = named(reader);
            assert!(!reader.gives_text(text), "{reader} {text}");
            assert_eq!(reader.meant(text).as_deref(), meant, "{reader} {text}");
        }
    }

    #[test]
    fn a_text_of_the_shape_is_given() {
        for (reader, text) in [
            ("url-host", "x.example"),
            ("url-host", "[2001:db8::1]"),
            ("url-host", "10.0.0.1"),
            ("url-scheme", "git+ssh"),
            ("email-domain", "xn--bcher-kva.example"),
            ("email", "a@x.example"),
            ("email-local", "a.b+c"),
            ("email-local-words", "qa"),
            ("email-or-name", "growth team"),
            ("email-or-name", "a@x.example"),
            ("domain", "x_y.example"),
            ("parents", "example"),
            ("parents", "10.0.0.1"),
            ("casefold", ""),
            ("casefold", "1\u{fe0f}\u{20e3} a"),
            ("split", "a b"),
        ] {
            assert!(named(reader).gives_text(text), "{reader} {text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 3000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_reader_gives_what_it_gave(
            text in "[a-c,.;: ]{0,3}(://|@|@|\\.|)([a-zA-Z.\\-_\\[\\]:/,*;@ \u{37e}\u{130}\u{17f}\u{df}\u{5d0}\u{3002}\u{ff0e}\u{ff20}\u{200d}\u{fe0f}\u{26a0}\u{345}\u{e9}\u{301}]|xn--|\\PC){0,6}(\\.example)?"
        ) {
            for reader in readers() {
                let given = match reader.apply(&Datum::Text(text.clone()), &mut Vec::new()) {
                    Ok(Given::One(one)) => vec![one],
                    Ok(Given::Set(all)) => all,
                    Err(_) => continue,
                };
                for datum in given {
                    let Datum::Text(given) = datum else { continue };
                    prop_assert!(reader.gives_text(&given), "{} {:?} {:?}", reader, text, given);
                    let never: String = given.chars().filter(|c| reader.never_gives(*c)).collect();
                    prop_assert_eq!(never, "", "{} {:?} {:?}", reader, text, given);
                }
            }
        }
    }
}
