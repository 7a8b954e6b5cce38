//! A schema in parts, which are parsed at the same time: Cedar's parser takes most of the start of a process.
//!
//! A part has the text of the schema with blanks in place of the declarations of the other parts, so that places are those
//! of the schema. If a part has a mistake, the whole is parsed.

use super::written::Fragment;
use crate::parallel::*;
use crate::source::cedar::{Token, on_deep_stack, tokens};
use crate::source::{Span, byte_offset};
use cedar_policy_core::extensions::Extensions;
use cedar_policy_core::validator::cedar_schema::SchemaWarning;
use cedar_policy_core::validator::json_schema;
use std::collections::BTreeMap;

/// The length of a text that is not divided, in bytes.
const SMALL: usize = 16 << 10;
/// The number of parts.
const PARTS: usize = 4;

/// Parses a schema in parts. `None` if it is small, or has a mistake.
pub(super) fn parse(text: &str) -> Option<(Fragment, Vec<SchemaWarning>)> {
    let parts = divided(text, PARTS).filter(|_| text.len() > SMALL)?;
    let read = |part: String| {
        on_deep_stack(|| {
            let read = Fragment::from_cedarschema_str(&part, Extensions::all_available());
            read.ok().map(|(fragment, warnings)| (fragment, warnings.collect::<Vec<_>>()))
        })
    };
    let read: Vec<Option<(Fragment, Vec<SchemaWarning>)>> = parts.into_par_iter().map(read).collect();
    let (mut whole, mut warnings) = (empty(), Vec::new());
    for part in read {
        let (fragment, own) = part?;
        add(&mut whole, fragment)?;
        warnings.extend(own);
    }
    Some((whole, warnings))
}

fn empty() -> Fragment {
    json_schema::Fragment(BTreeMap::new())
}

/// Adds the declarations of a part. `None` if something is declared twice.
fn add(whole: &mut Fragment, part: Fragment) -> Option<()> {
    for (name, definition) in part.0 {
        let Some(known) = whole.0.get_mut(&name) else {
            whole.0.insert(name, definition);
            continue;
        };
        let before = (known.entity_types.len(), known.common_types.len(), known.actions.len());
        let added = (definition.entity_types.len(), definition.common_types.len(), definition.actions.len());
        known.entity_types.extend(definition.entity_types);
        known.common_types.extend(definition.common_types);
        known.actions.extend(definition.actions);
        let after = (known.entity_types.len(), known.common_types.len(), known.actions.len());
        if (before.0 + added.0, before.1 + added.1, before.2 + added.2) != after {
            return None;
        }
    }
    Some(())
}

/// Returns the texts of the parts of a schema. `None` if it does not consist of declarations and namespaces of them.
fn divided(text: &str, parts: usize) -> Option<Vec<String>> {
    let Layout { declarations, kept } = Layout::of(text)?;
    let size = byte_offset(text.len().div_ceil(parts));
    let mut groups: Vec<Vec<Span>> = Vec::new();
    let mut bytes = 0u32;
    for declaration in declarations {
        if groups.is_empty() || bytes >= size {
            groups.push(Vec::new());
            bytes = 0;
        }
        bytes += declaration.len();
        groups.last_mut()?.push(declaration);
    }
    let blank = " ".repeat(text.len());
    let with = |group: Vec<Span>| {
        let mut part = blank.clone();
        for span in group.into_iter().chain(kept.iter().copied()) {
            let range = span.start as usize..span.end as usize;
            part.replace_range(range.clone(), text.get(range)?);
        }
        Some(part)
    };
    groups.into_iter().map(with).collect()
}

/// The places in the text of a schema.
#[derive(Default)]
struct Layout {
    /// Declarations, each with the text before it.
    declarations: Vec<Span>,
    /// The beginnings and ends of namespaces, which are in every part.
    kept: Vec<Span>,
}

impl Layout {
    fn of(text: &str) -> Option<Self> {
        let mut layout = Self::default();
        let (mut start, mut depth, mut base) = (0, 0usize, 0usize);
        let mut is_namespace = false;
        for (span, token) in tokens(text) {
            match token {
                Token::Word("namespace") if depth == 0 => is_namespace = true,
                Token::Sign("{") if is_namespace && depth == 0 => {
                    (depth, base, is_namespace) = (1, 1, false);
                    layout.kept.push(Span::new(start, span.end));
                    start = span.end;
                }
                Token::Sign("{" | "[" | "(" | "<") => depth += 1,
                Token::Sign("}" | "]" | ")" | ">") => {
                    depth = depth.checked_sub(1)?;
                    if depth < base {
                        base = 0;
                        layout.kept.push(Span::new(start, span.end));
                        start = span.end;
                    }
                }
                Token::Sign(";") if depth == base => {
                    layout.declarations.push(Span::new(start, span.end));
                    start = span.end;
                }
                _ => {}
            }
        }
        let rest = text.get(start as usize..)?;
        (depth == 0 && tokens(rest).next().is_none()).then_some(layout)
    }
}

#[cfg(test)]
mod tests {
    use super::super::written::{Written, span_of};
    use super::*;

    fn whole(text: &str) -> Option<Fragment> {
        Fragment::from_cedarschema_str(text, Extensions::all_available()).ok().map(|(fragment, _)| fragment)
    }

    /// Returns the declarations with their places.
    fn places(fragment: &Fragment) -> Vec<(String, Span)> {
        let written = Written::new(fragment);
        let entities = written.entities.iter().map(|(name, (_, entity))| (name.clone(), span_of(entity.loc.as_ref())));
        let commons = written.commons.iter().map(|(name, (_, common))| (name.clone(), span_of(common.loc.as_ref())));
        entities.chain(commons).collect()
    }

    fn in_parts(text: &str, parts: usize) -> Option<Fragment> {
        let mut all = empty();
        for part in divided(text, parts)? {
            add(&mut all, whole(&part)?)?;
        }
        Some(all)
    }

    #[test]
    fn the_parts_are_together_what_the_whole_is() {
        let small = r#"@doc("} ;") entity A in [N::B] = { "x;": Set<Long>, @path("{") y?: { z: Bool } }; // ; }
            @doc("x") namespace N { type T = String; entity B { t: T } tags Long; entity C enum ["a;", "}"]; }
            namespace M {} action a, "b" appliesTo { principal: [A], resource: [N::B], context: { c: N::T } };"#;
        for text in [include_str!("../../tests/data/harbour/harbour.cedarschema"), small] {
            for parts in [1, 2, 3, 8, 1_000] {
                let (all, one) = (in_parts(text, parts).unwrap(), whole(text).unwrap());
                assert_eq!(all, one, "{parts}");
                assert_eq!(places(&all), places(&one), "{parts}");
            }
        }
        assert_eq!(divided(small, 1_000).unwrap().len(), 5);
    }

    #[test]
    fn mistakes_are_left_to_the_whole() {
        for text in [
            "entity A; entity A;",
            "entity A; }",
            "entity A; namespace N { entity B;",
            "entity A; entity B",
            "entity A; action a; namespace N { entity B; } namespace N { entity B; }",
            "entity A; entity 7;",
        ] {
            assert!(in_parts(text, 1_000).is_none(), "{text}");
            assert!(whole(text).is_none(), "{text}");
        }
    }
}
