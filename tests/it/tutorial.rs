//! The tutorial of `examples/own-pack`: its files are written and its commands are run as a reader would, in order, and
//! what they print is what it says. UPDATE_EXPECT=1 rewrites what it says.

use crate::support::{Run, command, repository};
use expect_test::expect_file;
use std::path::Path;
use tempfile::TempDir;

/// The command that replaces `deodar` if it is not installed.
const CARGO: &str = "cargo run -q -- ";

/// A folder to work in that holds the pack where the repository does.
fn workplace() -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for scratch files");
    for entry in walkdir::WalkDir::new(repository().join("examples/own-pack")) {
        let entry = entry.expect("it can be listed");
        let path = entry.path().strip_prefix(repository()).expect("it lies in the repository");
        let to = folder.path().join(path);
        if entry.file_type().is_dir() {
            std::fs::create_dir_all(to).expect("folders can be made");
        } else {
            std::fs::copy(entry.path(), to).expect("files can be copied");
        }
    }
    folder
}

/// The file that a line names: "`path`:" to be written, "More in `path`:" to be added to.
fn named(line: &str) -> Option<(&str, bool)> {
    let path = line.strip_suffix("`:")?.rsplit_once('`')?.1;
    Some((path, line.starts_with("More in ")))
}

fn write(folder: &Path, (path, more): (&str, bool), text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("folders can be made");
    let before = if more { std::fs::read_to_string(&path).expect("it is there") + "\n" } else { String::new() };
    std::fs::write(path, before + text).expect("files can be written");
}

/// Runs the command of a line, and returns what it prints, without blanks at the ends of lines.
fn printed(folder: &Path, line: &str) -> String {
    let arguments = line.strip_prefix(CARGO).unwrap_or_else(|| panic!("`{line}` does not start with `{CARGO}`"));
    let run: Run = command(folder).args(arguments.split_whitespace()).output().expect("the binary is built").into();
    assert_ne!(run.code, 2, "{line}: {}", run.stderr);
    let lines = run.stdout.trim_end().lines();
    lines.map(|line| format!("{}\n", line.trim_end())).collect()
}

/// The tutorial as it should be: with what its commands print. It has at least `least` of them.
pub fn followed(tutorial: &str, folder: &Path, least: usize) -> String {
    let mut out = String::new();
    let (mut lines, mut last, mut commands) = (tutorial.lines(), "", 0);
    while let Some(line) = lines.next() {
        out += &format!("{line}\n");
        let Some(language) = line.strip_prefix("```") else {
            last = if line.is_empty() { last } else { line };
            continue;
        };
        let inside: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
        if language == "console" {
            for command in inside.iter().filter_map(|line| line.strip_prefix("$ ")) {
                out += &format!("$ {command}\n{}", printed(folder, command));
                commands += 1;
            }
        } else {
            let text: String = inside.iter().map(|line| format!("{line}\n")).collect();
            if let Some(file) = named(last) {
                write(folder, file, &text);
            }
            out += &text;
        }
        out += "```\n";
        last = "";
    }
    assert!(commands >= least, "{commands} commands");
    out
}

#[test]
fn the_tutorial_can_be_followed() {
    let path = repository().join("examples/own-pack/README.md");
    let tutorial = std::fs::read_to_string(path).expect("it is there").replace("\r\n", "\n");
    let folder = workplace();
    expect_file!["../../examples/own-pack/README.md"].assert_eq(&followed(&tutorial, folder.path(), 8));
}

#[test]
fn its_pack_is_sound_and_shows_every_verdict() {
    let folder = workplace();
    let pack = ["--schema", "examples/own-pack/account.cedarschema", "--policies", "examples/own-pack/policies"];
    let test: Run = command(folder.path()).args(["test", "--strict"]).args(pack).output().expect("it runs").into();
    assert_eq!(test.code, 0, "{test:?}");
    let check = ["check", "examples/own-pack/snapshot.json", "--now", "2026-09-01T12:00:00Z", "--format", "json"];
    let judged = |engine| -> Run {
        let arguments = command(folder.path()).args(check).args(pack).args(["--engine", engine]).output();
        arguments.expect("it runs").into()
    };
    let (ours, theirs) = (judged("compiled").json(), judged("reference").json());
    assert_eq!(ours["summary"]["verdicts"], theirs["summary"]["verdicts"]);
    for verdict in ["fail", "pass", "unknown", "not_applicable"] {
        assert!(ours["summary"]["verdicts"][verdict].as_u64() > Some(0), "the snapshot shows {verdict}");
    }
}
