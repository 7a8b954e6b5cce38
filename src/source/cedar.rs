//! Limits of Cedar texts: the size, the nesting and the expanded size of a policy or schema file.
//!
//! Cedar's parser and validator recurse, and some of Cedar's syntax is shorthand for a larger tree. One pass over the
//! tokens bounds both before the parser reads the text. This module does not decide whether a text is valid Cedar.

use super::{Span, byte_offset};
use memchr::{memchr_iter, memchr2};

/// The length of one Cedar file, in bytes.
pub const MAX_BYTES: usize = 1 << 20;
/// The number of policies of one file.
pub const MAX_POLICIES: usize = 20_000;
/// The nesting of brackets and `if` in a policy or a schema.
pub const MAX_NESTING: usize = 200;
/// The depth of the syntax tree of one policy. A chain of operators is as deep as it is long.
pub const MAX_DEPTH: usize = 2_000;
/// The number of tokens that one policy expands to.
pub const MAX_PARTS: usize = 100_000;
/// The number of attributes of one record of a schema. Cedar's parser compares each with all others.
pub const MAX_ATTRIBUTES: usize = 4_096;
/// The length of one name with its namespaces, in bytes.
pub const MAX_NAME: usize = 1_000;
/// The length of one string of a schema or one annotation of a policy, in bytes.
pub const MAX_STRING: usize = 16 << 10;

/// The stack on which trees within these limits are walked, in bytes: [`MAX_DEPTH`] times what Cedar's validator takes
/// for an operator, and a reserve.
const STACK: usize = 32 << 20;

/// Calls a function on a stack that is large enough to walk trees within these limits, on any thread.
pub fn on_deep_stack<R>(walk: impl FnOnce() -> R) -> R {
    stacker::maybe_grow(STACK, 2 * STACK, walk)
}

/// A limit that a text exceeds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excess {
    /// The token that is too much.
    pub span: Span,
    /// The limit.
    pub message: String,
    /// The remedy.
    pub help: &'static str,
}

impl Excess {
    fn new(span: Span, message: String, help: &'static str) -> Self {
        Self { span, message, help }
    }
}

/// A token of a Cedar text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Token<'t> {
    /// An identifier, a keyword or a number.
    Word(&'t str),
    /// A string with its quotes.
    Text(&'t str),
    /// An operator, a bracket or another sign.
    Sign(&'t str),
}

/// Returns the tokens of a Cedar text with their places; blanks and comments are not tokens.
pub fn tokens(text: &str) -> impl Iterator<Item = (Span, Token<'_>)> {
    let bytes = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        loop {
            let start = at;
            let first = *bytes.get(at)?;
            at += length(bytes.get(at..)?);
            let span = Span::from(start..at);
            // A cut inside a character is not possible: every byte that is not ASCII belongs to a word.
            let token = text.get(start..at).unwrap_or_default();
            match first {
                b'/' if token.starts_with("//") => {}
                b'"' => return Some((span, Token::Text(token))),
                first if is_word(first) => return Some((span, Token::Word(token))),
                first if is_blank(first) => {}
                _ => return Some((span, Token::Sign(token))),
            }
        }
    })
}

/// Returns the length of the token that a text begins with.
fn length(rest: &[u8]) -> usize {
    const SIGNS: [&[u8]; 7] = [b"::", b"&&", b"||", b"==", b"!=", b"<=", b">="];
    match rest {
        [b'"', ..] => {
            let mut at = 1;
            loop {
                let Some(end) = rest.get(at..).and_then(|inner| memchr2(b'"', b'\\', inner)) else { return rest.len() };
                at += end;
                if rest.get(at) == Some(&b'"') {
                    return at + 1;
                }
                at += 2;
            }
        }
        // Cedar ends a comment at a carriage return too.
        [b'/', b'/', ..] => memchr2(b'\n', b'\r', rest).unwrap_or(rest.len()),
        [first, ..] if is_word(*first) => rest.iter().position(|byte| !is_word(*byte)).unwrap_or(rest.len()),
        [first, ..] if is_blank(*first) => rest.iter().position(|byte| !is_blank(*byte)).unwrap_or(rest.len()),
        _ if SIGNS.iter().any(|sign| rest.starts_with(sign)) => 2,
        _ => 1,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

fn is_blank(byte: u8) -> bool {
    byte.is_ascii_whitespace() || byte == 0x0b
}

/// Cuts the text of a policy file after every `;`.
pub fn pieces(text: &str) -> Vec<Span> {
    let (mut cuts, mut start) = (Vec::new(), 0);
    for (span, _) in tokens(text).filter(|(_, token)| *token == Token::Sign(";")) {
        cuts.push(Span::new(start, span.end));
        start = span.end;
    }
    if text.get(start as usize..).is_some_and(|rest| !rest.trim().is_empty()) {
        cuts.push(Span::new(start, byte_offset(text.len())));
    }
    cuts
}

/// Returns the limit of all Cedar files that a file exceeds.
fn file(text: &str) -> Option<Excess> {
    let message = || format!("the file is longer than {} KiB", MAX_BYTES >> 10);
    (text.len() > MAX_BYTES).then(|| Excess::new(Span::new(0, 0), message(), "divide it into several files"))
}

/// Returns the limit on the whole of a policy file that it exceeds.
pub fn policies(text: &str) -> Option<Excess> {
    file(text).or_else(|| {
        // Each policy has a `;`, but maybe the last.
        if memchr_iter(b';', text.as_bytes()).count() < MAX_POLICIES {
            return None;
        }
        let first = *pieces(text).get(MAX_POLICIES)?;
        let message = format!("a file has at most {MAX_POLICIES} policies");
        Some(Excess::new(first, message, "divide it into several files"))
    })
}

/// Returns the first limit that a schema file exceeds.
pub fn schema(text: &str) -> Option<Excess> {
    let mut measure = Measure { grammar: Grammar::Schema, ..Measure::default() };
    file(text).or_else(|| tokens(text).find_map(|(span, token)| measure.add(span, token)))
}

/// Returns for each of the [`pieces`] of a policy file the first limit that it exceeds.
pub fn excesses(text: &str) -> Vec<Option<Excess>> {
    let (mut excesses, mut measure, mut excess, mut end) = (Vec::new(), Measure::default(), None, 0);
    for (span, token) in tokens(text) {
        if excess.is_none() {
            excess = measure.add(span, token);
        }
        if token == Token::Sign(";") {
            excesses.push(excess.take());
            measure = Measure::default();
            end = span.end;
        }
    }
    if text.get(end as usize..).is_some_and(|rest| !rest.trim().is_empty()) {
        excesses.push(excess);
    }
    excesses
}

/// Counts the tokens that the text of one policy expands to.
pub fn parts(text: &str) -> usize {
    let mut measure = Measure::default();
    for (span, token) in tokens(text) {
        // The count goes on behind a limit.
        let _ = measure.add(span, token);
    }
    measure.open.iter().fold(measure.here.size(), |sum, level| sum.saturating_add(level.size()))
}

/// The language of a text.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Grammar {
    #[default]
    Policy,
    Schema,
}

/// The part of a text that has been read: one [`Level`] for every open bracket.
#[derive(Debug, Default)]
struct Measure {
    grammar: Grammar,
    /// The innermost level.
    here: Level,
    /// The levels around it.
    open: Vec<Level>,
    /// `if`s in all levels that are open.
    ifs: usize,
    /// Bytes of the name that the next token belongs to, if it is one.
    name: usize,
    /// Whether the last token is `::`, so that the name goes on.
    continues: bool,
    /// Whether the last token makes a name of the next, even of a keyword.
    names_next: bool,
}

impl Measure {
    /// Reads a token; returns the limit that it exceeds.
    fn add(&mut self, span: Span, token: Token<'_>) -> Option<Excess> {
        let is_name = std::mem::take(&mut self.names_next);
        self.here.operand = self.here.operand.saturating_add(1);
        match token {
            Token::Text(text) if text.len() > MAX_STRING => {
                let message = format!("a string of {} bytes: at most {MAX_STRING} are read", text.len());
                return Some(Excess::new(span, message, "shorten it"));
            }
            Token::Text(_) => self.name = 0,
            Token::Word(word) => {
                if !std::mem::take(&mut self.continues) {
                    self.name = 0;
                }
                self.name = self.name.saturating_add(word.len());
                if self.name > MAX_NAME {
                    let message = format!("a name of more than {MAX_NAME} bytes");
                    return Some(Excess::new(span, message, "shorten it"));
                }
                match self.grammar {
                    Grammar::Policy if !is_name => self.keyword(word),
                    _ => {}
                }
            }
            Token::Sign(sign) => {
                self.continues = sign == "::";
                self.name = self.name.saturating_add(sign.len());
                self.sign(sign);
            }
        }
        self.excess(span)
    }

    fn keyword(&mut self, word: &str) {
        match word {
            "if" => {
                self.here.complete(LIST);
                self.here.ifs += 1;
                self.ifs += 1;
            }
            "then" | "else" => self.here.complete(LIST),
            "has" | "like" => self.here.compare(),
            "is" => {
                let left = self.here.operand.saturating_sub(1);
                self.here.compare();
                self.here.left_of_is = left;
            }
            "in" => {
                // `a is T in b` is shorthand for `a is T && a in b`.
                let left = self.here.left_of_is;
                self.here.compare();
                self.here.size = self.here.size.saturating_add(left);
            }
            _ => {}
        }
    }

    fn sign(&mut self, sign: &str) {
        match (sign, self.grammar) {
            ("(" | "[" | "{", _) | ("<", Grammar::Schema) => {
                self.here.depth[OPERAND] += 1;
                self.open.push(std::mem::take(&mut self.here));
            }
            (")" | "]" | "}", _) | (">", Grammar::Schema) => {
                let Some(around) = self.open.pop() else { return };
                let inside = std::mem::replace(&mut self.here, around);
                self.ifs -= inside.ifs;
                self.here.deepest[OPERAND] = self.here.deepest[OPERAND].max(inside.tree());
                self.here.operand = self.here.operand.saturating_add(inside.size());
            }
            ("||", _) => self.here.chain(OR),
            ("&&", _) => self.here.chain(AND),
            ("==" | "!=" | "<" | "<=" | ">" | ">=", _) => self.here.compare(),
            ("+" | "-" | "*" | "!", _) => self.here.depth[OPERAND] += 1,
            ("." | "@", _) => {
                self.here.depth[OPERAND] += 1;
                self.names_next = true;
            }
            ("," | ":", _) => {
                self.here.colons += usize::from(sign == ":");
                self.ifs -= self.here.ifs;
                self.here.next_element();
            }
            _ => {}
        }
    }

    fn excess(&self, span: Span) -> Option<Excess> {
        if self.open.len() + self.ifs > MAX_NESTING {
            let (what, help) = match self.grammar {
                Grammar::Policy => {
                    ("brackets and `if`", "divide the policy, or derive an attribute for its inner part")
                }
                Grammar::Schema => ("brackets", "name the inner types"),
            };
            return Some(Excess::new(span, format!("{what} nested deeper than {MAX_NESTING} levels"), help));
        }
        if self.grammar == Grammar::Schema {
            let message = || format!("a record of more than {MAX_ATTRIBUTES} attributes");
            let help = "declare fewer attributes, or divide the record";
            return (self.here.colons > MAX_ATTRIBUTES).then(|| Excess::new(span, message(), help));
        }
        if self.here.tree() > MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} operators, each an operand of the next");
            return Some(Excess::new(span, message, "divide the policy, or compare with a set: `[..].contains(..)`"));
        }
        if self.here.size() > MAX_PARTS {
            let message = format!("the policy has more than {MAX_PARTS} parts");
            return Some(Excess::new(span, message, "divide the policy"));
        }
        None
    }
}

/// Parts of an element of a list, operands of `||`, operands of `&&`, and what is inside these: the looser first.
const LIST: usize = 0;
const OR: usize = 1;
const AND: usize = 2;
const OPERAND: usize = 3;

/// The inside of a bracket, as far as it has been read.
#[derive(Debug, Default)]
struct Level {
    /// `if`s: each may be inside the one before it.
    ifs: usize,
    /// Operators of the chains that are being read.
    depth: [usize; 4],
    /// The depth of the deepest complete operand of these chains.
    deepest: [usize; 4],
    /// The depth of the deepest complete element of a list.
    elements: usize,
    /// Tokens of the side of a comparison that is being read.
    operand: usize,
    /// Tokens of everything before it.
    size: usize,
    /// Colons: each declares an attribute of a record, if this is a schema.
    colons: usize,
    /// Tokens of the left side of an `is`.
    left_of_is: usize,
}

impl Level {
    /// Returns the depth of the tree.
    #[expect(clippy::indexing_slicing, reason = "every kind of chain has a depth")]
    fn tree(&self) -> usize {
        let chain = |inner: usize, kind: usize| self.depth[kind] + self.deepest[kind].max(inner);
        self.elements.max(self.ifs + [OPERAND, AND, OR, LIST].into_iter().fold(0, chain))
    }

    fn size(&self) -> usize {
        self.size.saturating_add(self.operand)
    }

    /// Begins the next operand of a chain.
    #[expect(clippy::indexing_slicing, reason = "every kind of chain has a depth")]
    fn chain(&mut self, kind: usize) {
        self.complete(kind);
        self.depth[kind] += 1;
    }

    /// Begins the right side of a comparison.
    fn compare(&mut self) {
        self.depth[OPERAND] += 1;
        self.end_operand();
    }

    /// Ends all chains that bind tighter than `kind`.
    #[expect(clippy::indexing_slicing, reason = "every kind of chain has a depth, and `inner` is greater than `kind`")]
    fn complete(&mut self, kind: usize) {
        for inner in (kind + 1..=OPERAND).rev() {
            let depth = std::mem::take(&mut self.depth[inner]) + std::mem::take(&mut self.deepest[inner]);
            self.deepest[inner - 1] = self.deepest[inner - 1].max(depth);
        }
        self.end_operand();
    }

    /// Begins the next element of a list.
    fn next_element(&mut self) {
        self.complete(LIST);
        let depth = std::mem::take(&mut self.ifs) + std::mem::take(&mut self.deepest[LIST]);
        self.elements = self.elements.max(depth);
    }

    fn end_operand(&mut self) {
        (self.size, self.operand, self.left_of_is) = (self.size(), 0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<&str> {
        tokens(text).map(|(span, _)| &text[span.range()]).collect()
    }

    /// Returns the first limit that a policy exceeds.
    fn policy(text: &str) -> Option<Excess> {
        excesses(text).into_iter().flatten().next()
    }

    #[test]
    fn each_policy_is_measured_by_itself() {
        let deep = format!("permit(principal, action, resource) when {{ {}1{} }}", "(".repeat(300), ")".repeat(300));
        for (text, expected) in [
            (String::new(), &[][..]),
            (" // nothing; here".to_owned(), &[false]),
            (format!("{deep};{deep}; permit(principal, action, resource);"), &[true, true, false]),
            (format!("@a(\"; \\\" ;\") permit(p, a, r);\r\u{b}{deep}"), &[false, true]),
            ("\"not closed ; \\".to_owned(), &[false]),
        ] {
            let found: Vec<bool> = excesses(&text).iter().map(Option::is_some).collect();
            assert_eq!(found, expected, "{text:?}");
            assert_eq!(pieces(&text).len(), expected.len());
        }
    }

    #[test]
    fn tokens_are_those_of_cedar() {
        for (text, expected) in [
            ("a::b==c", &["a", "::", "b", "==", "c"][..]),
            ("x.y // (((\n)", &["x", ".", "y", ")"]),
            ("// (((\r)", &[")"]),
            (r#"@id("a\" ; // b") ü"#, &["@", "id", "(", r#""a\" ; // b""#, ")", "ü"]),
            (r#""open \"#, &[r#""open \"#]),
            ("a<=b&&!c||d", &["a", "<=", "b", "&&", "!", "c", "||", "d"]),
            ("a / b", &["a", "/", "b"]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    fn depth(condition: &str) -> usize {
        let mut measure = Measure::default();
        tokens(condition).for_each(|(span, token)| assert_eq!(measure.add(span, token), None, "{condition}"));
        measure.here.tree()
    }

    #[test]
    fn the_depth_of_a_policy_is_that_of_its_tree_or_more() {
        for (condition, expected) in [
            ("a", 0),
            ("a || b || c", 2),
            ("a && b || c && d", 2),
            ("a == b || c == d || e == f", 3),
            ("a.b.c == d", 3),
            ("!!a", 2),
            ("(a)", 1),
            ("((a || b)) || c", 4),
            ("if a then b else if c then d else e", 2),
            ("[a || b, c || d, e || f]", 2),
            ("[if a then b else c, if d then e else f]", 2),
            ("x.if || y.if", 2),
        ] {
            assert_eq!(depth(condition), expected, "{condition}");
        }
    }

    #[test]
    fn the_left_side_of_is_in_counts_twice() {
        assert_eq!(parts("a is T"), 3);
        assert_eq!(parts("a is T in b"), 6);
        assert_eq!(parts("a in b && c is T in d"), 10);
        let mut nested = "a".to_owned();
        (0..40).for_each(|_| nested = format!("(if ({nested}) is T in b then a else c)"));
        assert!(policy(&nested).is_some_and(|excess| excess.message.contains("parts")));
    }

    #[test]
    fn every_limit_names_the_token_that_exceeds_it() {
        let many = |text: &str, n: usize| text.repeat(n);
        for (text, expected) in [
            (many("(", 201), (200, "brackets and `if` nested deeper than 200 levels")),
            (many("[{(", 67), (200, "brackets and `if` nested deeper than 200 levels")),
            (many("if a then b else ", 201), (3400, "brackets and `if` nested deeper than 200 levels")),
            (many("a||", 2001), (6001, "more than 2000 operators, each an operand of the next")),
            (many("a&&", 2001), (6001, "more than 2000 operators, each an operand of the next")),
            (many("!", 2001), (2000, "more than 2000 operators, each an operand of the next")),
            (many("a.", 2001), (4001, "more than 2000 operators, each an operand of the next")),
            (many("1+", 2001), (4001, "more than 2000 operators, each an operand of the next")),
            (many("1,", 50_001), (100_000, "the policy has more than 100000 parts")),
            (many("a", 1001), (0, "a name of more than 1000 bytes")),
            (many("a::", 400), (1002, "a name of more than 1000 bytes")),
            (format!("{:?}", many("a", 16_384)), (0, "a string of 16386 bytes: at most 16384 are read")),
        ] {
            let excess = policy(&text).map(|excess| (excess.span.start, excess.message));
            assert_eq!(excess, Some((expected.0, expected.1.to_owned())));
        }
        let sets = format!("type A = {}", many("Set<", 201));
        assert_eq!(
            schema(&sets).map(|excess| excess.message).as_deref(),
            Some("brackets nested deeper than 200 levels")
        );
    }

    #[test]
    fn what_is_long_and_not_deep_is_within_the_limits() {
        let many = |text: &str, n: usize| text.repeat(n);
        for text in [
            many("resource.a.b == 1 || ", 1_500),
            many("resource has a && ", 1_500),
            format!("[{}]", many("if a then b else c, ", 1_000)),
            many("(a) || ", 1_500),
            many("if a then b else ", 190),
            many("word ", 500),
        ] {
            assert_eq!(policy(&text), None);
        }
        assert_eq!(schema(&many("entity A { if: Set<Set<String>> };", 1_000)), None);
    }

    #[test]
    fn pieces_end_with_a_semicolon_outside_strings_and_comments() {
        let text = "a \";\"; // ;\nb;\n c \n";
        let pieces: Vec<&str> = pieces(text).into_iter().map(|piece| &text[piece.range()]).collect();
        assert_eq!(pieces, ["a \";\";", " // ;\nb;", "\n c \n"]);
    }
}
