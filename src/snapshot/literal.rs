//! Texts that differ from the literals of policies in case or blanks only. Cedar compares texts byte by byte, so a policy that
//! compares with `"admin"` does not find `"Admin"`.

use super::{Column, Data, Snapshot, State, StrRef, row_number};
use crate::diagnostic::{Code, Diagnostic};
use crate::parallel::map_each;
use crate::schema::{Model, SlotId, Ty};
use crate::value::fold::caseless;
use crate::value::{Set, TypeId, Value};
use rustc_hash::FxHashSet;
use smol_str::SmolStr;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

/// The number of bytes by which a text may be longer than the literal that it resembles.
const MORE_BYTES: usize = 16;

/// The number of literals that are compared with a text one after the other.
const FEW: usize = 8;

/// The number of texts from which the attributes are searched in parallel. A fleet has an account for each thread.
const MANY: usize = 4096;

/// The texts that policies compare with one attribute.
#[derive(Debug)]
pub(super) struct Literals {
    ty: TypeId,
    slot: SlotId,
    /// The texts by their folded forms.
    folded: BTreeMap<String, SmolStr>,
    texts: BTreeSet<SmolStr>,
    /// The lengths of the texts of a snapshot that may resemble one of them, in bytes.
    lengths: RangeInclusive<usize>,
}

impl Literals {
    pub(super) fn new((ty, slot): (TypeId, SlotId), texts: BTreeSet<SmolStr>) -> Self {
        let folded = texts.iter().map(|literal| (folded(literal), literal.clone())).collect();
        let lengths = || texts.iter().map(|literal| literal.len());
        // Other cases and encodings of a letter have other lengths, up to three times as many bytes.
        let lengths = lengths().min().unwrap_or(0) / 3..=lengths().max().unwrap_or(0) * 3 + MORE_BYTES;
        Self { ty, slot, folded, texts, lengths }
    }

    /// Returns the literal that a text resembles. `None` if the text is itself a literal.
    fn near(&self, text: &str) -> Option<&SmolStr> {
        let may_be_folded = !text.is_ascii() || text.contains(char::is_whitespace);
        let literal = match may_be_folded {
            true => self.folded.get(&folded(text)),
            // Without a copy of the text.
            false if self.folded.len() <= FEW => {
                self.folded.iter().find(|(folded, _)| folded.eq_ignore_ascii_case(text)).map(|(_, literal)| literal)
            }
            false => self.folded.get(&text.to_ascii_lowercase()),
        }?;
        (!self.texts.contains(text)).then_some(literal)
    }

    fn column<'s>(&self, snapshot: &'s Snapshot) -> &'s Column {
        snapshot.table(self.ty).column(self.slot)
    }

    /// Returns a warning for each text that differs in case or blanks only, in the order of the first rows.
    fn warnings(&self, snapshot: &Snapshot, model: &Model) -> Vec<Diagnostic> {
        let (column, mut near) = (self.column(snapshot), Near { literals: self, found: BTreeMap::new() });
        match &column.data {
            Data::Text(texts) => near.find_texts(snapshot, column, texts),
            Data::Value(values) => near.find_sets(column, values),
            _ => {}
        }
        let mut found: Vec<_> = near.found.into_iter().collect();
        found.sort_by_key(|(_, found)| found.row);
        found.iter().filter_map(|found| warning(snapshot, model, (self.ty, self.slot), found)).collect()
    }
}

/// Warns of texts that differ from a literal in case or blanks only. Each text of an attribute is reported once.
pub(super) fn warn_of_near(snapshot: &Snapshot, model: &Model, all: &[Literals], diagnostics: &mut Vec<Diagnostic>) {
    let rows = |literals: &&Literals| literals.column(snapshot).states.len();
    // Small accounts have no instances of most types.
    let searched: Vec<&Literals> = all.iter().filter(|literals| rows(literals) > 0).collect();
    let warnings = |literals: &&Literals| literals.warnings(snapshot, model);
    match searched.iter().map(rows).sum::<usize>() < MANY {
        true => diagnostics.extend(searched.iter().flat_map(warnings)),
        false => diagnostics.extend(map_each(&searched, warnings).into_iter().flatten()),
    }
}

/// A search for texts that resemble a literal and are none.
struct Near<'l> {
    literals: &'l Literals,
    found: BTreeMap<SmolStr, Found<'l>>,
}

/// The rows with a text that resembles a literal.
struct Found<'l> {
    literal: &'l SmolStr,
    /// The first row.
    row: u32,
    rows: usize,
}

impl Near<'_> {
    /// Searches a column of texts. A text is looked at once, by its hash and its length.
    fn find_texts(&mut self, snapshot: &Snapshot, column: &Column, texts: &[StrRef]) {
        let mut others = FxHashSet::default();
        for (row, (state, text)) in column.states.iter().zip(texts).enumerate() {
            let key = (text.hash(), text.range().len());
            let fits = *state == State::Known && self.literals.lengths.contains(&key.1);
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
                    && self.literals.lengths.contains(&text.len())
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
        let Some(literal) = self.literals.near(text) else { return false };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_and_many_literals_are_found_alike() {
        for others in [1, FEW * 3] {
            let texts = (0..others).map(|at| format!("other {at}").into()).chain(["admin".into(), "caf\u{e9}".into()]);
            let literals = Literals::new((TypeId::default(), SlotId::default()), texts.collect());
            let near = |text: &str| literals.near(text).map(SmolStr::as_str);
            assert_eq!(["Admin", " admin", "ADMIN\t"].map(near), [Some("admin"); 3]);
            assert_eq!(["CAF\u{c9}", "Other  0"].map(near), [Some("caf\u{e9}"), Some("other 0")]);
            assert_eq!(["admin", "other 0", "admins", ""].map(near), [None; 4]);
        }
    }
}
