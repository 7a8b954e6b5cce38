//! The catalogue as a page of Markdown: a summary, a section for every check, parameters and controls.

use super::escape::{anchors, code, code_in_cell, text};
use super::names::{article, plural, type_name};
use super::readers::{manner, missing};
use super::values::{enumerated, value};
use super::{Catalogue, Derived, Entry, Part, Words, doc};
use crate::policy::FRAMEWORKS;
use crate::program::Aggregate;
use crate::report::controls::natural;
use crate::schema::{DeclaredDefault, Fallback, Model, Only, Origin, Parameter, Slot, SlotId};
use crate::source::cedar::on_deep_stack;
use crate::source::is_hidden;
use crate::value::{TypeId, Value};
use std::collections::BTreeMap;
use std::io::{self, Write};

/// The explanation of the words of the page.
const GUIDE: &str = "\
* A check judges resources of one or more types. It *applies* always or under a condition. A resource to which it applies *complies*,
  or the check fails.
* A value that was not captured is unknown. If the answer depends on it, the verdict is *unknown*, and not a pass.
* An optional value may be absent. Then it *is not recorded*, which is a known answer.
* Values are written as in the snapshot. In a place, `*` is every element of a list.
* The name in parentheses after a statement is the attribute that contains the statement.
* A word such as `max_age` with a default after it is a parameter; `--param` sets another value.
* A derived value is counted or looked up among other instances in the snapshot.
";

/// Writes the catalogue. `command` is the command that writes it.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(catalogue: &Catalogue, command: &str, out: &mut dyn Write) -> io::Result<()> {
    on_deep_stack(|| write_page(catalogue, command, out))
}

fn write_page(catalogue: &Catalogue, command: &str, out: &mut dyn Write) -> io::Result<()> {
    let links = Links::new(catalogue);
    let page = Page { catalogue, model: &catalogue.schema.model, links };
    page.head(command, out)?;
    writeln!(out, "\n## Checks")?;
    for (at, entry) in catalogue.entries.iter().enumerate() {
        page.entry(at, entry, out)?;
    }
    page.parameters(out)?;
    page.controls(out)
}

/// The headings of checks, and the targets of links to them.
struct Links {
    headings: Vec<String>,
    anchors: Vec<String>,
}

impl Links {
    fn new(catalogue: &Catalogue) -> Self {
        let heading = |entry: &Entry| format!("{}: {}", entry.check.statement.id, entry.check.title);
        let headings: Vec<String> = catalogue.entries.iter().map(heading).collect();
        // The headings of the page itself are before them.
        let own = ["Catalogue of checks", "How to read this page", "Summary", "Checks"].map(str::to_owned);
        let anchors = anchors(&[&own[..], &headings].concat()).split_off(own.len());
        Self { headings, anchors }
    }
}

struct Page<'c> {
    catalogue: &'c Catalogue<'c>,
    model: &'c Model,
    links: Links,
}

impl Page<'_> {
    fn head(&self, command: &str, out: &mut dyn Write) -> io::Result<()> {
        let entries = &self.catalogue.entries;
        let checks = match entries.len() {
            1 => "one check".to_owned(),
            many => format!("{many} checks"),
        };
        let root = type_name(self.model, self.model.root);
        writeln!(out, "# Catalogue of checks\n")?;
        writeln!(
            out,
            "The conditions of {checks} of {} {root} in English, with the values that each check reads from the snapshot. \
             The conditions are those of the policies, and the places are those of the schema {}. {} writes this page; \
             do not edit it.\n",
            article(&root),
            code(self.catalogue.schema.source.name()),
            code(command)
        )?;
        if let Some(version) = self.model.version() {
            writeln!(out, "Version of the pack: {}\n", code(version))?;
        }
        writeln!(out, "## How to read this page\n\n{GUIDE}")?;
        writeln!(out, "## Summary\n\n| check | title | severity | judges |\n| --- | --- | --- | --- |")?;
        for (at, entry) in entries.iter().enumerate() {
            let judged: Vec<String> = entry.judged.iter().map(|ty| plural(&type_name(self.model, *ty))).collect();
            let (title, level) = (text(&entry.check.title), entry.check.severity.name());
            writeln!(out, "| {} | {title} | {level} | {} |", self.link(at), enumerated(&judged, "and"))?;
        }
        Ok(())
    }

    fn link(&self, at: usize) -> String {
        let id = self.catalogue.entries.get(at).map_or("", |entry| entry.check.statement.id.as_str());
        format!("[{}](#{})", text(id), self.links.anchors.get(at).map_or("", String::as_str))
    }

    fn entry(&self, at: usize, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        let check = entry.check;
        let judged: Vec<String> =
            entry.judged.iter().map(|ty| format!("every {}", type_name(self.model, *ty))).collect();
        writeln!(out, "\n### {}\n", text(self.links.headings.get(at).map_or("", String::as_str)))?;
        writeln!(out, "**Severity:** {}. **Judges:** {}.\n", check.severity.name(), enumerated(&judged, "and"))?;
        if let Some(original) = &check.overridden {
            let (severity, reason) = (original.severity.name(), text(&original.reason));
            writeln!(out, "**Severity in the policy:** {severity}. **Reason of the change:** {reason}\n")?;
        }
        if let Some(doc) = &check.doc {
            writeln!(out, "{}\n", text(doc))?;
        }
        if !entry.scope.is_empty() {
            condition("Judges one only", &Words::all(entry.scope.iter().cloned()), out)?;
        }
        match &entry.applies {
            Some(words) => condition("Applies", words, out)?,
            None => writeln!(out, "**Applies** always.\n")?,
        }
        match &entry.complies {
            Some(words) => condition("Complies", words, out)?,
            None => writeln!(out, "**Complies** never.\n")?,
        }
        self.derived(entry, out)?;
        self.parameters_of(entry, out)?;
        self.reads(entry, out)?;
        if let Some(remediation) = &check.remediation {
            writeln!(out, "**Remediation:** {}\n", text(remediation))?;
        }
        self.origin(entry, out)
    }

    fn derived(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        if entry.derived.is_empty() {
            return Ok(());
        }
        writeln!(out, "**Derived values:**\n")?;
        for derived in &entry.derived {
            let slot = self.slot(derived.ty, derived.slot);
            let name = format!("{} of the {}", code(&slot.dotted()), type_name(self.model, derived.ty));
            let lead = match doc(self.model, derived.ty, derived.slot) {
                Some(doc) => format!("{name}: {} That is", sentence(doc)),
                None => format!("{name} is"),
            };
            self.gathered(derived, &lead, out)?;
        }
        writeln!(out)
    }

    /// Writes the aggregate of a derived attribute.
    fn gathered(&self, derived: &Derived, lead: &str, out: &mut dyn Write) -> io::Result<()> {
        let one = |part: &Part| {
            let name = type_name(self.model, part.principal);
            format!("{} {name}", article(&name))
        };
        if derived.parts.iter().all(|part| part.derivation.defines) {
            return defined(derived, lead, out);
        }
        if let [part] = &derived.parts[..] {
            let many = plural(&type_name(self.model, part.principal));
            let what = match derived.aggregate {
                Aggregate::Exists => format!("whether there is {}", one(part)),
                Aggregate::Count => format!("the number of {many}"),
                Aggregate::Distinct => format!("the number of different values of {} of {many}", self.counted(part)),
                Aggregate::Collect => format!("the set of {many}"),
            };
            return gathered_by(0, &format!("{lead} {what}"), &part.condition, out);
        }
        let what = match derived.aggregate {
            Aggregate::Exists => "whether there is any of these",
            Aggregate::Count => "the number of all of these, each counted once",
            Aggregate::Distinct => "the number of different values of all of these",
            Aggregate::Collect => "the set of all of these",
        };
        writeln!(out, "* {lead} {what}:")?;
        for part in &derived.parts {
            let but = if part.derivation.subtracts { "but never " } else { "" };
            let value = part.derivation.distinct.map(|_| format!("{} of ", self.counted(part))).unwrap_or_default();
            gathered_by(1, &format!("{but}{value}{}", one(part)), &part.condition, out)?;
        }
        Ok(())
    }

    /// Returns the attribute whose different values a derivation counts.
    fn counted(&self, part: &Part) -> String {
        let slot = part.derivation.distinct.map(|slot| self.slot(part.principal, slot).dotted());
        code(&slot.unwrap_or_default())
    }

    fn parameters_of(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        if entry.parameters.is_empty() {
            return Ok(());
        }
        writeln!(out, "**Parameters:**\n")?;
        for parameter in entry.parameters.iter().filter_map(|at| self.model.parameters.get(*at)) {
            let default = self.default(parameter).map_or("no default".into(), |it| format!("default {it}"));
            let place = self.model.parameter_place(parameter).map(|place| code(&place.to_string()));
            let default = place.map_or(default.clone(), |place| format!("set by the account at {place}, {default}"));
            let ty = code(&self.model.show(&parameter.ty));
            let doc = parameter.doc.as_deref().map_or(String::new(), |doc| format!(": {}", text(doc)));
            writeln!(out, "* {} ({ty}, {default}){doc}", code(&parameter.name))?;
        }
        writeln!(out)
    }

    fn default(&self, parameter: &Parameter) -> Option<String> {
        parameter.default.as_ref().map(|default| value(self.model, default))
    }

    fn reads(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        if entry.reads.is_empty() {
            return Ok(());
        }
        writeln!(out, "**Read from the snapshot:**\n")?;
        for (ty, slots) in &entry.reads {
            let of = self.model.ty(*ty);
            let doc_of = of.doc.as_deref().map_or(String::new(), |doc| format!(": {}", text(doc)));
            let (place, only) = (self.place(*ty, ""), of.only.as_ref().map(selection).unwrap_or_default());
            writeln!(out, "* {}, {place}{only}{doc_of}", capital(&type_name(self.model, *ty)))?;
            for slot in slots {
                let doc = doc(self.model, *ty, *slot).map_or(String::new(), |doc| format!(": {}", text(doc)));
                writeln!(out, "  * {}{doc}", self.attribute(*ty, *slot))?;
            }
        }
        writeln!(out)
    }

    /// Returns the name of an attribute with its place in the snapshot.
    fn attribute(&self, ty: TypeId, slot: SlotId) -> String {
        let slot = self.slot(ty, slot);
        let place = self.place(ty, &slot.place());
        let null = slot.null.as_ref().map(|default| format!("`null` {}", self.meaning(default)));
        let lacking = slot.missing.as_ref().map(|default| format!("missing {}", self.meaning(default)));
        let how = match &slot.origin {
            Origin::Read(_, Some(chain)) => chain.readers().iter().map(manner).collect(),
            _ => Vec::new(),
        };
        let defaults = null.iter().chain(&lacking).map(String::as_str);
        let open = self.model.is_open(&slot.ty).then_some("an unlisted word is unknown");
        let optional = (!slot.required).then_some("optional");
        let missing = missing(slot);
        let words = missing.iter().map(String::as_str);
        let how = how.iter().map(String::as_str);
        let notes: Vec<&str> = how.chain(optional).chain(words).chain(defaults).chain(open).collect();
        let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join("; ")) };
        format!("{}, {place}{notes}", code(&slot.dotted()))
    }

    /// Returns the meaning of a default in words.
    fn meaning(&self, default: &DeclaredDefault) -> String {
        match &default.fallback {
            Fallback::Unknown => "is unknown".into(),
            Fallback::Absent => "is absent".into(),
            Fallback::Value(default) => format!("means {}", value(self.model, default)),
            Fallback::Record(_) => "means a record with defaults".into(),
        }
    }

    fn place(&self, ty: TypeId, below: &str) -> String {
        match self.model.ty(ty).place_below(below) {
            place if place.is_empty() => "the document itself".into(),
            place => code(&place),
        }
    }

    fn slot(&self, ty: TypeId, slot: SlotId) -> &Slot {
        &self.model.ty(ty).slots[slot]
    }

    /// Writes the origin of a check: its controls, its source, its policies.
    fn origin(&self, entry: &Entry, out: &mut dyn Write) -> io::Result<()> {
        let check = entry.check;
        let controls = check.controls.iter().filter(|(_, controls)| !controls.is_empty());
        let controls = controls.map(|(framework, controls)| {
            let controls: Vec<String> = controls.iter().map(|control| text(control)).collect();
            format!("{} {}", code(framework), controls.join(", "))
        });
        let controls: Vec<String> = controls.collect();
        if !controls.is_empty() {
            writeln!(out, "**Controls:** {}.\n", controls.join("; "))?;
        }
        if let Some(source) = &check.reference {
            writeln!(out, "**Source:** {}\n", link(source))?;
        }
        write!(out, "**Policy:** {} in {}.", code(&check.statement.id), code(check.statement.source.name()))?;
        let parts = entry.derived.iter().flat_map(|derived| &derived.parts).map(|part| &part.derivation.statement);
        let mut by_file: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for statement in parts {
            by_file.entry(statement.source.name()).or_default().push(code(&statement.id));
        }
        if !by_file.is_empty() {
            let files: Vec<String> =
                by_file.iter().map(|(file, ids)| format!("{} in {}", enumerated(ids, "and"), code(file))).collect();
            write!(out, " **Derivations:** {}.", files.join("; "))?;
        }
        writeln!(out)
    }

    fn parameters(&self, out: &mut dyn Write) -> io::Result<()> {
        if self.model.parameters.is_empty() {
            return Ok(());
        }
        writeln!(out, "\n## Parameters\n")?;
        writeln!(out, "| parameter | type | default | meaning | read by |\n| --- | --- | --- | --- | --- |")?;
        for (at, parameter) in self.model.parameters.iter().enumerate() {
            let entries = self.catalogue.entries.iter().enumerate();
            let readers = entries.filter(|(_, entry)| entry.parameters.contains(&at)).map(|(at, _)| self.link(at));
            let readers: Vec<String> = readers.collect();
            writeln!(
                out,
                "| {} | {} | {} | {} | {} |",
                code_in_cell(&parameter.name),
                code_in_cell(&self.model.show(&parameter.ty)),
                self.default_and_place(parameter),
                parameter.doc.as_deref().map(text).unwrap_or_default(),
                if readers.is_empty() { "nothing".into() } else { readers.join(", ") }
            )?;
        }
        Ok(())
    }

    fn default_and_place(&self, parameter: &Parameter) -> String {
        let (default, place) = (self.default_in_cell(parameter), self.model.parameter_place(parameter));
        place.map_or(default.clone(), |place| {
            format!("{default}; the account sets {}", code_in_cell(&place.to_string()))
        })
    }

    fn default_in_cell(&self, parameter: &Parameter) -> String {
        let element = |item: &Value| match item {
            Value::String(it) => code_in_cell(&serde_json::to_string(it.as_str()).unwrap_or_default()),
            other => value(self.model, other),
        };
        match &parameter.default {
            None => "none".into(),
            Some(Value::Set(set)) if !set.items().is_empty() => {
                set.items().iter().map(element).collect::<Vec<_>>().join(", ")
            }
            Some(Value::Record(_)) => code_in_cell(&self.default(parameter).unwrap_or_default().replace('`', "")),
            Some(other) => element(other),
        }
    }

    /// Returns the names of the frameworks: the built-in ones, then those of the project that a check supports.
    fn frameworks(&self) -> Vec<&str> {
        let mut names: Vec<&str> = FRAMEWORKS.iter().map(|framework| framework.name).collect();
        for (name, _) in self.catalogue.entries.iter().flat_map(|entry| &entry.check.controls) {
            if !names.contains(&name.as_str()) {
                names.push(name);
            }
        }
        names
    }

    fn controls(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "\n## Controls")?;
        for framework in self.frameworks() {
            let mut checks_of: BTreeMap<&str, Vec<String>> = BTreeMap::new();
            for (at, entry) in self.catalogue.entries.iter().enumerate() {
                let of = entry.check.controls.iter().filter(|(name, _)| *name == framework);
                for control in of.flat_map(|(_, controls)| controls) {
                    let checks = checks_of.entry(control).or_default();
                    let link = self.link(at);
                    if !checks.contains(&link) {
                        checks.push(link);
                    }
                }
            }
            if checks_of.is_empty() {
                writeln!(out, "\n### {framework}\n\nNo check supports a control of it.")?;
                continue;
            }
            writeln!(out, "\n### {framework}\n\n| control | checks |\n| --- | --- |")?;
            let mut rows: Vec<(&str, Vec<String>)> = checks_of.into_iter().collect();
            rows.sort_by_cached_key(|(control, _)| natural(control));
            for (control, checks) in rows {
                writeln!(out, "| {} | {} |", text(control), checks.join(", "))?;
            }
        }
        Ok(())
    }
}

/// Writes a condition as a paragraph, with a list of its parts.
fn condition(verb: &str, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    match words {
        Words::Line(line) if line == "always" || line == "never" => writeln!(out, "**{verb}** {line}.\n"),
        Words::Line(line) => writeln!(out, "**{verb} when** {line}.\n"),
        // A condition that begins with "if" cannot follow "when".
        Words::If(..) => {
            writeln!(out, "**{verb} when** this holds:\n")?;
            block(0, "", words, out)?;
            writeln!(out)
        }
        _ => {
            let (head, parts) = split(&format!("**{verb} when**"), words);
            writeln!(out, "{head}\n")?;
            for (lead, part) in parts {
                block(0, lead, part, out)?;
            }
            writeln!(out)
        }
    }
}

/// Writes a condition as an item of a list, its parts as items below it.
fn block(depth: usize, lead: &str, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let (head, parts) = split(lead, words);
    writeln!(out, "{}* {head}", "  ".repeat(depth))?;
    parts.into_iter().try_for_each(|(lead, part)| block(depth + 1, lead, part, out))
}

/// Returns the first line of a condition, and its parts with what leads each of them in.
fn split<'w>(lead: &str, words: &'w Words) -> (String, Vec<(&'static str, &'w Words)>) {
    let head = |rest: &str| if lead.is_empty() { rest.to_owned() } else { format!("{lead} {rest}") };
    match words {
        Words::Line(line) => (head(line), Vec::new()),
        Words::All(parts) => (head("all of these hold:"), parts.iter().map(|part| ("", part)).collect()),
        Words::Any(parts) => (head("at least one of these holds:"), parts.iter().map(|part| ("", part)).collect()),
        Words::If(test, then, other) => match (&**test, &**then, &**other) {
            (Words::Line(test), Words::Line(then), Words::Line(other)) => {
                (head(&format!("if {test}, then {then}; otherwise {other}")), Vec::new())
            }
            (Words::Line(test), ..) => (head(&format!("if {test}:")), vec![("then", &**then), ("otherwise", &**other)]),
            _ => (head("this holds by case:"), vec![("if", &**test), ("then", &**then), ("otherwise", &**other)]),
        },
    }
}

/// Writes the condition on the principals of a derivation, as an item of a list.
fn gathered_by(depth: usize, lead: &str, words: &Words, out: &mut dyn Write) -> io::Result<()> {
    let line = match words {
        Words::Line(line) if line == "always" => format!("{lead}."),
        Words::Line(line) => format!("{lead} for which {line}."),
        _ => return block(depth, &format!("{lead} for which"), words, out),
    };
    block(depth, "", &Words::Line(line), out)
}

/// Writes the conditions of a named condition.
fn defined(derived: &Derived, lead: &str, out: &mut dyn Write) -> io::Result<()> {
    let lead = format!("{lead} whether this is true:");
    let (taken, given): (Vec<&Part>, Vec<&Part>) = derived.parts.iter().partition(|part| part.derivation.subtracts);
    let words = Words::any(given.into_iter().map(|part| part.condition.clone()));
    writeln!(out, "* {lead}")?;
    block(1, "", &words, out)?;
    for part in taken {
        block(1, "but not if", &part.condition, out)?;
    }
    Ok(())
}

/// Returns a text as a sentence with its full stop.
fn sentence(doc: &str) -> String {
    let written = text(doc);
    if written.ends_with(['.', '!', '?', ':']) { written } else { format!("{written}.") }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// Writes an address as a link, and another text as code.
fn link(address: &str) -> String {
    let plain = address.starts_with("https://") || address.starts_with("http://");
    let held = address
        .chars()
        .all(|c| !c.is_whitespace() && !c.is_control() && !is_hidden(c) && !matches!(c, '<' | '>' | '\\'));
    if plain && held { format!("<{address}>") } else { code(address) }
}

/// Returns the elements of a list that are instances of a type, as a part of a sentence.
fn selection(only: &Only) -> String {
    let words = |words: &[String]| words.iter().map(|word| code(word)).collect::<Vec<_>>().join(" or ");
    let unjudged = match &only.unjudged[..] {
        [] => String::new(),
        unjudged => format!("; elements where it is {} are not judged", words(unjudged)),
    };
    format!(", where {} is {}{unjudged}", code(&only.property.join("/")), words(&only.words))
}
