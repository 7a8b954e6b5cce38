//! Readers: the values that `@as` reads from a text, and the folded form in which texts are compared.

use super::model::Reader;
use crate::source::is_hidden;
use crate::value::fold::{self, Domain};
use std::borrow::Cow;

/// The result of a reader of text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded<'t> {
    /// The part of the text that the reader selects, as written.
    pub written: &'t str,
    /// The folded form of `written`; borrowed if it is a part of `written`.
    pub text: Cow<'t, str>,
    /// Whether IDNA rejects the domain in it, which is then folded like other text.
    pub is_domain_rejected: bool,
}

/// The text does not have the shape that its reader needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrongShape {
    /// The shape in words.
    pub expected: &'static str,
    /// The remedy.
    pub help: &'static str,
}

impl Reader {
    /// Reads a text of a snapshot; `None` from a reader of numbers.
    ///
    /// # Errors
    /// [`WrongShape`] if the text is not an address or a URL where the reader needs one.
    pub fn read(self, text: &str) -> Option<Result<Folded<'_>, WrongShape>> {
        let text = text.trim();
        let part = match self {
            Reader::PrefixLength | Reader::Length => return None,
            Reader::Casefold => Ok(text),
            Reader::Email | Reader::EmailDomain | Reader::EmailLocal | Reader::EmailLocalWords => email_parts(text)
                .map(|(local, domain)| match self {
                    Reader::EmailDomain => domain,
                    Reader::EmailLocal | Reader::EmailLocalWords => local,
                    _ => text,
                })
                .ok_or(WrongShape { expected: "an e-mail address", help: "write an address such as name@example.com" }),
            Reader::UrlScheme | Reader::UrlHost => url_parts(text)
                .map(|(scheme, host)| if self == Reader::UrlScheme { scheme } else { host })
                .ok_or(WrongShape { expected: "a URL", help: "write a URL such as https://host/path" }),
        };
        Some(part.map(|part| self.fold(part)))
    }

    /// Folds a text that the reader selected.
    fn fold(self, written: &str) -> Folded<'_> {
        let (text, is_domain_rejected) = match self {
            Reader::EmailDomain | Reader::UrlHost => {
                let Domain { text, is_rejected } = fold::domain(written);
                (text, is_rejected)
            }
            Reader::Email => address(written),
            _ => (fold::caseless(written), false),
        };
        Folded { written, text, is_domain_rejected }
    }
}

/// Returns the words of a folded text: its maximal runs of letters.
///
/// ```
/// use deodar::schema::words;
/// assert_eq!(words("qa-team2go").collect::<Vec<_>>(), ["qa", "team", "go"]);
/// ```
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphabetic()).filter(|word| !word.is_empty())
}

/// Returns the folded form of `text` for a comparison with values of a reader. Returns `None` for a reader of numbers,
/// and if a reader of words cannot return `text`.
///
/// ```
/// use deodar::schema::{Reader, folded};
/// assert_eq!(folded(Reader::Casefold, "Open").as_deref(), Some("open"));
/// assert_eq!(folded(Reader::EmailDomain, "bücher.example").as_deref(), Some("xn--bcher-kva.example"));
/// ```
pub fn folded(reader: Reader, text: &str) -> Option<String> {
    match reader {
        Reader::PrefixLength | Reader::Length => None,
        Reader::EmailLocalWords => {
            let text = reader.fold(text.trim()).text;
            words(&text).eq([text.as_ref()]).then(|| text.into_owned())
        }
        _ => Some(reader.fold(text.trim()).text.into_owned()),
    }
}

/// Folds an e-mail address, and returns whether IDNA rejects its domain.
fn address(written: &str) -> (Cow<'_, str>, bool) {
    let Some((local, domain)) = written.rsplit_once('@') else { return (fold::caseless(written), false) };
    // Most addresses: one pass over the whole.
    if fold::is_plain_domain(domain) && local.is_ascii() && !domain.ends_with('.') && !domain.starts_with('[') {
        return (fold::caseless(written), false);
    }
    let (local, Domain { text: domain, is_rejected }) = (fold::caseless(local), fold::domain(domain));
    match (&local, &domain) {
        (Cow::Borrowed(_), Cow::Borrowed(_)) => (Cow::Borrowed(written), is_rejected),
        _ => (Cow::Owned(format!("{local}@{domain}")), is_rejected),
    }
}

/// Splits an e-mail address into local part and domain; a name, a list or hidden characters around it are errors.
fn email_parts(text: &str) -> Option<(&str, &str)> {
    let (local, domain) = text.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || is_hidden(c) || "@,;:<>()[]\"\\*".contains(c);
    let usual = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b'+');
    let sound = |part: &str| {
        let dotted = part.starts_with('.') || part.ends_with('.');
        !part.is_empty() && !dotted && (part.bytes().all(usual) || !part.contains(odd))
    };
    (sound(local) && sound(domain)).then_some((local, domain))
}

/// Splits a URL into scheme and host.
fn url_parts(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let host = if host.starts_with('[') { host.split_inclusive(']').next()? } else { host.split(':').next()? };
    let named =
        !scheme.is_empty() && scheme.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'));
    let closed = host.starts_with('[') == host.ends_with(']');
    // A browser reads `\` as `/`, so the host would not be the one that it opens.
    let odd = |c: char| c.is_whitespace() || c.is_control() || c == '\\';
    (named && closed && host.contains(|c| c != '.') && !authority.contains(odd)).then_some((scheme, host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reader: Reader, text: &str) -> Option<String> {
        Some(reader.read(text)?.ok()?.text.into_owned())
    }

    #[test]
    fn readers_return_the_folded_form_of_their_part() {
        for (reader, text, expected) in [
            (Reader::Casefold, "  E\u{301}TAT ", "\u{e9}tat"),
            (Reader::Email, " JOSE\u{301}@B\u{dc}CHER.example", "jos\u{e9}@xn--bcher-kva.example"),
            (Reader::Email, "Stra\u{df}e@x.example", "strasse@x.example"),
            (Reader::EmailLocal, "\u{39f}\u{394}\u{39f}\u{3a3}@x.example", "\u{3bf}\u{3b4}\u{3bf}\u{3c3}"),
            (Reader::EmailDomain, "a@XN--BCHER-KVA.example", "xn--bcher-kva.example"),
            (Reader::UrlHost, "HTTPS://u:p@B\u{fc}cher.Example.:443/x?y", "xn--bcher-kva.example"),
            (Reader::UrlHost, "https://[2001:DB8::1]:8/", "[2001:db8::1]"),
            (Reader::UrlScheme, "HTTPS://x", "https"),
        ] {
            assert_eq!(read(reader, text).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn words_are_the_runs_of_letters_before_the_at_sign() {
        for (text, expected) in [
            ("QA.Team-2go_x+y@x.example", vec!["qa", "team", "go", "x", "y"]),
            ("Jose\u{301}.STRASSE@x.example", vec!["jos\u{e9}", "strasse"]),
            ("\u{39f}\u{394}\u{39f}\u{3a3}9@x.example", vec!["\u{3bf}\u{3b4}\u{3bf}\u{3c3}"]),
            ("42@x.example", vec![]),
        ] {
            let local = read(Reader::EmailLocalWords, text).unwrap();
            assert_eq!(words(&local).collect::<Vec<_>>(), expected, "{text}");
        }
        assert_eq!(read(Reader::EmailLocalWords, "qa.team"), None);
        assert_eq!(folded(Reader::EmailLocalWords, "QA").as_deref(), Some("qa"));
        assert_eq!(folded(Reader::EmailLocalWords, "qa2"), None);
    }

    #[test]
    fn texts_of_another_shape_are_rejected() {
        for (reader, text) in [
            (Reader::Email, "name"),
            (Reader::Email, "a@b@c"),
            (Reader::EmailDomain, "a@b\u{200b}.example"),
            (Reader::UrlHost, "x.example/a"),
            (Reader::UrlHost, "https://."),
            (Reader::UrlHost, "https://x.example\\@y.example"),
        ] {
            assert_eq!(read(reader, text), None, "{text}");
        }
        assert_eq!(Reader::Length.read("abc"), None);
    }

    #[test]
    fn what_a_reader_returns_is_in_folded_form() {
        for (_, reader) in Reader::ALL.into_iter().filter(|(_, reader)| *reader != Reader::EmailLocalWords) {
            for text in ["Jos\u{c9}@B\u{fc}cher.Example", "https://Stra\u{df}e.example/", "a@xn--a", "\u{1e9e}\u{130}"]
            {
                let Some(Ok(first)) = reader.read(text) else { continue };
                assert_eq!(folded(reader, &first.text).as_deref(), Some(first.text.as_ref()), "{reader:?} {text}");
            }
        }
    }

    #[test]
    fn a_domain_that_idna_rejects_is_folded_and_marked() {
        let read = Reader::Email.read("Bob@XN--A.example").unwrap().unwrap();
        assert_eq!((read.text.as_ref(), read.is_domain_rejected), ("bob@xn--a.example", true));
        assert!(!Reader::EmailLocal.read("Bob@XN--A.example").unwrap().unwrap().is_domain_rejected);
    }
}
