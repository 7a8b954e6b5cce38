//! `deodar doc`

use super::output::{Output, cannot_write};
use super::pack::PackArgs;
use super::{Color, width};
use deodar::catalogue::{self, Catalogue};
use deodar::render::{Detail, Style};
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    pack: PackArgs,
    /// Write the page to a file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// When to use colour
    #[arg(long, value_enum, default_value_t)]
    color: Color,
}

pub fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    let (parsed, report) = args.pack.read(style);
    // Half a page would pass for a whole one.
    let sound = deodar::check::is_sound(&report);
    let Some((schema, policies)) = parsed.filter(|_| sound) else { return Ok(ExitCode::from(5)) };
    let catalogue = Catalogue::new(&schema, &policies);
    let mut page = Vec::new();
    catalogue::write(&catalogue, &args.command(), &mut page)?;
    match &args.output {
        Some(path) => {
            std::fs::write(path, page).map_err(|error| cannot_write(format_args!("`{}`", path.display()), &error))?
        }
        None => {
            let mut out = Output::new();
            out.write_all(&page)?;
            out.flush()?;
        }
    }
    Ok(ExitCode::from(if catalogue.entries.is_empty() { 3 } else { 0 }))
}

impl Args {
    /// What was typed, without where the page goes: that does not change it.
    fn command(&self) -> String {
        let mut words = vec!["deodar".to_owned(), "doc".to_owned()];
        let mut add = |flag: &str, value: String| words.extend([flag.to_owned(), quoted(value)]);
        if let Some(pack) = &self.pack.pack {
            add("--pack", pack.clone());
        }
        for path in &self.pack.policies {
            add("--policies", path.display().to_string());
        }
        if let Some(path) = &self.pack.schema {
            add("--schema", path.display().to_string());
        }
        words.join(" ")
    }
}

/// Writes a word as a shell reads it.
fn quoted(word: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | ',' | '@' | '%' | '=');
    if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
