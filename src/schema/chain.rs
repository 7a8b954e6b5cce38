//! Chains: the readers of one `@as`, each of which reads what the one before it gives.
//!
//! A chain applies to one text, or to every element of a list. A reader of a set in a chain makes elements of one text;
//! the readers after it apply to each of them, and sets in a set are joined.

use super::lacking::{Lacking, LackingWords, quoted};
use super::reader::{Caution, Datum, DatumType, Given, Reader, WrongShape, folded, separates};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

/// Readers in the order in which they read; at least one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "(String, Vec<String>)", into = "(String, Vec<String>)")]
pub struct Chain {
    readers: Arc<[Reader]>,
    /// The words of the enumerated type that the chain reads, in folded form.
    choices: Arc<[String]>,
}

/// The type of what a reader gives in a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The type of the value, or of the elements of a set.
    pub ty: DatumType,
    /// Whether it is a set.
    pub is_set: bool,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_set { self.ty.many() } else { self.ty.one() })
    }
}

/// The problem of a text that is not a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ChainError {
    /// Its place in the text.
    pub at: Range<usize>,
    /// The problem.
    pub message: String,
    /// The remedy; `None` for the name of an unknown reader.
    pub help: Option<String>,
}

/// The result of reading one value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Read {
    /// The value, or the known elements of a set.
    pub data: Vec<Datum>,
    /// Whether a set has further elements that a word of `@unknown` replaces.
    pub is_open: bool,
    /// The first problem of the value, or of an element, which is then unreadable.
    pub wrong: Option<WrongShape>,
    /// Warnings.
    pub cautions: Vec<Caution>,
}

impl Chain {
    /// Reads the text of an `@as`, such as `split(","), casefold`, with the place of each reader in it.
    pub(super) fn parse(text: &str) -> Result<(Self, Vec<Range<usize>>), ChainError> {
        let (mut readers, mut places) = (Vec::new(), Vec::new());
        let mut at = 0;
        loop {
            let (reader, place, end) = reader_at(text, at)?;
            readers.push(reader);
            places.push(place);
            let rest = text.get(end..).unwrap_or_default().trim_start();
            let here = text.len() - rest.len();
            match rest.strip_prefix(',') {
                Some(_) => at = here + 1,
                None if rest.is_empty() => {
                    return Ok((Self { readers: readers.into(), choices: Arc::default() }, places));
                }
                None => {
                    let message = "a comma separates readers".to_owned();
                    let help = Some("write a comma before the next reader".to_owned());
                    return Err(ChainError { at: here..text.len(), message, help });
                }
            }
        }
    }

    /// Returns the chain for an enumerated type with these words, as the chain gives them.
    pub(super) fn for_choices(self, choices: Vec<String>) -> Self {
        Self { choices: choices.into(), ..self }
    }

    /// Returns the place of the word of its enumerated type that a text is.
    pub fn choice(&self, text: &str) -> Option<usize> {
        self.choices.iter().position(|choice| choice == text)
    }

    /// Returns the readers.
    pub fn readers(&self) -> &[Reader] {
        &self.readers
    }

    /// Returns the reader of a chain of one.
    pub fn only(&self) -> Option<&Reader> {
        match &*self.readers {
            [only] => Some(only),
            _ => None,
        }
    }

    /// Returns the first reader.
    pub fn first(&self) -> Option<&Reader> {
        self.readers.first()
    }

    /// Returns whether a reader makes a set of one text.
    pub fn makes_set(&self) -> bool {
        self.readers.iter().any(Reader::gives_set)
    }

    /// Returns whether its value is a number of elements or characters.
    pub fn counts(&self) -> bool {
        self.readers.last().is_some_and(Reader::counts)
    }

    /// Returns what each reader gives, for one value or for the elements of a list.
    ///
    /// # Errors
    /// The place of a reader that does not take what the one before it gives.
    pub(super) fn shapes(&self, is_list: bool) -> Result<Vec<Shape>, usize> {
        let mut shapes: Vec<Shape> = Vec::new();
        for (at, reader) in self.readers.iter().enumerate() {
            let before = shapes.last();
            let counts = reader.counts() && before.is_some_and(|before| before.is_set);
            if before.is_some_and(|before| !counts && !reader.takes().contains(&before.ty)) {
                return Err(at);
            }
            let was_set = before.map_or(is_list, |before| before.is_set);
            let is_set = !reader.counts() && (was_set || reader.gives_set());
            shapes.push(Shape { ty: reader.gives(), is_set });
        }
        Ok(shapes)
    }

    /// Returns whether it gives texts in folded form.
    pub fn folds(&self) -> bool {
        self.gives_text() && self.readers.iter().any(Reader::folds)
    }

    /// Returns whether it gives texts.
    pub fn gives_text(&self) -> bool {
        self.readers.last().is_some_and(|last| last.gives() == DatumType::Text)
    }

    /// Returns the form of a text in which it can be equal to a text that the chain gives. Returns `None` if the chain
    /// does not give texts, or cannot give this text.
    pub fn folded(&self, text: &str) -> Option<String> {
        let mut form = self.gives_text().then(|| text.trim().to_owned())?;
        for (at, reader) in self.readers.iter().enumerate() {
            match reader {
                // Domains and letters with case are folded from other characters, which do not separate.
                Reader::Split(separators)
                    if self.readers.iter().skip(at + 1).all(|reader| *reader == Reader::Casefold)
                        && form.contains(|c| separates(separators, c) && !c.is_alphabetic()) =>
                {
                    return None;
                }
                reader if reader.folds() => form = folded(reader, &form)?,
                _ => {}
            }
        }
        self.readers.last().is_some_and(|last| last.gives_text(&form)).then_some(form)
    }

    /// Returns the text that it can give and that a text means.
    pub(crate) fn meant(&self, text: &str) -> Option<String> {
        self.folded(text).or_else(|| self.folded(&self.readers.last()?.meant(text)?))
    }

    /// Returns the reason why it does not give a text.
    pub(crate) fn refusal(&self, text: &str) -> String {
        match self.readers.last() {
            Some(last) if self.folded(text).is_none() || !self.folds() => format!("it is not {}", last.shape()),
            _ => "it is not in folded form".to_owned(),
        }
    }

    /// Returns the first character of a text that no text that it gives has.
    pub(crate) fn never_gives(&self, text: &str) -> Option<char> {
        let last = self.readers.last()?;
        text.chars().find(|c| last.never_gives(*c))
    }
    /// Reads one value. Words for missing elements are those of the set that a reader makes.
    pub fn read(&self, datum: Datum, words: &LackingWords) -> Read {
        let mut read = Read { data: vec![datum], ..Read::default() };
        let mut is_set = false;
        for (at, reader) in self.readers.iter().enumerate() {
            if is_set && reader.counts() {
                Self::count(&mut read);
                is_set = false;
                continue;
            }
            let mut data = Vec::new();
            for datum in std::mem::take(&mut read.data) {
                match reader.apply(&datum, &mut read.cautions) {
                    Ok(Given::One(one)) => data.push(one),
                    Ok(Given::Set(elements)) => data.extend(elements),
                    Err(wrong) => {
                        read.wrong.get_or_insert(wrong);
                    }
                }
            }
            // The pieces of a text are elements before their first reader.
            let splits = matches!(reader, Reader::Split(_)) && !words.is_empty();
            if splits && self.readers.iter().position(Reader::gives_set) == Some(at) {
                data.retain(|datum| match datum {
                    Datum::Text(text) => {
                        let meaning = words.meaning(text);
                        read.is_open |= meaning == Some(Lacking::Unknown);
                        meaning.is_none()
                    }
                    _ => true,
                });
            }
            read.data = data;
            is_set |= reader.gives_set();
        }
        read
    }

    /// Replaces the known elements of a set by their number.
    fn count(read: &mut Read) {
        read.data.sort_by_cached_key(|datum| format!("{datum:?}"));
        read.data.dedup();
        read.data = vec![Datum::Whole(i64::try_from(read.data.len()).unwrap_or(i64::MAX))];
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, reader) in self.readers.iter().enumerate() {
            write!(f, "{}{reader}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}

impl From<Chain> for (String, Vec<String>) {
    fn from(chain: Chain) -> Self {
        (chain.to_string(), chain.choices.to_vec())
    }
}

impl TryFrom<(String, Vec<String>)> for Chain {
    type Error = String;

    fn try_from((text, choices): (String, Vec<String>)) -> Result<Self, String> {
        let (chain, _) = Self::parse(&text).map_err(|error| error.message)?;
        Ok(chain.for_choices(choices))
    }
}

/// Reads one reader of a chain: the reader, its place and the place after it.
fn reader_at(text: &str, from: usize) -> Result<(Reader, Range<usize>, usize), ChainError> {
    let rest = text.get(from..).unwrap_or_default();
    let start = text.len() - rest.trim_start().len();
    let rest = rest.trim_start();
    let length = rest.find(|c: char| c == ',' || c == '(' || c.is_whitespace()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(length);
    if name.is_empty() {
        let message = "a reader is missing".to_owned();
        let help = Some("write the name of a reader, or remove the comma".to_owned());
        return Err(ChainError { at: from.min(start)..text.len().min(start + 1), message, help });
    }
    let blank = after.len() - after.trim_start().len();
    let (argument, end) = match after.trim_start().strip_prefix('(') {
        Some(_) => {
            let (argument, end) = argument(text, start + length + blank + 1)?;
            (Some(argument), end)
        }
        None => (None, start + length),
    };
    let place = start..end;
    match Reader::named(name, argument.as_deref()) {
        Some(Ok(reader)) => Ok((reader, place, end)),
        Some(Err((message, help))) => Err(ChainError { at: place, message, help: Some(help) }),
        None => Err(ChainError { at: start..start + length, message: format!("unknown reader `{name}`"), help: None }),
    }
}

/// Reads the argument of a reader, in double quotes or without, and the place after its parenthesis.
fn argument(text: &str, from: usize) -> Result<(String, usize), ChainError> {
    let open = || ChainError {
        at: from.saturating_sub(1)..text.len(),
        message: "the parenthesis of an argument is not closed".to_owned(),
        help: Some("write `)` after the argument".to_owned()),
    };
    let rest = text.get(from..).unwrap_or_default();
    let start = text.len() - rest.trim_start().len();
    let (argument, end) = match quoted(text, start) {
        Some(quoted) => quoted.map_err(|()| open())?,
        None => {
            let length = rest.find(')').ok_or_else(open)?;
            let (argument, _) = rest.split_at(length);
            (argument.trim().to_owned(), from + length)
        }
    };
    let after = text.get(end..).unwrap_or_default();
    match after.trim_start().strip_prefix(')') {
        Some(after) => Ok((argument, text.len() - after.len())),
        None => Err(open()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(text: &str) -> Chain {
        Chain::parse(text).unwrap_or_else(|error| panic!("{text}: {error:?}")).0
    }

    fn read(text: &str, given: &str) -> Read {
        let words = LackingWords::new(vec!["tbd".into()], vec!["-".into()]);
        chain(text).read(Datum::Text(given.to_owned()), &words)
    }

    fn texts(read: &Read) -> Vec<&str> {
        read.data.iter().map(|datum| if let Datum::Text(text) = datum { text.as_str() } else { "?" }).collect()
    }

    #[test]
    fn a_chain_is_shown_as_it_is_parsed() {
        for (text, shown) in [
            ("casefold", "casefold"),
            (r#" split(",") ,casefold"#, r#"split(","), casefold"#),
            (r#"split("\"\\")"#, r#"split("\"\\")"#),
            ("split(;)", r#"split(";")"#),
            ("date( %d/%m/%Y %H:%M ), zone(europe/berlin)", r#"date("%d/%m/%Y %H:%M"), zone("Europe/Berlin")"#),
            ("email , length", "email, length"),
        ] {
            assert_eq!(chain(text).to_string(), shown);
            assert_eq!(chain(shown).to_string(), shown);
        }
    }

    #[test]
    fn an_error_has_the_place_of_its_reader() {
        for (text, at, message) in [
            ("", 0..0, "a reader is missing"),
            ("casefold,", 9..9, "a reader is missing"),
            ("casefold, emale", 10..15, "unknown reader `emale`"),
            ("split, casefold", 0..5, "`split` lacks its argument"),
            ("split(\"\")", 0..9, "`split` has no separator"),
            ("casefold(x)", 0..11, "`casefold` does not take an argument"),
            ("email, split(,", 12..14, "the parenthesis of an argument is not closed"),
            ("split(\",\" x)", 5..12, "the parenthesis of an argument is not closed"),
            ("email casefold", 6..14, "a comma separates readers"),
            ("date(%d)", 0..8, "`%d` does not give the day"),
            ("zone(Nowhere)", 0..13, "`Nowhere` is not a time zone"),
        ] {
            let error = Chain::parse(text).unwrap_err();
            assert_eq!((error.at, error.message.as_str()), (at, message), "{text}");
        }
        let blank = Chain::parse("split(\", \")").unwrap_err();
        assert!(blank.help.is_some_and(|help| help.contains("trimmed")));
    }

    #[test]
    fn readers_apply_to_the_elements_of_a_set() {
        assert_eq!(texts(&read("split(\",;\"), casefold", " A;b,, C ")), ["a", "b", "c"]);
        // The Greek question mark is an encoding of the semicolon.
        assert_eq!(texts(&read("split(;), casefold", "A\u{37e}B")), ["a", "b"]);
        assert_eq!(texts(&read("email-domain, parents", "x@A.b.Example")), ["a.b.example", "b.example", "example"]);
        assert_eq!(texts(&read("split(\",\"), email-domain, parents", "x@a.b,y@c")), ["a.b", "b", "c"]);
        assert_eq!(texts(&read("parents", "10.0.0.1")), ["10.0.0.1"]);
        assert_eq!(texts(&read("parents", "\u{fffd}.B\u{fc}cher")), ["\u{fffd}.b\u{fc}cher", "xn--bcher-kva"]);
        for odd in ["", "a..b", "a b", ".a", &"a.".repeat(200)] {
            assert!(read("parents", odd).wrong.is_some(), "{odd}");
        }
        assert_eq!(read("split(\",\"), length", "a,b,a").data, [Datum::Whole(2)]);
        assert_eq!(read("email-local, length", "abc@x").data, [Datum::Whole(3)]);
    }

    #[test]
    fn an_element_that_cannot_be_read_is_not_an_element() {
        let found = read("split(\",\"), days", "1, x, 2");
        assert_eq!(found.data, [Datum::Duration(86_400_000), Datum::Duration(172_800_000)]);
        assert_eq!(found.wrong.map(|wrong| wrong.expected), Some("a number of days".into()));
    }

    #[test]
    fn words_replace_the_pieces_of_a_text() {
        let found = read("split(\",\"), casefold", "A, -, TBD");
        assert_eq!((texts(&found), found.is_open), (vec!["a"], true));
        let found = read("split(\",\"), casefold", "A, -");
        assert_eq!((texts(&found), found.is_open), (vec!["a"], false));
    }

    #[test]
    fn each_reader_takes_what_the_one_before_it_gives() {
        let shown = |text: &str, is_list| {
            let shapes = chain(text).shapes(is_list);
            shapes.map(|shapes| shapes.iter().map(Shape::to_string).collect::<Vec<_>>().join(", "))
        };
        assert_eq!(shown("split(,), days", false).as_deref(), Ok("a set of texts, a set of durations"));
        assert_eq!(shown("casefold", true).as_deref(), Ok("a set of texts"));
        assert_eq!(shown("casefold, split(,), length", false).as_deref(), Ok("a text, a set of texts, a whole number"));
        assert_eq!(shown("date(%d/%m/%Y), zone(UTC)", false).as_deref(), Ok("a date, a time"));
        assert_eq!(shown("number, days", false).as_deref(), Ok("a number, a duration"));
        for wrong in ["days, casefold", "casefold, bool, split(,)", "epoch-seconds, zone(UTC)", "length, days"] {
            assert!(shown(wrong, false).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_text_has_the_form_in_which_it_can_be_equal() {
        assert_eq!(chain("split(,), casefold").folded("Ab").as_deref(), Some("ab"));
        assert_eq!(chain("casefold, split(,)").folded("Ab").as_deref(), Some("ab"));
        assert_eq!(chain("split(,), casefold").folded("a,b"), None);
        assert_eq!(chain("split(,)").folded(" Ab").as_deref(), Some("Ab"));
        assert_eq!(chain("split(,)").folded("a,b"), None);
        assert_eq!(chain("split(,)").folded(" "), None);
        assert_eq!(chain("split(;), email").folded("A"), None);
        assert_eq!(chain("split(;), email").folded("A@x.example").as_deref(), Some("a@x.example"));
        assert_eq!(chain("casefold, split(k)").folded("k"), None);
        // Not split, but folded to the separator.
        assert_eq!(chain("split(k), casefold").folded("k").as_deref(), Some("k"));
        assert_eq!(chain("split(.), parents").folded("a\u{3002}b").as_deref(), Some("a.b"));
        assert_eq!(
            chain("email-domain, parents").folded("B\u{fc}cher.example").as_deref(),
            Some("xn--bcher-kva.example")
        );
        assert_eq!(chain("casefold, length").folded("Ab"), None);
    }
}
