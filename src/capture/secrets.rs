//! Secrets in the sources of a capture: a value that looks like one is refused, and no output shows it.
//!
//! A property is refused if its name is that of a secret and its value is a text, or if the text has the form of a known
//! kind of secret. A URL keeps its scheme, host and path. Excerpts of a source are masked by [`spans`], which reads the
//! text of any format, valid or not. This module may refuse a harmless value. A secret in an unknown form passes.

use super::node::{Node, Property, Value};
use crate::diagnostic::{Code, Diagnostic};
use crate::snapshot::uncaptured::UNCAPTURED;
use crate::source::{Place, Source, Span};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

/// Last words of names of secrets.
const HEADS: [&str; 24] = [
    "accesskey",
    "apikey",
    "apikeys",
    "authorization",
    "bearer",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "jwt",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "privatekey",
    "pwd",
    "secret",
    "secretkey",
    "secrets",
    "sharedsecret",
    "token",
    "tokens",
    "totp",
];

/// Words before `key` or `keys` in names of secrets.
const KEYS: [&str; 15] = [
    "access",
    "account",
    "api",
    "auth",
    "consumer",
    "encryption",
    "host",
    "master",
    "private",
    "root",
    "secret",
    "session",
    "shared",
    "signing",
    "ssh",
];

/// Words before `code` or `codes` in names of secrets.
const CODES: [&str; 4] = ["backup", "recovery", "rescue", "scratch"];

/// Words before `token` in names of positions in a list.
const PAGES: [&str; 7] = ["continuation", "cursor", "next", "page", "pagination", "resume", "sync"];

/// Last words of names whose value is that of the name before it, such as `token_value` or `token: { value: ... }`.
const VALUES: [&str; 6] = ["contents", "plain", "plaintext", "raw", "text", "value"];

/// Texts that state something about a secret.
const STATES: [&str; 34] = [
    "-",
    "?",
    "absent",
    "active",
    "disabled",
    "enabled",
    "expired",
    "false",
    "hidden",
    "inactive",
    "masked",
    "missing",
    "n/a",
    "na",
    "no",
    "none",
    "not set",
    "not_set",
    "not_set_up",
    "null",
    "off",
    "on",
    "optional",
    "present",
    "redacted",
    "required",
    "revoked",
    "rotated",
    "set",
    "set_up",
    "true",
    "unknown",
    "unset",
    "yes",
];

/// A kind of secret that a prefix marks: its description, the prefix, and the fewest characters after it.
const PREFIXES: [(&str, &str, usize); 37] = [
    ("a GitHub token", "ghp_", 20),
    ("a GitHub token", "gho_", 20),
    ("a GitHub token", "ghu_", 20),
    ("a GitHub token", "ghs_", 20),
    ("a GitHub token", "ghr_", 20),
    ("a GitHub token", "github_pat_", 20),
    ("a GitLab token", "glpat-", 16),
    ("a GitLab token", "gldt-", 16),
    ("a GitLab token", "glrt-", 16),
    ("a Slack token", "xoxa-", 10),
    ("a Slack token", "xoxb-", 10),
    ("a Slack token", "xoxp-", 10),
    ("a Slack token", "xoxr-", 10),
    ("a Slack token", "xoxs-", 10),
    ("a Slack token", "xapp-", 10),
    ("a Google API key", "AIza", 30),
    ("a Google token", "ya29.", 20),
    ("a Google client secret", "GOCSPX-", 20),
    ("a Stripe key", "sk_live_", 16),
    ("a Stripe key", "sk_test_", 16),
    ("a Stripe key", "rk_live_", 16),
    ("a webhook secret", "whsec_", 16),
    ("an API key", "sk-ant-", 20),
    ("an API key", "sk-proj-", 20),
    ("a SendGrid key", "SG.", 40),
    ("an npm token", "npm_", 30),
    ("a PyPI token", "pypi-AgE", 20),
    ("a Vault token", "hvs.", 20),
    ("a Shopify token", "shpat_", 20),
    ("a Shopify token", "shpss_", 20),
    ("an Atlassian token", "ATATT3", 20),
    ("a DigitalOcean token", "dop_v1_", 30),
    ("a Databricks token", "dapi", 32),
    ("an age key", "AGE-SECRET-KEY-1", 20),
    ("a Hugging Face token", "hf_", 30),
    ("a Linear key", "lin_api_", 20),
    ("a Notion token", "secret_", 40),
];

/// Characters before a value that are searched for its name.
const LONGEST_NAME: usize = 200;

/// Names before `=` in connection strings and queries, in lower case, with the description of the value.
const ASSIGNMENTS: [(&str, &str); 9] = [
    ("password", "a password"),
    ("pwd", "a password"),
    ("accountkey", "the key of a storage account"),
    ("sharedaccesskey", "a shared access key"),
    ("client_secret", "a client secret"),
    ("sig", "a shared access signature"),
    ("x-amz-signature", "a signed URL"),
    ("x-goog-signature", "a signed URL"),
    ("x-amz-security-token", "a signed URL"),
];

/// Parts of URLs after which the path is a secret.
const HOOKS: [&str; 6] = [
    "hooks.slack.com/services/",
    "hooks.slack.com/workflows/",
    "discord.com/api/webhooks/",
    "discordapp.com/api/webhooks/",
    ".webhook.office.com/webhookb2/",
    "api.telegram.org/bot",
];

/// Returns a description of the secret that a property seems to have, such as `a GitHub token`.
///
/// `inside` is the name of the object around the property.
pub fn suspicion(name: &str, inside: &str, text: &str) -> Option<&'static str> {
    if let Some((kind, _)) = secrets_in(text).first() {
        return Some(kind);
    }
    let is_secret = is_secret_name(name, inside) && !is_statement(text);
    is_secret.then_some("the value of a secret")
}

/// Returns a text with `***` in place of each secret of a known form.
pub fn masked(text: &str) -> Cow<'_, str> {
    let mut found: Vec<Range<usize>> = secrets_in(text).into_iter().map(|(_, range)| range).collect();
    if found.is_empty() {
        return Cow::Borrowed(text);
    }
    found.sort_by_key(|range| (range.start, range.end));
    let (mut shown, mut end) = (String::new(), 0);
    for range in found {
        if range.start >= end {
            shown.push_str(text.get(end..range.start).unwrap_or_default());
            shown.push_str("***");
        }
        end = end.max(range.end);
    }
    shown.push_str(text.get(end..).unwrap_or_default());
    Cow::Owned(shown)
}

/// Returns whether a name is that of a secret: by its last words.
pub(super) fn is_secret_name(name: &str, inside: &str) -> bool {
    let mut words = words(name);
    if words.last().is_some_and(|last| VALUES.contains(&last.as_str())) {
        words.pop();
        if words.is_empty() {
            return !inside.is_empty() && is_secret_name(inside, "");
        }
    }
    let Some(last) = words.pop() else { return false };
    let before = words.last().map(String::as_str).unwrap_or_default();
    match last.as_str() {
        "key" | "keys" => KEYS.contains(&before),
        "code" | "codes" => CODES.contains(&before),
        "token" | "tokens" => !PAGES.contains(&before),
        "string" => before == "connection",
        last => HEADS.contains(&last),
    }
}

/// Returns the words of a name, in lower case: `apiKey_v2` has the words `api`, `key`, `v`.
fn words(name: &str) -> Vec<String> {
    let characters: Vec<char> = name.chars().take(200).collect();
    let mut words = vec![String::new()];
    for (at, c) in characters.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| characters.get(at));
        let starts = c.is_uppercase()
            && (before.is_some_and(|before| before.is_lowercase())
                || characters.get(at + 1).is_some_and(|next| next.is_lowercase()));
        match words.last_mut() {
            Some(word) if c.is_alphabetic() && !starts => word.extend(c.to_lowercase()),
            _ if c.is_alphabetic() => words.push(c.to_lowercase().collect()),
            _ => words.push(String::new()),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// Returns whether a text states something about a secret, or is a mask or a placeholder.
fn is_statement(text: &str) -> bool {
    let text = text.trim();
    let is_mask = text.chars().all(|c| matches!(c, '*' | '•' | '●' | '·' | '.' | 'x' | 'X' | '#' | '-' | '_' | '…'));
    let is_placeholder = [("<", ">"), ("[", "]"), ("(", ")"), ("${", "}"), ("{{", "}}")]
        .iter()
        .any(|(open, close)| text.starts_with(open) && text.ends_with(close));
    is_mask || is_placeholder || STATES.contains(&text.to_lowercase().as_str())
}

/// Returns the secrets of known forms in a text: a description of each, and its bytes. They may overlap.
fn secrets_in(text: &str) -> Vec<(&'static str, Range<usize>)> {
    let mut found = Vec::new();
    private_keys(text, &mut found);
    for (word, at) in words_in(text) {
        if let Some(kind) = kind_of_word(word) {
            found.push((kind, at..at + word.len()));
        }
    }
    assignments(text, &mut found);
    schemes(text, &mut found);
    addresses(text, &mut found);
    found
}

fn is_word_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.')
}

/// Returns the longest runs of characters that tokens have, with their offsets.
fn words_in(text: &str) -> impl Iterator<Item = (&str, usize)> {
    let mut end = 0;
    text.split_inclusive(|c| !is_word_character(c)).filter_map(move |piece| {
        let start = end;
        end += piece.len();
        let word = piece.trim_end_matches(|c: char| !is_word_character(c));
        (!word.is_empty()).then_some((word, start))
    })
}

fn private_keys(text: &str, found: &mut Vec<(&'static str, Range<usize>)>) {
    const BEGIN: &str = "-----BEGIN ";
    let mut from = 0;
    while let Some(start) = text.get(from..).and_then(|rest| rest.find(BEGIN)).map(|at| from + at) {
        let rest = text.get(start..).unwrap_or_default();
        from = start + BEGIN.len();
        let label = text.get(from..).unwrap_or_default().split('-').next().unwrap_or_default();
        if label.len() < 60 && label.contains("PRIVATE KEY") {
            let end = rest.find("-----END ").unwrap_or(rest.len());
            found.push(("a private key", start..start + end));
            from = start + end;
        }
    }
}

fn kind_of_word(word: &str) -> Option<&'static str> {
    let is_token = |prefix: &str, fewest: usize| word.strip_prefix(prefix).is_some_and(|tail| tail.len() >= fewest);
    if let Some((kind, ..)) = PREFIXES.iter().find(|(_, prefix, fewest)| is_token(prefix, *fewest)) {
        return Some(kind);
    }
    let is_upper = |tail: &str| tail.len() == 16 && tail.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if word.strip_prefix("AKIA").or_else(|| word.strip_prefix("ASIA")).is_some_and(is_upper) {
        return Some("an AWS access key id");
    }
    is_web_token(word).then_some("a JSON web token")
}

/// Returns whether a word is a JSON web token: a header in base64 that names an algorithm, and more parts.
fn is_web_token(word: &str) -> bool {
    let mut parts = word.split('.');
    let header = parts.next().filter(|header| header.starts_with("ey"));
    let decoded = header.and_then(|header| BASE64URL_NOPAD.decode(header.as_bytes()).ok());
    let names_algorithm = decoded.is_some_and(|header| header.windows(5).any(|part| part == b"\"alg\""));
    names_algorithm && parts.clone().count() >= 2 && parts.next().is_some_and(|payload| !payload.is_empty())
}

/// Adds the values of `password=...` and similar.
fn assignments(text: &str, found: &mut Vec<(&'static str, Range<usize>)>) {
    let mut end = 0;
    for (at, _) in text.match_indices('=') {
        // A value is searched once.
        if at < end {
            continue;
        }
        let before = text.get(..at).unwrap_or_default();
        let from =
            before.rfind(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-'))).map_or(0, |at| at + 1);
        let name = before.get(from..).unwrap_or_default();
        let Some((_, kind)) = ASSIGNMENTS.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)) else { continue };
        let value = text.get(at + 1..).unwrap_or_default();
        let value = value.split([';', '&', '"', '\'', ' ', '\n', '\r', '\t', ',']).next().unwrap_or_default();
        if value.len() >= 4 && !is_statement(value) {
            end = at + 1 + value.len();
            found.push((kind, at + 1..end));
        }
    }
}

/// Adds the values of `Bearer ...` and `Basic ...`.
fn schemes(text: &str, found: &mut Vec<(&'static str, Range<usize>)>) {
    let lower = text.to_ascii_lowercase();
    for (scheme, kind) in [("bearer ", "a bearer token"), ("basic ", "a password in base64")] {
        for (at, _) in lower.match_indices(scheme) {
            let from = at + scheme.len();
            let value = text.get(from..).unwrap_or_default();
            let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '+' | '/' | '=');
            let value = value.split(|c| !is_part(c)).next().unwrap_or_default();
            let is_secret = match scheme {
                "basic " => BASE64.decode(value.as_bytes()).is_ok_and(|pair| pair.contains(&b':') && pair.is_ascii()),
                _ => value.len() >= 16 && value.chars().any(|c| c.is_ascii_digit()),
            };
            if is_secret {
                found.push((kind, from..from + value.len()));
            }
        }
    }
}

/// Adds passwords in URLs, and the paths of webhooks.
fn addresses(text: &str, found: &mut Vec<(&'static str, Range<usize>)>) {
    for (at, separator) in text.match_indices("://") {
        let from = at + separator.len();
        let rest = text.get(from..).unwrap_or_default();
        let authority = rest.split(['/', '?', '#', ' ', '"', '\'', '\n', '\r', '\t']).next().unwrap_or_default();
        if let Some((user, _)) = authority.rsplit_once('@')
            && let Some((name, password)) = user.split_once(':')
            && !password.is_empty()
            && !is_statement(password)
        {
            let from = from + name.len() + 1;
            found.push(("a password in a URL", from..from + password.len()));
        }
    }
    for hook in HOOKS {
        let mut end = 0;
        for (at, _) in text.match_indices(hook) {
            // A path is searched once.
            if at < end {
                continue;
            }
            let from = at + hook.len();
            let path = text.get(from..).unwrap_or_default();
            let path = path.split([' ', '"', '\'', '\n', '\r', '\t', ',']).next().unwrap_or_default();
            if path.len() >= 16 {
                end = from + path.len();
                found.push(("the address of a webhook, which is a secret", from..end));
            }
        }
    }
}

/// Returns the places of a text, in any format, that excerpts mask: secrets of known forms, and the rest of each line
/// after a name of a secret.
pub fn spans(source: &Source) -> Vec<Span> {
    let text = source.text();
    let mut found: Vec<Range<usize>> = secrets_in(text).into_iter().map(|(_, range)| range).collect();
    let mut end = 0;
    for (at, _) in text.match_indices([':', '=']) {
        // The rest of a line is masked once.
        if at < end {
            continue;
        }
        let line = text.get(..at).unwrap_or_default().trim_end_matches([' ', '\t']);
        let mut near = line.char_indices().rev().take(LONGEST_NAME);
        let from = near.find(|(_, c)| matches!(c, '\n' | '{' | ',' | ' ')).map(|(at, _)| at + 1);
        let Some(from) = from.or((line.len() < LONGEST_NAME).then_some(0)) else { continue };
        let name = line.get(from..).unwrap_or_default().trim_matches(['"', '\'', ' ', '\t', '\r']);
        if !is_secret_name(name, "") {
            continue;
        }
        let rest = text.get(at + 1..).unwrap_or_default().split('\n').next().unwrap_or_default();
        let start = at + 1 + (rest.len() - rest.trim_start().len());
        end = start + rest.trim().len();
        found.push(start..end);
    }
    found.retain(|range| !range.is_empty());
    found.into_iter().map(Span::from).collect()
}

/// The result of a search for secrets.
#[derive(Debug, Default)]
pub struct Screening {
    /// A refusal for each secret, and a warning for each part of a URL that was removed.
    pub diagnostics: Vec<Diagnostic>,
    /// The places of secrets and of removed parts. Excerpts mask them.
    pub places: Vec<Place>,
    /// Whether the name of a property looks like a secret. The property stays, because a list without it, such as a map of
    /// instances, would be another value, and no statement can name it.
    pub has_secret_name: bool,
}

/// The names around a value in a tree.
#[derive(Clone, Copy)]
struct Position<'p> {
    /// The name of the property.
    name: &'p str,
    /// The name of the object around it.
    inside: &'p str,
}

impl Screening {
    /// Removes properties with secrets from a tree, and adds their names to the list `uncaptured` of their objects. A URL
    /// loses its user, query and fragment.
    pub fn screen(&mut self, node: &mut Node) {
        self.value(node, Position { name: "", inside: "" });
    }

    /// Screens a value, and returns whether it may be kept.
    fn value(&mut self, node: &mut Node, at: Position<'_>) -> bool {
        match &mut node.value {
            Value::Null | Value::Bool(_) | Value::Number(_) => true,
            Value::Text(text) => self.text(text, &node.place, at),
            // A list without one of its elements would be another value.
            Value::List(elements) => {
                let kept = elements.iter_mut().map(|element| self.value(element, at));
                kept.filter(|is_kept| !is_kept).count() == 0
            }
            Value::Object(properties) => {
                let mut refused = Vec::new();
                properties.retain_mut(|Property { name, place, node }| {
                    if let Some((kind, _)) = secrets_in(name).first() {
                        self.has_secret_name = true;
                        self.report("the name of a property", kind, place, "rename the property, or remove it");
                    }
                    let at = Position { name, inside: at.name };
                    let is_kept = match &mut node.value {
                        // The other names of a statement are kept.
                        Value::List(names) if name == UNCAPTURED => {
                            names.retain_mut(|element| self.value(element, at));
                            true
                        }
                        _ => self.value(node, at),
                    };
                    if !is_kept {
                        refused.push(Node::new(&node.place, Value::Text(name.clone())));
                    }
                    is_kept
                });
                add_uncaptured(properties, refused);
                true
            }
        }
    }

    /// Screens a text, and returns whether it may be kept.
    fn text(&mut self, text: &mut String, place: &Place, at: Position<'_>) -> bool {
        if let Some(kind) = suspicion(at.name, at.inside, text) {
            self.refuse(at.name, kind, place);
            return false;
        }
        if let Some((kept, removed)) = plain_url(text) {
            self.shorten(at.name, &removed, place);
            *text = kept;
        }
        true
    }

    /// Refuses a value of a property or of a column.
    pub fn refuse(&mut self, name: &str, kind: &str, place: &Place) {
        let subject = if name.is_empty() { "a value".to_owned() } else { format!("`{name}`") };
        self.report(&subject, kind, place, "remove the value from the file");
    }

    fn report(&mut self, subject: &str, kind: &str, place: &Place, remedy: &str) {
        self.places.push(place.clone());
        let message = format!("{subject} looks like {kind}, and a snapshot contains no secrets");
        let error = Diagnostic::error(Code::CaptureSecret, message).label(&place.source, place.span, "refused");
        let help = format!("{remedy}; if others could read the file, replace the secret where it is used");
        self.diagnostics.push(error.help(help));
    }

    fn shorten(&mut self, name: &str, removed: &str, place: &Place) {
        // The removed part is at the end of the text, so it is found if the file has it without escapes.
        let written = place.text();
        let at = written.rfind(removed).map(|at| Span::from(at..at + removed.len()));
        let start = place.span.start;
        let span = at.map_or(place.span, |at| Span::new(start + at.start, start + at.end));
        self.places.push(Place { source: Arc::clone(&place.source), span });
        let message = format!("the URL of `{name}` has a user, a query or a fragment, which may contain a secret");
        let warning = Diagnostic::warning(Code::CaptureSecret, message);
        let warning = warning.label(&place.source, place.span, "the snapshot has its scheme, host and path only");
        self.diagnostics.push(warning.help("remove this part of the URL from the file"));
    }
}

/// Adds names to the list `uncaptured` of an object. Another value at this name is reported by its reader.
fn add_uncaptured(properties: &mut Vec<Property>, names: Vec<Node>) {
    let Some(first) = names.first() else { return };
    let place = first.place.clone();
    match properties.iter_mut().find(|property| property.name == UNCAPTURED) {
        Some(Property { node: Node { value: Value::List(known), .. }, .. }) => known.extend(names),
        Some(Property { node, .. }) if node.value == Value::Null => node.value = Value::List(names),
        Some(_) => {}
        None => {
            let node = Node::new(&place, Value::List(names));
            properties.push(Property { name: UNCAPTURED.to_owned(), place, node });
        }
    }
}

/// Returns a URL with its scheme, host and path only, and the removed part, if it has more than that.
pub fn plain_url(text: &str) -> Option<(String, String)> {
    let (scheme, rest) = text.split_once("://")?;
    let mut letters = scheme.chars();
    let is_scheme = letters.next().is_some_and(|c| c.is_ascii_alphabetic())
        && letters.all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    if !is_scheme || text.contains(char::is_whitespace) {
        return None;
    }
    let end = rest.find(['?', '#']).unwrap_or(rest.len());
    let (kept, tail) = rest.split_at_checked(end)?;
    let authority = kept.split('/').next().unwrap_or_default();
    let (user, host) = authority
        .rsplit_once('@')
        .map_or(("", kept), |(user, _)| (user, kept.get(user.len() + 1..).unwrap_or_default()));
    if tail.is_empty() && user.is_empty() {
        return None;
    }
    let removed = if tail.is_empty() { user } else { tail };
    Some((format!("{scheme}://{host}"), removed.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_those_whose_last_words_are() {
        for name in [
            "token",
            "scim_token",
            "accessToken",
            "access-token",
            "api_key",
            "apiKey",
            "APIKey",
            "apikey",
            "api_keys",
            "client_secret",
            "Password",
            "admin_password",
            "DB_PASSWD",
            "private_key",
            "signingKey",
            "recovery_codes",
            "token_value",
            "secretValue",
            "connection_string",
            "Authorization",
            "SSH key",
            "webhook_secret",
        ] {
            assert!(is_secret_name(name, ""), "{name}");
        }
        for name in [
            "token_expires_at",
            "token_created_at",
            "api_key_name",
            "key_rotated_at",
            "two_step",
            "credential_rotated_at",
            "key",
            "keys",
            "public_key",
            "primary_key",
            "password_policy",
            "secret_id",
            "access_token_ttl_minutes",
            "next_page_token",
            "nextToken",
            "key_management",
            "tokenized_channels",
            "approved_publish_keys",
            "auth",
            "access_key_id",
            "value",
            "key_name",
            "postal_code",
            "codes",
            "passwords_expire",
            "monkey",
            "keyword",
            "",
            "_",
        ] {
            assert!(!is_secret_name(name, ""), "{name}");
        }
        assert!(is_secret_name("value", "password") && !is_secret_name("value", "masked"));
    }

    /// Returns a web token, put together so that no scanner of repositories takes it for one.
    fn web_token() -> String {
        let encode = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        [encode("{\"alg\":\"RS256\",\"typ\":\"JWT\"}"), encode("{\"sub\":\"ada\"}"), "c2lnbmF0dXJl".to_owned()]
            .join(".")
    }

    #[test]
    fn forms_of_secrets_are_refused_under_any_name() {
        let key = format!("-----BEGIN {}PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----", "RSA ");
        let letters = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2";
        for (text, kind) in [
            (key, "a private key"),
            (web_token(), "a JSON web token"),
            (format!("see {} there", web_token()), "a JSON web token"),
            (format!("AKIA{}", "IOSFODNN7EXAMPLE"), "an AWS access key id"),
            (format!("gh{}_{letters}", "p"), "a GitHub token"),
            (format!("github_pat{}{letters}", "_"), "a GitHub token"),
            (format!("xox{}-1234567890-abc", "b"), "a Slack token"),
            (format!("sk_{}_{letters}", "live"), "a Stripe key"),
            (format!("AI{}{letters}", "za"), "a Google API key"),
            (format!("Bearer {letters}"), "a bearer token"),
            ("Basic YWRhOnB3".to_owned(), "a password in base64"),
            ("https://ada:pw12@x.example/y".to_owned(), "a password in a URL"),
            ("Server=x;Password=hunter22;".to_owned(), "a password"),
            (format!("https://x.blob.example/y?sv=1&sig={letters}"), "a shared access signature"),
            (format!("https://x.example/y?X-Amz-Signature={letters}"), "a signed URL"),
            (format!("https://hooks.slack.com/services/{letters}"), "the address of a webhook, which is a secret"),
        ] {
            assert_eq!(suspicion("note", "", &text), Some(kind), "{text}");
        }
    }

    #[test]
    fn a_quote_has_no_secret() {
        let letters = "Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8Qr9St0Uv1Wx2";
        let token = format!("gh{}_{letters}", "p");
        assert_eq!(
            masked(&format!("`{token}` is not a time, and neither is é {token}")),
            "`***` is not a time, and neither is é ***"
        );
        assert_eq!(masked(&format!("Bearer {token}.")), "Bearer ***");
        assert_eq!(masked("`a` is not a time"), "`a` is not a time");
    }

    #[test]
    fn harmless_texts_are_kept() {
        for text in [
            "https://x.example/path",
            "https://ada@x.example",
            "user@example.com",
            "AKIA",
            "Basic authentication",
            "bearer of the key",
            "password=***",
            "password_or_key",
            "-----BEGIN CERTIFICATE-----",
            "ghp_short",
            "a.b.c",
            "eyJ.x.y",
            "2026-09-01T00:00:00Z",
            "DC-02",
            "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
            "sig",
            "the sig=x is short",
            "203.0.113.0/28",
            "https://hooks.example.com/moe",
        ] {
            assert_eq!(suspicion("note", "", text), None, "{text}");
        }
        for text in ["", "***", "••••", "set", "Required", "<redacted>", "${TOKEN}", "xxxx", "n/a"] {
            assert_eq!(suspicion("token", "", text), None, "{text}");
        }
        assert_eq!(suspicion("token", "", "abc"), Some("the value of a secret"));
    }

    fn screened(text: &str) -> (Node, Screening) {
        let mut node = Node::read(&Source::new("s.json", text).unwrap()).unwrap();
        let mut screening = Screening::default();
        screening.screen(&mut node);
        (node, screening)
    }

    #[test]
    fn secrets_leave_the_tree_and_their_places_are_known() {
        let text = r#"{"a": {"token": "s3cr3t-1", "on": true, "uncaptured": ["off", "password=s3cr3t-0"]}, "tokens": ["s3cr3t-2", 7], "password": {"value": "s3cr3t-3"}, "token": null}"#;
        let (node, screening) = screened(text);
        assert!(node.get("a").unwrap().get("token").is_none() && node.get("a").unwrap().get("on").is_some());
        assert!(node.get("tokens").is_none() && node.get("token").is_some());
        let names = |node: &Node| match node.get("uncaptured").map(|list| &list.value) {
            Some(Value::List(names)) => names.iter().filter_map(Node::text).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        assert_eq!(names(&node), ["tokens"]);
        assert_eq!(names(node.get("a").unwrap()), ["off", "token"]);
        assert_eq!(names(node.get("password").unwrap()), ["value"]);
        let places: Vec<&str> = screening.places.iter().map(Place::text).collect();
        assert_eq!(places, ["\"s3cr3t-1\"", "\"password=s3cr3t-0\"", "\"s3cr3t-2\"", "\"s3cr3t-3\""]);
        assert!(screening.diagnostics.iter().all(|it| !format!("{} {:?}", it.message, it.help).contains("s3cr3t")));
        assert!(crate::diagnostic::has_errors(&screening.diagnostics));
    }

    #[test]
    fn a_name_that_is_a_secret_is_refused_and_not_quoted() {
        let token = format!("gh{}_Ab1Cd2Ef3Gh4Ij5Kl6Mn7Op8", "p");
        let (node, screening) = screened(&format!(r#"{{"keys": {{"{token}": {{"api_key": "k3y"}}, "plain": 1}}}}"#));
        assert!(screening.has_secret_name && node.get("keys").unwrap().get(&token).is_some());
        let places: Vec<&str> = screening.places.iter().map(Place::text).collect();
        assert_eq!(places, [format!("\"{token}\"").as_str(), "\"k3y\""]);
        let message = &screening.diagnostics[0].message;
        assert_eq!(message, "the name of a property looks like a GitHub token, and a snapshot contains no secrets");
        assert!(!screened(r#"{"api_key": "set", "password": true}"#).1.has_secret_name);
    }

    #[test]
    fn a_url_keeps_scheme_host_and_path() {
        for (text, kept, removed) in [
            ("https://h.example/a/b?k=v#f", "https://h.example/a/b", "?k=v#f"),
            ("https://h.example#f", "https://h.example", "#f"),
            ("HTTPS://ada@h.example:8443/a", "HTTPS://h.example:8443/a", "ada"),
            ("https://a@b@h.example/x@y?z", "https://h.example/x@y", "?z"),
        ] {
            assert_eq!(plain_url(text), Some((kept.to_owned(), removed.to_owned())), "{text}");
        }
        for text in ["https://h.example/a", "h.example/?a", "see https://h.example/?a", "://x?y", "1http://x?y"] {
            assert_eq!(plain_url(text), None, "{text}");
        }
        let (node, screening) = screened(r#"{"url": "https://h.example/a?k=v1"}"#);
        assert_eq!(node.get("url").unwrap().text(), Some("https://h.example/a"));
        assert_eq!(screening.places[0].text(), "?k=v1");
        assert!(!crate::diagnostic::has_errors(&screening.diagnostics));
    }

    #[test]
    fn the_search_takes_time_in_proportion_to_the_text() {
        for (part, is_found) in [
            (":", false),
            ("a=", false),
            ("pwd=", true),
            ("password:", true),
            ("-----BEGIN ", false),
            ("-----BEGIN PRIVATE KEY-----", true),
            ("hooks.slack.com/services/", true),
            ("https://a:b@", true),
            ("Bearer ", false),
        ] {
            let text = part.repeat(1_000_000 / part.len());
            assert_eq!(spans(&Source::new("t", text).unwrap()).is_empty(), !is_found, "{part}");
        }
    }

    #[test]
    fn excerpts_of_any_format_are_masked() {
        let masked = |text: &str| {
            let mut shown = text.to_owned();
            let mut spans = spans(&Source::new("t", text).unwrap());
            spans.sort();
            for span in spans.into_iter().rev() {
                shown.replace_range(span.range(), "#");
            }
            shown
        };
        for (text, expected) in [
            ("a: 1\n  api_key: abc\nb: 2", "a: 1\n  api_key: #\nb: 2"),
            ("{\"token\": \"abc\"}", "{\"token\": #"),
            ("token = 'abc'\r\nx = 1", "token = #\r\nx = 1"),
            ("token_expires_at: 2026-09-01", "token_expires_at: 2026-09-01"),
            ("a: [\n", "a: [\n"),
        ] {
            assert_eq!(masked(text), expected);
        }
        assert_eq!(masked(&format!("- {}\n", web_token())), "- #\n");
    }
}
