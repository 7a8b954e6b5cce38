//! Statements of a snapshot about its own coverage: the number of instances of a list (`@total`), whether there are
//! more (`@more`), and the lists that were captured in part (the root property `partial`).

use super::api_error::{ApiError, says_nothing};
use super::locate::LocationKind;
use super::read::{Slips, repeated, slip_of};
use super::{Column, Data, Gap, RowStep, Snapshot, State, Table, UncapturedList, is_respelled};
use crate::diagnostic::{Code, Diagnostic, Label};
use crate::schema::{Model, PathId, Slot, SlotId};
use crate::source::json::{Kind, Scanner, SyntaxError, string_text};
use crate::source::pointer::{self, Pointer, Step};
use crate::source::{Span, misspelling};
use crate::value::{EntityRef, Set, TypeId, Value};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The root property that lists the pointers of partial lists.
pub(crate) const PARTIAL: &str = "partial";

/// Returns whether the root property `partial` lists partial lists, and is not a property that the schema reads.
pub(super) fn is_reserved(model: &Model) -> bool {
    let fields = model.ty(model.root).fields.first().map_or(&[][..], |node| &node.children);
    let paths = model.paths.first().map_or(&[][..], |node| &node.children);
    !fields.iter().any(|(name, _)| name == PARTIAL) && !paths.iter().any(|(name, _)| name == PARTIAL)
}

/// Returns whether an undeclared property of the document may be meant to be `partial`.
pub(super) fn is_like(name: &str) -> bool {
    is_respelled(PARTIAL, name) || misspelling(name, [PARTIAL]).is_some()
}

/// Records the lists that were captured in part. `respelt` are instances that may be copies of others, by their ids.
pub(super) fn apply(
    snapshot: &mut Snapshot,
    model: &Model,
    respelt: &HashSet<EntityRef>,
    diagnostics: &mut Vec<Diagnostic>,
) {
    let is_repeated = |found: &&Diagnostic| found.code == Code::SnapshotDuplicateKey;
    let labels = diagnostics.iter().filter(is_repeated).flat_map(|found| &found.labels);
    let place = |label: &Label| (label.place.source.name().to_owned(), label.place.span);
    let mut known: HashSet<(String, Span)> = labels.map(place).collect();
    for ty in model.type_ids() {
        let mut repeated = Vec::new();
        page(snapshot, model, ty, respelt, (diagnostics, &mut repeated));
        // Several types may have one marker, and an attribute may read it too.
        for error in repeated {
            let is_new = error.labels.first().is_some_and(|again| known.insert(place(again)));
            diagnostics.extend(is_new.then_some(error));
        }
    }
    if is_reserved(model) && snapshot.may_list_partial {
        listed(snapshot, model, diagnostics);
    }
    for ty in model.type_ids() {
        below(snapshot, model, ty);
    }
    for ty in model.type_ids() {
        values(snapshot, model, ty, respelt);
    }
}

/// Records that instances which a list may have more of may have instances of other types in them.
fn below(snapshot: &mut Snapshot, model: &Model, ty: TypeId) {
    let node = model.path_of[ty].and_then(|node| model.paths.find(node));
    let nested = node.map_or(&[][..], |node| &node.below).iter().filter(|nested| **nested != ty);
    for nested in nested {
        // The split has recorded most of them.
        let is_new = |list: &&UncapturedList| snapshot.tables[*nested].uncaptured_list(list.scope).is_none();
        let lists = snapshot.tables[ty].uncaptured_lists.iter().filter(is_new);
        let lists: Vec<UncapturedList> = lists.map(|list| UncapturedList { most: None, ..list.clone() }).collect();
        lists.into_iter().for_each(|list| snapshot.tables[*nested].add_uncaptured_list(list));
    }
}

/// Makes the values that instances read from partial lists of a type unknown, as far as further elements may change them.
fn values(snapshot: &mut Snapshot, model: &Model, ty: TypeId, respelt: &HashSet<EntityRef>) {
    let table = snapshot.table(ty);
    let partial = table.uncaptured_lists.iter().filter(|list| list.gap == Gap::Partial);
    let lists: Vec<(EntityRef, Option<u64>)> = partial.map(|list| (list.scope, list.most)).collect();
    let mut readers: HashMap<TypeId, Vec<(SlotId, Part)>> = HashMap::new();
    let mut counts = None;
    for (scope, most) in lists {
        for around in model.ancestry(scope.ty) {
            let Some(instance) = snapshot.enclosing(model, scope, around) else { continue };
            for (slot, part) in readers.entry(around).or_insert_with(|| readers_of(model, around, ty)) {
                let counts = counts.get_or_insert_with(|| captured(snapshot, ty, respelt));
                let known = counts.get(&scope.row).copied().filter(|_| scope.ty == around).unwrap_or(0);
                let column = &mut snapshot.tables[around].columns[*slot];
                column.reopen(instance.row as usize, *part, (known, most));
            }
        }
    }
}

/// The part of a value that is in a list of instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// The value is the list, or consists of values of its elements.
    Whole,
    /// The list is somewhere in the value.
    Inner,
}

/// Returns the slots of a type that read from the lists of another type, which are in its instances.
fn readers_of(model: &Model, around: TypeId, ty: TypeId) -> Vec<(SlotId, Part)> {
    let outer = model.ty(around).path().map_or(0, |path| path.0.len());
    let list = model.ty(ty).path().and_then(|path| path.0.get(outer..)).and_then(names_to_lists);
    let Some((to_list, around_list)) = list.as_deref().and_then(<[_]>::split_last) else { return Vec::new() };
    let part = |slot: &Slot| {
        let first = slot.origin.pointer()?;
        let names: Vec<&[String]> = [first].into_iter().chain(slot.each.iter().map(Vec::as_slice)).collect();
        let same = names.iter().zip(around_list).take_while(|(names, list)| **names == list.as_slice()).count();
        // The value is a list around it, whose elements have it.
        let Some(rest) = names.get(same) else { return Some(Part::Inner) };
        let is_last = same + 1 == names.len();
        match same == around_list.len() {
            true if *rest == to_list.as_slice() => Some(Part::Whole),
            true => (is_last && to_list.starts_with(rest)).then_some(Part::Inner),
            false => (is_last && around_list.get(same)?.starts_with(rest)).then_some(Part::Inner),
        }
    };
    let slots = model.ty(around).slots.entries();
    slots.filter_map(|(at, slot)| Some((at, part(slot)?))).collect()
}

/// Returns the names of properties to each list on a path; `None` if it has none, or goes through groups of properties.
fn names_to_lists(steps: &[Step]) -> Option<Vec<Vec<String>>> {
    let (mut lists, mut names) = (Vec::new(), Vec::new());
    for step in steps {
        match step {
            Step::Property(name) => names.push(name.clone()),
            Step::Each => lists.push(std::mem::take(&mut names)),
            Step::Groups(_) => return None,
        }
    }
    (!lists.is_empty()).then_some(lists)
}

impl Column {
    /// Makes a value unknown, as far as it depends on elements of a list beyond the known ones, of which there are at most `most`.
    fn reopen(&mut self, row: usize, part: Part, (known, most): (u64, Option<u64>)) {
        let Some(state) = self.states.get_mut(row).filter(|state| !state.is_unknown()) else { return };
        let is_known = *state == State::Known;
        match &mut self.data {
            Data::Range(all) if part == Part::Whole => {
                let Some(range) = all.get_mut(row) else { return };
                let known = i64::try_from(known).unwrap_or(i64::MAX);
                let least = if is_known { known.min(range.0) } else { 0 };
                let most = most.and_then(|most| known.checked_add_unsigned(most)).unwrap_or(i64::MAX);
                *range = (least, most.max(least));
                *state = State::Uncaptured;
            }
            Data::Value(all) => match all.get_mut(row) {
                Some(Value::Set(set)) if is_known && part == Part::Whole => {
                    let open = Set::partial(set.items().to_vec(), set.maybe().to_vec(), true);
                    *set = Arc::new(open);
                }
                _ => *state = State::Uncaptured,
            },
            // Its own object has the list, which does not change its other properties.
            _ if part == Part::Inner => {}
            _ => *state = State::Uncaptured,
        }
    }
}

/// Returns the property names between the parent instance and a list of instances.
fn steps_to_list(model: &Model, ty: TypeId) -> Option<(TypeId, Vec<String>)> {
    let declared = model.ty(ty);
    let parent = declared.parent.filter(|_| declared.is_collection())?;
    let outer = model.ty(parent).path().map_or(0, |path| path.0.len());
    let steps = declared.path()?.0.get(outer..)?.iter().filter_map(|step| match step {
        Step::Property(name) => Some(name.clone()),
        Step::Each | Step::Groups(_) => None,
    });
    Some((parent, steps.collect()))
}

/// Returns the record of a list that was captured in part.
fn gap(snapshot: &Snapshot, model: &Model, scope: EntityRef, steps: &[String], span: Span) -> UncapturedList {
    let pointer = snapshot.pointer(model, scope).join(steps);
    UncapturedList { scope, span, property: String::new(), pointer, gap: Gap::Partial, most: None }
}

/// Returns the numbers of captured elements of the lists of a type, by the rows of the instances around them.
fn captured(snapshot: &Snapshot, ty: TypeId, respelt: &HashSet<EntityRef>) -> HashMap<u32, u64> {
    let mut captured: HashMap<u32, u64> = HashMap::new();
    let table = snapshot.table(ty);
    for (at, row) in (0u32..).zip(&table.rows) {
        if !table.copies.contains(&at) && !respelt.contains(&EntityRef { ty, row: at }) {
            *captured.entry(row.parent).or_default() += 1;
        }
    }
    // Elements of other types are elements of the list too.
    for other in &table.elsewhere {
        *captured.entry(other.parent).or_default() += 1;
    }
    captured
}

/// Reads `@total` and `@more` for every list of a type.
fn page(
    snapshot: &mut Snapshot,
    model: &Model,
    ty: TypeId,
    respelt: &HashSet<EntityRef>,
    (diagnostics, twice): (&mut Vec<Diagnostic>, &mut Vec<Diagnostic>),
) {
    let declared = model.ty(ty);
    if declared.total.is_none() && declared.more.is_none() {
        return;
    }
    let Some((parent, steps)) = steps_to_list(model, ty) else { return };
    let captured = captured(snapshot, ty, respelt);
    let mut slips = Slips::default();
    for row in snapshot.table(parent).row_numbers() {
        let scope = EntityRef { ty: parent, row };
        #[expect(clippy::indexing_slicing, reason = "the row is one of this table")]
        let within = snapshot.table(parent).rows[row as usize].span;
        if let Some(more) = &declared.more {
            let at = snapshot.locate(within, more);
            diagnostics.extend(beside(snapshot, model, scope, (more, &at), &mut slips));
            let is_last = match at.kind {
                _ if snapshot.is_stated(model, parent, within, more) => false,
                _ if given_twice(snapshot, within, more, twice) => false,
                _ if has_error_around(snapshot, model, parent, within, more) => false,
                LocationKind::Lacks(step) => {
                    let misspelt = misspelt(snapshot, model, scope, more, step);
                    let is_last = misspelt.is_none() && step + 1 == more.len();
                    diagnostics.extend(misspelt);
                    is_last
                }
                // A value in the place of an object around the marker.
                LocationKind::Value(_) if !has_object_around(snapshot, within, more) => false,
                LocationKind::Value(_) => says_nothing(snapshot.source.slice(at.span)),
            };
            if !is_last {
                // An object around the marker has to be there, and the marker does not.
                let property = more.split_last().map_or_else(String::new, |(_, around)| lacking(around, &at));
                let new = UncapturedList { property, ..gap(snapshot, model, scope, &steps, at.span) };
                snapshot.tables[ty].add_uncaptured_list(new);
            }
        }
        let Some(total) = &declared.total else { continue };
        let at = snapshot.locate(within, total);
        diagnostics.extend(beside(snapshot, model, scope, (total, &at), &mut slips));
        let captured = captured.get(&row).copied().unwrap_or(0);
        let is_stated = snapshot.is_stated(model, parent, within, total);
        if let LocationKind::Lacks(step) = at.kind {
            diagnostics.extend(misspelt(snapshot, model, scope, total, step));
        }
        match if is_stated { Stated::Unknown } else { stated(snapshot, within, total, &at, twice) } {
            Stated::Number(total) if total < captured => {
                let message = format!(
                    "`{}` has more instances than its stated total: {captured}, not {total}",
                    snapshot.pointer(model, scope).join(&steps)
                );
                let error =
                    Diagnostic::error(Code::SnapshotTotal, message).label(&snapshot.source, at.span, "given here");
                diagnostics.push(error.help("correct the number, or capture the list again"));
                let new = gap(snapshot, model, scope, &steps, at.span);
                snapshot.tables[ty].add_uncaptured_list(new);
            }
            // A list that is complete by its total, and has something else, remains partial.
            Stated::Number(total) if total == captured => {}
            Stated::Number(total) => {
                let new = gap(snapshot, model, scope, &steps, at.span);
                snapshot.tables[ty].add_uncaptured_list(new);
                snapshot.tables[ty].bound(scope, total - captured);
            }
            Stated::Unknown => {
                let property = lacking(total, &at);
                let new = UncapturedList { property, ..gap(snapshot, model, scope, &steps, at.span) };
                snapshot.tables[ty].add_uncaptured_list(new);
            }
            Stated::Unreadable => {
                let message = format!("`{}` is not a number of instances", total.join("/"));
                let error = Diagnostic::error(Code::SnapshotTotal, message).label(&snapshot.source, at.span, "here");
                diagnostics.push(error.help("write a whole number that is not negative"));
                let new = gap(snapshot, model, scope, &steps, at.span);
                snapshot.tables[ty].add_uncaptured_list(new);
            }
        }
    }
}

/// Returns the step of a pointer that its object lacks; empty if there is a value.
fn lacking(pointer: &[String], at: &super::Location) -> String {
    match at.kind {
        LocationKind::Lacks(step) => pointer.get(step).cloned().unwrap_or_default(),
        LocationKind::Value(_) => String::new(),
    }
}

/// Returns whether a property on the way to a value is given twice, or in two spellings. Adds the error for it.
fn given_twice(snapshot: &Snapshot, within: Span, pointer: &[String], errors: &mut Vec<Diagnostic>) -> bool {
    let error = pointer.iter().enumerate().find_map(|(at, step)| {
        let (before, _) = pointer.split_at(at);
        let object = snapshot.locate(within, before);
        let LocationKind::Value(Kind::Object) = object.kind else { return None };
        let properties = snapshot.properties(object.span);
        let mut same = properties.iter().filter(|(name, _)| name == step || is_respelled(step, name));
        let [(name, first), (other, again)] = [same.next()?, same.next()?];
        Some(repeated(&snapshot.source, (name, *first), (other, *again)))
    });
    let is_twice = error.is_some();
    errors.extend(error);
    is_twice
}

/// Returns whether the value around the last step of a pointer is an object.
fn has_object_around(snapshot: &Snapshot, within: Span, pointer: &[String]) -> bool {
    let (_, before) = pointer.split_last().unwrap_or((&String::new(), &[]));
    matches!(snapshot.locate(within, before).kind, LocationKind::Value(Kind::Object))
}

/// Returns whether the object around the last step of a pointer has an error.
fn has_error_around(snapshot: &Snapshot, model: &Model, ty: TypeId, within: Span, pointer: &[String]) -> bool {
    let Some((last, before)) = pointer.split_last() else { return false };
    let object = snapshot.locate(within, before);
    if !matches!(object.kind, LocationKind::Value(Kind::Object)) {
        return false;
    }
    let known: HashSet<&str> = model.known_properties(ty, before).chain([last.as_str()]).collect();
    let (mut error, mut has_known) = (ApiError::default(), false);
    snapshot.each_property(object.span, |name, key, value| match known.contains(name) {
        true => has_known = true,
        false => error.consider(name, key, || says_nothing(snapshot.source.slice(value))),
    });
    error.shown(has_known).is_some()
}

/// Returns the warning for a property that is a misspelling of a step of a pointer, which its object lacks. A property that
/// the schema knows there is not a misspelling.
fn misspelt(
    snapshot: &Snapshot,
    model: &Model,
    scope: EntityRef,
    pointer: &[String],
    step: usize,
) -> Option<Diagnostic> {
    let (before, meant) = (pointer.get(..step)?, pointer.get(step)?);
    let within = snapshot.table(scope.ty).row(scope.row)?.span;
    let object = snapshot.locate(within, before);
    let is_object = matches!(object.kind, LocationKind::Value(Kind::Object));
    let is_known = |name: &str| model.known_properties(scope.ty, before).any(|known| known == name);
    let is_near = |name: &str| misspelling(name, [meant.as_str()]).is_some() && !is_known(name);
    let found = snapshot.properties(object.span).into_iter().filter(|_| is_object).find(|(name, _)| is_near(name));
    let (name, span) = found?;
    let message = format!("unknown property `{name}`, and the object has no `{meant}`");
    let warning = Diagnostic::warning(Code::SnapshotProperty, message).label(&snapshot.source, span, "not declared");
    Some(warning.help(format!("did you mean `{meant}`?")))
}

/// Returns the warnings for properties with a slip of a step of a marker that their object has too. The decode reports those of a
/// step that the schema declares.
fn beside(
    snapshot: &Snapshot,
    model: &Model,
    scope: EntityRef,
    (marker, at): (&[String], &super::Location),
    slips: &mut Slips,
) -> Vec<Diagnostic> {
    let Some(within) = snapshot.table(scope.ty).row(scope.row).map(|row| row.span) else { return Vec::new() };
    let given = match at.kind {
        LocationKind::Lacks(step) => step,
        LocationKind::Value(_) => marker.len(),
    };
    let mut warnings = Vec::new();
    for (step, declared) in marker.iter().enumerate().take(given) {
        let (before, _) = marker.split_at(step);
        let object = snapshot.locate(within, before);
        let is_declared = |name: &str| model.known_properties(scope.ty, before).any(|known| known == name);
        if !matches!(object.kind, LocationKind::Value(Kind::Object)) || is_declared(declared) {
            continue;
        }
        let is_marker = |name: &str| model.marker_properties(scope.ty, before).any(|marker| marker == name);
        snapshot.each_property(object.span, |name, key, _| {
            if slips.has(name, declared) && !is_declared(name) && !is_marker(name) {
                warnings.push(slip_of(&snapshot.source, (name, key), declared));
            }
        });
    }
    warnings
}

/// The stated number of instances of a list.
enum Stated {
    Number(u64),
    Unknown,
    Unreadable,
}

fn stated(
    snapshot: &Snapshot,
    within: Span,
    pointer: &[String],
    at: &super::Location,
    twice: &mut Vec<Diagnostic>,
) -> Stated {
    match at.kind {
        _ if given_twice(snapshot, within, pointer, twice) => Stated::Unknown,
        LocationKind::Lacks(_) | LocationKind::Value(Kind::Null) => Stated::Unknown,
        LocationKind::Value(Kind::Number) => {
            snapshot.source.slice(at.span).parse().map_or(Stated::Unreadable, Stated::Number)
        }
        LocationKind::Value(_) => Stated::Unreadable,
    }
}

impl Table {
    /// Bounds the number of instances of a list beyond the captured ones.
    fn bound(&mut self, scope: EntityRef, most: u64) {
        let at = self.uncaptured_list_of.get(&scope).copied();
        if let Some(list) = at.and_then(|at| self.uncaptured_lists.get_mut(at as usize)) {
            list.most = Some(most);
        }
    }
}

/// Reads the root property `partial`. If it is invalid, every list may be partial.
fn listed(snapshot: &mut Snapshot, model: &Model, diagnostics: &mut Vec<Diagnostic>) {
    let Some(root) = snapshot.table(model.root).rows.first().copied() else { return };
    let at = snapshot.locate(root.span, &[PARTIAL.to_owned()]);
    let is_declared = |name: &str| model.known_properties(model.root, &[]).any(|known| known == name);
    let misspelt = snapshot.properties(root.span).into_iter().find(|(name, _)| is_like(name) && !is_declared(name));
    let mut wrong = |snapshot: &Snapshot, span: Span, message: String, help: &str| {
        let error = Diagnostic::error(Code::SnapshotPartial, message).label(&snapshot.source, span, "here");
        diagnostics.push(error.help(help));
    };
    if let Some((name, span)) = misspelt {
        let message = format!("unknown property `{name}`, and `{PARTIAL}` may be meant");
        wrong(snapshot, span, message, "write `partial`, once; until then every list may be partial");
        return all_partial(snapshot, model, span);
    }
    let LocationKind::Value(kind) = at.kind else { return };
    if given_twice(snapshot, root.span, &[PARTIAL.to_owned()], &mut Vec::new()) {
        let message = format!("`{PARTIAL}` is given twice");
        wrong(snapshot, at.span, message, "keep one; until then every list may be partial");
        return all_partial(snapshot, model, at.span);
    }
    if kind == Kind::Null {
        return;
    }
    if kind != Kind::Array {
        wrong(
            snapshot,
            at.span,
            format!("`{PARTIAL}` is a list of JSON pointers, found {}", kind.described()),
            "write an array such as [\"/members\"]; until then every list may be partial",
        );
        return all_partial(snapshot, model, at.span);
    }
    let (mut pointers, mut unusable) = (Vec::new(), None);
    let mut scanner = Scanner::at(snapshot.source.text(), at.span.start);
    #[expect(clippy::let_underscore_must_use, reason = "the split has scanned these bytes")]
    let _ = scanner.array(|scanner, _| {
        let (kind, _) = scanner.peek()?;
        let span = scanner.skip()?;
        let text = string_text(snapshot.source.slice(span)).filter(|_| kind == Kind::String);
        pointers.push((span, text.map(std::borrow::Cow::into_owned)));
        Ok::<_, SyntaxError>(())
    });
    let rows = Steps::new(snapshot, model);
    for (span, text) in pointers {
        let found = text.as_deref().map(|text| rows.find(model, text)).unwrap_or_default();
        for (node, scope) in &found {
            let pointer = text.as_deref().unwrap_or_default();
            for ty in &model.paths[*node].below {
                let pointer = Pointer::default().join(pointer.split('/').skip(1).map(pointer::unescape));
                let (scope, property, gap) = (*scope, String::new(), Gap::Partial);
                let list = UncapturedList { scope, span, property, pointer, gap, most: None };
                snapshot.tables[*ty].add_uncaptured_list(list);
            }
        }
        match found.is_empty() {
            false => {}
            true => {
                let named = text.as_deref().map_or("an element".to_owned(), |text| format!("`{text}`"));
                let message = format!("{named} of `{PARTIAL}` is not the pointer of a list that is read");
                let help = "write the pointer of a list in this snapshot, such as /members; until then every list may be partial";
                wrong(snapshot, span, message, help);
                unusable.get_or_insert(span);
            }
        }
    }
    if let Some(span) = unusable {
        all_partial(snapshot, model, span);
    }
}

/// Records that every list of instances may have been captured in part.
fn all_partial(snapshot: &mut Snapshot, model: &Model, span: Span) {
    for ty in model.type_ids() {
        let Some((parent, steps)) = steps_to_list(model, ty) else { continue };
        for row in snapshot.table(parent).row_numbers() {
            let new = gap(snapshot, model, EntityRef { ty: parent, row }, &steps, span);
            snapshot.tables[ty].add_uncaptured_list(new);
        }
    }
}

/// The rows of a snapshot by the step of their pointers.
struct Steps {
    rows: HashMap<(TypeId, u32, String), u32>,
}

impl Steps {
    fn new(snapshot: &Snapshot, model: &Model) -> Self {
        let mut rows = HashMap::new();
        for (ty, table) in snapshot.tables.entries() {
            // Only instances that others are nested in are on the way to a list.
            if !model.types.iter().any(|other| other.parent == Some(ty)) {
                continue;
            }
            for (row, entry) in (0u32..).zip(&table.rows) {
                let step = match entry.step {
                    RowStep::Index(index) => index.to_string(),
                    RowStep::Property(name) => snapshot.text(name).to_owned(),
                    RowStep::Fixed | RowStep::Group(_) => String::new(),
                };
                rows.insert((ty, entry.parent, step), row);
            }
        }
        Self { rows }
    }

    /// Follows a pointer to a list of instances: the node of the list, and the instance that has it. On the way, an
    /// element may be an instance of several types.
    fn find(&self, model: &Model, text: &str) -> Vec<(PathId, EntityRef)> {
        let Some(steps) = text.strip_prefix('/') else { return Vec::new() };
        let mut places = vec![(PathId::default(), EntityRef { ty: model.root, row: 0 })];
        for step in steps.split('/').map(pointer::unescape) {
            places = places.iter().flat_map(|place| self.next(model, *place, &step)).collect();
        }
        places.retain(|(node, _)| model.paths.find(*node).is_some_and(|node| !node.each.is_empty()));
        places
    }

    /// Returns the places after one step.
    fn next(&self, model: &Model, (node, scope): (PathId, EntityRef), step: &str) -> Vec<(PathId, EntityRef)> {
        let Some(tree) = model.paths.find(node) else { return Vec::new() };
        let row = |ty: TypeId, step: &str| {
            let row = *self.rows.get(&(ty, scope.row, step.to_owned()))?;
            Some(EntityRef { ty, row })
        };
        let child = |node: PathId| {
            let (_, child) = model.paths.find(node)?.children.iter().find(|(name, _)| name == step)?;
            Some(*child)
        };
        if tree.each.is_empty() {
            let found = child(node).and_then(|child| match model.paths.find(child)?.ty {
                Some(ty) => Some((child, row(ty, "")?)),
                None => Some((child, scope)),
            });
            return found.into_iter().collect();
        }
        let element = |each: &PathId| {
            let ty = model.paths.find(*each)?.ty?;
            match row(ty, step) {
                Some(row) => Some((*each, row)),
                // The step is a property of the only instance of the list, which is in its place.
                None => Some((child(*each)?, row(ty, "")?)),
            }
        };
        tree.each.iter().filter_map(element).collect()
    }
}
