//! Values of parameters as typed.

use super::model::Ty;
use crate::source::json::{Scanner, SyntaxError, string_text};
use crate::value::{self, IpNet, Value};
use std::sync::Arc;

/// Reads a value of a parameter as typed: `14`, `true`, `14d`, `10.0.0.0/8`, `["a", "b"]`.
///
/// # Errors
/// A phrase saying what is valid.
pub fn parse_value(ty: &Ty, text: &str) -> Result<Value, String> {
    Ok(match ty {
        Ty::Bool => match text {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            _ => return Err("expected `true` or `false`".into()),
        },
        Ty::Long => Value::Long(text.parse().map_err(|_| "expected a whole number of 64 bits".to_owned())?),
        Ty::String => Value::String(text.into()),
        Ty::Decimal => Value::Decimal(value::parse_decimal(text)?),
        Ty::Datetime => Value::Datetime(value::parse_datetime(text)?),
        Ty::Duration => Value::Duration(value::parse_duration(text)?),
        Ty::Ip => Value::Ip(IpNet::parse(text)?),
        Ty::Set(element) => {
            let valid = || "expected a list in JSON, such as [\"a\", \"b\"]".to_owned();
            let mut scanner = Scanner::new(text);
            let mut items = Vec::new();
            let walked = scanner.array(|scanner, _| {
                let span = scanner.skip()?;
                items.push(text.get(span.range()).unwrap_or_default());
                Ok::<_, SyntaxError>(())
            });
            walked.and_then(|_| scanner.end()).map_err(|_| valid())?;
            let read = |item: &&str| {
                let quoted = string_text(item).filter(|_| item.starts_with('"'));
                match (element.as_ref(), &quoted) {
                    (Ty::String | Ty::Datetime | Ty::Duration | Ty::Ip, None) => {
                        Err(format!("the element `{item}` needs quotes, as in [\"a\", \"b\"]"))
                    }
                    (Ty::Bool | Ty::Long, Some(_)) => Err(format!("the element `{item}` has quotes; write it without")),
                    _ => parse_value(element, &quoted.unwrap_or((*item).into())),
                }
            };
            Value::Set(Arc::new(value::Set::new(items.iter().map(read).collect::<Result<_, _>>()?)))
        }
        Ty::Entity(_) | Ty::Record(_) => {
            return Err(
                "a parameter is a number, a text, a moment, a duration, an address, a boolean or a list of these"
                    .into(),
            );
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_elements_of_a_list_have_its_type() {
        let set = |of: Ty, text: &str| {
            parse_value(&Ty::Set(Arc::new(of)), text).map(|value| match value {
                Value::Set(set) => set.items().len(),
                _ => 0,
            })
        };
        assert_eq!(set(Ty::String, r#"["a", "1", "a"]"#), Ok(2));
        assert_eq!(set(Ty::Long, "[1, 2]"), Ok(2));
        assert_eq!(set(Ty::Decimal, r#"[1.5, "2.5"]"#), Ok(2));
        assert_eq!(set(Ty::Duration, r#"["14d"]"#), Ok(1));
        for (of, text) in [
            (Ty::String, r#"["a", 1]"#),
            (Ty::String, "[true]"),
            (Ty::String, "[null]"),
            (Ty::Duration, "[14]"),
            (Ty::Long, r#"["1"]"#),
            (Ty::Bool, r#"["true"]"#),
            (Ty::String, "a"),
        ] {
            assert!(set(of, text).is_err(), "{text}");
        }
    }
}
