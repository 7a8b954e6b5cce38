//! Names of a schema as words: `ApiKey` is an API key, `login_method` a login method.

use super::escape::code;
use crate::schema::Model;
use crate::value::TypeId;

/// Words that are written in capitals.
const ACRONYMS: [&str; 27] = [
    "ai", "api", "aws", "cidr", "dns", "hr", "http", "https", "id", "idp", "ip", "jit", "jwt", "mcp", "mfa", "oauth",
    "pii", "saml", "scim", "sftp", "sms", "ssh", "sso", "tls", "ttl", "url", "vpn",
];

/// Last words of names that are not nouns, such as `created_by`.
const OPEN: [&str; 14] =
    ["after", "as", "at", "before", "by", "during", "for", "from", "in", "of", "on", "since", "to", "until"];

/// Returns the name of an entity of a type, without an article.
pub(super) fn type_name(model: &Model, ty: TypeId) -> String {
    words(model.short_name(ty)).unwrap_or_else(|| code(&model.ty(ty).name))
}

/// Returns the words of an attribute's name, if they form a noun.
pub(super) fn phrase(name: &str) -> Option<String> {
    words(name).filter(|words| words.rsplit(' ').next().is_some_and(|last| !OPEN.contains(&last)))
}

/// Returns a noun's plural, which may be the noun itself.
pub(super) fn plural(noun: &str) -> String {
    let ends = |with: &[&str]| with.iter().any(|end| noun.ends_with(end));
    if noun.ends_with('`') {
        return noun.to_owned();
    }
    if ends(&["ss", "us", "x", "ch", "sh"]) {
        return format!("{noun}es");
    }
    if ends(&["s"]) && !ends(&["is", "as"]) {
        return noun.to_owned();
    }
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
        _ => format!("{noun}s"),
    }
}

/// Returns the article that goes before a noun.
pub(super) fn article(noun: &str) -> &'static str {
    let first = noun.trim_start_matches('`').chars().next().unwrap_or_default();
    let spelt = noun.split(' ').next().is_some_and(|word| word.len() > 1 && !word.contains(char::is_lowercase));
    let vowels = if spelt { "AEFHILMNORSX" } else { "AEIOaeio" };
    if vowels.contains(first) { "an" } else { "a" }
}

/// Splits a name at underscores and before capitals; `None` if it has other characters than letters and digits.
fn words(name: &str) -> Option<String> {
    if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return None;
    }
    let mut split = String::new();
    let mut before = ' ';
    for c in name.chars() {
        if c.is_ascii_uppercase() && (before.is_ascii_lowercase() || before.is_ascii_digit()) {
            split.push(' ');
        }
        split.push(if c == '_' { ' ' } else { c });
        before = c;
    }
    let written = split.split_whitespace().map(|word| {
        let lower = word.to_ascii_lowercase();
        let acronym = |word: &str| ACRONYMS.contains(&word);
        match lower.strip_suffix('s') {
            _ if lower == "oauth" => "OAuth".to_owned(),
            _ if lower == "idp" => "IdP".to_owned(),
            _ if acronym(&lower) => lower.to_ascii_uppercase(),
            Some(one) if acronym(one) => format!("{}s", one.to_ascii_uppercase()),
            _ => lower,
        }
    });
    let written: Vec<String> = written.collect();
    Some(written.join(" ")).filter(|words| !words.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_words() {
        for (name, expected) in [
            ("ApiFirewallRule", Some("API firewall rule")),
            ("login_method", Some("login method")),
            ("lastSeen", Some("last seen")),
            ("sso_idp_entity_id", Some("SSO IdP entity ID")),
            ("workspace_ids", Some("workspace IDs")),
            ("a*b", None),
            ("__", None),
        ] {
            assert_eq!(words(name).as_deref(), expected, "{name}");
        }
        assert_eq!(phrase("created_by"), None);
        assert_eq!(phrase("by_owner").as_deref(), Some("by owner"));
    }

    #[test]
    fn nouns_have_plurals_and_articles() {
        for (noun, many, one) in [
            ("roster entry", "roster entries", "a"),
            ("API key", "API keys", "an"),
            ("MCP client", "MCP clients", "an"),
            ("break glass", "break glasses", "a"),
            ("role", "roles", "a"),
            ("URL", "URLs", "a"),
            ("environment", "environments", "an"),
        ] {
            assert_eq!((plural(noun).as_str(), article(noun)), (many, one));
        }
        assert_eq!(plural("minutes"), "minutes");
    }
}
