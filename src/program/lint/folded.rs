//! Texts that are compared with an attribute whose readers never give them: they are equal to no value.

use super::{Reviewed, reached};
use crate::diagnostic::{Code, Diagnostic};
use crate::policy::Statement;
use crate::program::{Constant, LikePattern, NodeId, NodeKind, Program};
use crate::schema::{Chain, EntityType, Fallback, Model, Origin, Reader, SlotId, Ty, folded};
use crate::source::{Source, Span};
use crate::value::{TypeId, Value};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A parameter that is compared with values of readers only.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Comparison {
    /// Its place in the model.
    pub parameter: usize,
    /// The attributes it is compared with: the name and the readers.
    with: Vec<(String, Chain)>,
    /// Where.
    #[serde(with = "crate::source::by_name")]
    pub source: Arc<Source>,
    span: Span,
}

/// A part of one side of a comparison.
enum Leaf {
    /// An attribute whose texts readers give.
    Folded(TypeId, SlotId, Chain),
    /// A text of the policy.
    Text(NodeId, String),
    /// A parameter.
    Parameter(NodeId, usize),
    /// A record that is written out.
    Record(NodeId),
    /// Any other value.
    Other,
}

/// Returns an error for every text of a policy, or default of a parameter, that can never be equal to what it is
/// compared with. Notes the parameters, whose values come later.
pub(super) fn unequal(
    model: &Model,
    program: &Program,
    reviewed: &Reviewed<'_>,
    comparisons: &mut Vec<Comparison>,
) -> Vec<Diagnostic> {
    let mut found =
        Found { model, program, statement: reviewed.statement, errors: Vec::new(), seen: BTreeSet::new(), comparisons };
    for body in &reviewed.bodies {
        for node in reached(model, program, body).1 {
            match &program.node(node).kind {
                NodeKind::Equal(left, right)
                | NodeKind::Contains(left, right)
                | NodeKind::ContainsAll(left, right)
                | NodeKind::ContainsAny(left, right) => found.compared(*left, *right),
                NodeKind::Like(text, pattern) => found.matched(node, *text, pattern),
                _ => {}
            }
        }
    }
    found.errors
}

struct Found<'r> {
    model: &'r Model,
    program: &'r Program,
    statement: &'r Statement,
    errors: Vec<Diagnostic>,
    /// The texts that an error is about: a policy is lowered once for every type.
    seen: BTreeSet<(Span, String)>,
    comparisons: &'r mut Vec<Comparison>,
}

impl Found<'_> {
    fn compared(&mut self, left: NodeId, right: NodeId) {
        let (left, right) = (self.leaves(left), self.leaves(right));
        self.side(&left, &right);
        self.side(&right, &left);
        for (one, other) in left.iter().flat_map(|one| right.iter().map(move |other| (one, other))) {
            let (Leaf::Record(one), Leaf::Record(other)) = (one, other) else { continue };
            for (one, other) in self.same_members(*one, *other) {
                self.compared(one, other);
            }
        }
    }

    /// Returns the values of the members that both records have.
    fn same_members(&self, one: NodeId, other: NodeId) -> Vec<(NodeId, NodeId)> {
        let members = |node: NodeId| match &self.program.node(node).kind {
            NodeKind::RecordOf(members) => members.as_slice(),
            _ => &[],
        };
        let same = |name| members(other).iter().find(|(other, ..)| other == name).map(|(_, node, _)| *node);
        members(one).iter().filter_map(|(name, node, _)| Some((*node, same(name)?))).collect()
    }

    /// Compares the texts and parameters of one side with the other side.
    fn side(&mut self, texts: &[Leaf], others: &[Leaf]) {
        let with = self.readers(others);
        if with.is_empty() {
            return;
        }
        let equals = |text: &str| others.iter().any(|other| matches!(other, Leaf::Text(_, known) if known == text));
        for leaf in texts {
            match leaf {
                Leaf::Text(node, text) if !equals(text) && !reads(&with, text) => {
                    let span = self.program.node(*node).span;
                    self.refuse(span, text, &with, refusal(&with, text), help(&with, text));
                }
                Leaf::Parameter(node, parameter) => self.parameter(*node, *parameter, with.clone()),
                _ => {}
            }
        }
    }

    fn parameter(&mut self, node: NodeId, parameter: usize, with: Vec<(String, Chain)>) {
        let (source, span) = (Arc::clone(&self.statement.source), self.program.node(node).span);
        let comparison = Comparison { parameter, with, source, span };
        let Some(declared) = self.model.parameters.get(parameter) else { return };
        if let Some(error) = declared.default.as_ref().and_then(|value| comparison.refused(self.model, value))
            && self.seen.insert((span, error.message.clone()))
        {
            let help = error.help.clone().map(|help| format!("{help} in its `@default` in the schema"));
            self.errors.push(error.maybe_help(help));
        }
        self.comparisons.push(comparison);
    }

    /// Compares each piece of a pattern between its wildcards.
    fn matched(&mut self, node: NodeId, text: NodeId, pattern: &LikePattern) {
        let with = self.readers(&self.leaves(text));
        let pieces: Vec<String> = pattern.pieces().map(str::to_owned).collect();
        let (last, whole) = (pieces.len() - 1, pieces.len() == 1);
        let form = |at: usize, piece: &str, chain: &Chain| {
            if whole {
                return chain.folded(piece);
            }
            // Blanks are trimmed at the ends of a text, and not inside it.
            let kept = |blank: &str, end: bool| if end { "" } else { blank }.to_owned();
            let core = piece.trim();
            let before = piece.strip_suffix(piece.trim_start()).unwrap_or_default();
            let after = piece.strip_prefix(piece.trim_end()).filter(|_| !core.is_empty()).unwrap_or_default();
            let core = if core.is_empty() { String::new() } else { folded(&Reader::Casefold, core)? };
            Some(format!("{}{core}{}", kept(before, at == 0), kept(after, at == last)))
        };
        let never = |chain: &Chain| pieces.iter().find_map(|piece| chain.never_gives(piece));
        let fits = |chain: &Chain| {
            let is_form = |(at, piece): (usize, &String)| form(at, piece, chain).as_ref() == Some(piece);
            pieces.iter().enumerate().all(is_form) && (whole || never(chain).is_none())
        };
        let Some((_, first)) = with.first() else { return };
        if with.iter().any(|(_, chain)| fits(chain)) {
            return;
        }
        let escaped = |piece: String| format!("{piece:?}").trim_matches('"').replace('*', "\\*");
        let written = pieces.iter().cloned().map(escaped).collect::<Vec<_>>().join("*");
        let span = self.pattern_span(node, text);
        match never(first) {
            _ if whole => {
                let text = pieces.concat();
                let help = help(&with, &text).map(|help| help.replace('*', "\\*"));
                self.refuse(span, &written, &with, refusal(&with, &text), help);
            }
            Some(c) => self.refuse(span, &written, &with, format!("no value has {c:?}"), None),
            None => {
                let forms: Option<Vec<String>> =
                    pieces.iter().enumerate().map(|(at, piece)| form(at, piece, first).map(escaped)).collect();
                let help = forms.map(|forms| format!("write \"{}\"", forms.join("*")));
                self.refuse(span, &written, &with, "it is not in folded form".to_owned(), help);
            }
        }
    }

    /// Returns where a pattern is written: the string after the text.
    fn pattern_span(&self, node: NodeId, text: NodeId) -> Span {
        let whole = self.program.node(node).span;
        let after = self.program.node(text).span.end.max(whole.start);
        let rest = self.statement.source.text().get(after as usize..whole.end as usize).unwrap_or_default();
        let quote = rest.find('"').and_then(|at| u32::try_from(at).ok());
        quote.map_or(whole, |at| Span::new(after + at, whole.end))
    }

    fn refuse(&mut self, span: Span, text: &str, with: &[(String, Chain)], reason: String, help: Option<String>) {
        if self.seen.insert((span, text.to_owned())) {
            let error = Diagnostic::error(Code::PolicyFolded, message(&format!("{text:?}"), with, &reason));
            self.errors.push(error.label(&self.statement.source, span, "never equal").maybe_help(help));
        }
    }

    /// Returns the folded attributes among leaves; none if some leaf can be any text.
    fn readers(&self, leaves: &[Leaf]) -> Vec<(String, Chain)> {
        let open = |leaf: &Leaf| matches!(leaf, Leaf::Other | Leaf::Parameter(..));
        if leaves.iter().any(open) {
            return Vec::new();
        }
        let folded = leaves.iter().filter_map(|leaf| match leaf {
            Leaf::Folded(ty, slot, chain) => Some((self.model.ty(*ty).slots[*slot].dotted(), chain.clone())),
            _ => None,
        });
        folded.collect()
    }

    /// Returns the possible sources of a value, or of the elements of a set.
    fn leaves(&self, node: NodeId) -> Vec<Leaf> {
        match &self.program.node(node).kind {
            NodeKind::Constant(at) => match self.program.constants.get(*at) {
                Some(Constant::Value(Value::String(text))) => vec![Leaf::Text(node, text.to_string())],
                Some(Constant::Parameter(parameter)) => vec![Leaf::Parameter(node, *parameter)],
                _ => vec![Leaf::Other],
            },
            NodeKind::SetOf(items) => items.iter().flat_map(|item| self.leaves(*item)).collect(),
            NodeKind::If(_, then, other) => [*then, *other].iter().flat_map(|node| self.leaves(*node)).collect(),
            NodeKind::Slot(_, ty, slot) => {
                let declared = &self.model.ty(*ty).slots[*slot];
                match &declared.origin {
                    Origin::Read(_, Some(chain))
                        if gives_texts(chain, &declared.ty) && defaults_are_given(self.model.ty(*ty), *slot, chain) =>
                    {
                        vec![Leaf::Folded(*ty, *slot, chain.clone())]
                    }
                    _ => vec![Leaf::Other],
                }
            }
            NodeKind::Member(record, name) => {
                let members: Vec<NodeId> = self
                    .leaves(*record)
                    .iter()
                    .filter_map(|leaf| match leaf {
                        Leaf::Record(record) => Some(*record),
                        _ => None,
                    })
                    .collect();
                if members.is_empty() {
                    return vec![Leaf::Other];
                }
                let member = |record: NodeId| match &self.program.node(record).kind {
                    NodeKind::RecordOf(members) => {
                        members.iter().find(|(member, ..)| member == name).map(|(_, node, _)| *node)
                    }
                    _ => None,
                };
                members.into_iter().filter_map(member).flat_map(|node| self.leaves(node)).collect()
            }
            NodeKind::RecordOf(_) => vec![Leaf::Record(node)],
            _ => vec![Leaf::Other],
        }
    }
}

impl Comparison {
    /// Returns the error for a value of the parameter that is never equal to what it is compared with.
    pub(crate) fn refused(&self, model: &Model, value: &Value) -> Option<Diagnostic> {
        let mut texts = Vec::new();
        texts_in(value, &mut texts);
        let text = texts.into_iter().find(|text| !reads(&self.with, text))?;
        let name = &model.parameters.get(self.parameter)?.name;
        let what = format!("{text:?}, the value of parameter `{name}`,");
        let error = Diagnostic::error(Code::PolicyFolded, message(&what, &self.with, &refusal(&self.with, text)));
        let error = error.label(&self.source, self.span, "compared here");
        Some(error.maybe_help(help(&self.with, text)))
    }
}

/// Returns the texts of a value.
fn texts_in<'v>(value: &'v Value, texts: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => texts.push(text),
        Value::Set(set) => set.items().iter().for_each(|item| texts_in(item, texts)),
        _ => {}
    }
}

fn message(what: &str, with: &[(String, Chain)], reason: &str) -> String {
    let mut attributes: Vec<String> = Vec::new();
    for (name, chain) in with {
        let attribute = format!("`{name}`, which is read as `{chain}`");
        if !attributes.contains(&attribute) {
            attributes.push(attribute);
        }
    }
    format!("{what} is never equal to {}: {reason}", attributes.join(", or "))
}

/// Returns whether some attribute can have a text.
fn reads(with: &[(String, Chain)], text: &str) -> bool {
    with.iter().any(|(_, chain)| chain.folded(text).as_deref() == Some(text))
}

/// Returns the reason why no attribute can have a text: it is in another form, or has another shape.
fn refusal(with: &[(String, Chain)], text: &str) -> String {
    let chain = with.iter().map(|(_, chain)| chain).find(|chain| chain.folded(text).is_some());
    chain.or_else(|| Some(&with.first()?.1)).map_or_else(String::new, |chain| chain.refusal(text))
}

/// Returns the remedy for a text that no attribute can have, if it is clear what the text means.
fn help(with: &[(String, Chain)], text: &str) -> Option<String> {
    let meant = with.iter().find_map(|(_, chain)| chain.meant(text))?;
    Some(format!("write {meant:?}"))
}

/// Returns whether the values of `@null` and `@missing` of an attribute, which readers do not read, are texts that they give.
fn defaults_are_given(ty: &EntityType, slot: SlotId, chain: &Chain) -> bool {
    fn are_given(at: SlotId, fallback: &Fallback, slot: SlotId, chain: &Chain) -> bool {
        match fallback {
            Fallback::Value(value) if at == slot => {
                let mut texts = Vec::new();
                texts_in(value, &mut texts);
                texts.iter().all(|text| chain.folded(text).as_deref() == Some(text))
            }
            Fallback::Record(members) => members.iter().all(|(at, member)| are_given(*at, member, slot, chain)),
            Fallback::Value(_) | Fallback::Unknown | Fallback::Absent => true,
        }
    }
    let defaults = ty.slots.entries().flat_map(|(at, slot)| [&slot.null, &slot.missing].map(|default| (at, default)));
    defaults
        .into_iter()
        .all(|(at, default)| default.as_ref().is_none_or(|default| are_given(at, &default.fallback, slot, chain)))
}

/// Returns whether an attribute has texts that readers give.
fn gives_texts(chain: &Chain, ty: &Ty) -> bool {
    let is_text = match ty {
        Ty::Set(element) => **element == Ty::String,
        ty => *ty == Ty::String,
    };
    is_text && chain.gives_text()
}
