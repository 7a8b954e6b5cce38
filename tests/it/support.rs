//! The built binary in a temporary folder, and a small pack of an invented account: a harbour with piers and boats.

use deodar::render::Style;
use deodar::{Format, Inputs, Presentation, Report, Source};
use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The time of all runs.
pub const NOW: &str = "2026-09-01T12:00:00Z";

/// The result of a run of the binary.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Run {
    /// Returns standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// Returns the lines of NDJSON about accounts: all but the last one, which is about the run.
    pub fn accounts(&self) -> Vec<Value> {
        let line = |line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error} in {self:?}"));
        let mut lines: Vec<Value> = self.stdout.lines().map(line).collect();
        assert_eq!(lines.pop().expect("a run has a last line")["format"], "deodar-run");
        lines
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("Deodar writes UTF-8");
        let code = output.status.code().expect("Deodar ends by itself");
        Self { stdout: text(output.stdout), stderr: text(output.stderr), code }
    }
}

/// Returns the command that runs the binary in a folder, without the environment of the tests.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deodar"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// Runs the binary in a new folder with `files`.
pub fn deodar(files: &[(&str, &[u8])], arguments: &[&str]) -> Run {
    deodar_with_input(files, arguments, b"")
}

/// Runs the binary in a fresh folder with `files`, and `input` on standard input.
pub fn deodar_with_input(files: &[(&str, &[u8])], arguments: &[&str], input: &[u8]) -> Run {
    let folder = folder(files);
    let mut child = command(folder.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary is built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A run that needs no input may end before it is written.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it runs").into()
}

/// Returns the inputs of a run in this process: a schema, policies and snapshots by name and text.
pub fn in_memory(schema: (&str, &str), policies: &[(&str, &str)], snapshots: &[(&str, &str)]) -> Inputs {
    let source = |(name, text): &(&str, &str)| Source::new(*name, *text).expect("a small text");
    Inputs::new(source(&schema), policies.iter().map(source).collect(), snapshots.iter().map(source).collect())
}

/// Returns a new folder with `files`.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for scratch files");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("folders can be made");
        std::fs::write(path, content).expect("files can be written");
    }
    folder
}

/// Returns the root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Arguments that judge `snapshot.json` by the harbour pack.
pub const HARBOUR: [&str; 8] =
    ["check", "snapshot.json", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];

/// The schema of the harbour.
pub const SCHEMA: &str = include_str!("../data/harbour/harbour.cedarschema");

/// The policies of the harbour.
pub const POLICIES: &str = include_str!("../data/harbour/policies/harbour.cedar");

/// A harbour in which every check passes.
pub const SOUND: &str = include_str!("../data/harbour/snapshot.json");

/// Returns the valid harbour after one replacement of `from`, which it must contain.
pub fn edited(from: &str, to: &str) -> String {
    replaced(SOUND, from, to)
}

/// Returns a text after one replacement of `from`, which it must contain.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "it contains {from}");
    text.replacen(from, to, 1)
}

/// Judges a snapshot by the harbour pack.
pub fn harbour(snapshot: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    harbour_by(SCHEMA, POLICIES, snapshot, arguments)
}

/// Judges a snapshot by a schema and one file of policies.
pub fn harbour_by(schema: &str, policies: &str, snapshot: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    let files = [
        ("harbour.cedarschema", schema.as_bytes()),
        ("policies/harbour.cedar", policies.as_bytes()),
        ("snapshot.json", snapshot.as_ref()),
    ];
    deodar(&files, &[&HARBOUR, arguments].concat())
}

/// Returns a report as a format writes it.
pub fn written(report: &Report, format: &str, style: Style) -> String {
    let format = Format::of_name(format).expect("it is a format");
    let presentation = Presentation { style, ..Presentation::default() };
    let mut out = Vec::new();
    format.open(&presentation).finish(report, &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("Deodar writes UTF-8")
}
