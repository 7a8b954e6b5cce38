//! The split: one pass over the document that notes where every instance lies.

use super::read::duplicate_key;
use super::{Limits, Missing, Row, RowStep, StrRef, Table};
use crate::diagnostic::Diagnostic;
use crate::schema::Model;
use crate::source::json::{Key, Kind, Scanner, SyntaxError};
use crate::source::pointer::Pointer;
use crate::source::{Source, Span};
use crate::value::{EntityRef, TypeId};
use rustc_hash::FxHashMap;
use smol_str::SmolStr;
use std::sync::Arc;

pub(super) struct Split {
    pub tables: Vec<Table>,
    /// Where each list of instances ends, by where it starts: the decoder of the outer row jumps over it.
    pub jumps: FxHashMap<u32, u32>,
    /// Escaped property names that became ids.
    pub side: String,
}

pub(super) fn split(
    source: &Arc<Source>,
    model: &Model,
    limits: &Limits,
    diagnostics: &mut Vec<Diagnostic>,
) -> Option<Split> {
    let text = source.text();
    let begin = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    if text[begin..].trim().is_empty() {
        let error =
            Diagnostic::error("snapshot-empty", "the snapshot is empty").label(source, Span::new(0, 0), "nothing here");
        diagnostics.push(error.help("a snapshot is a JSON object"));
        return None;
    }
    let tables = model.types.iter().map(|_| Table::default()).collect();
    let mut splitter = Splitter {
        source,
        model,
        split: Split { tables, jumps: FxHashMap::default(), side: String::new() },
        most_entities: limits.entities,
        diagnostics,
    };
    let mut scanner = Scanner::at(text, begin as u32).up_to(limits.depth);
    let walked = splitter.document(&mut scanner);
    let Splitter { split, .. } = splitter;
    match walked {
        Ok(true) => Some(split),
        Ok(false) => None,
        Err(Stop::TooMany(ty, at)) => {
            let name = model.short_name(ty);
            let message = format!("there are more than {} instances of {name}", limits.entities);
            let error = Diagnostic::error("snapshot-entities", message);
            let error = error.label(source, Span::new(at, at + 1), "this is one too many");
            diagnostics.push(error.help("allow more with --max-entities, or divide the snapshot"));
            None
        }
        Err(Stop::Syntax(error)) => {
            let help = match &error {
                SyntaxError { too_deep: true, .. } => Some("allow more with --max-depth".to_owned()),
                error if error.span.is_empty() => Some("the file may have been cut off".to_owned()),
                _ => None,
            };
            let message = if model.has_secrets() { error.unquoted } else { error.message };
            diagnostics
                .push(Diagnostic::error("snapshot-syntax", message).label(source, error.span, "here").maybe_help(help));
            None
        }
    }
}

struct Splitter<'s> {
    source: &'s Arc<Source>,
    model: &'s Model,
    split: Split,
    most_entities: usize,
    diagnostics: &'s mut Vec<Diagnostic>,
}

/// Why the walk ended before the document did.
enum Stop {
    Syntax(SyntaxError),
    /// There are too many instances of a type; the one that is too many starts here.
    TooMany(TypeId, u32),
}

impl From<SyntaxError> for Stop {
    fn from(error: SyntaxError) -> Self {
        Stop::Syntax(error)
    }
}

/// Where the walk is: the innermost instance and the properties below it.
#[derive(Clone)]
struct Here {
    scope: EntityRef,
    pointer: Pointer,
}

type Result<T> = std::result::Result<T, Stop>;

impl Splitter<'_> {
    fn document(&mut self, scanner: &mut Scanner<'_>) -> Result<bool> {
        let (kind, start) = scanner.peek()?;
        let root = EntityRef { ty: self.model.root, row: 0 };
        if kind != Kind::Object {
            let span = scanner.skip()?;
            let message = format!("a snapshot is an object, and this is {}", kind.described());
            self.diagnostics.push(Diagnostic::error("snapshot-root", message).label(
                self.source,
                Span::new(span.start, span.start + 1),
                "the document starts here",
            ));
            return Ok(false);
        }
        self.push(root.ty, 0, RowStep::Fixed, start)?;
        self.value(scanner, 0, &Here { scope: root, pointer: Pointer::default() })?;
        self.close(root, scanner.offset());
        scanner.end()?;
        Ok(true)
    }

    fn push(&mut self, ty: TypeId, parent: u32, step: RowStep, start: u32) -> Result<u32> {
        let rows = &mut self.split.tables[ty.index()].rows;
        if rows.len() >= self.most_entities {
            return Err(Stop::TooMany(ty, start));
        }
        rows.push(Row { span: Span::new(start, start), parent, step, key: StrRef::default() });
        Ok(rows.len() as u32 - 1)
    }

    fn close(&mut self, entity: EntityRef, end: u32) {
        if let Some(row) = self.split.tables[entity.ty.index()].rows.get_mut(entity.row as usize) {
            row.span.end = end;
        }
    }

    /// Walks a value that lies at a node of the path tree and belongs to the instance `here.scope`.
    fn value(&mut self, scanner: &mut Scanner<'_>, node: usize, here: &Here) -> Result<()> {
        let model = self.model;
        let tree = &model.paths[node];
        if tree.children.is_empty() && tree.each.is_none() {
            scanner.skip()?;
            return Ok(());
        }
        match (scanner.peek()?, tree.each) {
            ((Kind::Object, _), None) => self.properties(scanner, node, here),
            ((Kind::Array, start), Some(each)) => {
                let span =
                    scanner.array(|scanner, index| self.instance(scanner, each, here, RowStep::Index(index as u32)))?;
                self.split.jumps.insert(start, span.end);
                Ok(())
            }
            ((Kind::Object, start), Some(each)) => {
                let mut seen: FxHashMap<SmolStr, Span> = FxHashMap::default();
                let span = scanner.object(|scanner, key| {
                    if let Some(first) = seen.insert(key.text().into(), key.span) {
                        self.diagnostics.push(duplicate_key(self.source, &key.text(), first, key.span));
                        let span = scanner.skip()?;
                        self.lost(each, here, span, "");
                        return Ok(());
                    }
                    let name = self.key_text(&key);
                    self.instance(scanner, each, here, RowStep::Property(name))
                })?;
                self.split.jumps.insert(start, span.end);
                Ok(())
            }
            ((kind, _), each) => {
                let span = scanner.skip()?;
                // At an instance the decoder sees the wrong type too; here it is known which lists are lost.
                self.lost(node, here, span, "");
                if kind != Kind::Null && tree.ty.is_none() {
                    let wanted = if each.is_some() { "an array or an object" } else { "an object" };
                    let message = format!("expected {wanted} at `{}`, found {}", here.pointer, kind.described());
                    self.diagnostics.push(Diagnostic::error("snapshot-type", message).label(
                        self.source,
                        span,
                        format!("this is {}", kind.described()),
                    ));
                }
                Ok(())
            }
        }
    }

    fn properties(&mut self, scanner: &mut Scanner<'_>, node: usize, here: &Here) -> Result<()> {
        let model = self.model;
        let children = &model.paths[node].children;
        let mut seen: Vec<Option<Span>> = vec![None; children.len()];
        let span = scanner.object(|scanner, key| {
            let name = key.text();
            let Some(at) = children.iter().position(|(child, _)| *child == *name) else {
                scanner.skip()?;
                return Ok(());
            };
            if let Some(first) = seen[at].replace(key.span) {
                self.diagnostics.push(duplicate_key(self.source, &name, first, key.span));
            }
            let inner = Here { scope: here.scope, pointer: here.pointer.join([&name]) };
            let child = children[at].1;
            if model.paths[child].ty.is_some() {
                self.instance(scanner, child, &inner, RowStep::Fixed)
            } else {
                self.value(scanner, child, &inner)
            }
        })?;
        for ((name, child), _) in children.iter().zip(&seen).filter(|(_, seen)| seen.is_none()) {
            let inner = Here { scope: here.scope, pointer: here.pointer.join([name]) };
            self.lost(*child, &inner, span, name);
        }
        Ok(())
    }

    fn instance(&mut self, scanner: &mut Scanner<'_>, node: usize, here: &Here, step: RowStep) -> Result<()> {
        let Some(ty) = self.model.paths[node].ty else { return self.value(scanner, node, here) };
        let (kind, start) = scanner.peek()?;
        if kind == Kind::Null {
            // An element that is null was seen and not read: a list with such an element is not fully captured.
            let span = scanner.skip()?;
            self.lost(node, here, span, "");
            return Ok(());
        }
        let row = self.push(ty, here.scope.row, step, start)?;
        let entity = EntityRef { ty, row };
        let tree = &self.model.paths[node];
        if tree.children.is_empty() && tree.each.is_none() {
            scanner.skip()?;
        } else {
            let pointer = match step {
                RowStep::Index(index) => here.pointer.join([index.to_string()]),
                RowStep::Property(name) => here.pointer.join([self.text(name)]),
                RowStep::Fixed => here.pointer.clone(),
            };
            self.value(scanner, node, &Here { scope: entity, pointer })?;
        }
        self.close(entity, scanner.offset());
        Ok(())
    }

    fn text(&self, at: StrRef) -> &str {
        if at.is_side() { self.split.side.as_str() } else { self.source.text() }.get(at.range()).unwrap_or_default()
    }

    /// Notes that nothing at or below a node was captured for an instance.
    fn lost(&mut self, node: usize, here: &Here, span: Span, property: &str) {
        for ty in &self.model.paths[node].below {
            if *ty == here.scope.ty {
                continue;
            }
            let missing =
                Missing { scope: here.scope, span, property: property.to_owned(), pointer: here.pointer.clone() };
            self.split.tables[ty.index()].missing.push(missing);
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
