//! The readers of an attribute, and its words for missing values.

use super::SchemaReader;
use super::annotations::Annotation;
use crate::diagnostic::Code;
use crate::schema::chain::{Chain, Shape};
use crate::schema::lacking::{self, LackingWords, PlacedWord};
use crate::schema::model::{Model, Ty};
use crate::schema::reader::{DatumType, Reader};
use crate::value::TypeId;
use crate::value::fold::is_same;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::ops::Range;

impl SchemaReader<'_, '_> {
    /// Reads `@as`, and checks that each reader takes what the one before it gives, and the attribute what the last one
    /// gives.
    pub(super) fn chain(&mut self, model: &Model, ty: &Ty, annotation: &Annotation) -> Option<Chain> {
        let (chain, places) = match Chain::parse(&annotation.value) {
            Ok(parsed) => parsed,
            Err(wrong) => {
                let span = self.part_of(annotation, wrong.at.clone());
                let name = annotation.value.get(wrong.at).unwrap_or_default().to_owned();
                let error = self.error(Code::SchemaReader, span, wrong.message);
                match wrong.help {
                    Some(help) => error.help = Some(help),
                    None => *error = error.clone().suggest(&name, Reader::ALL.map(|(name, _)| name)),
                }
                return None;
            }
        };
        let is_list = matches!(ty, Ty::Set(_)) && !chain.makes_set();
        let shapes = match chain.shapes(is_list) {
            Ok(shapes) => shapes,
            Err(at) => {
                self.does_not_take(annotation, &chain, &places, at);
                return None;
            }
        };
        let last = shapes.last()?;
        match fits(model, ty, *last, &chain) {
            Ok(()) => self.for_choices(model, ty, chain, annotation),
            Err(help) => {
                let gives = steps(&chain, &shapes);
                let message = format!("{gives}, but the attribute is of type {}", model.show(ty));
                self.error(Code::SchemaReader, annotation.span, message).help = Some(help);
                None
            }
        }
    }

    /// Rejects a reader that does not take what the one before it gives.
    fn does_not_take(&mut self, annotation: &Annotation, chain: &Chain, places: &[std::ops::Range<usize>], at: usize) {
        let before = at.checked_sub(1).and_then(|before| chain.readers().get(before));
        let (Some(reader), Some(before), Some(place)) = (chain.readers().get(at), before, places.get(at)) else {
            return;
        };
        let takes: Vec<&str> = reader.takes().iter().map(|ty| ty.one()).collect();
        let message = format!("`{before}` gives {}, and `{reader}` takes {}", before.gives().one(), takes.join(" or "));
        let span = self.part_of(annotation, place.clone());
        self.error(Code::SchemaReader, span, message).help =
            Some("remove one of the two, or write a reader between them".into());
    }

    /// Returns the chain for the words of an enumerated type. Rejects words that the readers cannot distinguish.
    fn for_choices(&mut self, model: &Model, ty: &Ty, chain: Chain, annotation: &Annotation) -> Option<Chain> {
        let Some(choices) = choices_of(model, ty) else { return Some(chain) };
        let mut forms: Vec<String> = Vec::new();
        for choice in choices {
            let form = if chain.gives_text() { chain.folded(choice) } else { Some(choice.to_string()) };
            let first = forms.iter().position(|known| Some(known) == form.as_ref()).and_then(|at| choices.get(at));
            let message = match (form, first) {
                (Some(form), None) => {
                    forms.push(form);
                    continue;
                }
                (Some(_), Some(first)) => {
                    format!("`{chain}` does not distinguish the words `{first}` and `{choice}` of the type")
                }
                // A default, or another attribute of the type, may have it. No text that is read is equal to it.
                (None, _) => {
                    forms.push(choice.to_string());
                    continue;
                }
            };
            self.error(Code::SchemaReader, annotation.span, message).help =
                Some("remove the readers, or one of the words".into());
            return None;
        }
        let gives = |choice: &SmolStr| !chain.gives_text() || chain.folded(choice).is_some();
        if !choices.iter().any(gives) {
            let message = format!("`{chain}` gives none of the words of the type");
            self.error(Code::SchemaReader, annotation.span, message).help = Some("remove the readers".into());
            return None;
        }
        Some(chain.for_choices(forms))
    }

    /// Reads `@unknown` and `@absent`.
    pub(super) fn words(
        &mut self,
        model: &Model,
        ty: &Ty,
        required: bool,
        annotations: &HashMap<&str, Annotation>,
    ) -> LackingWords {
        let unknown = self.list(model, ty, "unknown", annotations, &[]);
        let absent = self.list(model, ty, "absent", annotations, &unknown);
        if let Some(annotation) = annotations.get("absent").filter(|_| required) {
            let message = "`@absent` is on a required attribute, which is never absent";
            self.error(Code::SchemaAnnotation, annotation.span, message).help =
                Some("make the attribute optional with `?`".into());
        }
        LackingWords::new(unknown, absent)
    }

    /// Reads the words of one annotation; `taken` are those of the other one.
    fn list(
        &mut self,
        model: &Model,
        ty: &Ty,
        name: &str,
        annotations: &HashMap<&str, Annotation>,
        taken: &[String],
    ) -> Vec<String> {
        let Some(annotation) = annotations.get(name) else { return Vec::new() };
        let choices = choices_of(model, ty).unwrap_or_default();
        self.list_of_words(annotation, (name, "N/A, never"), 0, |word| {
            if taken.iter().any(|other| is_same(other, word)) {
                Some(format!("`{word}` is a word of both `@unknown` and `@absent`"))
            } else if choices.iter().any(|choice| is_same(choice.trim(), word)) {
                Some(format!("`@{name}` has `{word}`, which is a word of the type"))
            } else {
                None
            }
        })
    }

    /// Reads the words of an annotation from a place of its value on; `refused` returns the problem of a word. `name` is
    /// that of the annotation, with an example of its value.
    pub(super) fn list_of_words(
        &mut self,
        annotation: &Annotation,
        (name, example): (&str, &str),
        from: usize,
        refused: impl Fn(&str) -> Option<String>,
    ) -> Vec<String> {
        let mut words: Vec<String> = Vec::new();
        for (word, at) in self.placed_words(annotation, (name, example), from) {
            let problem = if words.iter().any(|other| is_same(other, &word)) {
                format!("`@{name}` has the word `{word}` twice")
            } else if let Some(problem) = refused(&word) {
                problem
            } else {
                words.push(word);
                continue;
            };
            let span = self.part_of(annotation, at);
            self.error(Code::SchemaAnnotation, span, problem).help = Some(format!("remove `{word}` here"));
        }
        words
    }

    /// Returns the words of an annotation from a place of its value on, with their places in the value; none after a diagnostic.
    pub(super) fn placed_words(
        &mut self,
        annotation: &Annotation,
        (name, example): (&str, &str),
        from: usize,
    ) -> Vec<PlacedWord> {
        let part = |at: Range<usize>| at.start + from..at.end + from;
        match lacking::words(annotation.value.get(from..).unwrap_or_default()) {
            Ok(found) => found.into_iter().map(|(word, at)| (word, part(at))).collect(),
            Err((at, problem)) => {
                let span = self.part_of(annotation, part(at));
                self.error(Code::SchemaAnnotation, span, format!("`@{name}` {problem}")).help = Some(format!(
                    "list words, such as @{name}({example:?}); quote a word that has a comma or is empty"
                ));
                Vec::new()
            }
        }
    }
}

/// Returns the words of an enumerated type, or of the enumerated type of the elements of a set.
fn choices_of<'m>(model: &'m Model, ty: &Ty) -> Option<&'m [SmolStr]> {
    match ty {
        Ty::Entity(target) => model.ty(*target).choices(),
        Ty::Set(element) => choices_of(model, element),
        _ => None,
    }
}

/// Returns the readers of a chain with what each of them gives.
fn steps(chain: &Chain, shapes: &[Shape]) -> String {
    let steps = chain.readers().iter().zip(shapes).map(|(reader, shape)| format!("`{reader}` gives {shape}"));
    steps.collect::<Vec<_>>().join(", ")
}

/// Returns whether an attribute can hold what a chain gives.
///
/// # Errors
/// The remedy.
fn fits(model: &Model, ty: &Ty, shape: Shape, chain: &Chain) -> Result<(), String> {
    let element = match (ty, shape.is_set) {
        (Ty::Set(element), true) => element,
        (ty, false) if !matches!(ty, Ty::Set(_)) => ty,
        (_, true) => return Err(format!("declare the attribute as Set<{}>", held(shape.ty))),
        (_, false) => return Err(format!("declare the attribute as {}", held(shape.ty))),
    };
    let is_exact = !chain.folds();
    let refers = |target: &TypeId| model.ty(*target).choices().is_none();
    let fits = match (shape.ty, element) {
        (DatumType::Text, Ty::String | Ty::Ip) => true,
        (DatumType::Text, Ty::Entity(target)) if refers(target) && !is_exact => {
            return Err(
                "a reference is compared byte by byte: declare the key as a String, and join by equality in a \
                        derivation"
                    .into(),
            );
        }
        (DatumType::Text, Ty::Entity(_)) => true,
        (DatumType::Text, Ty::Datetime | Ty::Duration | Ty::Decimal) => is_exact,
        (DatumType::Number, Ty::Long | Ty::Decimal) => true,
        (DatumType::Bool, Ty::Bool) | (DatumType::Whole, Ty::Long) => true,
        (DatumType::Day | DatumType::Moment, Ty::Datetime) | (DatumType::Duration, Ty::Duration) => true,
        (DatumType::LocalTime, Ty::Datetime) => {
            return Err("add a reader for the time zone, such as zone(\"Europe/Berlin\") or zone(\"UTC\")".into());
        }
        _ => false,
    };
    match (fits, shape.is_set) {
        (true, _) => Ok(()),
        (false, true) => Err(format!("declare the attribute as Set<{}>", held(shape.ty))),
        (false, false) => Err(format!("declare the attribute as {}", held(shape.ty))),
    }
}

/// Returns the type of attributes for values of a type.
fn held(ty: DatumType) -> &'static str {
    match ty {
        DatumType::Text => "String",
        DatumType::Number | DatumType::Whole => "Long",
        DatumType::Bool => "Bool",
        DatumType::Day | DatumType::LocalTime | DatumType::Moment => "datetime",
        DatumType::Duration => "duration",
    }
}
