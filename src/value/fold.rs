//! The folded form of texts: two texts that differ only in case, in how accents are encoded, or in the spelling of a
//! domain have one folded form, so `==` on folded forms compares them as people do.
//!
//! [`caseless`] is canonical caseless matching (Unicode, section 3.13, D145), stored in NFC: full case folding without
//! the Turkic rules. Compatibility variants such as full-width letters keep their own form, and nothing is removed.
//! [`domain`] is UTS 46 ToASCII with nontransitional processing, as browsers and mail servers resolve names. All tables
//! come from ICU4X, so every step uses one Unicode version.

use super::show_address;
use icu_casemap::CaseMapper;
use icu_normalizer::properties::{CanonicalDecompositionBorrowed, Decomposed};
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::net::Ipv6Addr;

/// Returns the folded form of a text; borrowed if the text is in this form already.
pub fn caseless(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return lowercase(text);
    }
    let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(text);
    let folded = CaseMapper::new().fold_string(&decomposed);
    let composed = ComposingNormalizerBorrowed::new_nfc().normalize(&folded);
    if composed == text { Cow::Borrowed(text) } else { Cow::Owned(composed.into_owned()) }
}

/// Returns the character that a character is an encoding of, in canonical decomposition: `;` for U+037E.
pub fn canonical(c: char) -> char {
    if c.is_ascii() {
        return c;
    }
    match CanonicalDecompositionBorrowed::new().decompose(c) {
        Decomposed::Singleton(one) => one,
        _ => c,
    }
}

/// Returns whether two texts have one folded form.
pub fn is_same(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    caseless(one) == caseless(other)
}

/// The folded form of a domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain<'t> {
    /// The domain in ASCII, its labels with `xn--` where they hold other characters, without a final dot.
    pub text: Cow<'t, str>,
    /// Whether IDNA rejects the domain. Then `text` is its caseless form, and its Unicode and `xn--` spellings differ.
    pub is_rejected: bool,
}

/// Returns the folded form of a domain, or of an address in its place.
pub fn domain(text: &str) -> Domain<'_> {
    if let Some(address) = bracketed(text) {
        let text = if address == text { Cow::Borrowed(text) } else { Cow::Owned(address) };
        return Domain { text, is_rejected: false };
    }
    let (text, is_rejected) = if is_plain_domain(text) {
        (lowercase(text), false)
    } else if let Some(ascii) = to_ascii(text) {
        (ascii, false)
    } else {
        let folded = caseless(text);
        // The case folding of a rejected domain may be a valid one, and folding it again must not change it.
        let ascii = to_ascii(&folded).map(Cow::into_owned);
        (ascii.map_or(folded, Cow::Owned), true)
    };
    Domain { text: without_final_dot(text), is_rejected }
}

/// Returns whether a text has the form of a domain: labels that are not empty, in ASCII of letters, digits, `-` and `_`. No label has a
/// dash of a word processor, a quote, a bracket or a space.
pub fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| !label.is_empty() && label.chars().all(is_of_label);
    if text.is_ascii() {
        return text.split('.').all(is_label);
    }
    // If IDNA rejects one label, it still reads the others.
    let is_mapped = |label: &str| is_label(&to_unicode(label).unwrap_or_else(|| caseless(label)));
    to_unicode(text).map_or_else(|| text.split(is_stop).all(is_mapped), |mapped| mapped.split('.').all(is_label))
}

/// Returns the form of a domain with its characters, unless IDNA rejects it.
fn to_unicode(text: &str) -> Option<Cow<'_, str>> {
    let (mapped, result) = Uts46::new().to_unicode(text.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    result.ok().map(|()| mapped)
}

/// Returns whether IDNA reads a character as the full stop between two labels.
pub fn is_stop(c: char) -> bool {
    matches!(c, '.' | '\u{3002}' | '\u{ff0e}' | '\u{ff61}')
}

fn is_of_label(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    }
    let (category, in_labels) = (CodePointMapData::<GeneralCategory>::new().get(c), GeneralCategoryGroup::Letter);
    let in_labels = in_labels.union(GeneralCategoryGroup::Mark).union(GeneralCategoryGroup::Number);
    // RFC 5892 allows some signs, such as the Tibetan tsheg, and registries have domains of emoji.
    let signs = [GeneralCategory::OtherPunctuation, GeneralCategory::OtherSymbol, GeneralCategory::Format];
    in_labels.contains(category) || signs.contains(&category)
}

/// Returns whether a domain has one spelling but for the case: ASCII, and no label with `xn--`.
pub fn is_plain_domain(text: &str) -> bool {
    let is_encoded = |label: &[u8]| matches!(label, [b'x' | b'X', prefix @ ..] if prefix.get(..3).is_some_and(|rest| rest.eq_ignore_ascii_case(b"n--")));
    text.is_ascii() && !text.as_bytes().split(|byte| *byte == b'.').any(is_encoded)
}

/// Returns the one spelling of an IPv6 address in brackets, as URLs write it.
fn bracketed(text: &str) -> Option<String> {
    let address: Ipv6Addr = text.strip_prefix('[')?.strip_suffix(']')?.parse().ok()?;
    Some(format!("[{}]", show_address(address.into())))
}

/// Returns the ASCII form of a domain, unless IDNA rejects it; borrowed if the domain is in this form already.
fn to_ascii(text: &str) -> Option<Cow<'_, str>> {
    let ascii = Uts46::new().to_ascii(text.as_bytes(), AsciiDenyList::URL, Hyphens::Allow, DnsLength::Ignore).ok()?;
    Some(if ascii == text { Cow::Borrowed(text) } else { ascii })
}

fn without_final_dot(domain: Cow<'_, str>) -> Cow<'_, str> {
    match domain.strip_suffix('.') {
        Some(rest) if !rest.ends_with('.') => match domain {
            Cow::Borrowed(domain) => Cow::Borrowed(domain.strip_suffix('.').unwrap_or(domain)),
            Cow::Owned(mut domain) => {
                domain.pop();
                Cow::Owned(domain)
            }
        },
        _ => domain,
    }
}

fn lowercase(text: &str) -> Cow<'_, str> {
    if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(text.to_ascii_lowercase())
    } else {
        Cow::Borrowed(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn texts_that_differ_in_case_or_encoding_are_equal() {
        for (one, other) in [
            ("Open", "oPEN"),
            ("jos\u{e9}", "JOSE\u{301}"),
            ("\u{1e69}", "s\u{323}\u{307}"),
            ("s\u{307}\u{323}", "S\u{323}\u{307}"),
            ("ΟΔΟΣ", "οδος"),
            ("ΟΔΟΣ", "οδοσ"),
            ("straße", "STRASSE"),
            ("STRAẞE", "strasse"),
            ("\u{fb01}n", "FIN"),
            ("\u{212a}elvin", "kelvin"),
            ("\u{212b}", "\u{e5}"),
            ("ᾳ", "ΑΙ"),
            ("\u{3b1}\u{345}\u{301}", "ΆΙ"),
            ("Ꭰ", "ꭰ"),
            ("각", "\u{1100}\u{1161}\u{11a8}"),
            ("ДЖ", "дж"),
        ] {
            assert_eq!(caseless(one), caseless(other), "{one} {other}");
            assert!(is_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn other_texts_are_not_equal() {
        for (one, other) in [
            ("jose", "jos\u{e9}"),
            ("I", "ı"),
            ("i", "İ"),
            ("\u{ff21}", "a"),
            ("a\u{200b}", "a"),
            ("\u{430}", "a"),
            ("²", "2"),
            ("a b", "ab"),
        ] {
            assert_ne!(caseless(one), caseless(other), "{one} {other}");
        }
    }

    #[test]
    fn the_folded_form_of_a_domain_is_ascii() {
        for (written, folded) in [
            ("Example.COM", "example.com"),
            ("bücher.example", "xn--bcher-kva.example"),
            ("BU\u{308}CHER.example", "xn--bcher-kva.example"),
            ("XN--Bcher-KVA.example", "xn--bcher-kva.example"),
            ("例え\u{3002}jp", "xn--r8jz45g.jp"),
            ("\u{ff45}xample.com", "example.com"),
            // IDNA 2008 keeps these apart: they are names of different owners.
            ("faß.de", "xn--fa-hia.de"),
            ("fass.de", "fass.de"),
            ("_dmarc.my_host.example", "_dmarc.my_host.example"),
            ("[2001:DB8:0::1]", "[2001:db8::1]"),
            ("Example.com.", "example.com"),
            ("b\u{fc}cher\u{3002}", "xn--bcher-kva"),
            ("x..", "x.."),
            ("", ""),
        ] {
            let Domain { text, is_rejected } = domain(written);
            assert_eq!((text.as_ref(), is_rejected), (folded, false), "{written}");
        }
        for (written, folded) in [
            ("xn--a.example", "xn--a.example"),
            ("XN--\u{fc}.example", "xn--\u{fc}.example"),
            ("a\u{308}\u{ff20}b.example", "\u{e4}\u{ff20}b.example"),
            ("\u{5d0}1a.example", "\u{5d0}1a.example"),
        ] {
            let Domain { text, is_rejected } = domain(written);
            assert_eq!((text.as_ref(), is_rejected), (folded, true), "{written}");
        }
    }

    #[test]
    fn every_character_has_one_folded_form() {
        for c in '\0'..=char::MAX {
            let text = c.to_string();
            let folded = caseless(&text).into_owned();
            let upper: String = text.to_uppercase();
            assert_eq!(caseless(&folded), folded, "{c:?}");
            // Dotless i is the one letter whose capital belongs to another letter.
            if c != 'ı' {
                assert_eq!(caseless(&upper), folded, "{c:?}");
            }
            let decomposed = DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            assert_eq!(caseless(&decomposed), folded, "{c:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2000))]

        #[test]
        fn folding_twice_changes_nothing(text in "(\\PC|[A-Zßſςİı\u{300}-\u{345}\u{1f80}-\u{1fff}]){0,8}") {
            let folded = caseless(&text).into_owned();
            prop_assert_eq!(caseless(&folded), folded.as_str());
            let host = domain(&text).text.into_owned();
            let again = domain(&host);
            prop_assert_eq!(again.text, host.as_str(), "{}", text);
        }

        #[test]
        fn canonical_and_case_variants_have_one_folded_form(
            text in "([a-zA-Zéßſςǆᾳ가-힣Ḁ-ỿ\u{300}-\u{345}]|\\PC){0,8}"
        ) {
            let folded = caseless(&text);
            let nfd = DecomposingNormalizerBorrowed::new_nfd().normalize(&text).into_owned();
            let nfc = ComposingNormalizerBorrowed::new_nfc().normalize(&text).into_owned();
            let swapped: String = nfd.chars().map(|c| if c == 'i' || c == 'ı' { c } else { icu_casemap_upper(c) }).collect();
            for variant in [nfd, nfc, swapped] {
                prop_assert_eq!(caseless(&variant), folded.as_ref(), "{}", variant);
            }
        }
    }

    /// The capital of a character that has exactly one.
    fn icu_casemap_upper(c: char) -> char {
        let mut upper = c.to_uppercase();
        match (upper.next(), upper.next()) {
            (Some(upper), None) => upper,
            _ => c,
        }
    }
}
