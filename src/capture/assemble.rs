//! The assembly of a snapshot: documents, then rows and events at their places, then the values of the capture itself.

use super::conflict::{Rule, contradiction};
use super::csv::Table;
use super::description::{Feed, FeedReader, Log, Target, TargetForm, containers};
use super::export::Dating;
use super::join::{Content, List, Part, Role};
use super::key::KeyOf;
use super::layout::Spot;
use super::log::Events;
use super::node::{Node, Property, Value};
use super::optional::mark;
use super::origin::{DocumentOrigins, Origin, OriginId, Origins, partial, wrong_partial};
use super::places::{lacking, optional_places};
use super::reports::Reports;
use super::rows::{Belongs, Mapped, Rows};
use super::scope::{Search, below_parent};
use super::tree::{DocumentReader, Layout, Merge, Tree};
use super::write::{Traced, Writer};
use super::{Export, Given, Inputs, Settings};
use super::{saml, scim};
use crate::diagnostic::{Code, Diagnostic};
use crate::schema::{Model, PathId};
use crate::snapshot::{Limits, Snapshot};
use crate::source::derived::Trace;
use crate::source::pointer::Pointer;
use crate::source::{Place, Source, Span};
use crate::value::fold::caseless;
use crate::value::{TypeId, parse_datetime, show_datetime};
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;

/// The number of properties of an object. Objects are searched by name, which takes time that grows faster than their number.
const MAX_PROPERTIES: usize = 10_000;

/// Milliseconds of a day.
const DAY: i64 = 86_400_000;

/// Names of actors in a note.
const LISTED: usize = 10;

/// Names of properties in a note.
const MAX_UNUSED: usize = 50;

/// A snapshot that is ready to be written.
#[derive(Debug)]
pub(super) struct Assembled<'c> {
    model: &'c Model,
    settings: Settings,
    feeds: &'c [Feed],
    evidence: Option<String>,
    root: Tree,
    origins: Origins,
    /// The origin of values that no entry of the evidence covers otherwise.
    base: Option<OriginId>,
    latest: Vec<Vec<String>>,
}

/// Assembles a snapshot. `None` if a source cannot be used as a whole.
pub(super) fn assemble<'c>(inputs: Inputs<'c>, reports: &mut Reports) -> Option<Assembled<'c>> {
    let feeds = &inputs.description.feeds;
    let latest = feeds.iter().filter_map(|feed| feed.log.as_ref()).flat_map(|log| &log.activities);
    let latest = latest.map(|activity| activity.property.clone()).collect();
    let mut assembly = Assembly {
        layout: layout(inputs.model, feeds),
        document: Spot::document(inputs.model, inputs.description),
        feeds,
        settings: &inputs.settings,
        origins: Origins::default(),
        old_origins: 0,
        root: Tree::Object(Vec::new()),
        base: None,
        is_sound: true,
        logs: BTreeMap::new(),
        pages: HashSet::new(),
        reports,
    };
    if let Some(old) = &inputs.old {
        let old = assembly.document(old, origin_of(old, None, None), Role::Old);
        assembly.root = old.unwrap_or(Tree::Object(Vec::new()));
        assembly.old_origins = assembly.origins.0.len();
    }
    assembly.same_files(&inputs.given);
    assembly.documents(&inputs.given);
    for (number, given) in inputs.given.iter().enumerate() {
        assembly.rows(given, number, &inputs.given);
    }
    assembly.activities();
    assembly.fixed(&inputs);
    if assembly.base.is_none() {
        mark(inputs.model, &mut assembly.root, PathId::default());
    }
    let id = KeyOf::new(inputs.model, inputs.model.root);
    if assembly.is_sound && !id.pointer.is_empty() && assembly.root.key(&id).is_none() {
        let place = id.pointer.join("/");
        assembly.reports.note(format!(
            "no file states `{place}`, the id of the account: add it to a document, or the snapshot is invalid"
        ));
    }
    let Assembly { root, origins, base, is_sound, .. } = assembly;
    is_sound.then_some(Assembled {
        model: inputs.model,
        evidence: inputs.description.evidence.clone(),
        settings: inputs.settings,
        feeds,
        root,
        origins,
        base,
        latest,
    })
}

fn layout<'m>(model: &'m Model, feeds: &[Feed]) -> Layout<'m> {
    let targets = feeds.iter().flat_map(|feed| &feed.targets);
    let lists = targets.filter(|target| target.form != TargetForm::Instance).map(|target| target.ty);
    let exports = feeds.iter().filter_map(|feed| feed.log.as_ref()?.exports);
    Layout { model, containers: containers(model, feeds), lists: lists.chain(exports).collect() }
}

fn origin_of(export: &Export, method: Option<&str>, captured_by: Option<&str>) -> Origin {
    let note =
        (export.dating == Dating::Change).then(|| "captured_at is the time of the last change of the file".to_owned());
    Origin {
        method: method.map(str::to_owned),
        file: Some(export.source.name().to_owned()),
        sha256: Some(export.sha256.clone()),
        captured_at: Some(export.captured_at),
        captured_by: captured_by.map(str::to_owned),
        note,
    }
}

/// Adds the other pages of a list to the origin of its first page. The list is as old as its oldest page.
fn with_pages<'g>(origin: &mut Origin, pages: impl Iterator<Item = &'g Given>) {
    let notes = origin.note.take();
    let mut notes: Vec<String> = notes.into_iter().collect();
    for Given { export, .. } in pages {
        origin.captured_at = origin.captured_at.map(|first| first.min(export.captured_at));
        notes.push(format!("with the page {}, sha256 {}", export.source.name(), export.sha256));
    }
    origin.note = (!notes.is_empty()).then(|| notes.join("; "));
}

/// Returns a statement `uncaptured`, or the root property `partial`, that is not a list of names.
fn wrong_statement(root: &Node) -> Option<&Node> {
    let partial = root.get("partial").filter(|partial| partial.value != Value::Null);
    let wrong = partial.and_then(|partial| match &partial.value {
        Value::List(pointers) => pointers.iter().find(|pointer| pointer.text().is_none()),
        _ => Some(partial),
    });
    wrong.or_else(|| root.wrong_statement())
}

/// The state of an assembly.
struct Assembly<'a, 'r> {
    layout: Layout<'a>,
    /// All places that the schema reads.
    document: Spot,
    feeds: &'a [Feed],
    settings: &'a Settings,
    origins: Origins,
    /// The number of origins of the old snapshot, which are the first ones.
    old_origins: usize,
    root: Tree,
    base: Option<OriginId>,
    /// Whether every source can be used.
    is_sound: bool,
    /// The events of logs, by feed and pointer of the instance that they belong to.
    logs: BTreeMap<(usize, String), Logged>,
    /// The lists in pages that were read, by feed and scope.
    pages: HashSet<(usize, Option<String>)>,
    reports: &'r mut Reports,
}

/// The events of one log.
struct Logged {
    events: Events,
    keys: Vec<KeyOf>,
    /// Whether every event could be read.
    is_whole: bool,
    origin: OriginId,
    scope: Option<String>,
    place: Place,
}

impl<'a> Assembly<'a, '_> {
    fn refuse(&mut self, error: Diagnostic) {
        self.is_sound = false;
        self.reports.push(error);
    }

    /// Reports files that are given more than once, or have the same content.
    fn same_files(&mut self, given: &[Given]) {
        let mut known: BTreeMap<&str, &Given> = BTreeMap::new();
        let mut files: BTreeMap<(usize, Option<&str>, &Path), &Given> = BTreeMap::new();
        for given in given {
            let place = (given.feed, given.scope.as_deref(), given.export.file.as_path());
            if let Some(first) = files.insert(place, given) {
                let names = [first, given].map(|given| given.export.source.name());
                let flag = self.feeds.get(given.feed).map_or("", |feed| feed.flag.as_str());
                let message = match names[0] == names[1] {
                    true => format!("`{}` is given twice to `--{flag}`", names[0]),
                    false => {
                        format!("`{}` and `{}` are one file, which is given twice to `--{flag}`", names[0], names[1])
                    }
                };
                self.refuse(Diagnostic::error(Code::CaptureSource, message).help("name the file once"));
                continue;
            }
            let Some(first) = known.get(given.export.sha256.as_str()) else {
                known.insert(&given.export.sha256, given);
                continue;
            };
            let flag = |given: &Given| self.feeds.get(given.feed).map_or("", |feed| feed.flag.as_str());
            let names = [first, given].map(|given| given.export.source.name());
            let is_one_place = first.feed == given.feed && first.scope == given.scope;
            // One metadata file may be that of several environments.
            let targets = self.feeds.get(given.feed).map_or(&[][..], |feed| &feed.targets);
            let is_of_instances = targets.iter().all(|target| target.form == TargetForm::Instance);
            let message = match is_one_place {
                true => format!("`{}` has the content of `{}`", names[1], names[0]),
                false if first.feed != given.feed => format!(
                    "`{}` of `--{}` has the content of `{}` of `--{}`",
                    names[1],
                    flag(given),
                    names[0],
                    flag(first)
                ),
                false if is_of_instances => continue,
                false => {
                    let [one, two] = [first, given].map(|given| given.scope.as_deref().unwrap_or_default());
                    format!("`{one}` and `{two}` have files with the same content, `{}` and `{}`", names[0], names[1])
                }
            };
            let warning = Diagnostic::warning(Code::CaptureSource, message);
            self.reports.push(warning.help("name another file if this is a mistake"));
        }
    }

    /// Reads the documents, and merges them into the old snapshot.
    fn documents(&mut self, given: &[Given]) {
        let mut merged: Option<Tree> = None;
        for given in given {
            let Some(feed) = self.feeds.get(given.feed).filter(|feed| feed.reader == FeedReader::Document) else {
                continue;
            };
            if let Some(scope) = &given.scope {
                let message = format!("`--{}` names `{scope}`, and a document has its own places", feed.flag);
                self.refuse(Diagnostic::error(Code::CaptureSource, message).help("remove the id"));
            }
            let origin = origin_of(&given.export, feed.method.as_deref(), self.settings.captured_by.as_deref());
            let Some(tree) = self.document(&given.export, origin, Role::Document) else { continue };
            let rule = if self.settings.prefer_newer { Rule::Newer } else { Rule::Report };
            merged = Some(match merged {
                None => tree,
                Some(known) => self.merge(known, tree, rule),
            });
        }
        let id = KeyOf::new(self.layout.model, self.layout.model.root);
        if let (Some(old), Some(new)) = (self.root.key(&id), merged.as_ref().and_then(|tree| tree.key(&id)))
            && old != new
        {
            let message = format!("a document is of the account `{new}`, and the snapshot of `{old}`");
            self.refuse(Diagnostic::error(Code::CaptureConflict, message).help("name a snapshot of the same account"));
        }
        if let Some(tree) = merged {
            let old = std::mem::replace(&mut self.root, Tree::Uncaptured);
            self.root = self.merge(old, tree, Rule::Refresh);
        }
    }

    fn merge(&mut self, one: Tree, two: Tree, rule: Rule) -> Tree {
        let (at, model, spot) = (Pointer::default(), self.layout.model, Some(&self.document));
        let mut merge = Merge { rule, origins: &self.origins, reports: self.reports, at, model, spot };
        one.merge(two, &mut merge)
    }

    /// Reads a document in the layout of a snapshot.
    fn document(&mut self, export: &Export, origin: Origin, role: Role) -> Option<Tree> {
        let source = &export.source;
        if let Some(error) = fault(source) {
            self.refuse(error);
            return None;
        }
        let mut root = match Node::read(source) {
            Ok(root) => root,
            Err(error) => {
                let wrong = Diagnostic::error(Code::CaptureSource, format!("`{}`: {}", source.name(), error.unquoted));
                self.refuse(wrong.label(source, error.span, "here").help("correct the document"));
                return None;
            }
        };
        let Value::Object(properties) = &root.value else {
            let error = Diagnostic::error(Code::CaptureSource, format!("`{}` is not an object", source.name()));
            self.refuse(error.help("write a document in the layout of a snapshot"));
            return None;
        };
        let is_empty = properties.is_empty();
        if widest(&root) > MAX_PROPERTIES {
            let message = format!("`{}` has an object with more than {MAX_PROPERTIES} properties", source.name());
            self.refuse(Diagnostic::error(Code::CaptureSource, message).help("divide the object"));
            return None;
        }
        if let Some(wrong) = wrong_statement(&root) {
            let message = "a statement of what was not captured is not a list of names";
            let error = Diagnostic::error(Code::CaptureSource, message);
            let error = error.label(&wrong.place.source, wrong.place.span, "here");
            self.refuse(error.help("write a list of texts, such as [\"status\"]"));
            return None;
        }
        if let Some(wrong) = wrong_partial(self.layout.model, &root) {
            let text = wrong.text().unwrap_or_default();
            let message = format!("`{text}` of `partial` is not the pointer of a list of instances in the document");
            let error = Diagnostic::error(Code::CaptureSource, message);
            let error = error.label(&wrong.place.source, wrong.place.span, "here");
            self.refuse(
                error.help("write the pointer of a list that the document has, such as /members, or remove it"),
            );
            return None;
        }
        self.is_sound &= self.reports.screen(&mut root);
        if role == Role::Document {
            self.values(source);
        }
        if is_empty {
            let error = Diagnostic::error(Code::CaptureSource, format!("`{}` is empty", source.name()));
            self.refuse(error.help("write a document in the layout of a snapshot"));
            return None;
        }
        let stated = root.get("captured_at").and_then(Node::text).and_then(|time| parse_datetime(time).ok());
        let captured_at = stated.map(|stated| match export.dating {
            Dating::File => stated.min(export.captured_at),
            Dating::Change | Dating::All => stated,
        });
        let origin = match captured_at {
            Some(_) => Origin { captured_at, note: None, ..origin },
            None => origin,
        };
        if let Some(stated) = stated.filter(|stated| export.dating == Dating::File && *stated != export.captured_at) {
            self.reports.push(two_times(export, root.get("captured_at"), stated));
        }
        if let Some(time) = stated.filter(|time| self.settings.latest.is_some_and(|latest| *time > latest)) {
            let message =
                format!("`{}` was captured at {}, which is in the future", source.name(), show_datetime(time));
            self.refuse(Diagnostic::error(Code::CaptureSource, message).help("correct `captured_at` of the document"));
        }
        self.undated(export, captured_at.is_some());
        let origin = self.origins.add(origin);
        let partial = partial(&root);
        let evidence = root.get("evidence").cloned();
        let origins = DocumentOrigins::read(evidence.as_ref(), origin, &mut self.origins);
        if self.base.is_none() || role == Role::Document {
            self.base = Some(origins.of(""));
        }
        if let Value::Object(properties) = &mut root.value {
            let own = ["captured_at", "evidence", "partial"];
            properties.retain(|property| !own.contains(&property.name.as_str()));
        }
        let name = source.name();
        let part = |nodes: Vec<Node>, at: &str| Part {
            content: Content::Instances(nodes),
            role,
            origin: origins.of(at),
            further: origins.all_of(at).1,
            name: name.to_owned(),
            is_damaged: false,
            inner: origins.below(at),
            of_rows: origins.of_rows(at),
        };
        let path = self.layout.model.path_of.find(self.layout.model.root).copied().flatten();
        let mut reader = DocumentReader {
            layout: &self.layout,
            origins: &origins,
            partial: &partial,
            is_old: role == Role::Old,
            part: &part,
            reports: self.reports,
            is_whole: true,
        };
        let tree = reader.tree(root, path, &Pointer::default());
        self.is_sound &= reader.is_whole;
        Some(tree)
    }

    /// Reports values of a document that a check of the snapshot cannot read, at their place in the document.
    fn values(&mut self, source: &Arc<Source>) {
        let codes = [Code::SnapshotType, Code::SnapshotValue, Code::SnapshotWord, Code::SnapshotFormer];
        let codes = [&codes[..], &[Code::SnapshotProperty, Code::SnapshotUncaptured]].concat();
        let model = self.layout.model;
        let (_, found) = Snapshot::read(source, model, &BTreeSet::new(), &Limits::default());
        // Another file may state the id of the account.
        let root = format!("`{}` ", model.short_name(model.root));
        let has_no_id = |it: &Diagnostic| it.code == Code::SnapshotKey && !it.message.starts_with(&root);
        for diagnostic in found.into_iter().filter(|it| codes.contains(&it.code) || has_no_id(it)) {
            let Some(place) = diagnostic.labels.first().map(|label| label.place.clone()) else { continue };
            // A message quotes a value, so there is none about a value that looks like a secret.
            if !self.reports.hides(&place) {
                self.reports.report(diagnostic.code.name(), &place, || diagnostic);
            }
        }
    }

    /// States that the time of a file is that of its last change.
    fn undated(&mut self, export: &Export, is_dated: bool) {
        if export.dating == Dating::Change && !is_dated {
            let (name, time) = (export.source.name(), show_datetime(export.captured_at));
            self.reports.note(format!(
                "`{name}` was last changed at {time}, which is taken as the time of its export; \
                 state the time with --captured-at {name}=TIME"
            ));
        }
    }

    /// Reads the rows of a file, and adds them to the lists of its targets. `all` are the files, and `number` is its place
    /// among them. The pages of a list are read with the first one.
    fn rows(&mut self, given: &Given, number: usize, all: &[Given]) {
        let others = all.get(number..).unwrap_or_default();
        let Some(feed) = self.feeds.get(given.feed) else { return };
        let export = &given.export;
        if export.range.is_some() && feed.log.is_none() {
            let message = format!("`{}` is not a log, so it has no range", export.source.name());
            self.refuse(Diagnostic::error(Code::CaptureSource, message).help("remove its --range"));
        }
        if feed.reader == FeedReader::Document {
            return;
        }
        let key = (given.feed, given.scope.clone());
        if feed.reader == FeedReader::Scim && !self.pages.insert(key) {
            return self.undated(export, false);
        }
        let read = match feed.reader {
            FeedReader::Scim => {
                let is_page = |other: &&Given| other.feed == given.feed && other.scope == given.scope;
                let pages: Vec<_> = others.iter().filter(is_page).map(|page| Arc::clone(&page.export.source)).collect();
                let (users, problems) = scim::read(&pages);
                problems.into_iter().for_each(|problem| self.reports.push(problem));
                users.map(|users| (self.screened(users.users, feed.reader), users.is_partial))
            }
            FeedReader::SamlMetadata => {
                let (node, problems) = saml::read(&export.source, None);
                problems.into_iter().for_each(|problem| self.reports.push(problem));
                node.map(|node| (Rows::Nodes(Arc::new(vec![node]), feed.reader), false))
            }
            FeedReader::Rows | FeedReader::Document => self.read(export),
        };
        let Some((rows, is_damaged)) = read else {
            self.is_sound = false;
            return;
        };
        self.undated(export, false);
        let mut origin = origin_of(export, feed.method.as_deref(), self.settings.captured_by.as_deref());
        if feed.reader == FeedReader::Scim {
            let is_page = |other: &&Given| other.feed == given.feed && other.scope == given.scope;
            with_pages(&mut origin, others.iter().filter(is_page).skip(1));
        }
        let origin = self.origins.add(origin);
        let mut used = HashSet::new();
        let mut is_usable = true;
        for target in &feed.targets {
            match Mapped::new(&rows, (feed, target), self.layout.model, &export.source, self.reports) {
                None => is_usable = false,
                Some(mapped) => {
                    used.extend(mapped.used());
                    self.target(given, feed, target, mapped, (origin, is_damaged));
                }
            }
        }
        self.is_sound &= is_usable;
        if let Some(stamp) = &feed.stamp {
            let place = Place::new(&export.source, Span::new(0, 0));
            let of_feed = all.iter().filter(|other| other.feed == given.feed);
            let oldest = of_feed.map(|other| other.export.captured_at).min().unwrap_or(export.captured_at);
            // A document may state that the data are older than the file.
            let stated = self.root.leaf_at(stamp).filter(|leaf| leaf.origin >= self.old_origins);
            let stated = stated.and_then(|leaf| match &leaf.node.value {
                Value::Text(text) => parse_datetime(text.trim()).ok(),
                _ => None,
            });
            let oldest = stated.map_or(oldest, |stated| stated.min(oldest));
            let time = Node::new(&place, Value::Text(show_datetime(oldest)));
            let root = std::mem::replace(&mut self.root, Tree::Uncaptured);
            self.root = self.merge(root, Tree::at(stamp, Tree::leaf(time, origin)), Rule::Replace);
        }
        let unused: Vec<String> = match &rows {
            Rows::Table(table) => {
                let unused = table.header.iter().enumerate().filter(|(at, _)| !used.contains(at));
                unused.map(|(_, cell)| format!("`{}`", table.text(*cell))).collect()
            }
            Rows::Nodes(nodes, FeedReader::Rows) => unused_properties(nodes, feed),
            Rows::Nodes(..) => Vec::new(),
        };
        if is_usable && !unused.is_empty() {
            let (name, unused) = (export.source.name(), unused.join(", "));
            self.reports.note(format!("`{name}` has columns that are not used: {unused}"));
        }
    }

    /// Reads a table, or a list of objects in JSON.
    fn read(&mut self, export: &Export) -> Option<(Rows, bool)> {
        let source = &export.source;
        if let Some(error) = fault(source) {
            self.reports.push(error);
            return None;
        }
        if source.text().trim_start().starts_with('{') {
            let message = format!("`{}` is a JSON object, and rows are a list of objects", source.name());
            let place = Place::new(source, Span::new(0, 1));
            let error =
                Diagnostic::error(Code::CaptureSource, message).label(&place.source, place.span, "expected `[`");
            self.reports.push(error.help("write the objects as elements of a JSON array, or export the file as CSV"));
            return None;
        }
        if source.text().trim_start().starts_with('[') {
            return match Node::read(source) {
                Ok(Node { value: Value::List(mut nodes), place }) => {
                    let is_damaged = nodes.is_empty() || self.other_elements(&nodes);
                    if nodes.is_empty() {
                        self.no_row(&place, "an empty list");
                    }
                    nodes.retain(|node| matches!(node.value, Value::Object(_)));
                    Some((self.screened(nodes, FeedReader::Rows), is_damaged))
                }
                Ok(_) => None,
                Err(error) => {
                    let wrong =
                        Diagnostic::error(Code::CaptureSource, format!("`{}`: {}", source.name(), error.unquoted));
                    self.reports.push(wrong.label(source, error.span, "here").help("export the file again"));
                    None
                }
            };
        }
        let table = Table::read(source, self.reports)?;
        let mut is_damaged = table.is_damaged;
        if table.is_empty() && !is_damaged {
            is_damaged = true;
            self.no_row(&table.header_place(), "a header and no row");
        }
        Some((Rows::Table(Arc::new(table)), is_damaged))
    }

    /// States that a file has no row.
    fn no_row(&mut self, place: &Place, content: &str) {
        let message = format!("`{}` has {content}", place.source.name());
        let warning = Diagnostic::warning(Code::CaptureRow, message);
        let warning = warning.label(&place.source, place.span, "the lists of this file are partial");
        self.reports.push(warning.help(
            "export the file again; if the account has none, leave the file out and write an empty list in the settings",
        ));
    }

    /// Reports elements of a list that are not objects, and returns whether there is one.
    fn other_elements(&mut self, nodes: &[Node]) -> bool {
        let mut others = nodes.iter().filter(|node| !matches!(node.value, Value::Object(_))).peekable();
        let has_one = others.peek().is_some();
        for node in others {
            self.reports.report("element", &node.place, || {
                let error = Diagnostic::error(Code::CaptureRow, "an element of the list is not an object");
                let error = error.label(&node.place.source, node.place.span, "not read");
                error.help("write an object for each row, or remove the element")
            });
        }
        has_one
    }

    /// Returns trees as rows, without secrets.
    fn screened(&mut self, mut nodes: Vec<Node>, reader: FeedReader) -> Rows {
        if let Some([first, again]) = nodes.iter().find_map(Node::repeated) {
            let error = Diagnostic::error(Code::CaptureConflict, format!("`{}` is given twice", again.name));
            let error = error.label(&again.place.source, again.place.span, "given again here");
            let error = error.label(&first.place.source, first.place.span, "given here");
            self.refuse(error.help("export the file again, or remove one of them"));
        }
        // The names of columns are not written.
        nodes.iter_mut().for_each(|node| {
            self.reports.screen(node);
        });
        Rows::Nodes(Arc::new(nodes), reader)
    }

    /// Adds the rows of a target to its list, or the only row to its instance.
    fn target(&mut self, given: &Given, feed: &'a Feed, target: &'a Target, rows: Mapped, source: (OriginId, bool)) {
        let (origin, is_damaged) = source;
        let model = self.layout.model;
        let place = Place::new(&given.export.source, Span::new(0, 0));
        let is_instance = target.form == TargetForm::Instance;
        let ty = if is_instance { target.ty } else { model.ty(target.ty).parent.unwrap_or(model.root) };
        let scope = given.scope.as_deref();
        let search = Search { model, scope, flag: &feed.flag, place: &place, origin };
        let at = match search.find(&mut self.root, ty) {
            Ok((here, at)) => {
                if target.form == TargetForm::Complete {
                    // They are those of the old list.
                    let declared = model.ty(target.ty);
                    let marks: Vec<Vec<String>> = declared.total.iter().chain(&declared.more).cloned().collect();
                    forget(here, &marks, self.old_origins, |_| false);
                }
                at
            }
            Err(error) => return self.refuse(*error),
        };
        if is_instance {
            return self.instance(&search, target, &rows, origin, &at);
        }
        let mut is_damaged = is_damaged;
        if let Some(log) = &feed.log {
            let key = (given.feed, at.as_str().to_owned());
            is_damaged |= !self.events(given, log, &rows, key, source);
        }
        let role = if target.form == TargetForm::Complete { Role::Complete } else { Role::Adds };
        let part = Part {
            content: Content::Mapped(rows),
            role,
            origin,
            further: Vec::new(),
            name: given.export.source.name().to_owned(),
            is_damaged,
            inner: Vec::new(),
            of_rows: HashMap::new(),
        };
        self.add(&search, ty, target.ty, part);
    }

    /// Adds a part to the list of a type in the instance that a search finds.
    fn add(&mut self, search: &Search<'_>, owner: TypeId, ty: TypeId, part: Part) {
        let Ok((mut here, mut at)) = search.find(&mut self.root, owner) else { return };
        let steps = below_parent(self.layout.model, ty);
        for (number, step) in steps.iter().enumerate() {
            let is_last = number + 1 == steps.len();
            let new = || match is_last {
                true => Tree::Rows(Box::new(List { ty, parts: Vec::new(), is_partial: false, replaced: Vec::new() })),
                false => Tree::Object(Vec::new()),
            };
            at.push(step);
            match here.child(step, new) {
                Some(child) => here = child,
                None => return self.refuse(not_rows(&at, &part.name)),
            }
        }
        match here {
            Tree::Rows(list) => list.parts.push(part),
            _ => self.refuse(not_rows(&at, &part.name)),
        }
    }

    /// Merges the only row of a file into its instance.
    fn instance(&mut self, search: &Search<'_>, target: &Target, rows: &Mapped, origin: OriginId, at: &Pointer) {
        let belongs = |row: &usize| rows.belongs(*row, &self.settings.dates) == Belongs::Yes;
        let found: Vec<usize> = (0..rows.len()).filter(belongs).take(2).collect();
        let [row] = found[..] else {
            let message = format!("`{}` does not have one row for one instance", rows.source().name());
            return self.refuse(Diagnostic::error(Code::CaptureSource, message).help("name a file with one row"));
        };
        let Some(instance) = rows.instance(row, &self.settings.dates, self.reports) else { return };
        let (doubted, absent, unstated) = (instance.doubted, instance.absent, instance.uncaptured);
        let mut tree = leaves(instance.node, origin);
        for pointer in &unstated {
            let unknown = Tree::at(pointer, Tree::Uncaptured);
            tree = self.merge(tree, unknown, Rule::Report);
        }
        let rule = if self.settings.prefer_newer { Rule::Newer } else { Rule::Report };
        let optional = optional_places(self.layout.model, target.ty);
        let Ok((here, _)) = search.find(&mut self.root, target.ty) else { return };
        let origins = &self.origins;
        forget(here, &rows.covered(), self.old_origins, |known| origins.is_later(known, origin));
        // In an object that no other source has, the file states its own values only.
        let is_new = |above: &[String]| !above.is_empty() && tree.has_object(above) && !here.has_object(above);
        let is_unknown = |place: &&Vec<String>| place.split_last().is_some_and(|(_, above)| is_new(above));
        let unknown = lacking(&optional, |place| rows.states(place));
        let unknown: Vec<Tree> =
            unknown.iter().filter(is_unknown).map(|place| Tree::at(place, Tree::Uncaptured)).collect();
        let known = std::mem::replace(here, Tree::Uncaptured);
        let (at_instance, model, spot) = (at.clone(), self.layout.model, None);
        let mut merge = Merge { rule, origins: &self.origins, reports: self.reports, at: at_instance, model, spot };
        let tree = unknown.into_iter().fold(tree, |tree, unknown| tree.merge(unknown, &mut merge));
        *here = known.merge(tree, &mut merge);
        for (pointer, place) in absent {
            let Some(leaf) = here.leaf_at(&pointer) else { continue };
            let times = [leaf.origin, origin].map(|origin| self.origins.time(origin));
            match times {
                [Some(known), Some(new)] if rule == Rule::Newer && known != new => {
                    if known < new {
                        // A missing property may have a default.
                        match unstated.contains(&pointer) {
                            true => here.put(&pointer, Tree::Uncaptured),
                            false => here.remove(&pointer),
                        }
                    }
                }
                _ => {
                    let steps: Vec<&String> = pointer.iter().collect();
                    let error = contradiction(at.join(&steps).as_str(), Some(&leaf.node.place), Some(&place));
                    self.reports.push(error);
                    here.put(&pointer, Tree::Contradicted);
                }
            }
        }
        doubted.iter().for_each(|pointer| here.put(pointer, Tree::Contradicted));
    }

    /// Reads the events of an export, and lists the export. Returns whether every event could be read.
    fn events(
        &mut self,
        given: &Given,
        log: &Log,
        rows: &Mapped,
        key: (usize, String),
        (origin, is_damaged): (OriginId, bool),
    ) -> bool {
        let export = &given.export;
        let place = Place::new(&export.source, Span::new(0, 0));
        let model = self.layout.model;
        let logged = self.logs.entry(key).or_insert_with(|| Logged {
            events: Events::default(),
            keys: log.activities.iter().map(|activity| KeyOf::new(model, activity.ty)).collect(),
            is_whole: true,
            origin,
            scope: given.scope.clone(),
            place: place.clone(),
        });
        let (period, is_whole) = logged.events.add(log, rows, &logged.keys, &self.settings.dates);
        logged.is_whole &= is_whole && !is_damaged;
        if self.origins.time(origin) > self.origins.time(logged.origin) {
            logged.origin = origin;
        }
        let name = export.source.name();
        let latest = export.range.into_iter().chain(period).map(|(_, last)| last).max();
        // A day without a time of day is its start.
        if let Some(latest) = latest.filter(|latest| latest.saturating_sub(export.captured_at) > DAY) {
            let message = format!(
                "`{name}` reaches to {}, which is after its export at {}",
                show_datetime(latest),
                show_datetime(export.captured_at)
            );
            let help = "correct --captured-at or --range; if the day is first in the times, pass --day-first";
            self.refuse(Diagnostic::error(Code::CaptureSource, message).help(help));
        }
        let range = match (export.range, period) {
            (Some((from, to)), Some((first, last))) if first < from || last > to => {
                let message = format!(
                    "`{name}` has events from {} to {}, which its range does not contain",
                    show_datetime(first),
                    show_datetime(last)
                );
                self.refuse(Diagnostic::error(Code::CaptureSource, message).help("correct --range"));
                None
            }
            (Some(range), _) => Some(range),
            (None, Some((first, last))) => {
                self.reports.note(format!(
                    "the range of `{name}` is that of its events, {} to {}; if the export has a longer one, state it \
                     with --range {name}=FROM..TO",
                    show_datetime(first),
                    show_datetime(last)
                ));
                period
            }
            (None, None) => None,
        };
        if let (Some(exports), Some((from, to))) = (log.exports, range) {
            let scope = given.scope.as_deref();
            let feed = self.feeds.get(given.feed).map_or("", |feed| feed.flag.as_str());
            let search = Search { model, scope, flag: feed, place: &place, origin };
            let values = [
                ("exported_at", show_datetime(export.captured_at)),
                ("range_from", show_datetime(from)),
                ("range_to", show_datetime(to)),
                ("sha256", export.sha256.clone()),
            ];
            let property = |(name, text): (&str, String)| Property {
                name: name.to_owned(),
                place: place.clone(),
                node: Node::new(&place, Value::Text(text)),
            };
            let node = Node::new(&place, Value::Object(values.into_iter().map(property).collect()));
            let owner = model.ty(exports).parent.unwrap_or(model.root);
            let part = Part {
                content: Content::Instances(vec![node]),
                role: Role::Adds,
                origin,
                further: Vec::new(),
                name: name.to_owned(),
                is_damaged: false,
                inner: Vec::new(),
                of_rows: HashMap::new(),
            };
            self.add(&search, owner, exports, part);
        }
        is_whole
    }

    /// Adds the events that documents have in the lists of a log.
    fn events_of_documents(&mut self, feed: &Feed, log: &Log, logged: &mut Logged) {
        let model = self.layout.model;
        for target in feed.targets.iter().filter(|target| target.form != TargetForm::Instance) {
            let Logged { scope, place, origin, .. } = &*logged;
            let search = Search { model, scope: scope.as_deref(), flag: &feed.flag, place, origin: *origin };
            let Ok((here, _)) = search.find(&mut self.root, model.ty(target.ty).parent.unwrap_or(model.root)) else {
                continue;
            };
            let list = below_parent(model, target.ty).iter().try_fold(here, |tree, step| tree.find(step));
            let Some(Tree::Rows(list)) = list else { continue };
            let in_snapshot = target.in_snapshot();
            for part in list.parts.iter().filter(|part| part.role == Role::Document) {
                let Content::Instances(nodes) = &part.content else { continue };
                let rows = Rows::Nodes(Arc::new(nodes.clone()), FeedReader::Rows);
                let unheard = &mut Reports::default();
                let Some(rows) = Mapped::new(&rows, (feed, &in_snapshot), model, &logged.place.source, unheard) else {
                    logged.is_whole = false;
                    continue;
                };
                let (_, is_whole) = logged.events.add(log, &rows, &logged.keys, &self.settings.dates);
                logged.is_whole &= is_whole;
            }
        }
    }

    /// Adds the times of last events to the instances that other sources list.
    fn activities(&mut self) {
        for ((feed, _), mut logged) in std::mem::take(&mut self.logs) {
            let Some(feed) = self.feeds.get(feed) else { continue };
            let Some(log) = &feed.log else { continue };
            self.events_of_documents(feed, log, &mut logged);
            if !logged.is_whole {
                let flag = &feed.flag;
                self.reports.note(format!(
                    "some events of `--{flag}` could not be read, so no times of last events are derived from it"
                ));
                continue;
            }
            let mut unknown: HashSet<&str> = logged.events.actors().into_iter().collect();
            for (ty, activities) in logged.events.activities(&log.activities) {
                let model = self.layout.model;
                let Logged { scope, place, origin, .. } = &logged;
                let search = Search { model, scope: scope.as_deref(), flag: &feed.flag, place, origin: *origin };
                let owner = model.ty(ty).parent.unwrap_or(model.root);
                let key = KeyOf::new(model, ty);
                let Ok((here, _)) = search.find(&mut self.root, owner) else { continue };
                let steps = below_parent(model, ty);
                let list = steps.iter().try_fold(here, |tree, step| tree.find(step));
                let Some(Tree::Rows(list)) = list else { continue };
                for part in &list.parts {
                    part.keys(&key, |key| {
                        unknown.remove(key);
                    });
                }
                list.parts.push(Part {
                    content: Content::Activities(activities),
                    role: Role::Adds,
                    origin: *origin,
                    further: Vec::new(),
                    name: place.source.name().to_owned(),
                    is_damaged: false,
                    inner: Vec::new(),
                    of_rows: HashMap::new(),
                });
            }
            let mut unknown: Vec<&str> = unknown.into_iter().collect();
            if !unknown.is_empty() {
                unknown.sort_unstable();
                let more = unknown.len().saturating_sub(LISTED);
                unknown.truncate(LISTED);
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                let flag = &feed.flag;
                self.reports.note(format!(
                    "actors of `--{flag}` that no list of the snapshot has: {}{more}",
                    unknown.join(", ")
                ));
            }
        }
    }

    /// Sets the values that every snapshot has.
    fn fixed(&mut self, inputs: &Inputs<'_>) {
        let origin = self.base.unwrap_or_default();
        for fixed in inputs.description.values.iter().rev() {
            let value = match serde_json::from_str(&fixed.json) {
                Ok(serde_json::Value::String(text)) => Value::Text(text),
                Ok(serde_json::Value::Bool(truth)) => Value::Bool(truth),
                _ => Value::Number(fixed.json.clone()),
            };
            let tree = Tree::at(&fixed.pointer, Tree::leaf(Node::new(&fixed.place, value), origin));
            let root = std::mem::replace(&mut self.root, Tree::Uncaptured);
            // A document that states another value keeps it: the check of the snapshot judges it.
            self.root = self.merge(tree, root, Rule::Replace);
        }
    }
}

/// Removes the values of the old snapshot at places that a new source covers, unless they are newer than it. `old` is the number of
/// origins of the snapshot.
fn forget(tree: &mut Tree, covered: &[Vec<String>], old: usize, is_newer: impl Fn(OriginId) -> bool) {
    for place in covered {
        if tree.leaf_at(place).is_some_and(|leaf| leaf.origin < old && !is_newer(leaf.origin)) {
            tree.remove(place);
        }
    }
}

/// Returns the names of properties of rows that no column reads, with the names of the objects that they are in.
fn unused_properties(nodes: &[Node], feed: &Feed) -> Vec<String> {
    let headers = feed.targets.iter().flat_map(|target| &target.columns).flat_map(|column| &column.headers);
    let headers: HashSet<String> = headers.map(|header| caseless(header).into_owned()).collect();
    let objects = headers.iter().flat_map(|header| header.match_indices('/').filter_map(|(at, _)| header.get(..at)));
    let objects: HashSet<&str> = objects.collect();
    let mut unused = BTreeSet::new();
    let mut rest: Vec<(String, &Node)> = nodes.iter().rev().map(|node| (String::new(), node)).collect();
    while let Some((above, node)) = rest.pop().filter(|_| unused.len() <= MAX_UNUSED) {
        let Value::Object(properties) = &node.value else { continue };
        for Property { name, node, .. } in properties {
            let path = format!("{above}{name}");
            let folded = caseless(&path);
            if headers.contains(folded.as_ref()) || path == "uncaptured" {
                continue;
            }
            match &node.value {
                Value::Object(_) if objects.contains(folded.as_ref()) => rest.push((format!("{path}/"), node)),
                _ if objects.contains(folded.as_ref()) && node.says_nothing() => {}
                _ => drop(unused.insert(path)),
            }
        }
    }
    unused.into_iter().take(MAX_UNUSED).map(|name| format!("`{name}`")).collect()
}

fn not_rows(at: &Pointer, name: &str) -> Diagnostic {
    let message = format!("`{at}` is not a list, and `{name}` has rows for it");
    Diagnostic::error(Code::CaptureSource, message).help("write an array in its place")
}

/// Returns the warning for a document with another time than the user states for it.
fn two_times(export: &Export, own: Option<&Node>, stated: i64) -> Diagnostic {
    let (name, given) = (export.source.name(), show_datetime(export.captured_at));
    let message =
        format!("`{name}` was captured at {}, and --captured-at states {given} for it", show_datetime(stated));
    let warning = Diagnostic::warning(Code::CaptureSource, message);
    let warning = match own {
        Some(own) => warning.label(&own.place.source, own.place.span, "the time of the document"),
        None => warning,
    };
    warning.help("correct one of them; the older one is used")
}

/// Returns the error for a derived text whose file is not valid.
fn fault(source: &Arc<Source>) -> Option<Diagnostic> {
    let (fault, file) = source.fault()?;
    let error = Diagnostic::error(Code::CaptureSource, format!("`{}`: {}", file.name(), fault.unquoted));
    Some(error.label(file, fault.span, "here").help("correct the document").maybe_help(fault.help.clone()))
}

/// Returns the largest number of properties of an object in a value.
fn widest(node: &Node) -> usize {
    match &node.value {
        Value::Object(properties) => {
            properties.iter().map(|property| widest(&property.node)).max().unwrap_or(0).max(properties.len())
        }
        Value::List(elements) => elements.iter().map(widest).max().unwrap_or(0),
        _ => 0,
    }
}

/// Returns a value whose parts have one origin.
fn leaves(node: Node, origin: OriginId) -> Tree {
    match node.value {
        Value::Object(properties) => {
            Tree::Object(properties.into_iter().map(|it| (it.name, leaves(it.node, origin))).collect())
        }
        value => Tree::leaf(Node { place: node.place, value }, origin),
    }
}

impl Assembled<'_> {
    /// Writes the snapshot, and the places of its values to `trace`.
    ///
    /// # Errors
    /// When `out` cannot be written.
    pub(super) fn write(
        mut self,
        out: &mut dyn Write,
        trace: Option<&mut Trace>,
        reports: &mut Reports,
    ) -> io::Result<()> {
        self.root.arrange(self.model);
        let oldest = self.root.origins().into_iter().filter_map(|origin| self.origins.time(origin)).min();
        let mut writer = Writer {
            out: Traced { out, at: 0, trace },
            model: self.model,
            origins: &self.origins,
            settings: &self.settings,
            feeds: self.feeds,
            latest: &self.latest,
            reports,
            partial: Vec::new(),
            evidence: Vec::new(),
            of_instances: Vec::new(),
        };
        let Tree::Object(properties) = &self.root else { return Ok(()) };
        let (root, mut is_first) = (Pointer::default(), true);
        writer.out.write_all(b"{")?;
        if let Some(oldest) = oldest {
            writer.separate(&mut is_first, 1)?;
            write!(writer.out, "\"captured_at\": \"{}\"", show_datetime(oldest))?;
        }
        if !properties.is_empty() {
            if !is_first {
                writer.out.write_all(b",")?;
            }
            writer.properties(properties, &root, 1)?;
        }
        if let Some(base) = self.base.and_then(|base| self.origins.0.get(base)) {
            writer.evidence.push(base.entry(""));
        }
        writer.collect(&self.root, &root, self.base);
        writer.lists(self.evidence.as_deref())?;
        writer.out.write_all(b"\n}\n")
    }
}
