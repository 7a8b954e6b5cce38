//! `deodar config`: the settings of a run with their origins.

use super::output::{Output, to_stderr};
use super::settings::SettingArgs;
use super::{Color, width};
use deodar::configuration::{Effective, EffectiveSetting, Origin};
use deodar::diagnostic::has_errors;
use deodar::project::Loader;
use deodar::render::{Detail, Style, diagnostics, plain};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar config
  deodar config --fail-on high
  deodar config --config ci/deodar.toml --format json

The settings are those of `deodar check` with the same options.";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    settings: SettingArgs,
    /// Set the format of the settings
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    format: Format,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    /// TOML with the origin of each setting as a comment
    #[default]
    Text,
    /// One document
    Json,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let (settings, mistakes) = args.settings.effective(&mut Loader::default());
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    to_stderr(|out| diagnostics::write(&mistakes, &[], style, out));
    if has_errors(&mistakes) {
        return Ok(ExitCode::from(5));
    }
    let mut out = Output::new();
    match args.format {
        Format::Text => write_text(&settings, &mut out)?,
        Format::Json => {
            serde_json::to_writer_pretty(&mut out, &document(&settings))?;
            writeln!(out)?;
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// Writes the settings as TOML, each with its origin.
fn write_text(settings: &Effective, out: &mut dyn Write) -> io::Result<()> {
    match &settings.file {
        Some((path, sha256)) => writeln!(out, "# {}, SHA-256 {sha256}", plain(path))?,
        None => writeln!(out, "# no configuration file")?,
    }
    let listed = settings.listed();
    let lines: Vec<(String, String)> = listed.iter().map(|it| (line(it), origin(it))).collect();
    let widest = lines.iter().map(|(line, _)| line.chars().count()).filter(|width| *width <= 60).max().unwrap_or(0);
    for (line, origin) in lines {
        writeln!(out, "{line:widest$}  # {origin}")?;
    }
    Ok(())
}

/// Returns a setting as TOML. A setting without a value is a comment.
fn line(setting: &EffectiveSetting) -> String {
    let key = match setting.key.split_once('.') {
        Some((table, name)) => format!("{table}.{}", key(name)),
        None => setting.key.clone(),
    };
    match toml(&setting.value) {
        Some(value) => plain(&format!("{key} = {value}")).into_owned(),
        None => plain(&format!("# {key}")).into_owned(),
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'));
    if is_bare { name.to_owned() } else { json!(name).to_string() }
}

/// Returns a value as TOML; `None` if there is none. The strings of JSON are strings of TOML.
fn toml(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Array(items) if items.is_empty() => None,
        Value::Array(items) => Some(format!("[{}]", items.iter().filter_map(toml).collect::<Vec<_>>().join(", "))),
        Value::Object(members) => {
            let members = members.iter().filter_map(|(name, value)| Some(format!("{} = {}", key(name), toml(value)?)));
            Some(format!("{{ {} }}", members.collect::<Vec<_>>().join(", ")))
        }
        other => Some(other.to_string()),
    }
}

fn origin(setting: &EffectiveSetting) -> String {
    let origin = match &setting.origin {
        Origin::Flag => "flag".to_owned(),
        Origin::Default => "default".to_owned(),
        Origin::File(place) => {
            let at = place.source.position(place.span.start);
            format!("{}:{}:{}", place.source.name(), at.line, at.column)
        }
    };
    let weakens = setting.weakens.as_ref().map(|effect| format!(", weakens the gate: {effect}"));
    plain(&(origin + &weakens.unwrap_or_default())).into_owned()
}

fn document(settings: &Effective) -> Value {
    let setting = |it: &EffectiveSetting| {
        let origin = match &it.origin {
            Origin::Flag => json!({ "kind": "flag" }),
            Origin::Default => json!({ "kind": "default" }),
            Origin::File(place) => {
                let at = place.source.position(place.span.start);
                json!({ "kind": "file", "file": place.source.name(), "line": at.line, "column": at.column })
            }
        };
        json!({ "key": it.key, "value": it.value, "origin": origin, "weakens": it.weakens })
    };
    json!({
        "format": "deodar-config",
        "version": "1.0",
        "configuration": settings.file.as_ref().map(|(path, sha256)| json!({ "path": path, "sha256": sha256 })),
        "settings": settings.listed().iter().map(setting).collect::<Vec<_>>(),
    })
}
