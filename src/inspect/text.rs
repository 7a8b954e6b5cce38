//! An inspection as text for people.

use super::{At, Change, ChangeKind, Inspection, Lacking, Undeclared};
use crate::render::{Style, painted, plain, short};
use std::io::{self, Write};

/// Checks that one line names.
const NAMED: usize = 8;

/// Writes an inspection: the differences from older snapshots or, without them, the comparison with the schema.
///
/// # Errors
/// When `out` cannot be written.
pub fn write_inspection(inspection: &Inspection, style: Style, out: &mut dyn Write) -> io::Result<()> {
    if let Some(old) = &inspection.against {
        writeln!(out, "old   {}", files(old))?;
    }
    writeln!(out, "new   {}", files(&inspection.snapshots))?;
    let version = inspection.pack_version.as_ref().map(|version| format!(", version {version}")).unwrap_or_default();
    writeln!(out, "pack  {}", plain(&format!("{}{version}", inspection.pack)))?;
    match &inspection.changes {
        Some(changes) => write_changes(changes, style, out),
        None => {
            write_undeclared(&inspection.undeclared, style, out)?;
            write_lacking(&inspection.lacking, style, out)
        }
    }
}

fn write_changes(changes: &[Change], style: Style, out: &mut dyn Write) -> io::Result<()> {
    for kind in ChangeKind::ALL {
        let of_kind: Vec<&Change> = changes.iter().filter(|change| change.kind == kind).collect();
        if of_kind.is_empty() {
            continue;
        }
        writeln!(out, "\n{}", painted(&format!("{} ({})", kind.title(), of_kind.len()), "1", style))?;
        for change in of_kind {
            let states: Vec<&str> = change.old.iter().chain(&change.new).map(String::as_str).collect();
            writeln!(out, "  {}: {}", short(&change.place), short(&states.join(" -> ")))?;
            let places: Vec<String> = change.old_at.iter().chain(&change.new_at).map(position).collect();
            if !places.is_empty() {
                writeln!(out, "      {}", places.join(" -> "))?;
            }
            if !change.declared.is_empty() {
                writeln!(out, "      declared as {}", named(&change.declared))?;
            }
            if !change.checks.is_empty() {
                writeln!(out, "      affects {}", named(&change.checks))?;
            }
        }
    }
    let mut checks: Vec<&String> = changes.iter().flat_map(|change| &change.checks).collect();
    checks.sort();
    checks.dedup();
    writeln!(out, "\n{} of places; {} affected", counted(changes.len(), "change"), counted(checks.len(), "check"))
}

fn write_undeclared(undeclared: &[Undeclared], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let heading = format!("Not read by the schema ({})", undeclared.len());
    writeln!(out, "\n{}", painted(&heading, "1", style))?;
    for property in undeclared {
        let kinds = property.kinds.join(" or ");
        let ignored = if property.ignored { ", ignored" } else { "" };
        let at = property.at.as_ref().map(position).unwrap_or_default();
        let (values, objects) = (property.values, property.objects);
        writeln!(out, "  {}: {kinds} in {values} of {objects}{ignored}  {at}", short(&property.place))?;
    }
    Ok(())
}

fn write_lacking(lacking: &[Lacking], style: Style, out: &mut dyn Write) -> io::Result<()> {
    let heading = format!("Read by the schema, and not in the snapshot ({})", lacking.len());
    writeln!(out, "\n{}", painted(&heading, "1", style))?;
    for attribute in lacking {
        let state = if attribute.null { "null" } else { "missing" };
        let optional = if attribute.required { "" } else { ", optional" };
        let (declared, instances) = (plain(&attribute.declared), attribute.instances);
        writeln!(out, "  {}: {declared}, {state} in {instances}{optional}", short(&attribute.place))?;
        if !attribute.checks.is_empty() {
            writeln!(out, "      affects {}", named(&attribute.checks))?;
        }
    }
    Ok(())
}

fn files(names: &[String]) -> String {
    let first = names.first().map(|name| plain(name).into_owned()).unwrap_or_default();
    match names.len() {
        0 | 1 => first,
        all => format!("{first} and {} more", all - 1),
    }
}

fn position(at: &At) -> String {
    format!("{}:{}:{}", plain(&at.file), at.line, at.column)
}

fn named(names: &[String]) -> String {
    let shown: Vec<_> = names.iter().take(NAMED).map(|name| plain(name)).collect();
    let more = names.len() - shown.len();
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn counted(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}
