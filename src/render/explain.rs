//! `deodar explain`: one check with its policy and the values that it reads.

use super::escape::plain;
use super::layout::{Style, paragraph};
use crate::policy::{Check, Statement};
use crate::report::show_constant;
use crate::schema::{Lacking, Model, Origin, Slot, SlotId};
use crate::value::TypeId;
use smol_str::SmolStr;
use std::io::{self, Write};

/// A check with all values that it reads.
#[derive(Debug)]
pub struct AboutCheck<'p> {
    /// The check.
    pub check: &'p Check,
    /// Its schema.
    pub model: &'p Model,
    /// The types that it judges.
    pub judged: Vec<TypeId>,
    /// The parameters whose values it reads, directly or through derivations, by index in the model.
    pub parameters: Vec<usize>,
    /// The derived attributes that it reads, directly or through others.
    pub derived: Vec<DerivedRead<'p>>,
    /// The attributes of the snapshot that it reads, by type.
    pub reads: Vec<(TypeId, Vec<SlotId>)>,
}

/// A derived attribute that a check reads.
#[derive(Debug)]
pub struct DerivedRead<'p> {
    /// The type that has it.
    pub ty: TypeId,
    /// Its slot.
    pub slot: SlotId,
    /// The ids of its derivations.
    pub by: Vec<SmolStr>,
    /// Those of its derivations that are definitions.
    pub definitions: Vec<&'p Statement>,
}

/// Writes a check with its policy, its parameters and the values that it reads.
///
/// # Errors
/// When `out` cannot be written.
pub fn write(about: &AboutCheck<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let AboutCheck { check, model, .. } = *about;
    let statement = &check.statement;
    writeln!(out, "{} · {}", plain(&statement.id), check.severity.name())?;
    writeln!(out, "{}\n", plain(&check.title))?;
    if let Some(original) = &check.overridden {
        let file = original.place.source.name();
        let line = format!("{} in the policy; {file} replaces it: {}", original.severity.name(), original.reason);
        writeln!(out, "{}\n", paragraph("Severity: ", "  ", &line, style))?;
    }
    if let Some(doc) = &check.doc {
        writeln!(out, "{}\n", paragraph("", "", doc, style))?;
    }
    if let Some(remediation) = &check.remediation {
        writeln!(out, "{}\n", paragraph("Remediation: ", "  ", remediation, style))?;
    }
    if let Some(source) = &check.reference {
        writeln!(out, "{}\n", paragraph("Source: ", "  ", source, style))?;
    }
    for (framework, controls) in &check.controls {
        writeln!(out, "{framework}: {}", controls.iter().map(|control| plain(control)).collect::<Vec<_>>().join(", "))?;
    }
    if !check.controls.is_empty() {
        writeln!(out)?;
    }
    write_policy(statement, out)?;
    for definition in about.derived.iter().flat_map(|derived| &derived.definitions) {
        writeln!(out)?;
        write_policy(definition, out)?;
    }
    if about.judged.len() > 1 || about.judged.iter().any(|ty| model.ty(*ty).only.is_some()) {
        writeln!(out, "\nTypes it judges")?;
        for ty in &about.judged {
            let (name, place) = (model.short_name(*ty), model.described_place(*ty));
            writeln!(out, "{}", paragraph("  ", "    ", &format!("{name}, {place}"), style))?;
        }
    }
    let used: Vec<_> = about.parameters.iter().filter_map(|at| model.parameters.get(*at)).collect();
    if !used.is_empty() {
        let scope =
            model.parameter_scope().map(|ty| format!(" (for one {}: --param ID:name=value)", model.short_name(ty)));
        writeln!(out, "\nParameters{}", scope.unwrap_or_default())?;
    }
    for parameter in used {
        let default = parameter.default.as_ref().map(|value| format!(", by default {}", show_constant(model, value)));
        let place = model.parameter_place(parameter).map(|place| format!(", set by the account at {place}"));
        let (ty, default) = (model.show(&parameter.ty), default.unwrap_or_default());
        let declared = format!("{}: {ty}{}{default}", parameter.name, place.unwrap_or_default());
        writeln!(out, "  {}", plain(&declared))?;
        if let Some(doc) = &parameter.doc {
            writeln!(out, "{}", paragraph("    ", "    ", doc, style))?;
        }
    }
    if !about.derived.is_empty() {
        writeln!(out, "\nDerived attributes it reads")?;
    }
    for derived in &about.derived {
        let ty = model.ty(derived.ty);
        let Some(slot) = ty.slots.find(derived.slot) else { continue };
        let name = slot.dotted();
        let by = derived.by.iter().map(SmolStr::as_str).collect::<Vec<_>>().join(", ");
        writeln!(out, "  {}", plain(&format!("{}.{name}, from {by}", model.short_name(derived.ty))))?;
    }
    write_reads(about, style, out)
}

/// Writes the text of a policy.
fn write_policy(statement: &Statement, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "{}", plain(statement.source.name()))?;
    for line in statement.source.slice(statement.span).lines() {
        // With a rule before it no line of the policy looks like one of the report.
        writeln!(out, "{}", format!("│ {}", code_line(line)).trim_end())?;
    }
    Ok(())
}

/// Writes the values that a check reads, each with the documentation of its attribute.
fn write_reads(about: &AboutCheck<'_>, style: Style, out: &mut dyn Write) -> io::Result<()> {
    let model = about.model;
    let attributes = about.reads.iter().flat_map(|(ty, slots)| slots.iter().map(move |slot| (*ty, *slot)));
    let attributes: Vec<(TypeId, SlotId)> = attributes.collect();
    if !attributes.is_empty() {
        writeln!(out, "\nValues it reads")?;
    }
    for (ty, slot) in attributes {
        let (name, ty) = (model.short_name(ty), model.ty(ty));
        let Some(declared) = ty.slots.find(slot) else { continue };
        let place = ty.place_below(&declared.place());
        let open = if model.is_open(&declared.ty) { ", where an unlisted word is unknown" } else { "" };
        let read = notes(declared);
        let line = format!("{name}.{} at {place}{read}{open}", declared.dotted());
        writeln!(out, "{}", paragraph("  ", "    ", &line, style))?;
        if let Some(doc) = ty.doc_of(slot) {
            writeln!(out, "{}", paragraph("    ", "    ", doc, style))?;
        }
    }
    Ok(())
}

/// Returns the readers of an attribute, and its words for missing values.
fn notes(slot: &Slot) -> String {
    let mut notes = match &slot.origin {
        Origin::Read(_, Some(chain)) => format!(", read as {chain}"),
        _ => String::new(),
    };
    for (lacking, state) in [(Lacking::Unknown, "unknown"), (Lacking::Absent, "absent")] {
        let words: Vec<String> = slot.words.of(lacking).iter().map(|word| format!("{word:?}")).collect();
        if !words.is_empty() {
            notes += &format!(", {state} if it is {}", words.join(" or "));
        }
    }
    notes
}

/// Writes a line of a policy: its tabs stay.
fn code_line(line: &str) -> String {
    line.split('\t').map(plain).collect::<Vec<_>>().join("\t")
}
