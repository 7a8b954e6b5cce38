//! The decode: from the bytes of a row to the values of its slots.
//!
//! A run of rows is decoded at a time. Every declared attribute is read and checked. Only the attributes that a policy
//! reads are kept.

use super::api_error::{self, ApiError, says_nothing};
use super::locate::{LocationKind, SplitText};
use super::past;
use super::plan::{Found, Last, Layout, Meaning, Near, Route, SlotUse, StopId, TypePlan};
use super::read::{Cell, Reading, difference, duplicate_key, slip_of};
use super::uncaptured::Statement;
use super::{Column, Data, Row, RowStep, State, StrRef, is_label, is_respelled, row_number};
use crate::diagnostic::{Code, Diagnostic};
use crate::ids::IdVec;
use crate::schema::{DeclaredDefault, EntityType, Fallback, FieldId, Lacking, Model, Origin, Slot, SlotId, Ty};
use crate::source::json::{Kind, Scanned, Scanner, SyntaxError, string_text};
use crate::source::{Source, Span, is_blank, is_in_other_unit, look_alike};
use crate::value::TypeId;
use smol_str::SmolStr;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

/// Bytes of an undeclared object that is searched for declared properties.
const MAX_WRAPPED_BYTES: u32 = 1 << 14;

/// Undeclared objects of one object that are searched for declared properties.
const MAX_WRAPPERS: usize = 4;

/// The phrase for an instance whose id is empty.
const EMPTY: &str = "has an empty";

/// Returns empty storage for the values of a slot.
fn storage(model: &Model, slot: &Slot, slot_use: SlotUse) -> Data {
    match &slot.origin {
        _ if slot_use != SlotUse::Kept => Data::Nothing,
        Origin::Presence(_) | Origin::Derived => Data::Nothing,
        Origin::Tags(_) => Data::Value(Vec::new()),
        Origin::Enclosing(ty) => Data::Enclosing(*ty),
        // A list with elements that are not known has a range of lengths.
        Origin::Read(_, Some(chain)) if chain.counts() => Data::Range(Vec::new()),
        Origin::Read(..) => {
            let enumerated = matches!(slot.ty, Ty::Entity(target) if model.ty(target).choices().is_some());
            Data::for_type(&slot.ty, enumerated)
        }
    }
}

/// The result of decoding one run of rows, or several runs that are concatenated.
pub(super) struct Run {
    pub columns: Vec<Column>,
    /// The key of each row.
    pub keys: Vec<StrRef>,
    /// Rows whose keys contain a `/` or a capital, or have blanks around them.
    pub odd_keys: Vec<u32>,
    /// Rows without a readable key.
    pub nameless: Vec<u32>,
    pub side: String,
    pub other_properties: usize,
    pub states_uncaptured: bool,
    /// `false` if the rows contain the document, and it does not list partial lists.
    pub may_list_partial: bool,
    /// The earliest time that was refused because it is in the future.
    pub earliest_refused: Option<i64>,
    pub diagnostics: Vec<Diagnostic>,
}

impl Run {
    /// Returns a run without rows, with capacity for some.
    pub(super) fn with_capacity(rows: usize, model: &Model, ty: TypeId, plan: &TypePlan) -> Self {
        let column = |(slot, slot_use): (&Slot, &SlotUse)| Column {
            states: Vec::with_capacity(if *slot_use == SlotUse::Kept { rows } else { 0 }),
            data: storage(model, slot, *slot_use).with_capacity(rows),
        };
        Self {
            columns: model.ty(ty).slots.iter().zip(&plan.uses).map(column).collect(),
            keys: Vec::with_capacity(rows),
            odd_keys: Vec::new(),
            nameless: Vec::new(),
            side: String::new(),
            other_properties: 0,
            states_uncaptured: false,
            may_list_partial: true,
            earliest_refused: None,
            diagnostics: Vec::new(),
        }
    }

    /// Returns the bytes that a row takes in the columns.
    pub(super) fn bytes_per_row(model: &Model, ty: TypeId, plan: &TypePlan) -> usize {
        let kept = model.ty(ty).slots.iter().zip(&plan.uses).filter(|(_, slot_use)| **slot_use == SlotUse::Kept);
        let column = |(slot, slot_use): (&Slot, &SlotUse)| {
            size_of::<State>() + storage(model, slot, *slot_use).bytes_per_value()
        };
        size_of::<StrRef>() + kept.map(column).sum::<usize>()
    }

    /// Appends another run.
    pub(super) fn append(&mut self, mut run: Self) {
        run.move_side(self.side.len());
        self.side.push_str(&run.side);
        self.other_properties += run.other_properties;
        self.states_uncaptured |= run.states_uncaptured;
        self.may_list_partial &= run.may_list_partial;
        self.earliest_refused = past::earliest(self.earliest_refused, run.earliest_refused);
        self.diagnostics.extend(run.diagnostics);
        let first = row_number(self.keys.len());
        self.odd_keys.extend(run.odd_keys.into_iter().map(|row| first + row));
        self.nameless.extend(run.nameless.into_iter().map(|row| first + row));
        self.keys.extend(run.keys);
        for (column, piece) in self.columns.iter_mut().zip(run.columns) {
            column.states.extend(piece.states);
            match (&mut column.data, piece.data) {
                (Data::Bool(all), Data::Bool(more)) => all.extend(more),
                (Data::Number(all), Data::Number(more)) => all.extend(more),
                (Data::Text(all), Data::Text(more)) => all.extend(more),
                (Data::Ip(all), Data::Ip(more)) => all.extend(more),
                (Data::Entity(all), Data::Entity(more)) => all.extend(more),
                (Data::Value(all), Data::Value(more)) => all.extend(more),
                (Data::Range(all), Data::Range(more)) => all.extend(more),
                _ => {}
            }
        }
    }

    /// Moves the references to the side text, which is appended to another one.
    pub(super) fn move_side(&mut self, by: usize) {
        if by == 0 || self.side.is_empty() && self.keys.iter().all(|key| !key.is_side()) {
            return;
        }
        let columns = self.columns.iter_mut().filter_map(|column| match &mut column.data {
            Data::Text(texts) => Some(texts),
            _ => None,
        });
        columns.flatten().chain(&mut self.keys).for_each(|text| *text = text.rebased(by));
    }
}

/// The states of the values of one slot in a run.
enum States {
    /// Nothing needs them.
    Unused,
    /// Every row has one. It is uncaptured until the value is read.
    All(Vec<State>),
    /// A value that has not been read yet has no state.
    Read(Vec<Option<State>>),
}

impl States {
    fn new(slot: &Slot, slot_use: SlotUse, rows: usize) -> Self {
        match slot.origin {
            _ if slot_use == SlotUse::Checked => Self::Unused,
            Origin::Enclosing(_) => Self::All(vec![State::Known; rows]),
            _ if slot.is_below_records() => Self::Read(vec![None; rows]),
            _ => Self::All(vec![State::Uncaptured; rows]),
        }
    }

    #[expect(clippy::indexing_slicing, reason = "there is a state for every row of the run")]
    fn set(&mut self, row: usize, state: State) {
        match self {
            Self::Unused => {}
            Self::All(states) => states[row] = state,
            Self::Read(states) => states[row] = Some(state),
        }
    }

    /// Returns the state of a value that is settled.
    fn get(&self, row: usize) -> Option<&State> {
        match self {
            Self::All(states) => states.get(row),
            Self::Unused | Self::Read(_) => None,
        }
    }
}

struct Decoder<'s> {
    reading: Reading<'s>,
    ty: &'s EntityType,
    plan: &'s TypePlan,
    route: &'s Route,
    text: SplitText<'s>,
    /// The row in hand, from the start of the run.
    row: usize,
    /// The stop of the row in hand.
    stop: StopId,
    /// Whether the row in hand is an element of a list.
    is_element: bool,
    states: IdVec<SlotId, States>,
    values: IdVec<SlotId, Data>,
    /// The properties of the id of the row in hand, in their order.
    keys: Vec<KeyPart>,
    /// Whether some object states that properties of it were not captured.
    states_uncaptured: bool,
    /// Whether the document has not been read, or may list partial lists.
    may_list_partial: bool,
    /// Whether the key of the row in hand was given twice, or in two spellings.
    key_twice: bool,
    layout: Layout,
}

type Result<T> = std::result::Result<T, SyntaxError>;

/// A property of an id.
#[derive(Debug, Clone, Copy)]
enum KeyPart {
    /// It is missing or `null`.
    Missing,
    /// It is neither a text nor a number.
    Unreadable,
    /// Its text.
    Text(StrRef),
}

/// Decodes rows of one type, which the split does not change anymore. `latest` is the latest time of something past.
pub(super) fn decode_run(
    text: SplitText<'_>,
    rows: &[Row],
    (model, id): (&Model, TypeId),
    plan: &TypePlan,
    latest: i64,
) -> Run {
    let ty = model.ty(id);
    let slots = || ty.slots.iter().zip(&plan.uses);
    let mut decoder = Decoder {
        reading: Reading::new(text.source, model).with_tags(&plan.tags).with_latest(latest),
        ty,
        plan,
        route: &plan.route,
        text,
        row: 0,
        stop: StopId::default(),
        is_element: false,
        states: slots().map(|(slot, slot_use)| States::new(slot, *slot_use, rows.len())).collect(),
        values: slots().map(|(slot, slot_use)| storage(model, slot, *slot_use).filled(rows.len())).collect(),
        keys: vec![KeyPart::Missing; ty.key_fields.len()],
        states_uncaptured: false,
        may_list_partial: true,
        key_twice: false,
        layout: plan.layout(),
    };
    let (mut keys, mut odd_keys, mut nameless) = (Vec::with_capacity(rows.len()), Vec::new(), Vec::new());
    for (at, row) in rows.iter().enumerate() {
        decoder.row = at;
        decoder.keys.fill(KeyPart::Missing);
        decoder.key_twice = false;
        let group = if let RowStep::Group(group) = row.step { group as usize } else { 0 };
        decoder.is_element = matches!(row.step, RowStep::Index(_));
        decoder.stop = plan.route.rows.get(group).copied().unwrap_or_default();
        let mut scanner = Scanner::at(text.source.text(), row.span.start);
        #[expect(clippy::let_underscore_must_use, reason = "the split has scanned these bytes, so they are JSON")]
        let _ = decoder.node(&mut scanner, decoder.stop);
        // A name in the side text of the split is copied to the side text of this run, which replaces it.
        let step = match row.step {
            RowStep::Property(name) if name.is_side() => RowStep::Property(decoder.reading.side(text.text(name))),
            step => step,
        };
        let key = match decoder.id() {
            Some(Ok(key)) if !decoder.key_twice => key,
            Some(read) => {
                let pointer = ty.keys().nth(read.err().unwrap_or_default()).unwrap_or_default();
                nameless.push(row_number(at));
                let at = text.locate(row.span, &row.pointer_in_object(ty, pointer));
                let is_empty = || string_text(text.source.slice(at.span)).is_some_and(|text| is_blank(&text));
                let what = match at.kind {
                    LocationKind::Value(Kind::Null) | LocationKind::Lacks(_) => "has no",
                    LocationKind::Value(Kind::String) if is_empty() => EMPTY,
                    LocationKind::Value(_) => "has an unreadable",
                };
                let role = if ty.has_composite_key() { "part of its id" } else { "its id" };
                let name = model.short_name(id);
                let message = match pointer {
                    [] => format!("an element of the list of `{name}` {what} value, which is {role}"),
                    _ => format!("`{name}` {what} `{}`, which is {role}", pointer.join("/")),
                };
                let error = Diagnostic::error(Code::SnapshotKey, message).label(text.source, at.span, "here");
                let is_attribute = ty.slots.iter().any(|slot| slot.origin.pointer() == Some(pointer));
                let help = match is_attribute {
                    _ if what == EMPTY => "give the instance an id: a finding names it by the id",
                    true => "write the id as a text or a number: a finding names the instance by it",
                    false => {
                        "write the id as a text or a number, or correct `@key` in the schema: it is not an attribute"
                    }
                };
                // A key that is given twice has been reported.
                if !decoder.key_twice {
                    decoder.reading.diagnostics.push(error.help(help));
                }
                decoder.ordinal(step)
            }
            None => {
                if let RowStep::Property(name) = row.step
                    && is_blank(text.text(name))
                    && !model.is_of_action()
                {
                    nameless.push(row_number(at));
                    let error = empty_name(model.short_name(id), text.source, row.span);
                    decoder.reading.diagnostics.push(error);
                }
                decoder.ordinal(step)
            }
        };
        let name = if key.is_side() { decoder.reading.side.get(key.range()) } else { Some(text.text(key)) };
        let name = name.unwrap_or_default();
        let is_odd = |byte: u8| byte == b'/' || byte.is_ascii_uppercase() || !byte.is_ascii();
        if name.bytes().any(is_odd) || name.trim_ascii().len() < name.len() {
            odd_keys.push(row_number(at));
        }
        keys.push(key);
    }
    let columns = decoder.columns();
    let Decoder { states_uncaptured, may_list_partial, .. } = decoder;
    plan.keep(decoder.layout);
    let Reading { side, other_properties, earliest_refused, diagnostics, .. } = decoder.reading;
    Run {
        columns,
        keys,
        odd_keys,
        nameless,
        side,
        other_properties,
        states_uncaptured,
        may_list_partial,
        earliest_refused,
        diagnostics,
    }
}

/// Returns the error for an instance of a map whose name is empty.
fn empty_name(ty: &str, source: &Arc<Source>, instance: Span) -> Diagnostic {
    let message = format!("`{ty}` has an empty name in its map, which is its id");
    let error = Diagnostic::error(Code::SnapshotKey, message).label(source, instance, "this instance");
    error.help("give the instance an id: a finding names it by the id")
}

impl Decoder<'_> {
    fn ordinal(&mut self, step: RowStep) -> StrRef {
        match step {
            RowStep::Property(name) => name,
            RowStep::Index(index) => self.reading.side(&index.to_string()),
            RowStep::Fixed => self.reading.side(""),
            RowStep::Group(_) => {
                let group = self.route.stops[self.stop].group.as_ref();
                self.reading.side(group.map_or("", |group| &group.label))
            }
        }
    }

    fn mark(&mut self, slots: &[SlotId], state: State) {
        for slot in slots {
            self.states[*slot].set(self.row, state);
            self.values[*slot].forget(self.row);
        }
    }

    fn set(&mut self, slot: SlotId, cell: Cell) {
        let state = match cell {
            Cell::Absent => State::Absent,
            Cell::Uncaptured | Cell::Between(..) => State::Uncaptured,
            Cell::Unreadable => State::Unreadable,
            _ => State::Known,
        };
        self.states[slot].set(self.row, state);
        self.values[slot].set(self.row, cell);
    }

    /// Sets the slots at a field whose value is `null` or missing. Slots below it are set at the end of the row.
    fn lacking(&mut self, field: FieldId, default: impl Fn(&Slot) -> Option<&DeclaredDefault>) {
        let ty = self.ty;
        let node = &ty.fields[field];
        for id in node.slots.iter().chain(&node.presence) {
            let slot = &ty.slots[*id];
            let declared = default(slot);
            let cell = self.reading.default(slot, declared);
            self.set(*id, cell);
            if let Some(Fallback::Record(members)) = declared.map(|declared| &declared.fallback) {
                self.members(members);
            }
        }
    }

    /// Sets the members of a record that is a default.
    fn members(&mut self, members: &[(SlotId, Fallback)]) {
        for (id, fallback) in members {
            let cell = self.reading.fallback(&self.ty.slots[*id], fallback);
            self.set(*id, cell);
            if let Fallback::Record(members) = fallback {
                self.members(members);
            }
        }
    }

    /// Returns the id of the row in hand, or the number of the property that does not have a valid part of it. `None` if
    /// the type has no key.
    fn id(&mut self) -> Option<std::result::Result<StrRef, usize>> {
        let first = *self.keys.first()?;
        if self.ty.has_composite_key() {
            return Some(self.composite());
        }
        let found = self.keys.iter().enumerate().find(|(_, part)| !matches!(part, KeyPart::Missing));
        Some(match found.map_or((0, first), |(at, part)| (at, *part)) {
            (_, KeyPart::Text(text)) => Ok(text),
            (at, _) => Err(at),
        })
    }

    /// Returns the parts of an id with `/` between them. In a part, `/` is `~1` and `~` is `~0`, so different parts are
    /// different ids.
    fn composite(&mut self) -> std::result::Result<StrRef, usize> {
        let mut id = String::new();
        for (at, part) in self.keys.iter().enumerate() {
            let KeyPart::Text(text) = part else { return Err(at) };
            let text = match text.is_side() {
                true => self.reading.side.get(text.range()).unwrap_or_default(),
                false => self.text.text(*text),
            };
            if at > 0 {
                id.push('/');
            }
            id.push_str(&text.replace('~', "~0").replace('/', "~1"));
        }
        Ok(self.reading.side(&id))
    }

    /// Reads the value at a stop.
    fn node(&mut self, scanner: &mut Scanner<'_>, at: StopId) -> Result<()> {
        let stop = &self.route.stops[at];
        let (kind, start) = scanner.peek()?;
        let leads_on = kind == Kind::Object && !stop.list && (stop.leads_on || at == self.stop);
        let Some(field) = stop.field.filter(|_| stop.read || kind == Kind::Null) else {
            if leads_on {
                return self.object(scanner, at, start);
            }
            let span = self.text.skip(scanner)?;
            // The split reports the wrong type of a list, and of what leads to one.
            if !stop.list && kind != Kind::Null {
                self.not_an_object(at, kind, span);
            }
            return Ok(());
        };
        let value = if stop.is_path { self.text.scan(scanner)? } else { scanner.value()? };
        if stop.read {
            self.key(field, value);
        }
        if kind == Kind::Null {
            self.lacking(field, |slot| slot.null.as_ref());
            return Ok(());
        }
        let ty = self.ty;
        for slot in &ty.fields[field].slots {
            let cell = self.reading.slot(*slot, &ty.slots[*slot], self.plan.uses[*slot], value);
            self.set(*slot, cell);
        }
        if leads_on && stop.leads_on {
            // An object that is read as a whole, and whose properties are read too.
            scanner.jump(start);
            return self.object(scanner, at, start);
        }
        if stop.leads_on && !stop.list {
            self.not_an_object(at, kind, value.span);
        }
        Ok(())
    }

    fn is_blank(&self, text: StrRef) -> bool {
        let read = if text.is_side() { self.reading.side.get(text.range()) } else { Some(self.text.text(text)) };
        read.is_some_and(is_blank)
    }

    /// Records the value at a field, if it is a property of the id.
    fn key(&mut self, field: FieldId, value: Scanned) {
        let ty = self.ty;
        let part = ty.key_fields.iter().position(|key| *key == field && ty.fields[field].key);
        let Some(part) = part else { return };
        let read = match self.reading.key(value) {
            // A template that is not filled in has an empty id.
            Some(text) if self.is_blank(text) => KeyPart::Missing,
            Some(text) => KeyPart::Text(text),
            None if value.kind == Kind::Null => KeyPart::Missing,
            None => KeyPart::Unreadable,
        };
        if let Some(part) = self.keys.get_mut(part) {
            *part = read;
        }
    }

    /// Records that a value that contains attributes is not an object.
    fn not_an_object(&mut self, at: StopId, kind: Kind, span: Span) {
        let stop = &self.route.stops[at];
        let Some(field) = stop.field else { return };
        let below: Vec<SlotId> = {
            let node = &self.ty.fields[field];
            node.below.iter().filter(|slot| !node.slots.contains(slot)).copied().collect()
        };
        if self.is_lacking(field, kind, span) {
            return;
        }
        // The slots here have read the value, and the split has reported it on the way to lists.
        if !stop.is_path {
            self.reading.error(
                Code::SnapshotType,
                span,
                format!("expected an object at `{}`, found {}", stop.name, kind.described()),
                format!("this is {}", kind.described()),
                None,
            );
        }
        self.mark(&below, State::Unreadable);
    }

    /// Returns whether a word of `@unknown` or `@absent` is in the place of a record, and sets the presence of the record.
    /// The slots below it are set at the end of the row.
    fn is_lacking(&mut self, field: FieldId, kind: Kind, span: Span) -> bool {
        let ty = self.ty;
        let presence = &ty.fields[field].presence;
        let meaning = |slot: &SlotId| self.reading.meaning(&ty.slots[*slot].words, kind, span);
        let meanings: Vec<Option<Lacking>> = presence.iter().map(meaning).collect();
        if meanings.is_empty() || meanings.contains(&None) {
            return false;
        }
        for (slot, meaning) in presence.iter().zip(meanings) {
            self.set(*slot, if meaning == Some(Lacking::Absent) { Cell::Absent } else { Cell::Uncaptured });
        }
        true
    }

    #[expect(clippy::indexing_slicing, reason = "`child` is the place of a child of the stop")]
    fn object(&mut self, scanner: &mut Scanner<'_>, at: StopId, start: u32) -> Result<()> {
        let (ty, route) = (self.ty, self.route);
        let stop = &route.stops[at];
        if let Some(field) = stop.field {
            for slot in &ty.fields[field].presence {
                self.states[*slot].set(self.row, State::Known);
            }
        }
        let mut seen = SeenChildren::default();
        let mut others: Vec<Other> = Vec::new();
        let mut last = Last::START;
        let mut firsts = Firsts::default();
        let mut strangers = 0usize;
        // Undeclared objects, if no declared property is before them.
        let mut objects: Vec<Span> = Vec::new();
        let mut error = ApiError::default();
        let mut statement: Option<Statement> = None;
        let mut whole_groups: Vec<(SmolStr, Kind)> = Vec::new();
        let mut may_list_partial = false;
        scanner.properties(|scanner| {
            let (key, found) = self.layout.read(route, at, &mut last, scanner)?;
            let child = match found {
                Found::Child(child) => child,
                Found::Undeclared(undeclared) => {
                    may_list_partial |= undeclared.may_list_partial;
                    // Beside a group of properties may be the lists of the object around it.
                    let may_jump = stop.group.is_some();
                    let value = if may_jump { self.text.scan(scanner)? } else { scanner.value()? };
                    let Scanned { kind, span, .. } = value;
                    let (is_own, near, is_slip, is_label, is_like_statement) = match undeclared.meaning {
                        Meaning::Ignored => return Ok(()),
                        Meaning::Statement => {
                            statement.get_or_insert_default().add(self.reading.source, kind, span);
                            return Ok(());
                        }
                        Meaning::Other { is_own, near, is_slip, is_label, is_like_statement } => {
                            (is_own, near, is_slip, is_label, is_like_statement)
                        }
                    };
                    self.reading.other_properties += usize::from(is_own);
                    strangers += usize::from(is_own);
                    if is_own && kind == Kind::Object && seen.is_empty() && objects.len() < MAX_WRAPPERS {
                        objects.push(span);
                    }
                    // A group lacks properties because of the error of the object around it, too.
                    error.consider(&key.text(), key.span, || says_nothing(self.reading.source.slice(span)));
                    if is_label && kind != Kind::Null {
                        whole_groups.push((SmolStr::new(key.text()), kind));
                    }
                    if is_like_statement {
                        statement.get_or_insert_default().add_like(&key.text(), key.span);
                    }
                    if !near.is_empty() || ty.closed {
                        others.push(Other { name: SmolStr::new(key.text()), key: key.span, near, is_slip });
                    }
                    return Ok(());
                }
            };
            let again = !seen.insert(child);
            let below = &route.stops[stop.children[child]];
            if below.instance {
                return self.text.skip(scanner).map(|_| ());
            }
            self.node(scanner, stop.children[child])?;
            if let (true, Some(field)) = (again, below.field) {
                if !below.is_path {
                    let first = firsts.find(self.text, start, &below.name).unwrap_or(key.span);
                    self.reading.diagnostics.push(duplicate_key(self.reading.source, &below.name, first, key.span));
                }
                self.mark(&ty.fields[field].below, State::Unreadable);
                self.key_twice |= ty.leads_to_key(field);
            }
            Ok(())
        })?;
        if stop.lists_partial {
            self.may_list_partial = may_list_partial;
        }
        // An object with only a misspelt property is the declared one, unless it is an error too.
        let misspelt = others.iter().filter(|other| !other.near.is_empty()).count();
        let foreign = match () {
            () if !seen.is_empty() => None,
            () if at == self.stop && self.is_element && self.is_bare(Span::new(start, scanner.offset())) => {
                Some(Foreign::Certain)
            }
            () if error.shown(false).is_some() => Some(Foreign::Certain),
            // All of its properties are objects, and one of these has a declared property.
            () if strangers == objects.len() && objects.iter().any(|object| self.wraps(at, *object)) => {
                Some(Foreign::Certain)
            }
            () if strangers > misspelt => Some(Foreign::Other),
            () => None,
        };
        self.unseen(at, &seen);
        if let Some(error) = error.shown(true).filter(|_| foreign.is_none()) {
            self.has_error(at, start, &seen, error);
        }
        if let Some(foreign) = foreign {
            self.foreign(at, foreign);
        }
        for other in others {
            self.other(at, start, &other, &seen, &mut firsts);
        }
        for (name, kind) in whole_groups {
            self.whole_group(at, &name, kind, &seen);
        }
        if let Some(statement) = statement {
            self.stated(at, &statement, &seen);
        }
        Ok(())
    }

    /// Makes uncaptured what an object states, and what it lacks if its statement is not valid.
    fn stated(&mut self, at: StopId, statement: &Statement, seen: &SeenChildren) {
        let (ty, route) = (self.ty, self.route);
        let stop = &route.stops[at];
        let known = || stop.known.iter().map(String::as_str);
        let secret = stop.field.is_some_and(|field| ty.fields[field].secret);
        // The row around a group has the statement too.
        if stop.group.is_none() {
            self.reading.diagnostics.extend(statement.problems(self.reading.source, known(), secret));
        }
        self.states_uncaptured |= !statement.is_empty();
        let named = statement.named(route.children(at), known(), stop.groups());
        let mut uncaptured: Vec<usize> = named.into_iter().map(|(child, _)| child).collect();
        if statement.is_wrong() {
            uncaptured.extend((0..stop.children.len()).filter(|child| !seen.contains(*child)));
        }
        for child in uncaptured {
            let field = stop.children.get(child).and_then(|child| route.stops[*child].field);
            let Some(field) = field else { continue };
            self.mark(&ty.fields[field].below, State::Uncaptured);
            for (part, key) in self.keys.iter_mut().zip(ty.keys()) {
                if ty.leads_to(field, key) {
                    *part = KeyPart::Unreadable;
                }
            }
        }
    }

    /// Makes unknown what the row reads of a group of properties, because of a property with the name of the group: all of it if that is
    /// an object or a list, which may have the values, and otherwise what the row lacks. The split reports the property.
    fn whole_group(&mut self, at: StopId, name: &str, kind: Kind, seen: &SeenChildren) {
        let (ty, route) = (self.ty, self.route);
        let stop = &route.stops[at];
        let is_nested = matches!(kind, Kind::Object | Kind::Array);
        let group = stop.groups().find(|group| is_label(group, name));
        for (child, below) in stop.children.iter().map(|child| &route.stops[*child]).enumerate() {
            let is_in_group = group.is_some_and(|group| group.part(&below.name).is_some());
            if let Some(field) = below.field.filter(|_| is_in_group && (is_nested || !seen.contains(child))) {
                self.mark(&ty.fields[field].below, if is_nested { State::Unreadable } else { State::Uncaptured });
            }
        }
    }

    /// Returns whether an undeclared object has a property that is declared at a stop, as in `{"data": {...}}`.
    fn wraps(&self, at: StopId, object: Span) -> bool {
        let is_declared = |name: &str| self.route.children(at).any(|child| child == name);
        object.len() <= MAX_WRAPPED_BYTES && self.text.properties(object).iter().any(|(name, _)| is_declared(name))
    }

    /// Returns whether an object is `{}`. As an element it shows that there is an instance, and nothing of its values.
    fn is_bare(&self, object: Span) -> bool {
        says_nothing(self.reading.source.slice(object))
    }

    /// Makes uncaptured what is read through an object that may not be the declared one.
    fn foreign(&mut self, at: StopId, foreign: Foreign) {
        let ty = self.ty;
        let Some(field) = self.route.stops[at].field.map(|field| &ty.fields[field]) else { return };
        let is_parameter = |slot: &SlotId| ty.parameters.iter().any(|parameter| parameter.slot == *slot);
        let is_required =
            |slot: &SlotId| is_parameter(slot) || ty.slots[*slot].required && !field.presence.contains(slot);
        if foreign == Foreign::Certain || field.below.iter().any(is_required) {
            self.mark(&field.below, State::Uncaptured);
            self.mark(&field.presence, State::Uncaptured);
        }
    }

    /// Sets the slots of the properties that an object lacks.
    fn unseen(&mut self, at: StopId, seen: &SeenChildren) {
        let route = self.route;
        let children = &route.stops[at].children;
        if seen.is_all(children.len()) {
            return;
        }
        for (child, stop) in children.iter().enumerate() {
            if let (false, Some(field)) = (seen.contains(child), route.stops[*stop].field) {
                self.lacking(field, |slot| slot.missing.as_ref());
            }
        }
    }

    /// Makes uncaptured the properties that an object with an error lacks or has as `null`. `error` is the place of its name.
    fn has_error(&mut self, at: StopId, object: u32, seen: &SeenChildren, error: Span) {
        let (ty, route) = (self.ty, self.route);
        let mut nulls: HashSet<String> = HashSet::new();
        self.text.each_property(Span::new(object, object), |name, _, value| {
            if self.text.source.slice(value) == "null" {
                nulls.insert(name.to_owned());
            }
        });
        let mut is_any = false;
        for (child, stop) in route.stops[at].children.iter().enumerate() {
            let below = &route.stops[*stop];
            let Some(field) = below.field.filter(|_| !seen.contains(child) || nulls.contains(&below.name)) else {
                continue;
            };
            is_any = true;
            self.mark(&ty.fields[field].below, State::Uncaptured);
        }
        if is_any {
            self.reading.diagnostics.push(api_error::warning(self.reading.source, error));
        }
    }

    /// Reports an undeclared property. It is an error on a closed type, or if the object also has the declared name in
    /// another spelling. It is a warning if it resembles a missing attribute, which is then unknown. It is also a warning if it
    /// has a slip of an attribute that the object has: its value may belong to that one.
    #[expect(clippy::indexing_slicing, reason = "`near` is the place of a child of the stop")]
    fn other(&mut self, at: StopId, object: u32, other: &Other, seen: &SeenChildren, firsts: &mut Firsts) {
        let (ty, route) = (self.ty, self.route);
        // Names in a secret are secret, and a suggestion says what they are like.
        let secret = route.stops[at].field.is_some_and(|field| ty.fields[field].secret);
        let name = if secret { "***" } else { other.name.as_str() };
        if ty.closed {
            let error = Diagnostic::error(Code::SnapshotProperty, format!("a {} has no property `{name}`", ty.name));
            let error = error.label(self.reading.source, other.key, "not declared");
            let suggested = if secret { error } else { error.suggest(name, route.children(at)) };
            self.reading.diagnostics.push(suggested);
        }
        let mut near = other.near.iter();
        let named =
            |near: usize| route.stops[at].children.get(near).map_or("", |child| route.stops[*child].name.as_str());
        // Another spelling of a property that the object has gives it twice. Otherwise the object may have the nearest one, and lack
        // another one.
        let respelt = near.clone().find(|near| seen.contains(*near) && is_respelled(named(*near), &other.name));
        let lacking = || near.clone().find(|near| !seen.contains(*near));
        let Some(near) = respelt.or_else(lacking).or_else(|| near.next()) else { return };
        let meant = &route.stops[route.stops[at].children[near]];
        let slots = meant.field.map_or(&[][..], |field| &ty.fields[field].below);
        let beside = seen.contains(near);
        if !ty.closed && beside && is_respelled(&meant.name, &other.name) {
            let message = format!("properties `{}` and `{name}` differ only in {}", meant.name, difference(name));
            let error = Diagnostic::error(Code::SnapshotDuplicateKey, message);
            let first = firsts.find(self.text, object, &meant.name).unwrap_or(other.key);
            let error = error.label(self.reading.source, other.key, "this one");
            let error = error.label(self.reading.source, first, "and this one");
            self.reading.diagnostics.push(error.help("remove one of the two"));
        } else if !ty.closed && !beside {
            let message = format!("unknown property `{name}`, and the object has no `{}`", meant.name);
            let warning = Diagnostic::warning(Code::SnapshotProperty, message);
            let warning = warning.label(self.reading.source, other.key, "not declared");
            let help = match meant.name.strip_prefix(other.name.as_str()).filter(|rest| rest.starts_with('.')) {
                Some(_) => format!("`/` separates the steps of a `@path`: write `{}`", meant.name.replace('.', "/")),
                None if is_in_other_unit(name, &meant.name) => {
                    format!("write the value as `{}`, in the unit of that name", meant.name)
                }
                None => match look_alike(name) {
                    Some((c, like)) => format!(
                        "write the letter `{like}` in `{}`: U+{:04X} only looks like it",
                        meant.name,
                        u32::from(c)
                    ),
                    None => format!("did you mean `{}`?", meant.name),
                },
            };
            self.reading.diagnostics.push(warning.help(help));
        } else if !ty.closed {
            if other.is_slip {
                self.reading.diagnostics.push(slip_of(self.reading.source, (name, other.key), &meant.name));
            }
            return;
        }
        self.mark(slots, if beside { State::Unreadable } else { State::Uncaptured });
        // Any of the properties that the object lacks may be meant.
        for near in other.near.iter().filter(|near| !beside && !seen.contains(*near)) {
            let field = route.stops[at].children.get(near).and_then(|child| route.stops[*child].field);
            field.into_iter().for_each(|field| self.mark(&ty.fields[field].below, State::Uncaptured));
        }
        self.key_twice |= beside && meant.field.is_some_and(|field| ty.leads_to_key(field));
    }

    /// Returns the columns, with the states of the values whose objects are missing.
    fn columns(&mut self) -> Vec<Column> {
        for at in &self.plan.below_records {
            let slot = &self.ty.slots[*at];
            let States::Read(read) = std::mem::replace(&mut self.states[*at], States::Unused) else { continue };
            let settle = |(row, state): (usize, Option<State>)| {
                let above = slot.above.iter().filter_map(|above| self.states[*above].get(row));
                state.unwrap_or_else(|| below(slot, above))
            };
            self.states[*at] = States::All(read.into_iter().enumerate().map(settle).collect());
        }
        let (states, values) = (std::mem::take(&mut self.states), std::mem::take(&mut self.values));
        let column = |((states, data), slot_use): ((States, Data), &SlotUse)| Column {
            states: match states {
                States::All(states) if *slot_use == SlotUse::Kept => states,
                _ => Vec::new(),
            },
            data,
        };
        states.into_iter().zip(values).zip(&self.plan.uses).map(column).collect()
    }
}

/// Returns the state of a value whose object is missing, by the states of the records above it, if there are any.
///
/// A value below an absent record is absent. An object that is not a declared record cannot be absent.
fn below<'s>(slot: &Slot, above: impl Iterator<Item = &'s State>) -> State {
    let mut state = None;
    for above in above {
        state = Some(match (state, above) {
            (Some(State::Unreadable), _) | (_, State::Unreadable) => State::Unreadable,
            (None | Some(State::Absent), State::Absent) => State::Absent,
            _ => State::Uncaptured,
        });
    }
    match state {
        Some(State::Absent) if slot.required && slot.within.is_none_or(|within| !slot.above.contains(&within)) => {
            State::Uncaptured
        }
        Some(state) => state,
        None => State::Uncaptured,
    }
}

/// An object without any declared property, which may not be the declared one, or shows nothing of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Foreign {
    /// It is an error, such as `{"error": "forbidden"}`, an object around the declared one, such as `{"data": {...}}`, or `{}` as an
    /// element of a list.
    Certain,
    /// It has other properties than misspellings. Only if a declared one is required, or a parameter that the account sets, the
    /// others are not known to be absent.
    Other,
}

/// An undeclared property.
struct Other {
    name: SmolStr,
    key: Span,
    /// The children whose names are close to this one.
    near: Near,
    /// Whether it has a slip of letters of that name.
    is_slip: bool,
}

/// The first place of each property of an object; computed once, for the first diagnostic that needs it.
#[derive(Default)]
struct Firsts(Option<HashMap<String, Span>>);

impl Firsts {
    fn find(&mut self, text: SplitText<'_>, object: u32, name: &str) -> Option<Span> {
        let firsts = self.0.get_or_insert_with(|| {
            let mut firsts = HashMap::new();
            for (key, span) in text.properties(Span::new(object, object)) {
                firsts.entry(key).or_insert(span);
            }
            firsts
        });
        firsts.get(name).copied()
    }
}

/// The children of an object that were seen.
#[derive(Default)]
struct SeenChildren {
    first: u64,
    /// Those beyond the first 64.
    others: BTreeSet<usize>,
}

impl SeenChildren {
    fn is_empty(&self) -> bool {
        self.first == 0 && self.others.is_empty()
    }

    /// Adds a child; returns whether it was not seen before.
    fn insert(&mut self, child: usize) -> bool {
        let new = !self.contains(child);
        match child {
            0..64 => self.first |= 1 << child,
            _ => {
                self.others.insert(child);
            }
        }
        new
    }

    /// Returns whether the first `count` children were all seen.
    fn is_all(&self, count: usize) -> bool {
        match count {
            0..64 => self.first == (1 << count) - 1,
            _ => (0..count).all(|child| self.contains(child)),
        }
    }

    fn contains(&self, child: usize) -> bool {
        match child {
            0..64 => self.first >> child & 1 == 1,
            _ => self.others.contains(&child),
        }
    }
}
