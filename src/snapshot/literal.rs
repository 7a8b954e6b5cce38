//! Texts that differ from the literals of policies in case or blanks only. Cedar compares texts byte by byte, so a policy that
//! compares with `"admin"` does not find `"Admin"`.

use super::plan::ReadPlan;
use super::{Column, Data, Snapshot, State, StrRef, row_number};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Model, SlotId, Ty};
use crate::value::fold::caseless;
use crate::value::{Set, TypeId, Value};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The number of bytes by which a text may be longer than the literal that it resembles.
const MORE_BYTES: usize = 16;

/// Warns of texts that differ from a literal in case or blanks only. Each text of an attribute is reported once.
pub(super) fn warn_of_near(snapshot: &Snapshot, model: &Model, plan: &ReadPlan, diagnostics: &mut Vec<Diagnostic>) {
    for ((ty, slot), literals) in plan.literals() {
        let column = snapshot.table(*ty).column(*slot);
        // Small accounts have no instances of most types.
        if column.states.is_empty() {
            continue;
        }
        let mut near = Near::new(literals);
        match &column.data {
            Data::Text(texts) => near.find_texts(snapshot, column, texts),
            Data::Value(values) => near.find_sets(column, values),
            _ => {}
        }
        let mut found: Vec<_> = near.found.into_iter().collect();
        found.sort_by_key(|(_, found)| found.row);
        diagnostics.extend(found.iter().filter_map(|found| warning(snapshot, model, (*ty, *slot), found)));
    }
}

/// A search for texts that resemble a literal and are none.
struct Near<'l> {
    literals: &'l BTreeSet<SmolStr>,
    /// The literals by their folded forms.
    folded: BTreeMap<String, &'l SmolStr>,
    /// The lengths of the shortest and of the longest text that may resemble a literal, in bytes.
    lengths: (usize, usize),
    found: BTreeMap<SmolStr, Found<'l>>,
}

/// The rows with a text that resembles a literal.
struct Found<'l> {
    literal: &'l SmolStr,
    /// The first row.
    row: u32,
    rows: usize,
}

impl<'l> Near<'l> {
    fn new(literals: &'l BTreeSet<SmolStr>) -> Self {
        let folded = literals.iter().map(|literal| (folded(literal), literal)).collect();
        let lengths = || literals.iter().map(|literal| literal.len());
        // Other cases and encodings of a letter have other lengths, up to three times as many bytes.
        let (least, most) = (lengths().min().unwrap_or(0) / 3, lengths().max().unwrap_or(0) * 3 + MORE_BYTES);
        Self { literals, folded, lengths: (least, most), found: BTreeMap::new() }
    }

    /// Searches a column of texts. A text is looked at once, by its hash and its length.
    fn find_texts(&mut self, snapshot: &Snapshot, column: &Column, texts: &[StrRef]) {
        let (least, most) = self.lengths;
        let mut others = FxHashSet::default();
        for (row, (state, text)) in column.states.iter().zip(texts).enumerate() {
            let key = (text.hash(), text.range().len());
            let fits = *state == State::Known && (least..=most).contains(&key.1);
            if fits && !others.contains(&key) && !self.consider(snapshot.text(*text), row_number(row)) {
                others.insert(key);
            }
        }
    }

    /// Searches a column of sets. Rows with the same set share it.
    fn find_sets(&mut self, column: &Column, values: &[Value]) {
        let mut others: FxHashSet<*const Set> = FxHashSet::default();
        for (row, (state, value)) in column.states.iter().zip(values).enumerate() {
            let Value::Set(set) = value else { continue };
            if *state != State::Known || others.contains(&Arc::as_ptr(set)) {
                continue;
            }
            let mut is_near = false;
            for item in set.items() {
                if let Value::String(text) = item
                    && (self.lengths.0..=self.lengths.1).contains(&text.len())
                {
                    is_near |= self.consider(text, row_number(row));
                }
            }
            if !is_near {
                others.insert(Arc::as_ptr(set));
            }
        }
    }

    /// Notes a text that resembles a literal and is none. Returns whether it does.
    fn consider(&mut self, text: &str, row: u32) -> bool {
        if self.literals.contains(text) {
            return false;
        }
        let Some(literal) = self.folded.get(&folded(text)) else { return false };
        let found = self.found.entry(text.into()).or_insert(Found { literal, row, rows: 0 });
        found.rows += 1;
        true
    }
}

/// Returns the form in which texts that differ in case or blanks are the same.
fn folded(text: &str) -> String {
    caseless(&text.split_whitespace().collect::<Vec<_>>().join(" ")).into_owned()
}

fn warning(
    snapshot: &Snapshot,
    model: &Model,
    (ty, slot): (TypeId, SlotId),
    (text, found): &(SmolStr, Found<'_>),
) -> Option<Diagnostic> {
    let (declared, slot) = (model.ty(ty), model.ty(ty).slot(slot));
    let row = snapshot.table(ty).row(found.row)?;
    let pointer = row.pointer_in_object(declared, slot.origin.pointer()?);
    let at = snapshot.locate(row.span, &pointer);
    let is = if matches!(slot.ty, Ty::Set(_)) { "contains" } else { "is" };
    let (shown, literal) = match slot.secret {
        true => ("***".to_owned(), "a text that it resembles".to_owned()),
        false => (format!("{text:?}"), format!("{:?}", found.literal.as_str())),
    };
    let of = match found.rows {
        1 => String::new(),
        rows => format!(" of {rows} instances of {}", model.short_name(ty)),
    };
    let message = format!("`{}`{of} {is} {shown}, and a policy compares it with {literal}", slot.dotted());
    let warning = Diagnostic::warning(Code::SnapshotLiteral, message);
    let warning = warning.label(&snapshot.source, at.span, "differs in case or blanks only");
    Some(warning.help("write the text of the policy if it is meant, or put `@as(\"casefold\")` on the attribute"))
}
