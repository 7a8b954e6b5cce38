//! `deodar doc`

use super::inputs::InputFiles;
use super::output::{Output, wrong_usage};
use super::outputs::Target;
use super::pack::PackArgs;
use super::{Color, width};
use deodar::catalogue::{self, Catalogue};
use deodar::project::Loader;
use deodar::render::{Destination, Detail, Style};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const EXAMPLES: &str = "\
Examples:
  deodar doc --output catalogue.md
  deodar doc --schema devices.cedarschema --policies policies";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(flatten)]
    pack: PackArgs,
    /// Write the page to this file; - is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-", help_heading = "Output")]
    output: PathBuf,
    /// Set when to use colour
    #[arg(long, value_enum, default_value_t, help_heading = "Output")]
    color: Color,
}

pub(super) fn run(args: &Args) -> io::Result<ExitCode> {
    let style = Style { width: width(), color: args.color.wanted(), detail: Detail::Normal };
    if let Err(refused) = args.replace_none() {
        return Ok(wrong_usage(&refused));
    }
    let (pack, report) = args.pack.read(style);
    // Half a page would pass for a whole one.
    let sound = report.is_valid();
    let Some(pack) = pack.filter(|_| sound) else { return Ok(ExitCode::from(5)) };
    let catalogue = Catalogue::new(&pack);
    let mut page = Vec::new();
    catalogue::write(&catalogue, &args.command(), &mut page)?;
    if args.output == Path::new("-") {
        let mut out = Output::new();
        out.write_all(&page)?;
        out.flush()?;
    } else {
        let mut out = Target::create(&args.output)?;
        out.write_all(&page)?;
        out.complete()?;
    }
    Ok(ExitCode::from(if catalogue.entries.is_empty() { 3 } else { 0 }))
}

impl Args {
    /// Refuses an output that is also an input.
    ///
    /// # Errors
    /// The message for the user.
    fn replace_none(&self) -> Result<(), String> {
        let (settings, _) = self.pack.effective(self.pack.flags(), &mut Loader::default());
        InputFiles::of_pack(&self.pack, &settings).refuse([self.output.as_path()], "--output")
    }

    /// Returns the command without `--output`, which does not change the page.
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
        if let Some(path) = &self.pack.config {
            add("--config", path.display().to_string());
        }
        words.join(" ")
    }
}

/// Returns a word with the quotes that a shell needs.
fn quoted(word: String) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-' | '+' | ':' | ',' | '@' | '%' | '=');
    if !word.is_empty() && word.chars().all(plain) { word } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
