//! Misspelt names: which declared name a written one was probably meant to be.
//!
//! Two questions have different costs. [`misspelling`] changes verdicts: a property that is a misspelling of a missing
//! one makes that one unknown. It accepts another way of writing the same words, and small slips in one word, but not
//! another word. [`nearest`] only words a hint for a user who typed a command, an id or an annotation, and accepts
//! more.

mod edits;
mod units;
mod index;

pub use index::NameIndex;

use edits::edits_up_to;
use icu_normalizer::ComposingNormalizerBorrowed;
use index::Signature;
use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::LazyLock;
use unicode_security::skeleton;
use units::{differ_in_unit, may_differ_in_unit};

/// Names of more bytes have no slips: the cost of the comparison grows with the square of the length.
const LONGEST: usize = 256;

/// The number of slips of an inflection. More are slips of letters.
const INFLECTED: usize = 1;

/// Words that are common in property names and one slip away from another common word, such as `contact` and
/// `contract`. A word in this list is not a misspelling of another one in it. Plurals and past forms are left out.
static COMMON_WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("spelling/words.txt").split_whitespace().collect());

/// Words that are other words without their first letter, such as `blocked`, from the word list SCOWL. So `locked` is not a
/// misspelling of `blocked`.
static WITHOUT_FIRST_LETTER: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("spelling/first_letters.txt").split_whitespace().collect());

/// Words of two to five letters, from the word list SCOWL.
static SHORT_WORDS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("spelling/short_words.txt").split_whitespace().collect());

/// Abbreviations that are common in property names, such as `acl`.
static ABBREVIATIONS: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("spelling/abbreviations.txt").split_whitespace().collect());

/// The most letters of the words in [`SHORT_WORDS`].
const LONGEST_SHORT: usize = 5;

/// The fewest letters of a word whose first letter is missing.
const SHORTEST_WITHOUT_FIRST: usize = 5;

/// The fewest letters of the other words of a name in which a short word may have a slip.
const SHORTEST_REST: usize = 3;

/// Endings that make another word when they differ: `expired` is not a misspelling of `expires`, nor `owned` of
/// `owner`.
const ENDINGS: [&str; 27] = [
    "s", "d", "r", "ed", "es", "er", "or", "rs", "ers", "ors", "ion", "ions", "al", "ly", "ing", "ings", "able", "ive",
    "ment", "ity", "ies", "ied", "ic", "ance", "ence", "ent", "y",
];

/// Returns the declared name that a property's name is a misspelling of.
///
/// Both names are divided into words at capitals, digits and punctuation. They match if the letters are the same
/// (`expiresAt`, `expires_at`), if words differ in an inflection (`expire_at`), in `at` at the end (`expires`) or in the unit at the end
/// (`idle_timeout_hours`, `idle_timeout_minutes`), or if one word has a slip: one edit, or two in a word of eight letters or more, after the same first letter. A first letter that
/// is missing is a slip if five letters follow. In a name of several words, a slip of a short word counts if the other one is in no
/// list of words and abbreviations: `get_usr_enabled`. Digits are never slips. A tie goes to the first.
pub fn misspelling<'c>(name: &str, declared: impl IntoIterator<Item = &'c str>) -> Option<&'c str> {
    by_slips(name, declared).min_by_key(|(slips, _)| *slips).map(|(_, candidate)| candidate)
}

/// Returns the declared names that a property's name is a [`misspelling`] of, those with the fewest slips first.
pub fn misspellings<'c>(name: &str, declared: impl IntoIterator<Item = &'c str>) -> Vec<&'c str> {
    by_fewest(by_slips(name, declared))
}

/// Returns what was found with a number of slips, that with the fewest first.
fn by_fewest<T>(found: impl Iterator<Item = (usize, T)>) -> Vec<T> {
    let mut found: Vec<(usize, T)> = found.collect();
    found.sort_by_key(|(slips, _)| *slips);
    found.into_iter().map(|(_, found)| found).collect()
}

/// Returns the declared names that a name is a misspelling of, with the numbers of slips.
fn by_slips<'c>(name: &str, declared: impl IntoIterator<Item = &'c str>) -> impl Iterator<Item = (usize, &'c str)> {
    let signature = Signature::of(name);
    let mut written: Option<Name> = None;
    declared.into_iter().filter_map(move |candidate| {
        // Most names have other letters, and then nothing needs to be divided into words.
        let may_be = || signature.may_be_misspelling(Signature::of(candidate)) || may_differ_in_unit(name, candidate);
        if candidate == name || !may_be() {
            return None;
        }
        let written = written.get_or_insert_with(|| Name::new(name));
        Some((slips((name, written), (candidate, &Name::new(candidate)))?, candidate))
    })
}

/// Returns the number of slips by which a name is a misspelling of a declared one. Both names are given with their words.
fn slips((name, written): (&str, &Name), (declared, divided): (&str, &Name)) -> Option<usize> {
    if name == declared {
        return None;
    }
    let too_long = name.len() > LONGEST || declared.len() > LONGEST;
    if written.letters != divided.letters && (too_long || !may_begin_alike(name, declared)) {
        return None;
    }
    written.slips(divided)
}

/// Returns whether a name has a slip of the letters of a declared one. Another way of writing it, and an inflection, are not
/// slips: an object may have both `email` and `emails`.
pub fn is_slip(name: &str, declared: &str) -> bool {
    by_slips(name, [declared]).any(|(slips, _)| slips > INFLECTED)
}

/// Returns whether a name differs from a declared one in the unit at the end, or in that one of them has none.
pub fn is_in_other_unit(name: &str, declared: &str) -> bool {
    differ_in_unit(&Name::new(name), &Name::new(declared))
}

/// Returns the candidate that is nearest to a typed word, if one is near enough to be intended.
///
/// A [`misspelling`] is the nearest. Otherwise the distance is Damerau-Levenshtein on lower-cased text, at most a third
/// of the longer word, and a pair of different common words does not count; a tie goes to the first.
pub fn nearest<'c>(word: &str, candidates: impl IntoIterator<Item = &'c str> + Clone) -> Option<&'c str> {
    const FARTHEST: usize = 4;
    if let Some(misspelt) = misspelling(word, candidates.clone()) {
        return Some(misspelt);
    }
    let lower = word.to_lowercase();
    let (length, signature) = (lower.chars().count(), Signature::of(word));
    let mut best: Option<(usize, &str)> = None;
    for candidate in candidates {
        // The distance is at least the difference of the lengths.
        let longest = length.max(candidate.chars().count());
        if longest > LONGEST || longest - length.min(candidate.chars().count()) > FARTHEST {
            continue;
        }
        let farthest = longest.div_ceil(3).min(FARTHEST);
        let is_ascii = word.is_ascii() && candidate.is_ascii();
        if is_ascii && !signature.may_be_within(Signature::of(candidate), farthest) {
            continue;
        }
        let Some(distance) = edits_up_to(&lower, &candidate.to_lowercase(), farthest) else { continue };
        if distance < longest
            && best.is_none_or(|(least, _)| distance < least)
            && !Name::new(word).has_another_word(&Name::new(candidate))
        {
            best = Some((distance, candidate));
        }
    }
    best.map(|(_, candidate)| candidate)
}

/// Returns whether two names have the same letters and digits, apart from case and punctuation.
pub fn is_same_but_for_writing(a: &str, b: &str) -> bool {
    if a.is_ascii() && b.is_ascii() {
        return are_same(ascii_letters(a), ascii_letters(b));
    }
    are_same(letters(&compatible(a)), letters(&compatible(b)))
}

/// Returns a name with the usual characters in place of their compatible forms (NFKC), such as full-width letters. If the name has Latin
/// letters, or only letters that look like them, it has Latin letters in place of those of other scripts that look the same, by the table
/// of confusable characters (Unicode Technical Standard 39).
fn compatible(name: &str) -> Cow<'_, str> {
    let normal = ComposingNormalizerBorrowed::new_nfkc().normalize(name);
    let is_foreign = |c: char| !c.is_ascii() && c.is_alphabetic();
    let has_latin = || normal.contains(|c: char| c.is_ascii_alphabetic());
    let all_alike = || normal.chars().filter(|c| is_foreign(*c)).all(|c| latin_like(c).is_some());
    if !normal.contains(is_foreign) || !has_latin() && !all_alike() {
        return normal;
    }
    normal.chars().map(|c| if is_foreign(c) { latin_like(c).unwrap_or(c) } else { c }).collect::<String>().into()
}

/// Returns the first letter of a name that is of another script and looks like a Latin letter, and that Latin letter.
pub fn look_alike(name: &str) -> Option<(char, char)> {
    name.chars().filter(|c| !c.is_ascii() && c.is_alphabetic()).find_map(|c| Some((c, latin_like(c)?)))
}

/// Returns the Latin letter that a letter looks like.
fn latin_like(c: char) -> Option<char> {
    let mut encoded = [0; 4];
    let mut like = skeleton(c.encode_utf8(&mut encoded));
    like.next().filter(|first| first.is_ascii_alphabetic() && like.next().is_none())
}

/// Returns whether two names have the same letters, and at least one.
fn are_same<L: PartialEq>(mut a: impl Iterator<Item = L>, mut b: impl Iterator<Item = L>) -> bool {
    let first = a.next();
    first.is_some() && first == b.next() && a.eq(b)
}

/// Returns the letters and digits of an ASCII name, in lower case.
fn ascii_letters(name: &str) -> impl Iterator<Item = u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase())
}

/// Returns the letters and digits of a name, in lower case.
fn letters(name: &str) -> impl Iterator<Item = char> {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase)
}

/// Returns whether two names can be slips of each other by their first letters: the same one, the first two swapped, or
/// a letter of another script that may look the same.
fn begin_alike(a: &str, b: &str) -> bool {
    let first_two = |name: &str| {
        let mut letters = letters(name);
        (letters.next(), letters.next())
    };
    match (first_two(a), first_two(b)) {
        ((Some(a), after_a), (Some(b), after_b)) => {
            a == b || a.is_ascii() != b.is_ascii() || (after_a == Some(b) && after_b == Some(a))
        }
        _ => false,
    }
}

/// Returns whether two names can be misspellings of each other by their first letters.
fn may_begin_alike(a: &str, b: &str) -> bool {
    let lacks_first = |long: &str, short: &str| {
        let second = letters(long).nth(1);
        second.is_some() && second == letters(short).next()
    };
    begin_alike(a, b) || lacks_first(a, b) || lacks_first(b, a)
}

/// Returns the longer word if the other one is this word without its first letter.
fn with_first_letter<'w>(a: &'w str, b: &'w str) -> Option<&'w str> {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let mut rest = long.chars();
    let first = rest.next()?;
    (rest.as_str() == short && !first.is_numeric()).then_some(long)
}

/// A name divided into words.
#[derive(Debug)]
struct Name {
    /// The letters and digits of the name, in lower case.
    letters: String,
    /// The end of each word in `letters`.
    ends: Vec<usize>,
}

impl Name {
    /// Divides a name at punctuation, between letters and digits, before a capital after a small letter, and before the
    /// last capital of several (`SSOEnabled`). The plural of an acronym is one word (`userIDs`).
    fn new(name: &str) -> Self {
        if name.is_ascii() {
            return Self::divided(name.len(), |at| name.as_bytes().get(at).copied().map(char::from));
        }
        let chars: Vec<char> = compatible(name).chars().collect();
        Self::divided(chars.len(), |at| chars.get(at).copied())
    }

    /// Divides a name with a number of characters, which are given by their places.
    fn divided(count: usize, char_at: impl Fn(usize) -> Option<char>) -> Self {
        let (mut letters, mut ends) = (String::with_capacity(count), Vec::with_capacity(4));
        for (at, c) in (0..count).filter_map(|at| Some((at, char_at(at)?))) {
            let before = at.checked_sub(1).and_then(&char_at).filter(|before| before.is_alphanumeric());
            let after = |steps: usize| char_at(at + steps);
            if !c.is_alphanumeric() {
                continue;
            }
            let begins = match before {
                None => true,
                Some(before) if before.is_numeric() != c.is_numeric() => true,
                Some(before) if c.is_uppercase() && !before.is_uppercase() => true,
                Some(_) if c.is_uppercase() => {
                    let plural = after(1) == Some('s') && !after(2).is_some_and(|c| c.is_lowercase());
                    after(1).is_some_and(|c| c.is_lowercase()) && !plural
                }
                Some(_) => false,
            };
            if begins && !letters.is_empty() {
                ends.push(letters.len());
            }
            match c.is_ascii() {
                true => letters.push(c.to_ascii_lowercase()),
                false => letters.extend(c.to_lowercase()),
            }
        }
        if !letters.is_empty() {
            ends.push(letters.len());
        }
        Self { letters, ends }
    }

    fn signature(&self) -> Signature {
        Signature::of_letters(self.letters.chars())
    }

    fn words(&self) -> impl Iterator<Item = &str> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        starts.zip(&self.ends).map(|(start, end)| self.letters.get(start..*end).unwrap_or_default())
    }

    fn digits(&self) -> impl Iterator<Item = char> {
        self.letters.chars().filter(|c| c.is_numeric())
    }

    /// Returns how many slips lead from one name to the other, zero for another way of writing the same letters.
    fn slips(&self, other: &Self) -> Option<usize> {
        if self.letters.is_empty() || other.letters.is_empty() {
            return None;
        }
        if self.letters == other.letters {
            return Some(0);
        }
        if !self.digits().eq(other.digits()) {
            return None;
        }
        let inflected = self.ends.len() == other.ends.len()
            && self.words().zip(other.words()).all(|(a, b)| a == b || is_inflection(a, b));
        if inflected
            || self.without_at() == Some(other.letters.as_str())
            || other.without_at() == Some(self.letters.as_str())
            || differ_in_unit(self, other)
        {
            return Some(INFLECTED);
        }
        let (of_own, of_other) = (self.slips_in_one_word(other, true), other.slips_in_one_word(self, false));
        [of_own, of_other].into_iter().flatten().min()
    }

    /// Returns the letters without the last word, if that is `at`. After a past participle the name without it is
    /// another one: `locked` and `locked_at` are two properties.
    fn without_at(&self) -> Option<&str> {
        let end = self.ends.iter().rev().nth(1)?;
        let (before, last) = self.letters.split_at_checked(*end)?;
        (last == "at" && !before.ends_with("ed")).then_some(before)
    }

    /// Returns the slips in one word of this name, if all the others are the same. The other name may not be divided
    /// into words there: `lastlogn_at` is a misspelling of `last_login_at`.
    fn slips_in_one_word(&self, other: &Self, is_written: bool) -> Option<usize> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let slips = starts.zip(&self.ends).filter_map(|(start, end)| {
            let (before, after) = (self.letters.get(..start)?, self.letters.get(*end..)?);
            let middle = other.letters.strip_prefix(before)?.strip_suffix(after)?;
            let divided = other.ends.iter().any(|at| start < *at && *at < start + middle.len());
            let word = self.letters.get(start..*end).filter(|_| !divided)?;
            let (written, declared) = if is_written { (word, middle) } else { (middle, word) };
            let rest = before.chars().count() + after.chars().count();
            let in_rest = || slips_of_short_word(written, declared, rest);
            slips_of_word(word, middle).or_else(in_rest)
        });
        slips.min()
    }

    /// Returns whether a word of one name and the word in the same place of the other are different common words.
    fn has_another_word(&self, other: &Self) -> bool {
        self.ends.len() == other.ends.len()
            && self
                .words()
                .zip(other.words())
                .any(|(a, b)| a != b && !is_inflection(a, b) && is_common(a) && is_common(b))
    }
}

/// Returns how many slips lead from one word to the other; `None` for another word.
fn slips_of_word(a: &str, b: &str) -> Option<usize> {
    if is_inflection(a, b) {
        return Some(INFLECTED);
    }
    // A doubled first letter is a slip like any other.
    if let Some(long) = with_first_letter(a, b).filter(|_| a.chars().next() != b.chars().next()) {
        let is_slip = long.chars().count() > SHORTEST_WITHOUT_FIRST && !WITHOUT_FIRST_LETTER.contains(long);
        return is_slip.then_some(INFLECTED + 1);
    }
    if !begin_alike(a, b) || (is_common(a) && is_common(b)) || differ_in_ending(a, b) {
        return None;
    }
    let (long, short) = (a.chars().count().max(b.chars().count()), a.chars().count().min(b.chars().count()));
    let most = match (short, long) {
        (8.., _) => 2,
        (4.., 5..) => 1,
        // A short word with another letter is mostly another word: `role` and `rule`, `host` and `post`.
        (4.., 4) if swaps_letters(a, b) => 1,
        (2.., _) if doubles_letter(a, b) => 1,
        _ => 0,
    };
    if most == 0 || long - short > 1 {
        return None;
    }
    Some(INFLECTED + edits_up_to(a, b, most)?)
}

/// Returns how many slips lead from a declared short word to the written one; `rest` is the number of letters of the other words of the
/// name, which are the same. One of the two is a word of three letters or more, and the other one is neither a word nor a known
/// abbreviation. A declared abbreviation counts like a word. Another first letter is not a slip, and another letter in three letters is one
/// only of a declared word, because an abbreviation may be meant.
fn slips_of_short_word(written: &str, declared: &str, rest: usize) -> Option<usize> {
    let count = |word: &str| word.chars().count();
    let (short, long) = (count(written).min(count(declared)), count(written).max(count(declared)));
    if rest < SHORTEST_REST || short < 2 || long > LONGEST_SHORT {
        return None;
    }
    let is_word = |word: &str| count(word) >= 3 && SHORT_WORDS.contains(word);
    let is_unknown = |word: &str| !SHORT_WORDS.contains(word) && !ABBREVIATIONS.contains(word) && !is_common(word);
    let is_of_declared = is_unknown(written)
        && match short < long || swaps_letters(written, declared) || short >= 4 {
            true => is_word(declared) || count(declared) >= 3 && ABBREVIATIONS.contains(declared),
            false => short >= 3 && is_word(declared),
        };
    let is_of_written =
        is_word(written) && is_unknown(declared) && (short < long || swaps_letters(written, declared) || short >= 4);
    let is_slip = begin_alike(written, declared)
        && with_first_letter(written, declared).is_none()
        && (is_of_declared || is_of_written)
        && edits_up_to(written, declared, 1) == Some(1);
    is_slip.then_some(INFLECTED + 1)
}

/// Returns whether two words consist of the same letters.
fn swaps_letters(a: &str, b: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.sort_unstable();
        letters
    };
    sorted(a) == sorted(b)
}

/// Returns whether one word is the other with a letter doubled.
fn doubles_letter(a: &str, b: &str) -> bool {
    let single = |word: &str| {
        let mut letters: Vec<char> = word.chars().collect();
        letters.dedup();
        letters
    };
    single(a) == single(b)
}

/// Returns whether one word is the other with the ending of a plural or a past form.
fn is_inflection(a: &str, b: &str) -> bool {
    let (short, long) = if a.len() < b.len() { (a, b) } else { (b, a) };
    let ending = long.strip_prefix(short);
    let plural = short.strip_suffix('y').and_then(|stem| long.strip_prefix(stem));
    let past = short.chars().count() >= 3 && matches!(ending, Some("d" | "ed" | "es"));
    past || (short.chars().count() >= 2 && ending == Some("s")) || plural == Some("ies")
}

/// Returns whether two words have one stem and endings that make them different words.
fn differ_in_ending(a: &str, b: &str) -> bool {
    let stems = ENDINGS.iter().filter_map(|ending| a.strip_suffix(ending)).filter(|stem| stem.chars().count() >= 3);
    let other_ending = |stem: &str| b.strip_prefix(stem).filter(|ending| ENDINGS.contains(ending));
    let mut endings = stems.filter_map(other_ending);
    // `ed` and `d`, `er` and `or` end alike: that is a slip.
    endings.any(|ending| ending.chars().last() != a.chars().last())
}

/// Returns whether a word, or the word it is a plural or past form of, is in the list.
fn is_common(word: &str) -> bool {
    let words = &COMMON_WORDS;
    // `protectd` is not a form of `protect`.
    let takes = |stem: &str, ending: &str| match ending {
        "d" => stem.ends_with('e'),
        "ed" => !stem.ends_with('e'),
        "es" => stem.ends_with(['s', 'x', 'z', 'h', 'o']),
        _ => true,
    };
    let stem = |ending: &str| word.strip_suffix(ending).is_some_and(|stem| takes(stem, ending) && words.contains(stem));
    let plural = || word.strip_suffix("ies").is_some_and(|stem| words.contains(format!("{stem}y").as_str()));
    words.contains(word) || ["s", "d", "ed", "es"].into_iter().any(stem) || plural()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_divided_into_words() {
        let words = |name| Name::new(name).words().collect::<Vec<_>>().join(" ");
        let table = [
            ("expires_at", "expires at"),
            ("expiresAt", "expires at"),
            ("Expires-At", "expires at"),
            ("EXPIRES_AT", "expires at"),
            ("SSOEnabled", "sso enabled"),
            ("userIDs", "user ids"),
            ("APIsEnabled", "apis enabled"),
            ("oauth2Client", "oauth 2 client"),
            ("$ref", "ref"),
            ("__", ""),
            ("größeMax", "größe max"),
        ];
        for (name, expected) in table {
            assert_eq!(words(name), expected, "{name}");
        }
    }

    /// Written names that are misspellings of declared ones.
    pub(super) const MISSPELLINGS: &[(&str, &str)] = &[
        // Letters of other scripts that look the same.
        ("\u{435}nd_date", "end_date"),
        ("g\u{435}t_user_enabled", "get_user_enabled"),
        ("data_a\u{440}i", "data_api"),
        ("\u{3bf}wner", "owner"),
        ("\u{455}\u{441}\u{43e}\u{440}\u{435}", "scope"),
        // Another way of writing the same words.
        ("expiresAt", "expires_at"),
        ("Expires-At", "expires_at"),
        ("EXPIRES_AT", "expires_at"),
        ("expiresat", "expires_at"),
        ("ssoEnabled", "SSOEnabled"),
        ("userIds", "userIDs"),
        ("user_name", "username"),
        ("people", "People"),
        ("oAuth2Client", "oauth2_client"),
        ("expires\u{200b}_at", "expires_at"),
        ("ｅxpires＿at", "expires_at"),
        // Inflections.
        ("expire_at", "expires_at"),
        ("expireAt", "expires_at"),
        ("enable", "enabled"),
        ("user", "users"),
        ("policy", "policies"),
        ("last_logins_at", "last_login_at"),
        ("member_role", "members_roles"),
        ("expires", "expires_at"),
        ("lastLogin", "last_login_at"),
        // Slips in one word.
        ("expiers_at", "expires_at"),
        ("exprires_at", "expires_at"),
        ("expires_att", "expires_at_t"),
        ("enabeld", "enabled"),
        ("enbaled", "enabled"),
        ("enabld", "enabled"),
        ("two_setp", "two_step"),
        ("naem", "name"),
        ("namee", "name"),
        ("expires_att", "expires_at"),
        ("lastlogn_at", "last_login_at"),
        ("vissibility", "visibility"),
        ("pasword_policy", "password_policy"),
        ("organisation", "organization"),
        ("orgnaizaton", "organization"),
        ("recieved_at", "received_at"),
        ("seperator", "separator"),
        ("administrater", "administrator"),
        ("webhoks", "webhooks"),
        ("memebrs", "members"),
        ("wokrspaces", "workspaces"),
        ("owne", "owner"),
        ("еxpires_at", "expires_at"), // Cyrillic е
        ("defualt_branch", "default_branch"),
        ("allow_forkng", "allow_forking"),
        ("protectd", "protected"),
        // A missing first letter.
        ("nabled", "enabled"),
        ("isabled", "disabled"),
        ("tatus", "status"),
        ("otated_at", "rotated_at"),
        ("olicies", "policies"),
        ("last_ogins_at", "last_logins_at"),
        ("nname", "name"),
        ("ttag", "tag"),
        ("rroles", "roles"),
        ("enforcd", "enforced"),
        // Short words of longer names.
        ("en_date", "end_date"),
        ("edn_date", "end_date"),
        ("ned_date", "end_date"),
        ("get_usr_enabled", "get_user_enabled"),
        ("gte_user_enabled", "get_user_enabled"),
        ("getUsrEnabled", "get_user_enabled"),
        ("lst_seen", "last_seen"),
        ("opn_port", "open_port"),
        ("dta_api", "data_api"),
        ("idlee_timeout", "idle_timeout"),
        ("sdkk_authentication", "sdk_authentication"),
        ("memberss", "members"),
        ("accounnts", "accounts"),
        // Units.
        ("idle_timeout_hours", "idle_timeout_minutes"),
        ("idleTimeoutSecs", "idle_timeout_minutes"),
        ("idle_timeout", "idle_timeout_minutes"),
        ("retention_months", "retention_days"),
        ("max_size_kb", "max_size_mb"),
    ];

    /// Pairs of names that mean different things, from the interfaces of GitHub, Okta, Entra, AWS and Google Workspace.
    const OTHER_WORDS: &[(&str, &str)] = &[
        ("IncludeGroups", "ExcludeGroups"),
        ("includeUsers", "excludeUsers"),
        ("included", "excluded"),
        ("enabled", "disabled"),
        ("enable_sso", "disable_sso"),
        ("allow_list", "deny_list"),
        ("internal", "external"),
        ("internal_users", "interval_users"),
        ("import_policy", "export_policy"),
        ("min_length", "max_length"),
        ("first_name", "last_name"),
        ("startDate", "endDate"),
        ("valid_from", "valid_to"),
        ("notBefore", "notAfter"),
        ("created_at", "updated_at"),
        ("created_by", "created_at"),
        ("public_key", "private_key"),
        ("input", "output"),
        ("active", "inactive"),
        ("is_active", "is_inactive"),
        ("authorized", "unauthorized"),
        ("verified", "unverified"),
        ("locked_at", "blocked_at"),
        ("elections", "selections"),
        ("evaluation", "valuation"),
        ("raining", "training"),
        ("resent", "present"),
        ("events", "vents"),
        ("roles", "oles"),
        ("inbound", "outbound"),
        ("inbound", "unbound"),
        ("ingress", "egress"),
        ("encrypted", "decrypted"),
        ("unload", "upload"),
        ("login", "logon"),
        ("sign_in", "sign_on"),
        ("country", "county"),
        ("contact_id", "contract_id"),
        ("connections", "collections"),
        ("project", "protect"),
        ("production", "protection"),
        ("password", "passport"),
        ("thread", "threat"),
        ("audit", "audio"),
        ("export", "expert"),
        ("state", "status"),
        ("role", "rule"),
        ("host", "post"),
        ("form", "from"),
        ("url", "uri"),
        ("ad_users", "add_users"),
        ("use_enabled", "user_enabled"),
        ("wifi_enabled", "wiki_enabled"),
        ("mtls_enabled", "tls_enabled"),
        ("oauth_type", "auth_type"),
        ("gist_url", "git_url"),
        ("gmail_enabled", "mail_enabled"),
        ("apps_count", "apis_count"),
        ("uid_type", "id_type"),
        ("vcpu_count", "cpu_count"),
        ("etag_value", "tag_value"),
        ("scim_enabled", "scm_enabled"),
        ("saml_enabled", "sam_enabled"),
        ("prev_key", "priv_key"),
        ("csrf_token", "csr_token"),
        ("lat_seen", "last_seen"),
        ("data_app", "data_api"),
        ("data_apx", "data_api"),
        ("api_uri", "api_url"),
        ("on_time_only", "one_time_only"),
        ("valid_form", "valid_from"),
        ("sms_sent", "sns_sent"),
        ("is_oen", "is_one"),
        ("locked", "locked_at"),
        ("created", "created_at"),
        ("id", "ip"),
        ("ids", "ip"),
        ("mfa", "mfs"),
        ("sha1", "sha256"),
        ("line1", "line2"),
        ("ipv4_enabled", "ipv6_enabled"),
        ("oauth", "oauth2"),
        ("expired", "expires"),
        ("owned", "owner"),
        ("manage", "manager"),
        ("schedule", "scheduler"),
        ("issue", "issuer"),
        ("grantee", "granter"),
        ("assignee", "assigned"),
        ("employee", "employer"),
        ("invited", "invitee"),
        ("enabled_at", "enabled"),
        ("location_id", "location"),
        ("group_a", "group"),
        ("is_admin", "admin"),
        ("name", "full_name"),
        ("email", "emails_sent"),
        ("secret", "secretary"),
        ("access_key", "access_keys_2"),
        ("read_only", "write_only"),
        ("maximum", "minimum"),
        ("sender", "gender"),
        ("severity", "security"),
        ("prefix", "suffix"),
        ("days", "hours"),
        ("session", "session_days"),
        ("retention_days", "retention_kb"),
        ("retention_days", "retention_at"),
        ("idle_timeout_days", "absolute_timeout_hours"),
        ("window_2_days", "window_3_hours"),
        ("_", "-"),
        ("x", "y"),
        ("", "a"),
    ];

    #[test]
    fn another_way_of_writing_and_slips_are_misspellings() {
        for (written, declared) in MISSPELLINGS {
            assert_eq!(misspelling(written, [*declared]), Some(*declared), "{written}");
            assert_eq!(misspelling(declared, [*written]), Some(*written), "{declared}");
        }
    }

    #[test]
    fn slips_of_declared_abbreviations_and_words_of_three_letters_are_misspellings() {
        for (written, declared) in [
            ("ent_date", "end_date"),
            ("data_aip", "data_api"),
            ("data_ap", "data_api"),
            ("skd_authentication", "sdk_authentication"),
        ] {
            assert_eq!(misspelling(written, [declared]), Some(declared), "{written}");
            // The declared one may be an abbreviation that is in no list.
            assert_eq!(misspelling(declared, [written]), None, "{declared}");
        }
        for (written, declared) in [("act_enabled", "ach_enabled"), ("bin_code", "bic_code"), ("let_code", "lei_code")]
        {
            assert_eq!(misspelling(written, [declared]), None, "{written}");
        }
    }

    #[test]
    fn another_word_is_not_a_misspelling() {
        for (written, declared) in OTHER_WORDS {
            assert_eq!(misspelling(written, [*declared]), None, "{written} for {declared}");
            assert_eq!(misspelling(declared, [*written]), None, "{declared} for {written}");
        }
    }

    #[test]
    fn the_declared_name_with_the_fewest_slips_is_meant() {
        assert_eq!(misspelling("expiresAt", ["expire_at", "expires_at"]), Some("expires_at"));
        assert_eq!(misspelling("usr_ids", ["usr_idz", "usr_id"]), Some("usr_id"));
        assert_eq!(misspelling("expires_at", ["expires_at"]), None);
        assert_eq!(misspellings("rolees", ["role", "roles", "rule"]), ["role", "roles"]);
        assert_eq!(misspellings("rolse", ["users", "rolls", "roles"]), ["roles"]);
    }

    #[test]
    fn long_names_may_differ_in_writing_only() {
        let long = "expires_".repeat(100);
        assert_eq!(misspelling(&long.to_uppercase(), [long.as_str()]), Some(long.as_str()));
        assert_eq!(misspelling(&format!("{long}expiers"), [format!("{long}expires").as_str()]), None);
    }

    #[test]
    fn only_slips_of_letters_are_noticed_beside_the_declared_name() {
        for (written, declared) in [("usres", "users"), ("lastlogn_at", "last_login_at"), ("memebrs", "members")] {
            assert!(is_slip(written, declared), "{written}");
        }
        for (written, declared) in [
            ("emails", "email"),
            ("userName", "user_name"),
            ("expires", "expires_at"),
            ("role", "rule"),
            ("age_days", "age_hours"),
            ("a", "a"),
        ] {
            assert!(!is_slip(written, declared), "{written}");
        }
    }

    #[test]
    fn nearest_finds_slips_and_not_strangers() {
        let words = ["severity", "title", "source"];
        assert_eq!(nearest("severty", words), Some("severity"));
        assert_eq!(nearest("Tilte", words), Some("title"));
        assert_eq!(nearest("remediation", words), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("SEVERITY", words), Some("severity"));
        assert_eq!(nearest("ExcludeGroups", ["IncludeGroups"]), None);
        assert_eq!(nearest("MOE-AUTH-1", ["MOE-AUTH-01"]), Some("MOE-AUTH-01"));
    }
}
