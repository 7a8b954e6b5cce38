//! Cedar's messages without names that are internal to Cedar, and with a remedy for common mistakes.

use crate::diagnostic::{Diagnostic, Label};
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
    if let Some(name) = message.strip_prefix("The name `").and_then(|rest| rest.split('`').next()) {
        let message = format!("`{name}` hides the built-in type of this name");
        return Diagnostic { message, help: Some("choose another name".into()), ..found };
    }
    let help = found.help.as_deref().map(plain_names);
    let span = found.labels.first().map(|label| label.place.span).unwrap_or_default();
    let (before, rest) = text.split_at_checked(span.start as usize).unwrap_or_default();
    let written = text.get(span.range()).unwrap_or_default().trim();
    if let Some(help) = word_of_another_language(&message, before, rest) {
        // Cedar lists all tokens that are possible here.
        let labels = found.labels.into_iter().map(|label| Label { text: String::new(), ..label }).collect();
        return Diagnostic { message, labels, help: Some(help), ..found };
    }
    let better = advice(&message, written, text);
    Diagnostic { message, help: better.or(help), ..found }
}

/// Replaces names that are internal to Cedar.
fn plain_names(text: &str) -> String {
    text.replace("Set<__cedar::internal::AnyEntity>", "a set of entities")
        .replace("Set<__cedar::internal::Any>", "a set")
        .replace("__cedar::internal::AnyEntity", "an entity")
        .replace("__cedar::internal::Any", "any type")
        .replace("__cedar::internal::", "")
        .replace("OpenRecord{}", "a record")
}

/// Returns what to write instead of an operator or a comment of another language. `before` and `rest` are the text up to
/// the error and from there.
fn word_of_another_language(message: &str, before: &str, rest: &str) -> Option<String> {
    let write = |operator: &str, other: &str| Some(format!("write `{operator}` instead of `{other}`"));
    match message.strip_prefix("error parsing schema: ").unwrap_or(message) {
        "unexpected token `and`" => write("&&", "and"),
        "unexpected token `or`" => write("||", "or"),
        "unexpected token `matches`" => Some("match a text with `like`, where `*` is any text".into()),
        "unexpected token `=`" if before.ends_with("==") => write("==", "==="),
        "unexpected token `?`" => optional_type(before),
        "invalid token" if rest.starts_with('#') => Some("a comment begins with `//`".into()),
        "invalid token" if rest.starts_with('?') => Some("write `if condition then value else value`".into()),
        _ if message.starts_with("unexpected token") && last_word(before) == "not" => write("!", "not"),
        _ => None,
    }
}

/// Returns the declaration of an optional attribute whose type has the `?`.
fn optional_type(before: &str) -> Option<String> {
    let (name, ty) = before.rsplit([',', '{', '\n']).next()?.split_once(':')?;
    Some(format!("an optional attribute has `?` after its name: write `{}?: {}`", name.trim(), ty.trim()))
}

/// Returns the word before blanks at the end of a text.
fn last_word(text: &str) -> &str {
    text.trim_end().rsplit(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
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
    if message.ends_with("empty set literals are forbidden in policies") {
        return Some("test whether a set is empty with `isEmpty()`, such as `resource.roles.isEmpty()`".into());
    }
    if let Some(name) =
        message.strip_suffix("` is not a valid method").or(message.strip_suffix("` is not a valid function"))
        && let Some(help) = method(name.trim_start_matches('`'), written)
    {
        return Some(help);
    }
    if let Some(types) = message.strip_prefix("the types ") {
        return incompatible(types.strip_suffix(" are not compatible")?.split_once(" and ")?, written);
    }
    if let Some((_, name)) = message.split_once("attribute `")
        && let Some((name, _)) = name.split_once("` in context for ")
    {
        return Some(match name.strip_prefix("parameters.") {
            Some(_) => "name a parameter that the schema declares, or declare it in the type of the parameters".into(),
            None => format!("a parameter is `context.parameters.{name}`, and the time of the run is `context.now`"),
        });
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
        ("an entity", "String", _) | ("a set of entities, or an entity", "String" | "Set<String>", _) => {
            Some("`in` relates entities; for texts write a list and `.contains()`, such as `[\"a\", \"b\"].contains(resource.name)`".into())
        }
        ("a set", "String", _) => method("contains", written),
        ("an entity, or a record", "Set<String>", _) => method("length", written),
        ("decimal", "Long", _) => Some("write a decimal such as `decimal(\"12.5\")`".into()),
        _ => None,
    }
}

/// Returns what to write instead of a method or function that Cedar does not have. `written` is the call.
fn method(name: &str, written: &str) -> Option<String> {
    let (receiver, argument) = match written.split_once(&format!(".{name}(")) {
        Some((receiver, rest)) => (receiver, rest.trim_end_matches(')')),
        None => ("resource.name", ""),
    };
    let literal = argument.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or("text");
    let like = |pattern: String| Some(format!("write `{receiver} like \"{pattern}\"`"));
    match name {
        "endsWith" | "ends_with" | "endswith" => like(format!("*{literal}")),
        "startsWith" | "starts_with" | "startswith" => like(format!("{literal}*")),
        "contains" | "includes" | "match" | "matches" => like(format!("*{literal}*")),
        "count" | "len" | "length" | "size" => Some(
            "test a set with `isEmpty()`; for its size, declare an attribute of type Long with `@as(\"count\")` in the schema"
                .into(),
        ),
        "casefold" | "lower" | "toLower" | "toLowerCase" | "toUpperCase" | "upper" => {
            Some("declare the attribute with `@as(\"casefold\")` in the schema, and compare it with a text in lower case".into())
        }
        "defined" | "exists" | "isDefined" | "isNull" => {
            Some("ask whether an attribute is there, such as `resource has owner`".into())
        }
        "now" => Some("write `context.now`".into()),
        _ => None,
    }
}

/// Returns how to compare values of two types. `written` is the comparison.
fn incompatible((left, right): (&str, &str), written: &str) -> Option<String> {
    let other = match (left, right) {
        ("String", other) | (other, "String") => other,
        ("Bool", "Long") | ("Long", "Bool") => return Some("write `true` or `false`".into()),
        _ => return None,
    };
    let literal = written.split('"').nth(1).filter(|_| written.matches('"').count() == 2);
    match (other, literal) {
        ("Bool", Some(text @ ("true" | "false"))) => Some(format!("write `{text}` without quotes")),
        ("Long", Some(text)) if text.parse::<i64>().is_ok() => Some(format!("write `{text}` without quotes")),
        ("datetime" | "decimal" | "duration", Some(text)) => Some(format!("write `{other}(\"{text}\")`")),
        ("ipaddr", Some(text)) => Some(format!("write `ip(\"{text}\")`")),
        ("Bool" | "Long" | "datetime" | "decimal" | "duration" | "ipaddr", _) => None,
        (set, _) if set.starts_with("Set<") => Some("ask whether a set has an element with `.contains()`".into()),
        (entity, Some(text)) if is_type(entity) => {
            Some(format!("compare with an entity: write `{entity}::\"{text}\"`"))
        }
        (entity, None) if is_type(entity) => Some(format!("compare with an entity, such as `{entity}::\"...\"`")),
        _ => None,
    }
}

/// Returns whether a text is the name of an entity type, with or without its namespace.
fn is_type(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || c == '_' || c == ':')
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
            ("`endsWith` is not a valid method", "r.name.endsWith(\"x\")", "write `r.name like \"*x\"`"),
            (
                "the types String and Role are not compatible",
                "r.role == \"x\"",
                "compare with an entity: write `Role::\"x\"`",
            ),
            ("the types Bool and String are not compatible", "r.on == \"true\"", "write `true` without quotes"),
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
