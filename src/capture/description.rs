//! The capture description of a pack: the sources of a snapshot as data.
//!
//! A description is TOML, `capture.toml` among the policies. It lists the files that `deodar capture` reads, with the columns
//! and words of each, and their places in a snapshot. It is checked against the schema.

mod read;
mod screens;

use crate::diagnostic::Diagnostic;
use crate::schema::Model;
use crate::source::{Place, Source};
use crate::value::TypeId;
use std::sync::Arc;

/// A capture description.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Description {
    /// The file.
    pub source: Arc<Source>,
    /// Values that every snapshot has.
    pub values: Vec<FixedValue>,
    /// The property of the root with the origin of values.
    pub evidence: Option<String>,
    /// The kinds of sources, in the order of the file.
    pub feeds: Vec<Feed>,
    /// The screens with values to transcribe, in walking order.
    pub screens: Vec<Screen>,
    /// The lists whose instances a template has.
    pub lists: Vec<TemplateList>,
}

/// A screen, or another place with values to transcribe: `[[screens]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Screen {
    /// The way to it, such as `Settings > Members`.
    pub title: String,
    /// A remark for the reader.
    pub note: Option<String>,
    /// The values that it shows.
    pub values: Vec<ScreenValue>,
    /// The place in the description.
    pub place: Place,
}

/// A property on a screen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScreenValue {
    /// The entity type.
    pub ty: TypeId,
    /// The pointer of the property, from the instance; empty for a scalar instance.
    pub property: Vec<String>,
    /// The place in the description.
    pub place: Place,
}

impl ScreenValue {
    /// Returns whether it is a property of a type.
    pub fn is(&self, ty: TypeId, property: &[String]) -> bool {
        self.ty == ty && self.property == property
    }
}

/// A list whose instances a template has, each with its own values: `[template]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateList {
    /// The name of the list among the arguments, such as `workspaces`.
    pub flag: String,
    /// The type of the instances.
    pub ty: TypeId,
    /// The place in the description.
    pub place: Place,
}

/// A value that every snapshot has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FixedValue {
    /// Its place, from the root.
    pub pointer: Vec<String>,
    /// The value as JSON.
    pub json: String,
    /// The place in the description.
    pub place: Place,
}

/// A kind of source: `[[sources]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feed {
    /// The flag that names its files, without `--`.
    pub flag: String,
    /// The help of the flag.
    pub help: String,
    /// The reader of its files.
    pub reader: FeedReader,
    /// The `method` of its evidence.
    pub method: Option<String>,
    /// The place, from the root, of a property with the time of the capture of the file.
    pub stamp: Option<Vec<String>>,
    /// The lists and instances that its rows describe. A document has none.
    pub targets: Vec<Target>,
    /// The meaning of its rows as events, if it is a log.
    pub log: Option<Log>,
    /// The place in the description.
    pub place: Place,
}

/// A reader of files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FeedReader {
    /// Rows: CSV, or a list of objects in JSON.
    Rows,
    /// A part of a snapshot, such as transcribed settings.
    Document,
    /// Stored pages of a SCIM list of users; each user is a row.
    Scim,
    /// Metadata of an identity provider, which is one row.
    SamlMetadata,
}

impl FeedReader {
    /// All readers, with their names.
    pub const ALL: [(&'static str, FeedReader); 4] = [
        ("rows", FeedReader::Rows),
        ("document", FeedReader::Document),
        ("scim", FeedReader::Scim),
        ("saml-metadata", FeedReader::SamlMetadata),
    ];
}

/// The place in a snapshot that rows describe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The entity type.
    pub ty: TypeId,
    /// The relation of rows and instances.
    pub form: TargetForm,
    /// The columns that it reads.
    pub columns: Vec<Column>,
    /// Conditions on properties of a row, all of which hold for its rows.
    pub only: Vec<Condition>,
    /// The optional properties that the organisation declares in documents: a row states that it has none of them.
    pub declared: Vec<Vec<String>>,
    /// The place in the description.
    pub place: Place,
}

/// Returns the types whose instances have properties from several sources: an instance that a source gives alone, and
/// those around the lists and instances of all sources.
pub(super) fn containers(model: &Model, feeds: &[Feed]) -> Vec<TypeId> {
    let targets = feeds.iter().flat_map(|feed| &feed.targets);
    let inner = targets.filter_map(|target| match target.form {
        TargetForm::Instance => Some(target.ty),
        TargetForm::Complete | TargetForm::Adds => model.ty(target.ty).parent,
    });
    inner.flat_map(|ty| model.ancestry(ty)).collect()
}

/// The relation of rows and instances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TargetForm {
    /// Each row is an instance, and the file has all of them.
    Complete,
    /// Each row is an instance, and other sources may have more.
    Adds,
    /// The only row describes an instance that the scope names.
    Instance,
}

/// A column of rows, and the property that it gives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// The pointer of the property, from the instance; empty for a scalar instance.
    pub property: Vec<String>,
    /// The headers of the column, compared in folded form; in rows of JSON, pointers.
    pub headers: Vec<String>,
    /// Whether a file without the column is refused.
    pub required: bool,
    /// The values of its cells.
    pub form: CellForm,
    /// The words of the snapshot, with the words of exports that mean them.
    pub words: Vec<Word>,
    /// Words that state nothing, in folded form.
    pub unknown: Vec<String>,
    /// Words that mean that there is no value, in folded form.
    pub absent: Vec<String>,
    /// The text between the elements of a list.
    pub separator: Option<String>,
    /// Formats of times, in the notation of `strptime`.
    pub formats: Vec<String>,
    /// Whether it is the time of an event of a log. Then a date is the start of the day in the zone of the export.
    pub is_event_time: bool,
    /// Whether a missing property states something. Then a value that is not known is listed as uncaptured.
    pub may_be_absent: bool,
    /// Whether an empty cell means that the value does not exist. Otherwise it states nothing.
    pub empty_is_absent: bool,
    /// The outermost optional record that has the property. It is not known to be absent if the property is not known.
    pub record: Option<Vec<String>>,
    /// The place in the description.
    pub place: Place,
}

/// The values of cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellForm {
    /// Text.
    Text,
    /// Times, written as RFC 3339 in UTC.
    Time,
    /// Numbers.
    Number,
    /// `true` or `false`.
    Bool,
}

impl CellForm {
    /// All forms, with their names.
    pub const ALL: [(&'static str, CellForm); 4] =
        [("text", CellForm::Text), ("time", CellForm::Time), ("number", CellForm::Number), ("bool", CellForm::Bool)];
}

/// A word of the snapshot, with the words of exports that mean it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word {
    /// The word of the snapshot.
    pub word: String,
    /// The words of exports, in folded form, with the word itself.
    pub written: Vec<String>,
}

/// A condition on a property of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    /// The property.
    pub property: Vec<String>,
    /// The texts that fulfil it, in folded form.
    pub texts: Vec<String>,
    /// The place in the description.
    pub place: Place,
}

/// The meaning of rows as events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Log {
    /// The property with the time of an event.
    pub time: Vec<String>,
    /// The type whose instances are the exports of the log.
    pub exports: Option<TypeId>,
    /// The values that follow from the events of an instance.
    pub activities: Vec<Activity>,
}

/// The time of the last event of a kind, for each instance of a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// The type.
    pub ty: TypeId,
    /// The property of an event that has the key of the instance.
    pub actor: Vec<String>,
    /// The property of the instance that has the time.
    pub property: Vec<String>,
    /// The events that count: one of these lists of conditions is fulfilled.
    pub events: Vec<Vec<Condition>>,
    /// Whether the property is `null` if there is no such event; otherwise it is missing.
    pub null_if_none: bool,
    /// The place in the description.
    pub place: Place,
}

impl Target {
    /// Returns the target for instances of a snapshot: the columns have the names of their properties.
    pub fn in_snapshot(&self) -> Self {
        let mut target = self.clone();
        for column in &mut target.columns {
            column.headers = vec![column.property.join("/")];
            column.required = false;
        }
        target
    }
}

impl Description {
    /// Returns the number of the screen that shows a property, from 0.
    pub fn screen_of(&self, ty: TypeId, property: &[String]) -> Option<usize> {
        self.screens.iter().position(|screen| screen.values.iter().any(|value| value.is(ty, property)))
    }

    /// Returns the number of the screen with the ids of a type, or with its first property, from 0.
    pub fn screen_of_type(&self, model: &Model, ty: TypeId) -> Option<usize> {
        let id = model.ty(ty).key.as_ref().and_then(|key| self.screen_of(ty, key));
        let first = || self.screens.iter().position(|screen| screen.values.iter().any(|value| value.ty == ty));
        id.or_else(first)
    }

    /// Returns the kinds of sources that give a property.
    pub fn feeds_of<'d>(&'d self, ty: TypeId, property: &'d [String]) -> impl Iterator<Item = &'d Feed> {
        let gives =
            move |target: &Target| target.ty == ty && target.columns.iter().any(|column| column.property == property);
        let logs = move |feed: &Feed| {
            let activities = feed.log.iter().flat_map(|log| &log.activities);
            activities.into_iter().any(|activity| activity.ty == ty && activity.property == property)
        };
        self.feeds.iter().filter(move |feed| feed.targets.iter().any(gives) || logs(feed))
    }

    /// Reads a description. A mistake in it leads to an error.
    pub fn read(source: &Arc<Source>, model: &Model) -> (Self, Vec<Diagnostic>) {
        read::read(source, model)
    }
}
