//! Negations of plain English statements.
//!
//! A wrong negation would be a false statement about a check, so only sentences of a few shapes are negated: those with
//! one clause whose verb or quantifier is found for certain. There is no dictionary.

/// Words that open another clause, or make the scope of a "not" doubtful.
const DOUBTFUL: [&str; 26] = [
    "although",
    "and",
    "because",
    "but",
    "either",
    "if",
    "neither",
    "never",
    "no",
    "nobody",
    "none",
    "nor",
    "not",
    "nothing",
    "once",
    "or",
    "since",
    "so",
    "someone",
    "somewhere",
    "unless",
    "until",
    "whenever",
    "whereas",
    "while",
    "yet",
];

/// Words that open a relative clause, whose verb is not that of the sentence.
const RELATIVE: [&str; 9] = ["that", "what", "whatever", "when", "where", "which", "who", "whoever", "whose"];

/// Quantifiers, which are ambiguous after a "not".
const QUANTIFIERS: [&str; 10] =
    ["all", "any", "each", "every", "everybody", "everyone", "everything", "some", "somebody", "something"];

/// Returns the negation of a statement; `None` if the statement is not simple enough.
pub(super) fn denied(statement: &str) -> Option<String> {
    let words: Vec<&str> = statement.split(' ').collect();
    let doubtful = |word: &&str| word.ends_with([',', ';', ':']) || DOUBTFUL.contains(word);
    if words.iter().any(doubtful) {
        return None;
    }
    quantified(&words).unwrap_or_else(|| by_verb(&words))
}

/// Negates the quantifier at the start of a statement; the inner `None` if more quantifiers follow.
fn quantified(words: &[&str]) -> Option<Option<String>> {
    let (head, rest) = match words {
        ["there", verb @ ("is" | "are" | "was" | "were"), "a" | "an" | "some", rest @ ..]
        | ["there", verb @ ("is" | "are" | "was" | "were"), rest @ ..] => (format!("there {verb} no"), rest),
        ["one" | "some", "of", rest @ ..] => ("none of".to_owned(), rest),
        ["a" | "an" | "some", rest @ ..] => ("no".to_owned(), rest),
        ["another", rest @ ..] => ("no other".to_owned(), rest),
        ["somebody", rest @ ..] => ("nobody".to_owned(), rest),
        ["something", rest @ ..] => ("nothing".to_owned(), rest),
        [all @ ("all" | "each" | "every" | "everybody" | "everyone" | "everything"), rest @ ..] => {
            (format!("not {all}"), rest)
        }
        _ => return None,
    };
    let plain = !rest.is_empty() && !rest.iter().any(|word| QUANTIFIERS.contains(word));
    Some(plain.then(|| format!("{head} {}", rest.join(" "))))
}

/// Negates the verb of a statement, if it is an auxiliary before any relative clause.
fn by_verb(words: &[&str]) -> Option<String> {
    let relative = |word: &&str| RELATIVE.contains(word);
    let auxiliary = |word: &&str| matches!(*word, "is" | "are" | "was" | "were" | "can" | "could" | "has" | "have");
    let at = words.iter().position(auxiliary).filter(|at| *at > 0)?;
    let (subject, [verb, rest @ ..]) = words.split_at(at) else { return None };
    if subject.iter().any(relative) || words.iter().any(|word| QUANTIFIERS.contains(word)) {
        return None;
    }
    let (verb, rest) = match (*verb, rest) {
        ("can", rest) => ("cannot".to_owned(), rest),
        (verb @ ("has" | "have"), ["a" | "an", rest @ ..]) => (format!("{verb} no"), rest),
        (verb @ ("has" | "have"), ["been" | "joined" | "left" | "enrolled", ..]) => (format!("{verb} not"), rest),
        ("has" | "have", _) => return None,
        (verb, rest) => (format!("{verb} not"), rest),
    };
    (!rest.is_empty()).then(|| format!("{} {verb} {}", subject.join(" "), rest.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_statements_are_denied_in_good_english() {
        for (statement, denial) in [
            ("the key was carried over", "the key was not carried over"),
            ("the Get User API is open", "the Get User API is not open"),
            ("the role can publish", "the role cannot publish"),
            ("your side could take OAuth 2.0", "your side could not take OAuth 2.0"),
            ("the role has a permission that Admins keep", "the role has no permission that Admins keep"),
            ("the key has been changed", "the key has not been changed"),
            ("every tool is ticked", "not every tool is ticked"),
            ("everybody must use a second factor", "not everybody must use a second factor"),
            ("some environment lets people in", "no environment lets people in"),
            ("an entry names the member", "no entry names the member"),
            ("another export starts earlier", "no other export starts earlier"),
            ("one of the ranges is too wide", "none of the ranges is too wide"),
            ("somebody has looked at it", "nobody has looked at it"),
            ("there is an entry for it", "there is no entry for it"),
            ("there is personal data in it", "there is no personal data in it"),
        ] {
            assert_eq!(denied(statement).as_deref(), Some(denial));
        }
    }

    #[test]
    fn ambiguous_statements_are_not_negated() {
        for statement in [
            "the key that is old was changed",
            "whoever is here has joined",
            "the agent is public or has every tool",
            "an entry is there and every key is listed",
            "the API, which reads profiles, is open",
            "the key is not old",
            "no key is old",
            "the key is open to some of them",
            "an entry lets some key publish",
            "a key of every environment is open",
            "the role has every tool",
            "the boat lies still",
            "the door is open until noon",
            "is open",
            "the one that can",
            "",
        ] {
            assert_eq!(denied(statement), None, "{statement}");
        }
    }
}
