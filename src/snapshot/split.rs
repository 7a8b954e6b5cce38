//! The split: one pass over the document that records the place of every instance.

mod group;

use super::api_error::{self, ApiError, is_of_error, says_nothing};
use super::element::{Doubt, Membership};
use super::plan::ReadPlan;
use super::read::duplicate_key;
use super::runs::{Ahead, Handover, Reader, Split};
use super::uncaptured::{self, Statement, UNCAPTURED};
use super::{Elsewhere, Gap, Jumps, Limits, Row, RowStep, StrRef, Table, UncapturedList, is_respelled, row_number};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Model, PathId};
use crate::source::derived::FaultKind;
use crate::source::json::{Key, Kind, Scanner, SyntaxError, SyntaxProblem, WalkEnd, document_start, string_text};
use crate::source::pointer::Pointer;
use crate::source::{Source, Span, misspelling};
use crate::value::{EntityRef, TypeId};
use smol_str::SmolStr;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The largest number of rows of a type. Larger numbers of an [`EntityRef`] are other kinds.
const MAX_ROWS: usize = 1 << 31;

/// Splits a document. `ahead` decodes rows meanwhile.
pub(super) fn split(
    reader: Reader<'_>,
    ahead: Option<&Ahead<'_>>,
    limits: &Limits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Split> {
    let Reader { source, model, .. } = reader;
    if let Some((fault, file)) = source.fault() {
        let code = match fault.kind {
            FaultKind::Syntax => Code::SnapshotSyntax,
            FaultKind::TooLarge => Code::TooLarge,
        };
        let message = if model.has_secrets() { &fault.unquoted } else { &fault.message };
        let error = Diagnostic::error(code, message.clone()).label(file, fault.span, "here");
        diagnostics.push(error.maybe_help(fault.help.clone()));
        return None;
    }
    let text = source.text();
    if text.strip_prefix('\u{feff}').unwrap_or(text).trim().is_empty() {
        let error = Diagnostic::error(Code::SnapshotEmpty, "the snapshot is empty").label(
            source,
            Span::new(0, 0),
            "nothing here",
        );
        diagnostics.push(error.help("a snapshot is a JSON object"));
        return None;
    }
    let tables = model.types.iter().map(|_| Table::default()).collect();
    let most_entities = limits.entities.min(MAX_ROWS);
    let walk = |handover: Option<Handover<'_>>| {
        let splitter = Splitter {
            source,
            model,
            plan: reader.plan,
            split: Split { tables, jumps: Jumps::default(), side: String::new(), twice: Vec::new() },
            lists: Vec::new(),
            handover,
            most_entities,
            unjudged: HashSet::new(),
            diagnostics,
        };
        splitter.walk(Scanner::at(text, document_start(text)).up_to(limits.depth))
    };
    let (walked, mut split) = match ahead {
        Some(ahead) => ahead.alongside(|handover| walk(Some(handover))),
        None => walk(None),
    };
    // A list of rows that grew has room for as many again.
    split.tables.iter_mut().for_each(|table| table.rows.shrink_to_fit());
    match walked {
        Ok(true) => Some(split),
        Ok(false) => None,
        Err(SplitError::TooMany(ty, at)) => {
            let name = model.short_name(ty);
            let message = format!("there are more than {most_entities} instances of {name}");
            let error = Diagnostic::error(Code::SnapshotEntities, message);
            let error = error.label(source, Span::new(at, at + 1), "this is one too many");
            diagnostics.push(error.help("allow more with --max-entities, or divide the snapshot"));
            None
        }
        Err(SplitError::Syntax(error)) => {
            let error = error.into_problem();
            let help = match &error {
                SyntaxProblem { too_deep: true, .. } => Some("allow more with --max-depth".to_owned()),
                error
                    if error.message.contains("JSON has no comments")
                        || error.message.contains("JSON allows no comma") =>
                {
                    Some("remove it, or give the file a name that ends in `.jsonc`".to_owned())
                }
                error if error.message.contains("surrogate pair") => {
                    Some("write the character, or both halves of the pair".to_owned())
                }
                error if error.span.is_empty() => Some("the file may have been cut off".to_owned()),
                _ => None,
            };
            let message = if model.has_secrets() { error.unquoted } else { error.message };
            diagnostics.push(
                Diagnostic::error(Code::SnapshotSyntax, message).label(source, error.span, "here").maybe_help(help),
            );
            None
        }
    }
}

struct Splitter<'s> {
    source: &'s Arc<Source>,
    model: &'s Model,
    plan: &'s ReadPlan,
    split: Split,
    /// The lists of instances that were walked: their starts and ends.
    lists: Vec<(u32, u32)>,
    /// Takes rows to decode while the walk goes on.
    handover: Option<Handover<'s>>,
    most_entities: usize,
    /// Words of elements and of groups that no type judges, with the place. Each is reported once.
    unjudged: HashSet<(Option<PathId>, String)>,
    diagnostics: &'s mut Vec<Diagnostic>,
}

/// The reason why the walk ended before the end of the document.
enum SplitError {
    Syntax(SyntaxError),
    /// There are too many instances of a type; the first one beyond the limit starts here.
    TooMany(TypeId, u32),
}

impl From<SyntaxError> for SplitError {
    fn from(error: SyntaxError) -> Self {
        SplitError::Syntax(error)
    }
}

/// The place of the walk: the innermost instance and the properties below it.
#[derive(Clone)]
struct Here {
    scope: EntityRef,
    pointer: Pointer,
}

/// The lists and instances that an object states to be uncaptured.
#[derive(Default)]
struct Stated {
    /// Whether the statement is not valid, so that what the object lacks is unknown.
    is_wrong: bool,
    /// The properties, by their places among the children of the node, with the places of their names.
    children: Vec<(usize, Span)>,
}

/// The numbers of rows, gaps and elements of other types that a table has at some place of the walk.
struct Mark {
    ty: TypeId,
    rows: usize,
    lists: usize,
    elsewhere: usize,
}

type Result<T> = std::result::Result<T, SplitError>;

const NO_INSTANCE: &str = "write an instance in its place, or remove it; until then the number of instances is unknown";

impl Splitter<'_> {
    /// Walks the document. Returns whether it is a snapshot, and what was found.
    fn walk(mut self, mut scanner: Scanner<'_>) -> (Result<bool>, Split) {
        let walked = self.document(&mut scanner);
        self.split.jumps = self.lists.into_iter().collect();
        (walked, self.split)
    }

    fn document(&mut self, scanner: &mut Scanner<'_>) -> Result<bool> {
        let (kind, start) = scanner.peek()?;
        let root = EntityRef { ty: self.model.root, row: 0 };
        if kind != Kind::Object {
            let span = scanner.skip()?;
            let message = format!("a snapshot is an object, and this is {}", kind.described());
            self.diagnostics.push(Diagnostic::error(Code::SnapshotRoot, message).label(
                self.source,
                Span::new(span.start, span.start + 1),
                "the document starts here",
            ));
            return Ok(false);
        }
        self.push(root.ty, 0, RowStep::Fixed, start)?;
        self.value(scanner, PathId::default(), &Here { scope: root, pointer: Pointer::default() })?;
        self.close(root, scanner.offset());
        scanner.end()?;
        Ok(true)
    }

    fn push(&mut self, ty: TypeId, parent: u32, step: RowStep, start: u32) -> Result<u32> {
        let rows = &self.split.tables[ty].rows;
        if rows.len() >= self.most_entities {
            return Err(SplitError::TooMany(ty, start));
        }
        if let Some(handover) = &mut self.handover {
            handover.before_row(ty, rows, &self.split.side, self.lists.len());
        }
        let rows = &mut self.split.tables[ty].rows;
        rows.push(Row { span: Span::new(start, start), parent, step, key: StrRef::default() });
        Ok(row_number(rows.len() - 1))
    }

    fn close(&mut self, entity: EntityRef, end: u32) {
        if let Some(row) = self.split.tables[entity.ty].rows.get_mut(entity.row as usize) {
            row.span.end = end;
        }
        if let Some(handover) = &mut self.handover {
            handover.after_row(entity.ty, &self.lists);
        }
    }

    /// Walks a value at a node of the path tree that belongs to the instance `here.scope`.
    fn value(&mut self, scanner: &mut Scanner<'_>, node: PathId, here: &Here) -> Result<()> {
        let model = self.model;
        let tree = &model.paths[node];
        if tree.is_leaf() {
            scanner.skip()?;
            return Ok(());
        }
        let (kind, start) = scanner.peek()?;
        match (kind, tree.each.split_first()) {
            (Kind::Object, None) => self.properties(scanner, node, here),
            (Kind::Array | Kind::Object, Some((first, others))) => {
                // Each type of the list has a walk of its own.
                let again = scanner.clone();
                let end = self.list(scanner, *first, here)?;
                for each in others {
                    self.list(&mut again.clone(), *each, here)?;
                }
                self.lists.push((start, end));
                Ok(())
            }
            (kind, each) => {
                let span = scanner.skip()?;
                let wanted = if each.is_some() { "a list" } else { "an object" };
                self.lost(node, here, span, "", Gap::Unreadable);
                // At an instance the decoder reports the wrong type.
                if tree.ty.is_none() {
                    self.wrong_type(here, wanted, kind, span);
                }
                Ok(())
            }
        }
    }

    fn wrong_type(&mut self, here: &Here, wanted: &str, kind: Kind, span: Span) {
        let message = format!("expected {wanted} at `{}`, found {}", here.pointer, kind.described());
        let error = Diagnostic::error(Code::SnapshotType, message);
        self.diagnostics.push(error.label(self.source, span, format!("this is {}", kind.described())));
    }

    /// Walks a list for one of the types of its elements. Returns its end.
    fn list(&mut self, scanner: &mut Scanner<'_>, each: PathId, here: &Here) -> Result<u32> {
        let (kind, start) = scanner.peek()?;
        if kind == Kind::Array {
            let walked =
                scanner.array(|scanner, index| self.instance(scanner, each, here, RowStep::Index(row_number(index))));
            return Ok(walked?.end);
        }
        match self.model.paths[each].ty.is_some_and(|ty| self.model.ty(ty).one_or_many) {
            true => self.only(scanner, each, here, start),
            false => self.map(scanner, each, here),
        }
    }

    /// Walks an object in the place of a list whose only instance may be this object: an uncaptured list if the object does
    /// not have the key.
    fn only(&mut self, scanner: &mut Scanner<'_>, each: PathId, here: &Here, start: u32) -> Result<u32> {
        if self.has_shape(each, Kind::Object, start) {
            self.instance(scanner, each, here, RowStep::Fixed)?;
            return Ok(scanner.offset());
        }
        let span = scanner.skip()?;
        let message = format!("expected a list or an instance at `{}`, found an object without the id", here.pointer);
        let error = Diagnostic::error(Code::SnapshotType, message).label(self.source, span, "this object");
        self.diagnostics.push(error.help(NO_INSTANCE));
        self.lost(each, here, span, "", Gap::Unreadable);
        Ok(span.end)
    }

    /// Walks an object in the place of a list: a map of instances if every value has the shape of one, and otherwise an
    /// uncaptured list. An error is not an instance: the list is partial, or uncaptured without instances.
    fn map(&mut self, scanner: &mut Scanner<'_>, each: PathId, here: &Here) -> Result<u32> {
        let before = self.mark(each);
        let mut seen: HashMap<SmolStr, (Span, Option<u32>)> = HashMap::new();
        let mut other: Option<Span> = None;
        let (mut error, mut is_empty) = (ApiError::default(), true);
        let span = scanner.object(|scanner, key| {
            let (kind, start) = scanner.peek()?;
            let text = key.text();
            if is_of_error(&text) {
                let value = scanner.skip()?;
                error.consider(&text, key.span, || says_nothing(self.source.slice(value)));
                return Ok(());
            }
            is_empty = false;
            let has_shape = kind == Kind::Null || self.has_shape(each, kind, start);
            if other.is_some() || !has_shape {
                other.get_or_insert(key.span);
                scanner.skip()?;
                return Ok(());
            }
            let name = self.key_text(&key);
            let row = self.row_at(each);
            self.instance(scanner, each, here, RowStep::Property(name))?;
            let row = row.filter(|row| self.row_at(each) > Some(*row));
            match seen.entry(SmolStr::new(&text)) {
                Entry::Vacant(entry) => {
                    entry.insert((key.span, row));
                }
                Entry::Occupied(entry) => {
                    let (first, first_row) = *entry.get();
                    self.diagnostics.push(duplicate_key(self.source, &text, first, key.span));
                    match (self.model.paths[each].ty, first_row, row) {
                        (Some(ty), Some(first), Some(again)) => self.split.twice.push((ty, first, again)),
                        _ => self.lost(each, here, key.span, "", Gap::Partial),
                    }
                }
            }
            Ok::<_, SplitError>(())
        })?;
        let error = error.shown(!is_empty);
        if let Some(key) = other.or(error.filter(|_| is_empty)) {
            self.reset(each, &before);
            let whole = Span::new(span.start, span.start + 1);
            let message =
                format!("expected a list at `{}`, found an object that is not a map of instances", here.pointer);
            let error = Diagnostic::error(Code::SnapshotType, message).label(self.source, whole, "this object");
            let error = error.label(self.source, key, "this value is not an instance");
            self.diagnostics.push(error.help("write an array; in a map of instances every value is an instance"));
            self.lost(each, here, span, "", Gap::Unreadable);
        } else if let Some(key) = error {
            self.diagnostics.push(api_error::warning_in_map(self.source, key));
            self.lost(each, here, key, "", Gap::Partial);
        }
        Ok(span.end)
    }

    /// The number that the next row of the type at a node gets.
    fn row_at(&self, node: PathId) -> Option<u32> {
        let ty = self.model.paths[node].ty?;
        Some(self.split.tables[ty].row_count())
    }

    /// Returns whether a value in a map has the shape of an instance of the type at a node or, if it is not known to be
    /// one, of another type of the list.
    fn has_shape(&self, node: PathId, kind: Kind, start: u32) -> bool {
        if kind == Kind::Object && !matches!(self.membership(node, start), Membership::Member) {
            return self.model.types_of_list(node).any(|(node, _)| self.has_own_shape(node, kind, start));
        }
        self.has_own_shape(node, kind, start)
    }

    /// Returns whether a value has the shape of an instance: an object that has the key or, without one, at
    /// least one declared property. Scalars are not the instances of a map, whose names they would not need.
    fn has_own_shape(&self, node: PathId, kind: Kind, start: u32) -> bool {
        let Some(ty) = self.model.paths[node].ty else { return kind == Kind::Object };
        let declared = self.model.ty(ty);
        kind == Kind::Object
            && !declared.is_scalar()
            && match declared.key {
                Some(_) => self.has_property(start, |name| declared.key_names().any(|key| key == name)),
                None => self.has_declared(node, ty, start),
            }
    }

    /// Returns whether an object has a property that a type declares, or a misspelling of one.
    fn has_declared(&self, node: PathId, ty: TypeId, start: u32) -> bool {
        self.model.has_declared(node, ty, |wanted| self.has_property(start, wanted))
    }

    /// Returns whether an object has a property with a certain name.
    fn has_property(&self, start: u32, wanted: impl Fn(&str) -> bool) -> bool {
        let mut found = false;
        #[expect(
            clippy::let_underscore_must_use,
            reason = "the walk ends at the first property that decides; the value is scanned as a whole elsewhere"
        )]
        let _ = Scanner::at(self.source.text(), start).object(|scanner, key| {
            found = wanted(&key.text());
            if found {
                return Err(WalkEnd);
            }
            scanner.skip().map(|_| ()).map_err(WalkEnd::from)
        });
        found
    }

    #[expect(
        clippy::indexing_slicing,
        reason = "both lists have an element for every child, and `at` is the place of a child"
    )]
    fn properties(&mut self, scanner: &mut Scanner<'_>, node: PathId, here: &Here) -> Result<()> {
        let model = self.model;
        let children = &model.paths[node].children;
        let before = self.mark(node);
        let mut seen: Vec<Option<Span>> = vec![None; children.len()];
        let mut twice: Vec<Option<Span>> = vec![None; children.len()];
        let mut statement: Option<Statement> = None;
        let mut errors: Vec<[Span; 2]> = Vec::new();
        // Children that are `null`, except instances.
        let mut nulls: Vec<(usize, Span)> = Vec::new();
        // All names, if a misspelling among them shows that an empty list is not known to be empty.
        let mut names: Vec<Key<'_>> = Vec::new();
        let may_be_empty = |each: &PathId| {
            let defaults = model.paths[*each].ty.map(|ty| &model.ty(ty).list_defaults);
            defaults.is_some_and(|defaults| defaults.missing_is_empty || defaults.null_is_empty)
        };
        let lists = children.iter().flat_map(|(_, child)| &model.paths[*child].each);
        let needs_names = lists.chain(&model.paths[node].groups).any(may_be_empty);
        let span = scanner.object(|scanner, key| {
            let name = key.text();
            if needs_names {
                names.push(key);
            }
            let Some(at) = children.iter().position(|(child, _)| *child == *name) else {
                let (kind, _) = scanner.peek()?;
                let value = scanner.skip()?;
                if is_of_error(&name) {
                    errors.push([key.span, value]);
                }
                if *name == *UNCAPTURED {
                    statement.get_or_insert_default().add(self.source, kind, value);
                } else if uncaptured::is_like(&name) {
                    statement.get_or_insert_default().add_like(&name, key.span);
                }
                // The decoder reports a property in two spellings; here it is known which lists that concerns.
                if let Some(at) = children.iter().position(|(child, _)| is_respelled(child, &name)) {
                    twice[at] = Some(value);
                }
                return Ok(());
            };
            let (kind, start) = scanner.peek()?;
            let first = seen[at].replace(key.span);
            if let Some(first) = first {
                self.diagnostics.push(duplicate_key(self.source, &name, first, key.span));
                twice[at] = Some(Span::new(start, start + 1));
                scanner.skip()?;
                return Ok(());
            }
            let inner = Here { scope: here.scope, pointer: here.pointer.join([&name]) };
            let child = children[at].1;
            if model.paths[child].ty.is_some() {
                self.instance(scanner, child, &inner, RowStep::Fixed)
            } else if kind == Kind::Null {
                nulls.push((at, scanner.skip()?));
                Ok(())
            } else {
                self.value(scanner, child, &inner)
            }
        })?;
        // The reason why what the object lacks is not known: its error, or an object without captured values.
        let error = self.error_of(node, here, span, &errors).or(self.is_bare(node, here, span).then_some(span));
        for groups in &model.paths[node].groups {
            self.groups(*groups, here, span, statement.as_ref(), error)?;
        }
        let stated = statement.map(|statement| self.stated(node, here, &statement)).unwrap_or_default();
        for (at, (name, child)) in children.iter().enumerate() {
            let inner = Here { scope: here.scope, pointer: here.pointer.join([name]) };
            let is_stated = stated.children.iter().find(|(stated, _)| *stated == at);
            if let Some((_, span)) = is_stated {
                self.reset(*child, &before);
                self.lost(*child, &inner, *span, "", Gap::Uncaptured);
                continue;
            }
            let null = nulls.iter().find(|(null, _)| *null == at).map(|(_, null)| *null);
            match (seen[at], twice[at]) {
                (Some(_), Some(again)) => {
                    self.reset(*child, &before);
                    self.lost(*child, &inner, again, "", Gap::Unreadable);
                }
                (Some(_), None) => match null {
                    Some(null) if error.is_some() => self.lost(*child, &inner, null, "", Gap::Uncaptured),
                    Some(null) => self.lacking((node, *child), &inner, (name, &names), (null, true)),
                    None => {}
                },
                (None, _) if stated.is_wrong || error.is_some() => {
                    self.lost(*child, &inner, span, name, Gap::Uncaptured)
                }
                (None, _) => self.lacking((node, *child), &inner, (name, &names), (span, false)),
            }
        }
        Ok(())
    }

    /// Returns whether an object is an instance without captured values: `{}` as an element of a list.
    fn is_bare(&self, node: PathId, here: &Here, object: Span) -> bool {
        let EntityRef { ty, row } = here.scope;
        let is_element = || {
            let row = self.split.tables[ty].rows.get(row as usize);
            row.is_some_and(|row| matches!(row.step, RowStep::Index(_)))
        };
        self.model.path_of[ty] == Some(node) && is_element() && says_nothing(self.source.slice(object))
    }

    /// Returns the property of the error of an object, if the lists that it lacks or has as `null` are not known to be empty because of
    /// it. `errors` are the properties with such a name, and their values.
    fn error_of(&self, node: PathId, here: &Here, object: Span, errors: &[[Span; 2]]) -> Option<Span> {
        if errors.is_empty() {
            return None;
        }
        let way = self.model.way_to(here.scope.ty, node)?;
        let known: HashSet<&str> = self.model.known_properties(here.scope.ty, &way).collect();
        let mut error = ApiError::default();
        for [key, value] in errors {
            let Some(name) = string_text(self.source.slice(*key)).filter(|name| !known.contains(&**name)) else {
                continue;
            };
            error.consider(&name, *key, || says_nothing(self.source.slice(*value)));
        }
        error.shown(self.has_property(object.start, |name| known.contains(name)))
    }

    /// Returns the effect of a statement on the lists and instances below a node.
    fn stated(&self, node: PathId, here: &Here, statement: &Statement) -> Stated {
        let way = self.model.way_to(here.scope.ty, node).unwrap_or_default();
        if !self.model.states_uncaptured(here.scope.ty, &way) {
            return Stated::default();
        }
        let known: Vec<&str> = self.model.stateable_properties(here.scope.ty, &way).collect();
        let children = self.model.paths[node].children.iter().map(|(name, _)| name.as_str());
        let groups = self.model.groups_in(here.scope.ty, &way);
        let children = statement.named(children, known.iter().copied(), groups);
        Stated { is_wrong: statement.is_wrong(), children }
    }

    fn instance(&mut self, scanner: &mut Scanner<'_>, node: PathId, here: &Here, step: RowStep) -> Result<()> {
        let Some(ty) = self.model.paths[node].ty else { return self.value(scanner, node, here) };
        let (kind, start) = scanner.peek()?;
        let declared = self.model.ty(ty);
        let is_scalar = !matches!(kind, Kind::Object | Kind::Array);
        if kind == Kind::Null {
            // An element that is null was seen and not read: the list may have any number of instances there.
            let span = scanner.skip()?;
            let gap = if matches!(step, RowStep::Fixed) { Gap::Uncaptured } else { Gap::Partial };
            self.lost(node, here, span, "", gap);
            return Ok(());
        }
        if if declared.is_scalar() { !is_scalar } else { kind != Kind::Object } {
            let span = scanner.skip()?;
            self.not_an_instance(ty, node, here, step, kind, span);
            return Ok(());
        }
        match self.membership(node, start) {
            Membership::Member => {}
            Membership::Other => {
                scanner.skip()?;
                self.split.tables[ty].elsewhere.push(Elsewhere { parent: here.scope.row, start });
                return Ok(());
            }
            Membership::Doubtful(doubt) => {
                let is_declared = |(node, ty)| self.has_declared(node, ty, start);
                if self.model.types_of_list(node).any(is_declared) {
                    let span = scanner.skip()?;
                    self.doubtful(node, here, span, doubt);
                    return Ok(());
                }
            }
        }
        // `{"error": "forbidden"}` is not an instance. Neither is `{}`, unless the type has no key.
        let is_element = matches!(step, RowStep::Index(_)) && kind == Kind::Object;
        let may_be_empty = || declared.key.is_none() && !self.has_property(start, |_| true);
        if is_element && !self.has_declared(node, ty, start) && !may_be_empty() {
            let span = scanner.skip()?;
            let message = format!("an element of `{}` has no property that `{}` declares", here.pointer, declared.name);
            let error = Diagnostic::error(Code::SnapshotType, message).label(self.source, span, "this object");
            self.diagnostics.push(error.help(NO_INSTANCE));
            self.lost(node, here, span, "", Gap::Partial);
            return Ok(());
        }
        let row = self.push(ty, here.scope.row, step, start)?;
        let entity = EntityRef { ty, row };
        let tree = &self.model.paths[node];
        if tree.is_leaf() {
            scanner.skip()?;
        } else {
            let pointer = match step {
                RowStep::Index(index) => here.pointer.join([index.to_string()]),
                RowStep::Property(name) => here.pointer.join([self.text(name)]),
                RowStep::Fixed | RowStep::Group(_) => here.pointer.clone(),
            };
            self.value(scanner, node, &Here { scope: entity, pointer })?;
        }
        self.close(entity, scanner.offset());
        Ok(())
    }

    /// Returns whether an element is an instance of the type at a node.
    fn membership(&self, node: PathId, start: u32) -> Membership {
        Membership::of(self.source, self.model, node, start)
    }

    /// Records an element that may be an instance of the type at a node. A word that no type has is reported once.
    fn doubtful(&mut self, node: PathId, here: &Here, element: Span, doubt: Doubt) {
        let is_new = match &doubt.word {
            Some(word) => self.unjudged.insert((self.model.paths[node].list, word.to_lowercase())),
            None => true,
        };
        self.lost(node, here, doubt.span.unwrap_or(element), "", Gap::Partial);
        if is_new {
            self.diagnostics.push(doubt.diagnostic(self.source, here.pointer.as_str(), element));
        }
    }

    /// Reports a value that does not have the shape that its type reads.
    fn not_an_instance(&mut self, ty: TypeId, node: PathId, here: &Here, step: RowStep, kind: Kind, span: Span) {
        let declared = self.model.ty(ty);
        let wanted = if declared.is_scalar() { "a text, a number or a boolean" } else { "an object" };
        let message = format!("`{}` is read from {wanted}, found {}", declared.name, kind.described());
        let error = Diagnostic::error(Code::SnapshotType, message);
        let error = error.label(self.source, span, format!("this is {}", kind.described()));
        let (gap, help) = match step {
            RowStep::Fixed if kind == Kind::Array => {
                (Gap::Unreadable, "if its elements are the instances, the schema's `@path` ends in `/*`")
            }
            RowStep::Fixed | RowStep::Group(_) => (Gap::Unreadable, "write the instance in its place"),
            _ => (Gap::Partial, NO_INSTANCE),
        };
        self.diagnostics.push(error.help(help));
        self.lost(node, here, span, "", gap);
    }

    fn text(&self, at: StrRef) -> &str {
        if at.is_side() { self.split.side.as_str() } else { self.source.text() }.get(at.range()).unwrap_or_default()
    }

    /// Returns the nodes below which no list is empty: the node, or the elements of the other types if the node is a list of
    /// types whose list may be empty.
    fn unknown_lists(&self, node: PathId, may_be_empty: impl Fn(TypeId) -> bool) -> Vec<PathId> {
        let each = &self.model.paths[node].each;
        let is_empty = |each: &PathId| self.model.paths[*each].ty.is_some_and(&may_be_empty);
        match each.iter().any(is_empty) {
            true => each.iter().copied().filter(|each| !is_empty(each)).collect(),
            false => vec![node],
        }
    }

    /// Records that the object at a node lacks the property of a node in it, or has it as `null`. `span` is that of the object, or of
    /// the `null`.
    ///
    /// A list with `@missing("[]")` or `@null("[]")` is empty, unless the object has a misspelling of it among its `names`.
    fn lacking(
        &mut self,
        (outer, node): (PathId, PathId),
        here: &Here,
        (property, names): (&str, &[Key<'_>]),
        (span, is_null): (Span, bool),
    ) {
        let is_known = |name: &str| {
            let way = self.model.way_to(here.scope.ty, outer);
            way.is_some_and(|way| self.model.known_properties(here.scope.ty, &way).any(|known| known == name))
        };
        // A property that the schema knows is not a misspelling.
        let is_near = |name: &str| misspelling(name, [property]).is_some() && !is_known(name);
        let is_misspelt = || names.iter().any(|name| is_near(&name.text()));
        let may_be_empty = |ty: TypeId| {
            let defaults = &self.model.ty(ty).list_defaults;
            if is_null { defaults.null_is_empty } else { defaults.missing_is_empty }
        };
        let unknown = self.unknown_lists(node, may_be_empty);
        let unknown = if unknown != [node] && is_misspelt() { vec![node] } else { unknown };
        for node in unknown {
            self.lost(node, here, span, if is_null { "" } else { property }, Gap::Uncaptured);
        }
    }

    /// Records that the instances at or below a node are not known for an instance.
    fn lost(&mut self, node: PathId, here: &Here, span: Span, property: &str, gap: Gap) {
        for ty in &self.model.paths[node].below {
            if *ty == here.scope.ty {
                continue;
            }
            let lists = &mut self.split.tables[*ty].uncaptured_lists;
            let new = UncapturedList {
                scope: here.scope,
                span,
                property: property.to_owned(),
                pointer: here.pointer.clone(),
                gap,
                most: None,
            };
            // A list has one entry, however many of its elements are not known.
            match lists.last_mut().filter(|last| last.scope == here.scope) {
                Some(last) if last.gap >= gap => {}
                Some(last) => *last = new,
                None => lists.push(new),
            }
        }
    }

    /// Returns the number of rows and gaps of every type at or below a node.
    fn mark(&self, node: PathId) -> Vec<Mark> {
        let below = self.model.paths[node].below.iter();
        below
            .map(|ty| (&self.split.tables[*ty], *ty))
            .map(|(table, ty)| Mark {
                ty,
                rows: table.rows.len(),
                lists: table.uncaptured_lists.len(),
                elsewhere: table.elsewhere.len(),
            })
            .collect()
    }

    /// Forgets the rows and gaps at or below a node that have come since a mark of this node or of one above it.
    fn reset(&mut self, node: PathId, mark: &[Mark]) {
        let below = &self.model.paths[node].below;
        for Mark { ty, rows, lists, elsewhere } in mark.iter().filter(|mark| below.contains(&mark.ty)) {
            let table = &mut self.split.tables[*ty];
            table.rows.truncate(*rows);
            table.uncaptured_lists.truncate(*lists);
            table.elsewhere.truncate(*elsewhere);
            if let Some(handover) = &mut self.handover {
                handover.truncated(*ty, table.rows.len());
            }
            let left = table.row_count();
            self.split.twice.retain(|(of, first, again)| of != ty || (*first < left && *again < left));
        }
    }

    fn key_text(&mut self, key: &Key<'_>) -> StrRef {
        if let Some(plain) = key.plain() {
            return StrRef::in_file(key.span.start + 1, plain);
        }
        let text = key.text();
        let start = self.split.side.len();
        self.split.side.push_str(&text);
        StrRef::on_side(start, &text)
    }
}
