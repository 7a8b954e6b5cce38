//! Plain technical English: openings of sentences and words that the texts of the project do not use.
//!
//! Texts are doc comments, pages, help, messages, and the annotations of policies and schemas. Code and quotations are
//! exempt. A message is a string literal with a space outside tests; placeholders are exempt.
//! `wording.txt` lists files that are not clean yet. A file is removed from the list when it is clean, and none is added.

use crate::support::{deodar, repository};
use std::collections::BTreeMap;
use std::path::Path;

/// Words that do not begin a sentence.
const OPENINGS: [&str; 5] = ["of", "what", "whatever", "whoever", "never"];

/// Words that texts do not contain, in all their forms.
const WORDS: [&str; 25] = [
    "stand", "stands", "stood", "standing", "lie", "lies", "lying", "tell", "tells", "told", "telling", "meet",
    "meets", "met", "meeting", "mend", "mends", "mended", "mending", "beside", "nobody", "somebody", "whoever",
    "whatever", "whomever",
];

/// Pairs of words that texts do not contain.
const PAIRS: [(&str, &str); 9] = [
    ("come", "to"),
    ("comes", "to"),
    ("came", "to"),
    ("make", "of"),
    ("makes", "of"),
    ("know", "no"),
    ("knows", "no"),
    ("is", "no"),
    ("are", "no"),
];

/// The module that reads and writes the sentences of a schema, with words that a pack may use.
const READS_SENTENCES: &str = "src/catalogue/negation.rs";

/// A paragraph, an item of a list, or a cell of a table, with the line where it starts.
type Paragraph = (usize, String);

/// Returns a text without code and quotations.
fn without_quotes(text: &str) -> String {
    let every_other = |text: &str, mark: char| {
        let parts: Vec<&str> = text.split(mark).collect();
        let last = parts.len() - 1;
        // A mark without a partner does not quote.
        let is_outside = |at: usize| at.is_multiple_of(2) || at == last;
        let kept = parts.iter().enumerate().map(|(at, part)| if is_outside(at) { *part } else { "X" });
        kept.collect::<Vec<_>>().concat()
    };
    every_other(&every_other(text, '`'), '"')
}

/// Returns the banned openings and words of a paragraph.
fn faults(paragraph: &str) -> Vec<String> {
    let text = without_quotes(paragraph);
    let is_word = |token: &&str| token.contains(char::is_alphanumeric);
    let tokens: Vec<&str> = text.split_whitespace().filter(is_word).collect();
    let bare = |token: &&str| token.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase();
    let words: Vec<String> = tokens.iter().map(bare).collect();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|before| tokens[before].trim_end_matches(['"', ')', '*', '_']));
        // A name before a colon, as in a list of values, does not begin a sentence.
        let is_opening = before.is_none_or(|before| before.ends_with(['.', '?', '!'])) && !tokens[at].ends_with(':');
        if is_opening && OPENINGS.contains(&word.as_str()) {
            found.push(format!("a sentence begins with `{word}`"));
        }
        if WORDS.contains(&word.as_str()) {
            found.push(format!("`{word}`"));
        }
        let Some(next) = words.get(at + 1) else { continue };
        if PAIRS.contains(&(word.as_str(), next.as_str())) && !(next == "no" && is_negation(&words, at)) {
            found.push(format!("`{word} {next}`"));
        }
    }
    found
}

/// Whether `is no` is part of `there is no` or of a comparison, such as `is no longer than`.
fn is_negation(words: &[String], at: usize) -> bool {
    let is_there = at.checked_sub(1).is_some_and(|before| words[before] == "there");
    let is_comparison = |word: &String| word.ends_with("er") || word == "more" || word == "less";
    is_there || words.get(at + 2).is_some_and(is_comparison)
}

/// Returns the paragraphs of lines in Markdown; `None` is a line of something else.
fn paragraphs<'l>(lines: impl Iterator<Item = Option<&'l str>>) -> Vec<Paragraph> {
    let mut found: Vec<Paragraph> = Vec::new();
    let (mut is_open, mut is_code) = (false, false);
    for (at, line) in lines.enumerate() {
        let line = line.unwrap_or_default();
        let text = line.trim();
        let is_fence = text.starts_with("```");
        is_code ^= is_fence;
        if is_code || is_fence || text.is_empty() || line.starts_with("    ") {
            is_open = false;
        } else if text.starts_with('|') {
            found.extend(text.split('|').map(|cell| (at + 1, cell.to_owned())));
            is_open = false;
        } else {
            let is_item = text.starts_with(['*', '#', '>', '-']) || text.starts_with(|c: char| c.is_ascii_digit());
            match found.last_mut() {
                Some((_, paragraph)) if is_open && !is_item => *paragraph += &format!(" {text}"),
                _ => found.push((at + 1, text.to_owned())),
            }
            is_open = !text.starts_with('#');
        }
    }
    found
}

/// Returns the paragraphs of the doc comments of a source file.
fn doc_comments(code: &str) -> Vec<Paragraph> {
    let comment = |line: &str| -> Option<String> {
        let line = line.trim_start();
        let text = line.strip_prefix("///").or_else(|| line.strip_prefix("//!"))?;
        Some(text.strip_prefix(' ').unwrap_or(text).to_owned())
    };
    let lines: Vec<Option<String>> = code.lines().map(comment).collect();
    paragraphs(lines.iter().map(Option::as_deref))
}

/// Returns the string literals with a space in a source file, up to its tests.
fn messages(code: &str) -> Vec<Paragraph> {
    let code = code.split("#[cfg(test)]").next().unwrap_or_default();
    let (mut found, mut rest) = (Vec::new(), code);
    let is_raw = |before: &str| {
        let prefix = before.trim_end_matches('#');
        prefix.ends_with('r')
            && !prefix.trim_end_matches(['r', 'b']).ends_with(|c: char| c.is_alphanumeric() || c == '_')
    };
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, here) = rest.split_at(at);
        if here.starts_with("//") {
            rest = here.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(text) = here.strip_prefix('"') {
            let line = code[..code.len() - here.len()].matches('\n').count() + 1;
            let hashes = before.len() - before.trim_end_matches('#').len();
            let length = match is_raw(before) {
                true => text.find(&format!("\"{}", "#".repeat(hashes))),
                false => {
                    let mut escaped = false;
                    text.find(|c| {
                        let ends = c == '"' && !escaped;
                        escaped = c == '\\' && !escaped;
                        ends
                    })
                }
            };
            let length = length.expect("a literal ends");
            found.push((line, literal_text(&here[1..1 + length])));
            rest = &here[length + 2..];
        } else {
            let is_quote = here.starts_with("'\"'") || here.starts_with("'\\\"'") || here.starts_with("'/'");
            rest = &here[if is_quote { here[1..].find('\'').map_or(1, |end| end + 2) } else { 1 }..];
        }
    }
    found.retain(|(_, text)| text.contains(' '));
    found
}

/// Returns a message without escapes and placeholders. A fragment does not begin a sentence.
fn literal_text(literal: &str) -> String {
    let lines = literal.split("\\\n").map(str::trim_start).collect::<String>();
    let text = lines.replace("\\\"", "\"").replace("\\n", " ").replace("{{", "(").replace("}}", ")");
    let mut parts = text.split('{');
    let first = parts.next().unwrap_or_default().to_owned();
    let text = parts.fold(first, |text, part| text + "X" + part.split_once('}').map_or(part, |(_, rest)| rest));
    if text.starts_with(char::is_lowercase) { format!("X {text}") } else { text }
}

/// Returns the texts of the annotations of a Cedar file.
fn annotations(code: &str) -> Vec<Paragraph> {
    let mut found = Vec::new();
    for name in ["@doc(\"", "@title(\"", "@remediation(\""] {
        for (at, _) in code.match_indices(name) {
            let text = code[at + name.len()..].replace("\\\"", "'");
            let text = text.split('"').next().unwrap_or_default();
            found.push((code[..at].matches('\n').count() + 1, text.to_owned()));
        }
    }
    found
}

/// Returns the files below folders of the repository with an extension, by their paths from its root.
fn files(folders: &[&str], extension: &str) -> Vec<(String, String)> {
    let walk = |folder: &&str| walkdir::WalkDir::new(repository().join(folder)).sort_by_file_name().into_iter();
    let entries = folders.iter().flat_map(walk).map(|entry| entry.expect("it can be listed").into_path());
    let is_wanted = |path: &Path| path.extension().is_some_and(|found| found == extension);
    let read = |path: &Path| {
        let name = path.strip_prefix(repository()).expect("it is in the repository").to_string_lossy();
        (name.replace('\\', "/"), std::fs::read_to_string(path).expect("it is text"))
    };
    entries.filter(|path| is_wanted(path)).map(|path| read(&path)).collect()
}

/// Returns the paragraphs of all texts, by file.
fn texts() -> Vec<(String, Vec<Paragraph>)> {
    let page = |text: &str| paragraphs(text.lines().map(Some));
    let mut found = Vec::new();
    let code = files(&["src", "tests", "benches"], "rs").into_iter();
    found.extend(code.map(|(name, code)| {
        let messages = if name.starts_with("src/") && name != READS_SENTENCES { messages(&code) } else { Vec::new() };
        (name, [doc_comments(&code), messages].concat())
    }));
    let pages = ["README.md", "ARCHITECTURE.md"].into_iter().flat_map(|page| files(&[page], "md"));
    let pages = pages.chain(files(&["docs"], "md")).filter(|(name, _)| !name.ends_with("-catalogue.md"));
    found.extend(pages.map(|(name, text)| (name, page(&text))));
    let cedar = files(&["policies"], "cedar").into_iter().chain(files(&["schemas"], "cedarschema"));
    found.extend(cedar.map(|(name, code)| (name, annotations(&code))));
    let commands = ["", "check", "list", "explain", "doc", "test", "completions"];
    found.extend(commands.map(|command| {
        let arguments: Vec<&str> = [command, "--help"].into_iter().filter(|word| !word.is_empty()).collect();
        let lines = deodar(&[], &arguments).stdout;
        // Options are indented, and their texts further.
        (format!("deodar {}", arguments.join(" ")), paragraphs(lines.lines().map(|line| Some(line.trim_start()))))
    }));
    found
}

#[test]
fn texts_are_in_plain_technical_english() {
    let list = include_str!("wording.txt");
    let listed: Vec<&str> = list.lines().filter(|line| !line.is_empty()).collect();
    let mut faulty: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, paragraphs) in texts() {
        for (line, paragraph) in paragraphs {
            let found = faults(&paragraph).into_iter().map(|fault| format!("{name}:{line}: {fault} in: {paragraph}"));
            faulty.entry(name.clone()).or_default().extend(found);
        }
    }
    faulty.retain(|_, found| !found.is_empty());
    let unlisted = faulty.iter().filter(|(name, _)| !listed.contains(&name.as_str()));
    let mut wrong: Vec<String> = unlisted.flat_map(|(_, found)| found.clone()).collect();
    let clean = listed.iter().filter(|name| !faulty.contains_key(**name));
    wrong.extend(clean.map(|name| format!("{name} is clean: remove it from tests/it/wording.txt")));
    assert!(listed.is_sorted(), "tests/it/wording.txt is not sorted");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_are_found_outside_code_and_quotes() {
    let check = |text: &str, expected: &[&str]| assert_eq!(faults(text), expected, "{text}");
    check("Of a file its folder is watched.", &["a sentence begins with `of`"]);
    check("The rest stands here. What is left?", &["`stands`", "a sentence begins with `what`"]);
    check("The name `stand` and \"Never\" are quoted.", &[]);
    check("It is no text, and knows no end.", &["`is no`", "`knows no`"]);
    check("There is no file that is no longer read.", &[]);
    let comments = doc_comments("/// One\n/// two.\nfn f() {}\n/// Three.");
    assert_eq!(comments, [(1, "One two.".to_owned()), (4, "Three.".to_owned())]);
    let code = "f('\"', \"a {x} \\\"b\\\"\"); // \"no text\"\nlet x = r#\"Of \"x\"\"#;\n#[cfg(test)] \"a b\"";
    assert_eq!(messages(code), [(1, "X a X \"b\"".to_owned()), (2, "Of \"x\"".to_owned())]);
    assert_eq!(annotations("\n@doc(\"a \\\"b\\\" c\")"), [(2, "a 'b' c".to_owned())]);
    let page = paragraphs("# T\na\nb\n\n    code\n| x | y |\n* c".lines().map(Some));
    let texts: Vec<&str> = page.iter().map(|(_, text)| text.trim()).filter(|text| !text.is_empty()).collect();
    assert_eq!(texts, ["# T", "a b", "x", "y", "* c"]);
}
