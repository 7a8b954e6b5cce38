//! Properties and texts that look like secrets.

use super::names::words;

/// Words that name a secret at the end of a property name.
const LAST: [&str; 18] = [
    "password",
    "passwords",
    "passwd",
    "pwd",
    "passphrase",
    "secret",
    "secrets",
    "token",
    "tokens",
    "apikey",
    "apikeys",
    "credential",
    "credentials",
    "jwt",
    "otp",
    "psk",
    "authtoken",
    "accesstoken",
];

/// Pairs of words that name a secret at the end of a property name.
const LAST_TWO: [(&str, &str); 18] = [
    ("api", "key"),
    ("api", "keys"),
    ("access", "key"),
    ("account", "key"),
    ("auth", "key"),
    ("client", "key"),
    ("encryption", "key"),
    ("license", "key"),
    ("private", "key"),
    ("secret", "key"),
    ("shared", "key"),
    ("signing", "key"),
    ("ssh", "key"),
    ("backup", "codes"),
    ("recovery", "code"),
    ("recovery", "codes"),
    ("security", "answer"),
    ("session", "cookie"),
];

/// Last words of names such as `secret_value`, which are secret if another word names a secret.
const VALUE: [&str; 9] = ["value", "hash", "text", "string", "plaintext", "base64", "pem", "data", "raw"];

/// Beginnings of keys and tokens that vendors issue.
const BEGINNINGS: [&str; 20] = [
    "-----BEGIN",
    "AKIA",
    "ASIA",
    "AIza",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xoxr-",
    "xoxs-",
    "sk_live_",
    "rk_live_",
    "sk-",
    "Bearer ",
];

/// Parameters of a URL that have secrets.
const PARAMETERS: [&str; 6] = ["token=", "key=", "secret=", "sig=", "signature=", "password="];

/// The length of the shortest text that may be a random one.
const RANDOM: usize = 20;

/// Returns whether the text of a property is a secret by its name.
pub(super) fn is_secret_name(name: &str) -> bool {
    let words = words(name);
    let Some((last, before)) = words.split_last() else { return false };
    let pair = before.last().map(|before| (before.as_str(), last.as_str()));
    let names = |word: &String| LAST.contains(&word.as_str());
    names(last)
        || pair.is_some_and(|pair| LAST_TWO.contains(&pair))
        || VALUE.contains(&last.as_str()) && before.iter().any(names)
}

/// Returns whether a name is one of a key, whose text is a secret if it looks random.
pub(super) fn is_key_name(name: &str) -> bool {
    words(name).last().is_some_and(|last| matches!(last.as_str(), "key" | "value" | "hash" | "code" | "pin"))
}

/// Returns whether a text looks like a key or token that a vendor issued, or contains one.
pub(super) fn is_secret_text(text: &str) -> bool {
    let long = text.len() >= RANDOM;
    long && (BEGINNINGS.iter().any(|beginning| text.starts_with(beginning)) || is_jwt(text) || has_secret(text))
}

/// Returns whether a text has letters and digits in no order that people choose.
pub(super) fn is_random_text(text: &str) -> bool {
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '=' | '_' | '-' | '.');
    let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
    let is_uuid = text.len() == 36 && text.matches('-').count() == 4;
    text.len() >= RANDOM
        && text.chars().all(is_part)
        && has(char::is_ascii_digit)
        && has(char::is_ascii_alphabetic)
        && !is_uuid
}

fn is_jwt(text: &str) -> bool {
    text.starts_with("eyJ") && text.split('.').count() == 3
}

/// Returns whether a text is a URL with a password or with a secret among its parameters.
fn has_secret(text: &str) -> bool {
    let Some((_, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let has_password = authority.rsplit_once('@').is_some_and(|(user, _)| user.contains(':'));
    let query = rest.split_once('?').map(|(_, query)| query.to_ascii_lowercase()).unwrap_or_default();
    has_password || rest.starts_with("hooks.slack.com/") || PARAMETERS.iter().any(|name| query.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_secrets_are_recognised() {
        for name in ["token", "clientSecret", "API-Key", "password_hash", "privateKey", "recoveryCodes", "SECRET_VALUE"]
        {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["token_type", "password_changed_at", "key", "secretary", "tokenCount", "secret_rotation_days", ""]
        {
            assert!(!is_secret_name(name), "{name}");
        }
    }

    #[test]
    fn texts_that_are_secrets_are_recognised() {
        for text in [
            "ghp_0123456789abcdefghij",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
            "-----BEGIN PRIVATE KEY-----",
            "https://user:pass@x.example/",
            "https://x.example/?a=1&token=abc",
        ] {
            assert!(is_secret_text(text), "{text}");
        }
        assert!(!is_secret_text("https://x.example/?page=1"));
        assert!(is_random_text("q83vEjRWeJCrze8SNFZ4kA=="));
        assert!(!is_random_text("0e8a2d4c-1b3f-4a5e-9c7d-2f1e0d3c4b5a"));
        assert!(!is_random_text("alice.liddell@x"));
    }
}
