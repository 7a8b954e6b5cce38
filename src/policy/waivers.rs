//! Waivers: the annotations of a `permit` for the audit, read and validated.

use super::annotations::{Annotation, ON_WAIVER};
use super::model::{Statement, Unknowns, Waiver};
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Source, Span};
use crate::value::{DAY, parse_datetime};
use smol_str::SmolStr;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The annotations that every waiver has, each with the remedy if it is missing.
const REQUIRED: [(&str, &str); 4] = [
    ("waives", "name the check, such as @waives(\"ORG-AUTH-01\")"),
    ("reason", "state why the failure is accepted, such as @reason(\"replaced in Q3\")"),
    ("owner", "name the person or team that is responsible, such as @owner(\"mia@example.com\")"),
    ("expires", "state the last day of the waiver, such as @expires(\"2026-12-31\")"),
];

/// Reads a waiver, which may have the annotations of the project. One with an error is not valid, and waives nothing.
pub(super) fn waiver(
    file: &Arc<Source>,
    annotations: &BTreeMap<SmolStr, Annotation>,
    statement: Statement,
    keyword: Span,
    own: &[SmolStr],
) -> (Waiver, Vec<Diagnostic>) {
    let mut wrong = Vec::new();
    let given = |name: &str| annotations.get(name).filter(|annotation| !annotation.value.trim().is_empty());
    let text = |name: &str| given(name).map(|annotation| annotation.value.clone());
    let id = &statement.id;
    for (name, help) in REQUIRED.into_iter().filter(|(name, _)| given(name).is_none()) {
        let span = annotations.get(name).map_or(keyword, |annotation| annotation.span);
        let error = Diagnostic::error(Code::PolicyAnnotation, format!("waiver `{id}` has no `@{name}`"));
        wrong.push(error.label(file, span, "this waiver").help(help));
    }
    if let Some(annotation) = annotations.get("ticket").filter(|annotation| annotation.value.trim().is_empty()) {
        let error = Diagnostic::error(Code::PolicyAnnotation, format!("the `@ticket` of waiver `{id}` is empty"));
        wrong.push(error.label(file, annotation.span, "").help("name the ticket, or remove the annotation"));
    }
    let end = given("expires").and_then(|annotation| {
        let end = end_of(&annotation.value);
        if end.is_none() {
            let message = format!("`{}` is not a date", annotation.value);
            let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, annotation.value_span, "");
            wrong.push(error.help("write the last day of the waiver as YYYY-MM-DD, such as 2026-12-31"));
        }
        end
    });
    let unknowns = match annotations.get("unknown_too") {
        None => Unknowns::Kept,
        Some(annotation) if annotation.value.is_empty() => Unknowns::Too,
        Some(annotation) if annotation.value == "only" => Unknowns::Only,
        Some(annotation) => {
            let message = format!("`@unknown_too` of waiver `{id}` has the value `{}`", annotation.value);
            let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, annotation.value_span, "");
            wrong.push(error.help("write `@unknown_too`, or @unknown_too(\"only\") to waive no failures"));
            Unknowns::Kept
        }
    };
    let fingerprint = annotations.get("fingerprint");
    let is_digit = |digit: u8| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit);
    let is_fingerprint = |text: &str| text.len() == 32 && text.bytes().all(is_digit);
    if let Some(annotation) = fingerprint.filter(|annotation| !is_fingerprint(&annotation.value)) {
        let message = format!("`{}` is not a fingerprint", annotation.value);
        let error = Diagnostic::error(Code::PolicyAnnotation, message).label(file, annotation.value_span, "");
        wrong.push(error.help("write the 32 digits that reports have for the finding, or remove the annotation"));
    }
    // An unknown annotation, which is reported elsewhere, may be a misspelt limit.
    let is_known = annotations.keys().all(|name| ON_WAIVER.contains(&name.as_str()) || own.contains(name));
    let valid = statement.valid && is_known && wrong.is_empty();
    let waiver = Waiver {
        check: text("waives").unwrap_or_default(),
        check_span: annotations.get("waives").map_or(keyword, |annotation| annotation.value_span),
        reason: text("reason").unwrap_or_default(),
        owner: text("owner").unwrap_or_default(),
        expires: text("expires").unwrap_or_default(),
        expires_span: annotations.get("expires").map_or(keyword, |annotation| annotation.span),
        // A waiver without a valid date is not valid, and is not used at any time.
        end: end.unwrap_or(i64::MIN),
        ticket: text("ticket"),
        fingerprint: fingerprint.map(|annotation| annotation.value.clone()),
        unknowns,
        head: Span::new(keyword.start, statement.resource_span.end),
        statement: Statement { valid, ..statement },
    };
    (waiver, wrong)
}

/// Returns the end of a day, `YYYY-MM-DD` in UTC, in milliseconds since 1970.
pub(crate) fn end_of(day: &str) -> Option<i64> {
    let is_date = day.len() == "YYYY-MM-DD".len();
    parse_datetime(day).ok().filter(|_| is_date)?.checked_add(DAY)
}

#[cfg(test)]
mod tests {
    use super::end_of;

    #[test]
    fn a_day_ends_with_the_next_one() {
        assert_eq!(end_of("2026-09-01"), Some(1_788_307_200_000));
        assert_eq!(end_of("1969-12-31"), Some(0));
        for wrong in ["", "2026-9-1", "2026-02-30", "2026-09-01T00:00:00Z", "01.09.2026", "2026-09-01 ", "never"] {
            assert_eq!(end_of(wrong), None, "{wrong}");
        }
    }
}
