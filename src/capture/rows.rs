//! Rows of a source as instances of a snapshot.
//!
//! A row of a table becomes a tree only while it is written, so that many rows take little memory.

use super::cell::{Dates, Meaning, Written, Wrong, elements, meaning};
use super::conflict::{names, same};
use super::csv::{Cell, Table};
use super::description::{Column, Feed, FeedReader, Target};
use super::key::{Key, KeyOf};
use super::node::{Node, Property, Value};
use super::places::overlap;
use super::reports::Reports;
use super::scim;
use super::secrets::suspicion;
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::Model;
use crate::snapshot::api_error::{ApiError, is_of_error};
use crate::snapshot::uncaptured::is_like;
use crate::source::{Place, Source, misspelling};
use crate::value::fold::caseless;
use std::borrow::Cow;
use std::sync::Arc;

/// The rows of a source.
#[derive(Debug, Clone)]
pub(super) enum Rows {
    /// Rows of a table.
    Table(Arc<Table>),
    /// Trees with other properties than those of the snapshot.
    Nodes(Arc<Vec<Node>>, FeedReader),
}

/// Rows, with the properties that a target reads from them.
#[derive(Debug, Clone)]
pub(super) struct Mapped {
    rows: Rows,
    /// The columns of the target, with their numbers in a table.
    columns: Vec<(Column, Option<usize>)>,
    /// The optional properties without a column.
    lacking: Vec<Vec<String>>,
    /// The columns of conditions, with the texts that fulfil them.
    only: Vec<(Column, Option<usize>, Vec<String>)>,
    /// The columns that any target reads.
    known: Vec<Column>,
    /// The properties that the schema declares for an instance.
    declared: Vec<String>,
    /// Those of the instances of other targets.
    of_others: Vec<String>,
    /// The text of the source.
    source: Arc<Source>,
}

/// The value of a column in a row.
enum Found<'t> {
    /// A single value, as a text.
    Text(Cow<'t, str>, Written, Place),
    /// The elements of a list of single values.
    Elements(Vec<(String, Written)>, Place),
    /// A value that is not a single one, such as an object.
    Other(Place),
    /// A cell with a quote in it, although the cell is not in quotes.
    Quote(Cow<'t, str>, Place),
    /// Several values, of which the one that counts is not known.
    Several,
    /// No value.
    Nothing,
}

/// A property of a row because of which it is not known that the row lacks a column.
enum Unread<'n> {
    /// It may be another spelling of a name.
    Misspelt(&'n Property, &'n str),
    /// It should be the object that has the value.
    NotAnObject(&'n Property),
}

/// An instance that a row describes.
#[derive(Debug)]
pub(super) struct Instance {
    /// Its properties.
    pub node: Node,
    /// Properties whose values are not known, and would be absent if they were left out.
    pub uncaptured: Vec<Vec<String>>,
    /// Properties whose values are not known, even if other sources state them.
    pub doubted: Vec<Vec<String>>,
    /// Properties that do not exist, with the places that state this.
    pub absent: Vec<(Vec<String>, Place)>,
    /// Properties that the source has, and the row does not state.
    pub unstated: Vec<Vec<String>>,
}

/// Whether a row belongs to a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Belongs {
    Yes,
    No,
    Unknown,
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Rows::Table(table) => table.len(),
            Rows::Nodes(nodes, _) => nodes.len(),
        }
    }

    fn place(&self, row: usize) -> Option<Place> {
        match self {
            Rows::Table(table) => Some(table.row_place(row)),
            Rows::Nodes(nodes, _) => nodes.get(row).map(|node| node.place.clone()),
        }
    }
}

impl Mapped {
    /// Finds the columns of a target. `None` if a required one is missing or ambiguous.
    pub(super) fn new(
        rows: &Rows,
        (feed, target): (&Feed, &Target),
        model: &Model,
        source: &Arc<Source>,
        reports: &mut Reports,
    ) -> Option<Self> {
        let mut is_usable = true;
        let mut find = |column: &Column, reports: &mut Reports| match rows {
            Rows::Nodes(nodes, FeedReader::Rows) => {
                if let Some(pair) = nodes.iter().find_map(|row| two_properties(row, column)) {
                    reports.push(two_values(column, pair));
                    is_usable = false;
                }
                let has = |row: &Node| value_of(row, column, FeedReader::Rows).is_some();
                if let Some(first) = nodes.first().filter(|_| column.required && !nodes.iter().any(has)) {
                    let names = names_of(first);
                    reports.push(no_column(source.name(), (&first.place, &names), column, reports.description()));
                    is_usable = false;
                }
                None
            }
            Rows::Nodes(..) => None,
            Rows::Table(table) => match table.columns(&column.headers)[..] {
                [] if column.required => {
                    let found: Vec<_> = table.header.iter().map(|cell| table.text(*cell).into_owned()).collect();
                    let header = (&table.header_place(), &found[..]);
                    reports.push(no_column(table.source.name(), header, column, reports.description()));
                    is_usable = false;
                    None
                }
                [] => None,
                [only] => Some(only),
                [first, second, ..] => {
                    reports.push(two_columns(table, column, first, second));
                    is_usable = false;
                    None
                }
            },
        };
        let columns: Vec<_> = target.columns.iter().map(|column| (column.clone(), find(column, reports))).collect();
        let lacks = |(column, at): &&(Column, Option<usize>)| match rows {
            Rows::Table(..) => at.is_none(),
            // A provider leaves out attributes without a value (RFC 7643, section 2.5). If no user has one, the provider
            // may not have it, or the page was filtered.
            Rows::Nodes(nodes, reader @ (FeedReader::Rows | FeedReader::Scim)) => {
                let has = |row: &Node| value_of(row, column, *reader).is_some() || has_several(row, column, *reader);
                !nodes.iter().any(has)
            }
            Rows::Nodes(..) => false,
        };
        let lacking = columns.iter().filter(|(column, _)| column.may_be_absent).filter(lacks);
        let lacking = lacking.map(|(column, _)| column.property.clone()).collect();
        let all = || feed.targets.iter().flat_map(|target| &target.columns);
        let only = target.only.iter().filter_map(|condition| {
            let column = all().find(|column| column.property == condition.property)?;
            let at = match rows {
                Rows::Table(table) => table.columns(&column.headers).first().copied(),
                Rows::Nodes(..) => None,
            };
            Some((column.clone(), at, condition.texts.clone()))
        });
        let only = only.collect();
        // Tables have neither statements nor errors of an API.
        let is_answer = matches!(rows, Rows::Nodes(_, FeedReader::Rows | FeedReader::Scim));
        let targets = feed.targets.iter().chain([target]).filter(|_| is_answer);
        let (mut known, mut declared, mut of_others) = (Vec::new(), Vec::new(), Vec::new());
        for other in targets {
            known.extend(other.columns.iter().cloned());
            let names = model.known_properties(other.ty, &[]).map(str::to_owned);
            if other.ty == target.ty { declared.extend(names) } else { of_others.extend(names) }
        }
        let (rows, source) = (rows.clone(), Arc::clone(source));
        is_usable.then(|| Self { rows, columns, lacking, only, known, declared, of_others, source })
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn place(&self, row: usize) -> Option<Place> {
        self.rows.place(row)
    }

    pub(super) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// Returns the properties that the source has.
    pub(super) fn covered(&self) -> Vec<Vec<String>> {
        let has = |column: &&(Column, Option<usize>)| self.has(column);
        self.columns.iter().filter(has).map(|(column, _)| column.property.clone()).collect()
    }

    /// Returns whether the source states the value at a place, or values below it or around it.
    pub(super) fn states(&self, place: &[String]) -> bool {
        self.columns.iter().any(|column| overlap(&column.0.property, place) && self.has(column))
    }

    fn has(&self, (column, at): &(Column, Option<usize>)) -> bool {
        match self.rows {
            Rows::Table(..) => at.is_some(),
            Rows::Nodes(..) => !self.lacking.contains(&column.property),
        }
    }

    /// Returns the numbers of the columns of a table that it reads.
    pub(super) fn used(&self) -> impl Iterator<Item = usize> {
        self.columns.iter().filter_map(|(_, at)| *at)
    }

    /// Returns whether a row belongs to the target.
    pub(super) fn belongs(&self, row: usize, dates: &Dates) -> Belongs {
        if self.only.is_empty() {
            return Belongs::Yes;
        }
        let mut cells = Vec::new();
        self.cells(row, &mut cells);
        let mut belongs = Belongs::Yes;
        let (stated, _) = self.stated(row, &mut Reports::default());
        for (column, at, texts) in &self.only {
            if stated.iter().any(|name| self.names_column(name, column)) {
                belongs = Belongs::Unknown;
                continue;
            }
            let value = self.text(row, column, *at, &cells);
            let meaning = value.map(|(text, written, place)| meaning(column, (&text, written), &place, dates));
            match meaning {
                Some(Meaning::Value(Value::Text(text))) if texts.contains(&caseless(&text).into_owned()) => {}
                Some(Meaning::Value(_) | Meaning::Absent) => return Belongs::No,
                _ => belongs = Belongs::Unknown,
            }
        }
        belongs
    }

    /// Returns whether the target has conditions on rows.
    pub(super) fn has_conditions(&self) -> bool {
        !self.only.is_empty()
    }

    /// Returns whether a row of a table has a value for the key only, although the target reads more columns.
    pub(super) fn has_only_key(&self, row: usize, key: &KeyOf) -> bool {
        let Rows::Table(table) = &self.rows else { return false };
        let mut cells = Vec::new();
        table.cells(row, &mut cells);
        let others = self.columns.iter().filter(|(column, _)| column.property != key.pointer);
        let mut others = others.filter_map(|(_, at)| cells.get((*at)?)).peekable();
        others.peek().is_some() && others.all(|cell| table.text(*cell).is_empty())
    }

    /// Returns whether a row of JSON states that its key is uncaptured.
    pub(super) fn has_uncaptured_key(&self, row: usize, key: &KeyOf) -> bool {
        let (stated, _) = self.stated(row, &mut Reports::default());
        let mut columns = self.columns.iter().filter(|(column, _)| column.property == key.pointer);
        columns.any(|(column, _)| stated.iter().any(|name| self.names_column(name, column)))
    }

    /// Returns the key of a row, if it has one.
    pub(super) fn key(&self, row: usize, key: &KeyOf) -> Option<Key> {
        if self.has_uncaptured_key(row, key) {
            return None;
        }
        let mut cells = Vec::new();
        self.cells(row, &mut cells);
        let (column, at) = self.columns.iter().find(|(column, _)| column.property == key.pointer)?;
        let (text, ..) = self.text(row, column, *at, &cells)?;
        (!text.trim().is_empty()).then(|| key.of_row(&text))
    }

    /// Returns the instance that a row describes. Cells that cannot be read are reported, and their properties are not known.
    pub(super) fn instance(&self, row: usize, dates: &Dates, reports: &mut Reports) -> Option<Instance> {
        let place = self.place(row)?;
        let mut instance = Instance::new(Node::new(&place, Value::Object(Vec::new())));
        let mut cells = Vec::new();
        self.cells(row, &mut cells);
        let (stated, is_wrong) = self.stated(row, reports);
        // A statement about another property stays.
        let is_column = |name: &&String| self.known.iter().any(|column| self.names_column(name, column));
        let others = stated.iter().filter(|name| self.declared.contains(name) && !is_column(name));
        instance.uncaptured.extend(others.map(|name| vec![name.clone()]));
        for (column, at) in &self.columns {
            let name = column.property.last().map_or("", String::as_str);
            if stated.iter().any(|name| self.names_column(name, column)) {
                instance.mark(column);
                continue;
            }
            let (text, place, meaning) = match self.found(row, column, *at, &cells) {
                Found::Nothing => {
                    let (unread, error) = (self.unread(row, column), self.api_error(row, column));
                    match unread {
                        Some(Unread::Misspelt(property, name)) => {
                            reports.report("property", &property.place, || misspelt_property(name, property));
                        }
                        Some(Unread::NotAnObject(property)) => {
                            reports.report("not-an-object", &property.place, || not_an_object(column, property));
                        }
                        None => {}
                    }
                    if let Some(property) = error {
                        reports.report("error", &property.place, || row_with_error(property));
                    }
                    if unread.is_some() {
                        instance.doubt(column);
                    } else if is_wrong || error.is_some() {
                        instance.mark(column);
                    }
                    continue;
                }
                Found::Several => {
                    instance.mark(column);
                    continue;
                }
                Found::Other(place) => {
                    reports.report("form", &place, || not_single(column, &place));
                    instance.doubt(column);
                    continue;
                }
                Found::Quote(text, place) => {
                    let secret = suspicion(name, "", &text).or_else(|| suspicion(&self.header(*at), "", &text));
                    match secret {
                        Some(kind) => reports.secret(name, kind, &place),
                        None => reports.report("quote", &place, || stray_quote(column, &place)),
                    }
                    instance.doubt(column);
                    continue;
                }
                Found::Text(text, written, place) => {
                    let meaning = meaning(column, (&text, written), &place, dates);
                    (text, place, meaning)
                }
                Found::Elements(texts, place) => {
                    let of_elements = texts.iter().map(|(text, written)| (text.as_str(), *written));
                    let meaning = elements(column, of_elements, &place, dates);
                    let texts: Vec<String> = texts.into_iter().map(|(text, _)| text).collect();
                    (Cow::Owned(texts.join(", ")), place, meaning)
                }
            };
            let secret = match &meaning {
                // A message quotes the cell.
                Meaning::OtherWord | Meaning::Wrong(_) => {
                    suspicion(name, "", &text).or_else(|| suspicion(&self.header(*at), "", &text))
                }
                Meaning::Value(Value::Text(_) | Value::List(_)) if column.words.is_empty() => {
                    suspicion(name, "", &text)
                }
                _ => None,
            };
            if let Some(kind) = secret {
                reports.secret(name, kind, &place);
                instance.doubt(column);
                continue;
            }
            match meaning {
                Meaning::Value(value) if column.property.is_empty() => instance.node = Node::new(&place, value),
                Meaning::Value(value) => set(&mut instance.node, &column.property, Node::new(&place, value)),
                Meaning::Absent => instance.lack(column, place),
                Meaning::Unknown => {
                    instance.unstated.push(column.property.clone());
                    instance.mark(column);
                }
                Meaning::OtherWord => {
                    let description = reports.description().to_owned();
                    reports.report("word", &place, || other_word(column, &text, &place, &description));
                    instance.doubt(column);
                }
                Meaning::Wrong(wrong) => {
                    reports.report(wrong.message, &place, || wrong_cell(&wrong, &text, &place));
                    instance.doubt(column);
                }
            }
        }
        Some(instance)
    }

    /// Returns the header of a column of a table.
    fn header(&self, at: Option<usize>) -> Cow<'_, str> {
        match &self.rows {
            Rows::Table(table) => {
                at.and_then(|at| table.header.get(at)).map_or(Cow::Borrowed(""), |cell| table.text(*cell))
            }
            Rows::Nodes(..) => Cow::Borrowed(""),
        }
    }

    /// Returns the names of columns that a row of JSON states to be uncaptured, and whether it does not state a valid list, so
    /// that the values that it lacks are unknown.
    fn stated(&self, row: usize, reports: &mut Reports) -> (Vec<String>, bool) {
        let Rows::Nodes(nodes, FeedReader::Rows) = &self.rows else { return (Vec::new(), false) };
        let Some(row) = nodes.get(row) else { return (Vec::new(), false) };
        if let Some(property) = respelt_statement(row) {
            reports.report("statement", &property.place, || {
                let error = Diagnostic::error(Code::CaptureRow, format!("`{}` is not read", property.name));
                let error = error.label(&property.place.source, property.place.span, "here");
                error.help(
                    "did you mean `uncaptured`? Until it is corrected the values that the row lacks are uncaptured",
                )
            });
            return (names(&property.node), true);
        }
        let wrong = row.wrong_statement();
        if let Some(wrong) = wrong {
            reports.report("statement", &wrong.place, || {
                let message = "a statement of what was not captured is not a list of names";
                let error = Diagnostic::error(Code::CaptureRow, message);
                let error = error.label(&wrong.place.source, wrong.place.span, "here");
                error.help("write a list of texts, such as [\"status\"]; until then the values that the row lacks are uncaptured")
            });
        }
        let mut is_unclear = wrong.is_some();
        let statement = row.get("uncaptured");
        for name in statement.into_iter().flat_map(elements_of) {
            let Some(text) = name.text() else { continue };
            let is_known = self.declared.iter().chain(&self.of_others).any(|declared| declared == text)
                || self.known.iter().any(|column| self.names_column(text, column));
            // The name of a refused value may be that of a column without use.
            if !is_known && !reports.hides(&name.place) {
                is_unclear = true;
                reports.report("unknown-statement", &name.place, || self.undeclared(text, &name.place));
            }
        }
        (statement.map(names).unwrap_or_default(), is_unclear)
    }

    fn undeclared(&self, name: &str, place: &Place) -> Diagnostic {
        let message = format!("`uncaptured` names `{name}`, which the schema does not declare here");
        let warning = Diagnostic::warning(Code::CaptureRow, message);
        let warning = warning.label(&place.source, place.span, "neither a column nor a property");
        let headers: Vec<&String> = self.columns.iter().filter_map(|(column, _)| column.headers.first()).collect();
        let headers = headers.iter().map(|header| format!("`{header}`")).collect::<Vec<_>>().join(", ");
        warning.help(format!("name a column: {headers}; until then the values that the row lacks are uncaptured"))
    }

    /// Returns whether a statement names a column, or the property that it is read into. Another column with exactly this name
    /// is the one that is named.
    fn names_column(&self, name: &str, column: &Column) -> bool {
        let plain = |text: &str| caseless(&text.replace(['_', '-'], " ")).into_owned();
        let name = plain(name);
        let names = |column: &Column| {
            let property = column.property.last();
            column.headers.iter().chain(property).map(|known| plain(known)).collect::<Vec<_>>()
        };
        let is_exact = |column: &Column| names(column).contains(&name);
        let is_near = || names(column).iter().any(|known| misspelling(&name, [known.as_str()]).is_some());
        is_exact(column) || is_near() && !self.known.iter().any(is_exact)
    }

    /// Returns the property of a row of JSON because of which it is not known that the row lacks a column.
    fn unread<'n>(&'n self, row: usize, column: &'n Column) -> Option<Unread<'n>> {
        let Rows::Nodes(nodes, FeedReader::Rows) = &self.rows else { return None };
        let row = nodes.get(row)?;
        column.headers.iter().find_map(|header| {
            let (mut object, mut above) = (row, "");
            while let Some((step, end)) = next_step(header, above.len()) {
                let Value::Object(properties) = &object.value else { return None };
                let Some(property) = object.named(step) else {
                    // The name of a column may have a `/`.
                    let names = [step, header.as_str()];
                    let names = if above.is_empty() { &names[..] } else { &names[..1] };
                    return properties.iter().find_map(|property| {
                        let near = |name: &&&str| misspelling(&property.name, [**name]).is_some();
                        let name = names.iter().find(near).filter(|_| !self.is_read(above, &property.name))?;
                        Some(Unread::Misspelt(property, name))
                    });
                };
                if end < header.len() && !matches!(property.node.value, Value::Object(_)) {
                    return (!property.node.says_nothing()).then_some(Unread::NotAnObject(property));
                }
                (object, above) = (&property.node, header.get(..=end)?);
            }
            None
        })
    }

    /// Returns whether a column of any target reads a property, or one below it. `above` is the way to the object that has it, with the
    /// separator after it.
    fn is_read(&self, above: &str, name: &str) -> bool {
        let path = format!("{above}{name}");
        let path = caseless(&path);
        let ends: &[char] = if self.is_of_scim() { &['.', ':'] } else { &['/'] };
        let mut headers = self.known.iter().flat_map(|column| &column.headers);
        headers.any(|header| {
            let folded = caseless(header);
            folded.strip_prefix(path.as_ref()).is_some_and(|rest| rest.is_empty() || rest.starts_with(ends))
        })
    }

    fn is_of_scim(&self) -> bool {
        matches!(self.rows, Rows::Nodes(_, FeedReader::Scim))
    }

    /// Returns the error of an API in a row of JSON or of SCIM, or in an object of the row on the way to a column. The values that the
    /// object lacks or has as `null` are unknown.
    fn api_error(&self, row: usize, column: &Column) -> Option<&Property> {
        let Rows::Nodes(nodes, reader @ (FeedReader::Rows | FeedReader::Scim)) = &self.rows else { return None };
        let row = nodes.get(row)?;
        column.headers.iter().find_map(|header| {
            let separators: &[char] = if self.is_of_scim() { &['.', ':'] } else { &['/'] };
            let objects = header.match_indices(separators).filter_map(|(at, _)| {
                let way = header.get(..at)?;
                let object = match reader {
                    FeedReader::Scim => scim::attribute(row, way),
                    _ => at_pointer(row, way).map(|property| &property.node),
                };
                Some((header.get(..=at)?, object?))
            });
            [("", row)].into_iter().chain(objects).find_map(|(above, object)| self.error_of(object, above))
        })
    }

    /// Returns the error of an object of a row. `above` is the way to the object.
    fn error_of<'n>(&self, object: &'n Node, above: &str) -> Option<&'n Property> {
        let Value::Object(properties) = &object.value else { return None };
        if !properties.iter().any(|property| is_of_error(&property.name)) {
            return None;
        }
        // A user of SCIM has a name or a schema.
        let (mut error, mut has_known) = (ApiError::default(), self.is_of_scim() && above.is_empty());
        for property in properties {
            let name = &property.name;
            match self.declared.contains(name) || self.is_read(above, name) {
                true => has_known = true,
                false => error.consider(name, property, || property.node.says_nothing()),
            }
        }
        error.shown(has_known)
    }

    fn cells(&self, row: usize, cells: &mut Vec<Cell>) {
        if let Rows::Table(table) = &self.rows {
            table.cells(row, cells);
        }
    }

    /// Returns the text of a column in a row, if the source has the column.
    fn text<'t>(
        &'t self,
        row: usize,
        column: &Column,
        at: Option<usize>,
        cells: &[Cell],
    ) -> Option<(Cow<'t, str>, Written, Place)> {
        match self.found(row, column, at, cells) {
            Found::Text(text, written, place) => Some((text, written, place)),
            _ => None,
        }
    }

    /// Returns the value of a column in a row.
    fn found<'t>(&'t self, row: usize, column: &Column, at: Option<usize>, cells: &[Cell]) -> Found<'t> {
        let (nodes, reader) = match &self.rows {
            Rows::Table(table) => {
                return match at.and_then(|at| cells.get(at)) {
                    Some(cell) if table.has_stray_quote(*cell) => Found::Quote(table.text(*cell), table.place(*cell)),
                    Some(cell) => Found::Text(table.text(*cell), Written::Text, table.place(*cell)),
                    None => Found::Nothing,
                };
            }
            Rows::Nodes(nodes, reader) => (nodes, *reader),
        };
        let Some(node) = nodes.get(row) else { return Found::Nothing };
        let found = value_of(node, column, reader);
        if !found.is_some_and(states_something) && has_several(node, column, reader) {
            return Found::Several;
        }
        let Some(found) = found else { return Found::Nothing };
        let place = found.place.clone();
        match &found.value {
            // The metadata has more than one value, or one that cannot be read.
            Value::Null if reader == FeedReader::SamlMetadata => Found::Several,
            // Next to an error it is no answer.
            Value::Null if reader == FeedReader::Rows && self.api_error(row, column).is_some() => Found::Nothing,
            // An empty cell.
            Value::Null if reader == FeedReader::Rows => Found::Text(Cow::Borrowed(""), Written::Text, place),
            Value::Null => Found::Nothing,
            Value::List(elements) if column.separator.is_some() => match elements.iter().map(scalar).collect() {
                Some(texts) => Found::Elements(texts, place),
                None => Found::Other(place),
            },
            _ => match scalar(found) {
                Some((text, written)) => Found::Text(Cow::Owned(text), written, place),
                None => Found::Other(place),
            },
        }
    }
}

/// Returns a property of a row whose name is another spelling of `uncaptured`.
fn respelt_statement(row: &Node) -> Option<&Property> {
    let Value::Object(properties) = &row.value else { return None };
    properties.iter().find(|property| is_like(&property.name))
}

/// Returns the elements of a list.
fn elements_of(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(elements) => elements,
        _ => &[],
    }
}

impl Instance {
    pub(super) fn new(node: Node) -> Self {
        Self { node, uncaptured: Vec::new(), doubted: Vec::new(), absent: Vec::new(), unstated: Vec::new() }
    }

    /// The row does not state the value.
    fn mark(&mut self, column: &Column) {
        self.uncaptured.extend(column.record.clone());
        if column.may_be_absent {
            self.uncaptured.push(column.property.clone());
        }
    }

    /// The row states that the value does not exist.
    fn lack(&mut self, column: &Column, place: Place) {
        if !column.empty_is_absent {
            // A missing property would have the default.
            self.mark(column);
        } else if column.property.len() > 1 && column.record.is_none() {
            // The object has to exist: otherwise the value would be unknown.
            set(&mut self.node, &column.property, Node::new(&place, Value::Null));
        }
        self.absent.push((column.property.clone(), place));
    }

    /// The row states a value that is not known.
    fn doubt(&mut self, column: &Column) {
        self.uncaptured.extend(column.record.clone());
        self.doubted.push(column.property.clone());
    }
}

/// Returns the properties of a row of JSON that a header means: one with its name, and one at its pointer.
fn at_header<'n>(row: &'n Node, header: &str) -> impl Iterator<Item = &'n Property> {
    let at_pointer = header.contains('/').then(|| at_pointer(row, header)).flatten();
    row.named(header).into_iter().chain(at_pointer)
}

fn at_pointer<'n>(row: &'n Node, pointer: &str) -> Option<&'n Property> {
    let mut steps = pointer.split('/');
    let first = row.named(steps.next()?)?;
    steps.try_fold(first, |property, step| property.node.named(step))
}

/// Returns the step of a pointer that begins at a place, and its end.
fn next_step(pointer: &str, start: usize) -> Option<(&str, usize)> {
    let rest = pointer.get(start..).filter(|rest| !rest.is_empty())?;
    let step = rest.split('/').next()?;
    Some((step, start + step.len()))
}

/// Returns the value of a column in a row that is a tree. If several headers lead to one, it is the first that states something.
fn value_of<'n>(row: &'n Node, column: &Column, reader: FeedReader) -> Option<&'n Node> {
    let mut first = None;
    for header in &column.headers {
        let mut found = None;
        if reader == FeedReader::Scim {
            // `null` is no value (RFC 7643, section 2.5).
            found = scim::attribute(row, header).filter(|node| node.value != Value::Null);
        }
        let properties = (reader != FeedReader::Scim).then(|| at_header(row, header)).into_iter().flatten();
        for node in found.into_iter().chain(properties.map(|property| &property.node)) {
            // `null` of the metadata states that the value is not known.
            if states_something(node) || reader == FeedReader::SamlMetadata {
                return Some(node);
            }
            first = first.or(Some(node));
        }
    }
    first
}

/// Returns whether a header of a column leads to several values of a user, of which the one that counts is not known.
fn has_several(row: &Node, column: &Column, reader: FeedReader) -> bool {
    reader == FeedReader::Scim && column.headers.iter().any(|header| scim::has_several(row, header))
}

/// Returns whether a value is other than `null` and an empty text.
fn states_something(node: &Node) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Text(text) => !text.trim().is_empty(),
        _ => true,
    }
}

fn scalar(node: &Node) -> Option<(String, Written)> {
    match &node.value {
        Value::Text(text) => Some((text.clone(), Written::Text)),
        Value::Number(text) => Some((text.clone(), Written::Number)),
        Value::Bool(truth) => Some((truth.to_string(), Written::Text)),
        Value::Null | Value::List(_) | Value::Object(_) => None,
    }
}

/// Sets a property at a pointer, and makes the objects on the way.
pub(super) fn set(node: &mut Node, pointer: &[String], value: Node) {
    let Some((last, above)) = pointer.split_last() else {
        *node = value;
        return;
    };
    let mut object = node;
    for step in above {
        let place = value.place.clone();
        let Value::Object(properties) = &mut object.value else { return };
        let at = match properties.iter().position(|property| property.name == *step) {
            Some(at) => at,
            None => {
                let node = Node::new(&place, Value::Object(Vec::new()));
                properties.push(Property { name: step.clone(), place, node });
                properties.len() - 1
            }
        };
        let Some(property) = properties.get_mut(at) else { return };
        object = &mut property.node;
    }
    if let Value::Object(properties) = &mut object.value {
        properties.retain(|property| property.name != *last);
        properties.push(Property { name: last.clone(), place: value.place.clone(), node: value });
    }
}

/// Removes the property at a pointer.
pub(super) fn remove(node: &mut Node, pointer: &[String]) {
    let Some((first, rest)) = pointer.split_first() else { return };
    let Value::Object(properties) = &mut node.value else { return };
    if rest.is_empty() {
        properties.retain(|property| property.name != *first);
    } else if let Some(property) = properties.iter_mut().find(|property| property.name == *first) {
        remove(&mut property.node, rest);
    }
}

fn names_of(row: &Node) -> Vec<String> {
    match &row.value {
        Value::Object(properties) => properties.iter().map(|property| property.name.clone()).collect(),
        _ => Vec::new(),
    }
}

fn misspelt_property(header: &str, property: &Property) -> Diagnostic {
    let message = format!("unknown property `{}`, and the row has no `{header}`", property.name);
    let warning = Diagnostic::warning(Code::CaptureRow, message);
    let warning = warning.label(&property.place.source, property.place.span, "not read");
    warning.help(format!("did you mean `{header}`? Until it is corrected the value is uncaptured"))
}

fn not_an_object(column: &Column, property: &Property) -> Diagnostic {
    let (name, place) = (column.property.join("/"), &property.node.place);
    let message = format!("`{}` is not an object, and `{name}` is a value of it", property.name);
    let error = Diagnostic::error(Code::CaptureCell, message);
    let error = error.label(&place.source, place.span, "the value is uncaptured");
    error.help("export the row again, or write `null` if there is no object")
}

fn row_with_error(property: &Property) -> Diagnostic {
    let message = "the row has an error, so the values that it lacks, or has as null, are uncaptured";
    let warning = Diagnostic::warning(Code::CaptureRow, message);
    let warning = warning.label(&property.place.source, property.place.span, "not a column");
    warning.help(
        "export the row again, or add the property to `@ignore` in the schema if it is not an error of the export",
    )
}

fn no_column(file: &str, (place, found): (&Place, &[String]), column: &Column, description: &str) -> Diagnostic {
    let found: Vec<String> = found.iter().map(|name| format!("`{name}`")).collect();
    let name = column.property.last().or(column.headers.first()).map_or("", String::as_str);
    let message = format!("`{file}` has no column for `{name}`");
    let error = Diagnostic::error(Code::CaptureColumn, message);
    let error = error.label(&place.source, place.span, format!("the columns are {}", found.join(", ")));
    let headers: Vec<String> = column.headers.iter().map(|header| format!("`{header}`")).collect();
    error.help(format!("name the column one of {}, or add its name to {description}", headers.join(", ")))
}

/// Returns two properties of a row that state different values of a column.
fn two_properties<'n>(row: &'n Node, column: &Column) -> Option<[&'n Property; 2]> {
    let found = column.headers.iter().flat_map(|header| at_header(row, header));
    let mut stated = found.filter(|property| states_something(&property.node));
    let first = stated.next()?;
    Some([first, stated.find(|other| !same(&first.node, &other.node))?])
}

fn two_values(column: &Column, [first, second]: [&Property; 2]) -> Diagnostic {
    let name = column.property.last().or(column.headers.first()).map_or("", String::as_str);
    let error = Diagnostic::error(Code::CaptureColumn, format!("a row has two properties for `{name}`"));
    let error = error.label(&first.place.source, first.place.span, "one");
    error.label(&second.place.source, second.place.span, "another").help("remove or rename one of them")
}

fn two_columns(table: &Table, column: &Column, first: usize, second: usize) -> Diagnostic {
    let name = column.property.last().or(column.headers.first()).map_or("", String::as_str);
    let message = format!("`{}` has two columns for `{name}`", table.source.name());
    let cells = [(first, "one"), (second, "another")];
    let error =
        cells.into_iter().fold(Diagnostic::error(Code::CaptureColumn, message), |error, (at, text)| {
            match table.header.get(at) {
                Some(cell) => error.label(&table.source, cell.span, text),
                None => error,
            }
        });
    error.help("remove or rename one of them")
}

fn not_single(column: &Column, place: &Place) -> Diagnostic {
    let name = column.property.join("/");
    let error = Diagnostic::error(Code::CaptureCell, format!("the value of `{name}` is an object or a list"));
    let error = error.label(&place.source, place.span, "the value is uncaptured");
    match column.separator {
        Some(_) => error.help("write a list of texts, numbers and booleans"),
        None => error.help("write a text, a number or a boolean; a header such as `a/b` reads a property of an object"),
    }
}

fn stray_quote(column: &Column, place: &Place) -> Diagnostic {
    let name = column.property.join("/");
    let error = Diagnostic::error(Code::CaptureCell, format!("the cell of `{name}` has a quote, and is not in quotes"));
    let error = error.label(&place.source, place.span, "the value is uncaptured");
    error.help("write a quote in a cell as two quotes, and put the cell in quotes")
}

fn other_word(column: &Column, text: &str, place: &Place, description: &str) -> Diagnostic {
    let name = column.property.join("/");
    let warning = Diagnostic::warning(Code::CaptureWord, format!("`{text}` is not a known word for `{name}`"));
    let warning = warning.label(&place.source, place.span, "the value is uncaptured");
    let words: Vec<&str> = column.words.iter().flat_map(|word| &word.written).map(String::as_str).collect();
    let warning = warning.suggest(text, words);
    let help = warning.help.clone().map(|help| format!("{help}; or add the word to {description}"));
    warning.maybe_help(help)
}

fn wrong_cell(wrong: &Wrong, text: &str, place: &Place) -> Diagnostic {
    let error = Diagnostic::error(Code::CaptureCell, format!("`{text}` {}", wrong.message));
    error.label(&place.source, place.span, "the value is uncaptured").help(wrong.help)
}
