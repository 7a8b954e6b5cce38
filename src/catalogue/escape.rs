//! Markdown that shows the texts of a pack literally: text without markup, code with any content, and the anchors that
//! GitHub gives to headings.

use crate::render::plain;

/// Returns a text without markup, on one line.
pub(super) fn text(text: &str) -> String {
    let words: Vec<_> = text.split_whitespace().map(plain).collect();
    let line: Vec<char> = words.join(" ").chars().collect();
    let mut out = String::new();
    for (at, c) in line.iter().enumerate() {
        let around = [at.checked_sub(1), Some(at + 1)].map(|at| at.and_then(|at| line.get(at)));
        let in_word = around.iter().all(|c| c.is_some_and(|c| c.is_alphanumeric()));
        let escaped = match c {
            '\\' | '`' | '*' | '[' | ']' | '<' | '#' | '|' | '~' | '$' => true,
            '_' => !in_word,
            '&' => line.get(at + 1).is_some_and(|c| c.is_ascii_alphanumeric() || *c == '#'),
            '>' | '-' | '+' | '=' => at == 0,
            // A number at the start with one of these begins a list.
            '.' | ')' => {
                let ends = line.get(at + 1).is_none_or(|c| *c == ' ');
                at > 0 && ends && line.iter().take(at).all(char::is_ascii_digit)
            }
            _ => false,
        };
        if escaped {
            out.push('\\');
        }
        out.push(*c);
    }
    out
}

/// Writes a text as code.
pub(super) fn code(text: &str) -> String {
    let text = plain(text);
    if text.is_empty() {
        return "(nothing)".into();
    }
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space on both sides belongs to the fence.
    let spaced = text.starts_with('`') || text.ends_with('`') || text.starts_with(' ') && text.ends_with(' ');
    let pad = if spaced { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Writes a text as code in a cell of a table, where a `|` would end the cell.
pub(super) fn code_in_cell(written: &str) -> String {
    if !written.contains('|') {
        return code(written);
    }
    format!("<code>{}</code>", text(written).replace("\\|", "&#124;"))
}

/// Returns the anchors of headings, in their order on the page.
pub(super) fn anchors(headings: &[String]) -> Vec<String> {
    let mut given: Vec<String> = Vec::new();
    for heading in headings {
        let heading = heading.to_lowercase();
        let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | ' '));
        let name: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect();
        let mut unique = name.clone();
        let mut again = 0;
        while given.contains(&unique) {
            again += 1;
            unique = format!("{name}-{again}");
        }
        given.push(unique);
    }
    given
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        for (plain, written) in [
            ("Settings > Account > Security", "Settings > Account > Security"),
            ("> 1 *is* _no_ <b> a|b", "\\> 1 \\*is\\* \\_no\\_ \\<b> a\\|b"),
            ("policy_context.owner", "policy_context.owner"),
            ("see [this](url) `now` ~~", "see \\[this\\](url) \\`now\\` \\~\\~"),
            ("R&D &amp; a \\ b $5", "R\\&D \\&amp; a \\\\ b \\$5"),
            ("1. first\n\n# 2.", "1\\. first \\# 2."),
            ("15.1", "15.1"),
            ("a\u{202e}b", "a\\\\u{202e}b"),
        ] {
            assert_eq!(text(plain), written);
        }
    }

    #[test]
    fn code_holds_anything() {
        for (plain, written) in [
            ("a*b<c>|d", "`a*b<c>|d`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            (" ", "`   `"),
            ("", "(nothing)"),
            ("a\nb", "`a\\nb`"),
        ] {
            assert_eq!(code(plain), written);
        }
        assert_eq!(code_in_cell("a`b"), "``a`b``");
        assert_eq!(code_in_cell("a|*b\\|"), "<code>a&#124;\\*b\\\\&#124;</code>");
    }

    #[test]
    fn headings_with_one_text_have_different_names() {
        let headings = ["A-1: What's *this*?", "A1 x", "A-1: Whats this"].map(str::to_owned);
        assert_eq!(anchors(&headings), ["a-1-whats-this", "a1-x", "a-1-whats-this-1"]);
    }
}
