//! Cedar's messages without names that are internal to Cedar, and with a remedy for common mistakes.

use crate::diagnostic::Diagnostic;
use crate::source::nearest;
use crate::value::{parse_datetime, parse_duration};

/// Names of Cedar's types in other languages.
const TYPE_NAMES: &[(&str, &[&str])] = &[
    ("Bool", &["bool", "boolean"]),
    ("Long", &["int", "integer", "int32", "int64", "long", "number", "uint"]),
    ("String", &["str", "string", "text", "varchar"]),
    ("datetime", &["date", "datetime", "time", "timestamp", "instant"]),
    ("duration", &["duration", "interval", "timespan"]),
    ("decimal", &["decimal", "double", "float", "numeric"]),
    ("ipaddr", &["cidr", "inet", "ip", "ipaddr", "ipaddress", "ipv4", "network"]),
    ("Set<String>", &["array", "list", "set", "vec"]),
];

/// Rewords one of Cedar's diagnostics. `text` is the text of the file.
pub(super) fn reworded(found: Diagnostic, text: &str) -> Diagnostic {
    let message = plain_names(&found.message);
    let help = found.help.as_deref().map(plain_names);
    let written = found.labels.first().map(|label| label.place.text().to_owned()).unwrap_or_default();
    let better = advice(&message, written.trim(), text);
    Diagnostic { message, help: better.or(help), ..found }
}

/// Replaces names that are internal to Cedar.
fn plain_names(text: &str) -> String {
    text.replace("Set<__cedar::internal::AnyEntity>", "a set of entities")
        .replace("Set<__cedar::internal::Any>", "a set")
        .replace("__cedar::internal::AnyEntity", "an entity")
        .replace("__cedar::internal::Any", "any type")
        .replace("__cedar::internal::", "")
}

/// Returns the remedy for a common mistake. `written` is the text at the place of the error.
fn advice(message: &str, written: &str, text: &str) -> Option<String> {
    if let Some(name) = message.strip_prefix("failed to resolve type: ") {
        return type_named(name, text);
    }
    if let Some(name) = message.strip_prefix("invalid variable: ") {
        return variable(name);
    }
    if message == "`now` is not a valid function" {
        return Some("write `context.now`".into());
    }
    if message == "invalid token" && written.starts_with('#') {
        return Some("a comment begins with `//`".into());
    }
    let (_, types) = message.split_once("unexpected type: expected ")?;
    let (expected, saw) = types.split_once(" but saw ")?;
    let literal = written.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    match (expected, saw, literal) {
        ("datetime", "String", Some(text)) if parse_datetime(text).is_ok() => {
            Some(format!("write `datetime({written})`"))
        }
        ("datetime", "String", _) => Some("write a time such as `datetime(\"2026-09-01\")`".into()),
        ("duration", "String", Some(text)) if parse_duration(text).is_ok() => {
            Some(format!("write `duration({written})`"))
        }
        ("duration", "String" | "Long", _) => Some("write a duration such as `duration(\"90d\")`".into()),
        ("Long", "duration", _) => Some("compare a duration with another, such as `duration(\"90d\")`".into()),
        ("Long", "datetime", _) => {
            Some("compare times with `<`, or write `later.durationSince(earlier)` for the time between them".into())
        }
        ("Long", "String", Some(number)) if number.parse::<i64>().is_ok() => {
            Some(format!("write {number} without quotes"))
        }
        ("Long", "decimal", _) => Some("compare decimals with `.lessThan()` or `.greaterThan()`".into()),
        ("ipaddr", "String", Some(_)) => Some(format!("write `ip({written})`")),
        ("decimal", "String", Some(_)) => Some(format!("write `decimal({written})`")),
        ("decimal", "Long", _) => Some("write a decimal such as `decimal(\"12.5\")`".into()),
        _ => None,
    }
}

/// Returns the type that a name in a schema probably means.
fn type_named(name: &str, text: &str) -> Option<String> {
    let lower = name.to_ascii_lowercase();
    let usual = TYPE_NAMES.iter().find(|(ty, others)| *ty != name && others.contains(&lower.as_str()));
    if let Some((ty, _)) = usual {
        return Some(format!("write `{ty}`"));
    }
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '_').filter(|word| !word.is_empty());
    let words: Vec<&str> = words.collect();
    let declared = words.windows(2).filter_map(|pair| match pair {
        ["entity" | "type", name] => Some(*name),
        _ => None,
    });
    let declared: Vec<&str> = declared.filter(|declared| *declared != name).collect();
    let types = ["Bool", "Long", "String", "datetime", "duration", "decimal", "ipaddr"];
    match nearest(name, declared.iter().copied().chain(types)) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => Some(format!("declare `{name}` with `entity {name};` or `type {name} = ...;`")),
    }
}

/// Returns the remedy for a name that is not a variable of Cedar.
fn variable(name: &str) -> Option<String> {
    if matches!(name, "null" | "nil" | "None" | "undefined") {
        return Some(format!("Cedar has no `{name}`: ask whether an attribute is there, such as `resource has owner`"));
    }
    if matches!(name, "True" | "TRUE" | "False" | "FALSE") {
        return Some(format!("write `{}`", name.to_ascii_lowercase()));
    }
    if matches!(name, "now" | "parameters") {
        return Some(format!("write `context.{name}`"));
    }
    let (ty, id) = name.rsplit_once("::")?;
    Some(format!("write `{ty}::\"{id}\"` for an entity"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn common_mistakes_are_answered_with_what_to_write() {
        let schema = "entity Role; entity Member = {}; type Address = String;";
        let table = [
            ("failed to resolve type: bool", "bool", "write `Bool`"),
            ("failed to resolve type: Boolean", "Boolean", "write `Bool`"),
            ("failed to resolve type: Int", "Int", "write `Long`"),
            ("failed to resolve type: Timestamp", "Timestamp", "write `datetime`"),
            ("failed to resolve type: float", "float", "write `decimal`"),
            ("failed to resolve type: Membr", "Membr", "did you mean `Member`?"),
            (
                "failed to resolve type: Account",
                "Account",
                "declare `Account` with `entity Account;` or `type Account = ...;`",
            ),
            (
                "invalid variable: null",
                "null",
                "Cedar has no `null`: ask whether an attribute is there, such as `resource has owner`",
            ),
            ("invalid variable: Role::owner", "Role::owner", "write `Role::\"owner\"` for an entity"),
            ("invalid variable: now", "now", "write `context.now`"),
            ("`now` is not a valid function", "now()", "write `context.now`"),
            (
                "for policy `P`, unexpected type: expected datetime but saw String",
                "\"2026-01-01\"",
                "write `datetime(\"2026-01-01\")`",
            ),
            (
                "for policy `P`, unexpected type: expected duration but saw String",
                "\"90d\"",
                "write `duration(\"90d\")`",
            ),
            (
                "for policy `P`, unexpected type: expected duration but saw Long",
                "90",
                "write a duration such as `duration(\"90d\")`",
            ),
            ("for policy `P`, unexpected type: expected Long but saw String", "\"1\"", "write 1 without quotes"),
        ];
        for (message, written, expected) in table {
            assert_eq!(advice(message, written, schema).as_deref(), Some(expected), "{message}");
        }
        assert_eq!(advice("invalid variable: https", "https", schema), None);
        assert_eq!(plain_names("expected Set<__cedar::internal::Any> but saw String"), "expected a set but saw String");
    }
}
