//! Watching: the binary as a child that notices edits, and the session that repeats only the parts that an edit
//! changed.

use crate::support::{
    HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, edited, folder, replaced, repository,
};
use deodar::check::Recompiled;
use deodar::pack::Compiled;
use deodar::parameters::Setting;
use deodar::project::{Loader, Selection};
use deodar::render::{Detail, FORMATS, Layout, Presentation, Primary, Style};
use deodar::report::Needs;
use deodar::source::Source;
use deodar::{Inputs, Limits, Options, Report, Session};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a screen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// The file that receives the messages of a watch. Its folder is not watched.
const MESSAGES: &str = "messages/of-stderr";

/// A process that is ended with the test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `deodar check --watch` on the harbour in a folder of its own.
struct Watching {
    child: Ended,
    lines: Receiver<String>,
    folder: TempDir,
}

impl Watching {
    fn start() -> Self {
        Self::with(SOUND, &[])
    }

    fn with(snapshot: &str, arguments: &[&str]) -> Self {
        Self::in_columns(80, snapshot, arguments)
    }

    fn in_columns(columns: usize, snapshot: &str, arguments: &[&str]) -> Self {
        let folder = folder(&[
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", POLICIES.as_bytes()),
            ("snapshot.json", snapshot.as_bytes()),
            (MESSAGES, b""),
        ]);
        let messages = std::fs::File::create(folder.path().join(MESSAGES)).expect("it can be written");
        let mut child = command(folder.path())
            .env("COLUMNS", columns.to_string())
            .args(HARBOUR)
            .args(arguments)
            .arg("--watch")
            .stdout(Stdio::piped())
            .stderr(messages)
            .spawn()
            .expect("the binary is built");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child: Ended(child), lines, folder }
    }

    /// Reads screens, each of which ends with its exit line, until one holds all of `marks`. The first line, which has the
    /// time, is left out.
    fn screen(&self, marks: &[&str]) -> String {
        let until = Instant::now() + DEADLINE;
        let mut screen = String::new();
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|error| panic!("{error} waiting for {marks:?}; last seen:\n{screen}"));
            if line.starts_with("  exit ") {
                let whole = std::mem::take(&mut screen) + &line;
                if marks.iter().all(|mark| whole.contains(mark)) {
                    return whole;
                }
            } else if !line.starts_with("── ") {
                screen += &(line + "\n");
            }
        }
    }

    /// Reads lines until one holds `mark`. A screen with an error has no exit line at its end.
    fn until(&self, mark: &str) -> String {
        let until = Instant::now() + DEADLINE;
        let mut text = String::new();
        loop {
            let line = self.lines.recv_timeout(until.saturating_duration_since(Instant::now()));
            text += &line.unwrap_or_else(|error| panic!("{error} waiting for {mark}; last seen:\n{text}"));
            if text.contains(mark) {
                return text;
            }
            text.push('\n');
        }
    }

    /// Reads the messages until those of the last screen are complete and are the expected notes.
    fn notes(&self, expected: &[&str]) {
        let until = Instant::now() + DEADLINE;
        loop {
            let all = std::fs::read_to_string(self.path(MESSAGES)).expect("it is there");
            let last: Vec<&str> = all.split_inclusive("Ctrl-C ends\n").collect();
            let last = last.last().copied().unwrap_or_default();
            let notes: Vec<&str> = last.lines().filter(|line| line.starts_with("note: ")).collect();
            let is_it = notes.len() == expected.len() && notes.iter().zip(expected).all(|(note, it)| note.contains(it));
            if is_it && last.ends_with("Ctrl-C ends\n") {
                return;
            }
            assert!(Instant::now() < until, "waiting for {expected:?} in:\n{all}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Saves as editors do that truncate the file and write it again.
    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("the file can be written");
    }

    /// Saves as editors do that write a second file and rename it over the first.
    fn replace(&self, name: &str, text: &str) {
        let beside = self.path(&format!("{name}.swp"));
        std::fs::write(&beside, text).expect("the file can be written");
        std::fs::rename(beside, self.path(name)).expect("the file can be renamed");
    }
}

const FINE: &str = "  exit 0: ";
const STALE: &str = "stale";

#[test]
fn an_edit_of_a_snapshot_is_judged_anew() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    watching.write("snapshot.json", &edited("\"length\": 12", "\"length\": 41"));
    watching.screen(&["exit 1", "Boat east/Tern", "length is 41"]);
    watching.replace("snapshot.json", SOUND);
    watching.screen(&[FINE]);
    watching.replace("snapshot.json", &edited("\"length\": 12", "\"length\": 42"));
    watching.screen(&["exit 1", "length is 42"]);
}

#[test]
fn an_edit_of_a_policy_is_judged_anew() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    watching
        .write("policies/harbour.cedar", &replaced(POLICIES, "resource.owner.active }", "!resource.owner.active }"));
    watching.screen(&["exit 1", "HB-OWN-01 · critical · fail"]);
    watching.replace("policies/harbour.cedar", POLICIES);
    watching.screen(&[FINE]);
}

#[test]
fn an_edit_of_the_schema_is_judged_anew() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    let strict = replaced(SCHEMA, "@default(\"2\")", "@default(\"1\")");
    watching.write("harbour.cedarschema", &strict);
    watching.screen(&["exit 1", "HB-PIER-01 · medium · fail", "max_boats = 1"]);
    watching.replace("harbour.cedarschema", SCHEMA);
    watching.screen(&[FINE]);
}

/// Returns the report in JSON on a snapshot of the harbour.
fn report_on(snapshot: &str) -> String {
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", snapshot.as_bytes()),
    ];
    let output = command(folder(&files).path()).args(HARBOUR).args(["--format", "json"]).output();
    String::from_utf8(output.expect("the binary is built").stdout).expect("it is UTF-8")
}

#[test]
fn an_edit_of_the_baseline_is_compared_anew() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let watching = Watching::with(&long, &["--baseline", "baseline.json"]);
    // There is no baseline yet.
    watching.until("baseline.json");
    watching.write("baseline.json", &report_on(SOUND));
    watching.screen(&["exit 1", "length is 41"]);
    watching.replace("baseline.json", &report_on(&long));
    watching.until("Z · baseline.json changed");
    watching.screen(&["exit 0: nothing at or above the threshold is new"]);
}

#[test]
fn an_edit_of_a_compressed_baseline_is_compared_anew() {
    let long = edited("\"length\": 12", "\"length\": 41");
    let watching = Watching::with(&long, &["--baseline", "baseline.json.gz"]);
    watching.until("baseline.json.gz");
    for (snapshot, mark) in [
        (SOUND, "length is 41"),
        (&long, "exit 0: nothing at or above the threshold is new"),
        (SOUND, "length is 41"),
        ("", "is not a report"),
    ] {
        let text = if snapshot.is_empty() { String::new() } else { report_on(snapshot) };
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).expect("memory takes everything");
        let packed = packed.finish().expect("memory takes everything");
        std::fs::write(watching.path("baseline.json.gz"), packed).expect("it can be written");
        watching.until(mark);
    }
}

#[test]
fn a_new_policy_file_is_seen() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    let check = "@id(\"HB-NEW-01\") @title(\"New\") @severity(\"low\")\n\
                 forbid (principal, action == Action::\"audit\", resource is Pier);";
    watching.replace("policies/new.cedar", check);
    watching.screen(&["exit 1", "HB-NEW-01 · low · fail"]);
}

#[test]
fn an_error_is_the_last_text_and_the_previous_result_one_stale_line() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    watching.write("snapshot.json", &edited("\"length\": 12", "\"length\": 41"));
    let good = watching.screen(&["exit 1", "Boat east/Tern"]);
    for (file, broken, code) in [
        ("snapshot.json", edited("\"piers\"", "piers"), "snapshot-syntax"),
        (
            "policies/harbour.cedar",
            replaced(POLICIES, "unless { resource.owner", "unless { resource..owner"),
            "policy-syntax",
        ),
        ("harbour.cedarschema", replaced(SCHEMA, "entity Pier", "entty Pier"), "schema-invalid"),
    ] {
        let sound = std::fs::read_to_string(watching.path(file)).expect("it is there");
        watching.replace(file, &broken);
        let screen = watching.until(code);
        let (_, stale) = screen.split_once(STALE).expect("it is there");
        let words: Vec<&str> = stale.split("\n\n").next().unwrap_or_default().split_whitespace().collect();
        assert!(words.join(" ").ends_with("; exit 1: 1 failure at or above low"), "{screen}");
        assert!(!stale.contains(STALE), "once:\n{screen}");
        assert!(!screen.contains("Boat east/Tern"), "only the totals are repeated:\n{screen}");
        watching.replace(file, &sound);
        let mended = watching.screen(&["exit 1", "Boat east/Tern"]);
        assert!(mended.ends_with(good.trim_start()), "{mended}");
    }
}

#[test]
fn the_lines_of_a_watch_fit_the_terminal() {
    let columns = 44;
    let watching = Watching::in_columns(columns, SOUND, &[]);
    let mut lines = watching.screen(&["judged by"]) + "\n";
    watching.write("policies/harbour.cedar", "?");
    lines += &watching.until("policy-syntax");
    assert!(lines.contains("\n── ") && lines.contains(STALE), "{lines}");
    for line in lines.lines() {
        assert!(line.chars().count() <= columns, "{line}\nin\n{lines}");
    }
}

#[test]
fn the_first_line_names_the_file_and_counts_the_changes_of_verdicts() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    watching.replace("snapshot.json", &edited("\"length\": 12", "\"length\": 41"));
    watching.until("Z · snapshot.json changed · 1 new\n");
    watching.write("snapshot.json", "{");
    watching.until("Z · snapshot.json changed\n");
    watching.replace("snapshot.json", SOUND);
    watching.until("Z · snapshot.json changed · 1 fixed or removed\n");
    watching.replace("policies/harbour.cedar", &(POLICIES.to_owned() + "\n"));
    watching.until("Z · policies/harbour.cedar changed · the same verdicts\n");
}

#[test]
fn verdicts_of_checks_that_are_not_run_are_not_fixed() {
    let watching = Watching::with(&edited("\"length\": 12", "\"length\": 41"), &[]);
    watching.screen(&["exit 1"]);
    watching.write("deodar.toml", "skip = [\"*\"]\n");
    watching.until("Z · deodar.toml changed · 1 not judged\n");
    watching.write("deodar.toml", "");
    watching.until("Z · deodar.toml changed · 1 new\n");
    let without = replaced(&edited("\"length\": 12", "\"length\": 41"), "\"boats\": [", "\"other\": [");
    watching.replace("snapshot.json", &without);
    watching.until("1 not judged");
}

#[test]
fn the_report_after_an_error_of_the_first_has_a_first_line() {
    let watching = Watching::with("{", &[]);
    watching.until("snapshot-syntax");
    watching.replace("snapshot.json", SOUND);
    watching.until("Z · snapshot.json changed\n");
}

#[test]
fn an_output_that_becomes_an_input_is_not_written() {
    let watching = Watching::with(SOUND, &["--output", "json=base.json", "--output", "text=new.cedar"]);
    watching.screen(&[FINE]);
    let read = |name: &str| std::fs::read_to_string(watching.path(name)).expect("it is there");
    let before = (read("base.json"), read("new.cedar"));
    watching.write("deodar.toml", "baseline = \"base.json\"\n");
    watching.until("`base.json` is an output and an input of the run");
    watching.replace("snapshot.json", &edited("\"length\": 12", "\"length\": 41"));
    watching.write("deodar.toml", "waivers = [\"new.cedar\"]\n");
    watching.until("`new.cedar` is an output and an input of the run");
    assert_eq!((read("base.json"), read("new.cedar")), before);
    watching.write("deodar.toml", "");
    watching.screen(&["exit 1"]);
    assert!(read("base.json") != before.0 && read("new.cedar") != before.1);
}

#[cfg(unix)]
#[test]
fn every_screen_names_outputs_that_are_not_those_of_the_start() {
    let watching = Watching::with(SOUND, &["--output", "json=report.json"]);
    watching.notes(&[]);
    let refused = "this run is refused";
    for (length, (settings, expected)) in (13..).zip([
        ("", vec![]),
        ("store = \"reports\"", vec![refused]),
        ("store = \"snapshot.json\"", vec![refused]),
        ("fail-on = \"high\"", vec![]),
        ("baseline = \"-\"", vec![refused]),
        ("", vec![]),
    ]) {
        watching.replace("deodar.toml", settings);
        watching.until("Z · deodar.toml");
        watching.notes(&expected);
        // The next screen has the note again.
        watching.replace("snapshot.json", &edited("\"length\": 12", &format!("\"length\": {length}")));
        watching.until("Z · snapshot.json changed");
        watching.notes(&expected);
    }
}

#[test]
fn an_output_that_the_configuration_file_changes_is_named_until_it_is_as_before() {
    let watching = Watching::with(SOUND, &[]);
    watching.notes(&[]);
    for (settings, expected) in [
        ("outputs = [\"html=page.html\"]", vec!["the outputs of the configuration file changed"]),
        ("outputs = [\"html=harbour.cedarschema\"]", vec!["is an input of the run"]),
        ("outputs = [\"html=same\", \"json=same\"]", vec!["two outputs in the file"]),
        ("outputs = [\"html=page.html\"]", vec!["the outputs of the configuration file changed"]),
        ("outputs = 1", vec![]),
        ("", vec![]),
    ] {
        watching.replace("deodar.toml", settings);
        watching.notes(&expected);
    }
    assert!(!watching.path("page.html").exists());
}

#[test]
fn the_root_of_a_repository_that_appears_or_goes_is_another_configuration_file() {
    // Without a root, only the file of the working directory counts.
    let repository = folder(&[("deodar.toml", b"fail-on = \"critical\"")]);
    let long = edited("\"length\": 12", "\"length\": 41");
    let work = repository.path().join("work");
    for (name, text) in
        [("harbour.cedarschema", SCHEMA), ("policies/harbour.cedar", POLICIES), ("snapshot.json", &long)]
    {
        let path = work.join(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("it can be made");
        std::fs::write(path, text).expect("it can be written");
    }
    let root = repository.path().join(".git");
    let report = std::fs::File::create(repository.path().join("report")).expect("it can be made");
    let _child = Ended(
        command(&work)
            .args(HARBOUR)
            .args(["--watch", "--format", "json"])
            .stdout(report)
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary is built"),
    );
    for (is_there, code) in [(false, 1), (true, 0), (false, 1)] {
        match is_there {
            true => std::fs::create_dir(&root).expect("it can be made"),
            false if root.exists() => std::fs::remove_dir(&root).expect("it can be removed"),
            false => {}
        }
        let until = Instant::now() + DEADLINE;
        let last = || documents(&repository.path().join("report")).last().map(|last| last["run"]["exit_code"].clone());
        while last() != Some(code.into()) {
            assert!(Instant::now() < until, "{:?}", last());
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn an_interrupt_ends_it_with_130() {
    let mut watching = Watching::start();
    watching.screen(&[FINE]);
    let interrupt = format!("kill -INT {}", watching.child.0.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().expect("there is a shell").success());
    assert_eq!(watching.child.0.wait().expect("it ends").code(), Some(130));
}

#[test]
fn reading_the_files_all_the_time_stops_no_run() {
    let watching = Watching::start();
    let (path, (stop, stopped)) = (watching.path("snapshot.json"), channel::<()>());
    let reader = std::thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
            std::fs::read(&path).expect("it is there");
        }
    });
    watching.screen(&[FINE]);
    watching.write("snapshot.json", &edited("\"length\": 12", "\"length\": 41"));
    watching.screen(&["exit 1", "length is 41"]);
    drop(stop);
    reader.join().expect("it has read");
}

#[test]
fn events_that_go_on_stop_no_run() {
    let watching = Watching::start();
    let (path, (stop, stopped)) = (watching.path("log.txt"), channel::<()>());
    let writer = std::thread::spawn(move || {
        while stopped.recv_timeout(Duration::from_millis(10)) == Err(RecvTimeoutError::Timeout) {
            std::fs::write(&path, "a line").expect("it can be written");
        }
    });
    watching.screen(&[FINE]);
    watching.write("snapshot.json", &edited("\"length\": 12", "\"length\": 41"));
    watching.screen(&["exit 1", "length is 41"]);
    drop(stop);
    writer.join().expect("it has written");
}

#[test]
fn standard_input_and_devices_cannot_be_watched() {
    let folder = tempfile::tempdir().expect("there is room");
    for (path, reason) in [("-", "standard input cannot be watched"), ("/dev/null", "is not a file or folder")] {
        if path == "-" || cfg!(unix) {
            let output = command(folder.path()).args(["check", path, "--watch"]).output().expect("it runs");
            let run = Run::from(output);
            assert_eq!(run.code, 2, "{run:?}");
            assert!(run.stderr.contains(reason), "{run:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_becomes_a_pipe_is_an_error_until_it_is_a_file_again() {
    let watching = Watching::start();
    watching.screen(&[FINE]);
    let path = watching.path("snapshot.json");
    std::fs::remove_file(&path).expect("it can be removed");
    let made = Command::new("mkfifo").arg(&path).status().expect("there is mkfifo");
    assert!(made.success());
    watching.until("cannot read `snapshot.json`: it is not a regular file");
    watching.replace("snapshot.json", SOUND);
    watching.screen(&[FINE]);
}

#[cfg(unix)]
#[test]
fn a_baseline_that_is_a_pipe_is_refused() {
    let folder = folder(&[("snapshot.json", SOUND.as_bytes())]);
    let path = folder.path().join("base.json");
    let made = Command::new("mkfifo").arg(&path).status().expect("there is mkfifo");
    assert!(made.success());
    let arguments = ["check", "snapshot.json", "--baseline", "base.json", "--watch"];
    let run = Run::from(command(folder.path()).args(arguments).output().expect("it runs"));
    assert_eq!(run.code, 2, "{run:?}");
    assert!(run.stderr.contains("`base.json` is not a file or folder and cannot be watched"), "{run:?}");
}

/// Reads the JSON documents that a growing file holds so far.
fn documents(path: &Path) -> Vec<Value> {
    let bytes = std::fs::read(path).expect("it is there");
    serde_json::Deserializer::from_slice(&bytes).into_iter().map_while(Result::ok).collect()
}

#[test]
fn a_report_in_the_watched_folder_is_no_input_of_its_own_run() {
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("state/snapshot.json", SOUND.as_bytes()),
    ]);
    let (snapshot, path) = (folder.path().join("state/snapshot.json"), folder.path().join("state/report.json"));
    let report = std::fs::File::create(&path).expect("it can be made");
    let arguments = ["check", "state", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    let mut child = Ended(
        command(folder.path())
            .args(arguments)
            .args(["--watch", "--format", "json"])
            .stdout(report)
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary is built"),
    );
    for (at, length) in [12, 41, 13, 42].into_iter().enumerate() {
        if at > 0 {
            let new = snapshot.with_extension("tmp");
            let text = edited("\"length\": 12", &format!("\"length\": {length}"));
            std::fs::write(&new, text).expect("the file can be written");
            std::fs::rename(new, &snapshot).expect("the file can be renamed");
        }
        let until = Instant::now() + DEADLINE;
        let exit_code = i64::from(length > 40);
        while documents(&path).last().is_none_or(|last| last["run"]["exit_code"] != exit_code) {
            assert!(Instant::now() < until, "{length} is not seen: {:?}", documents(&path).last());
            assert!(child.0.try_wait().expect("it can be asked").is_none(), "the watch goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(documents(&path).len(), at + 1, "one report for each edit");
    }
}

#[test]
fn policies_in_the_place_of_the_built_in_pack_are_named_when_they_appear() {
    let clean = std::fs::read(repository().join("examples/clean/snapshot.json")).expect("it is there");
    let folder = folder(&[("clean.json", &clean)]);
    let path = folder.path().join("report.json");
    let report = std::fs::File::create(&path).expect("it can be made");
    let mut child = Ended(
        command(folder.path())
            .args(["check", "clean.json", "--now", NOW, "--watch", "--format", "json"])
            .stdout(report)
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary is built"),
    );
    let policies = folder.path().join("policies/moengage");
    let built_in = repository().join("policies/moengage");
    let names = || std::fs::read_dir(&built_in).expect("it is there").map(|entry| entry.expect("a name").file_name());
    let first = names().min().expect("there are policies");
    for (step, is_there) in [false, true, false, true, false, true].into_iter().enumerate() {
        match step {
            1 => {
                std::fs::create_dir_all(&policies).expect("it can be made");
                std::fs::write(policies.join("mine.cedar"), POLICIES).expect("it can be written");
            }
            // An exact copy of the pack, an edit of it, the copy again, and one policy less.
            2 => {
                std::fs::remove_file(policies.join("mine.cedar")).expect("it can be removed");
                for name in names() {
                    std::fs::copy(built_in.join(&name), policies.join(&name)).expect("it can be copied");
                }
            }
            3 => {
                let text = std::fs::read_to_string(policies.join(&first)).expect("it is there");
                std::fs::write(policies.join(&first), text + "// edited\n").expect("it can be written");
            }
            4 => std::fs::copy(built_in.join(&first), policies.join(&first)).map(drop).expect("it can be copied"),
            5 => std::fs::remove_file(policies.join(&first)).expect("it can be removed"),
            _ => {}
        }
        let named = |report: &Value| {
            let found = report["diagnostics"].as_array().into_iter().flatten();
            found.into_iter().any(|found| found["code"] == "unused-pack")
        };
        let until = Instant::now() + DEADLINE;
        while documents(&path).last().is_none_or(|last| named(last) != is_there) {
            assert!(Instant::now() < until, "{:?}", documents(&path).last());
            assert!(child.0.try_wait().expect("it can be asked").is_none(), "the watch goes on");
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

#[test]
fn files_that_are_written_with_the_same_text_are_the_same_inputs() {
    let folder = folder(&[("a.json", SOUND.as_bytes()), ("b.ndjson", b"{}\n{}\n"), ("c.json", b"\xFF")]);
    let selection = Selection { snapshots: vec![folder.path().to_owned()], ..Selection::default() };
    let mut loader = Loader::default();
    let mut load = || loader.load(&selection, &Limits::default()).expect("there is a pack");
    let inputs = load();
    assert_eq!((inputs.snapshots.len(), inputs.diagnostics.len()), (3, 1));
    for name in ["a.json", "b.ndjson", "c.json"] {
        let path = folder.path().join(name);
        let bytes = std::fs::read(&path).expect("it is there");
        std::fs::remove_file(&path).expect("it can be removed");
        assert!(load() != inputs, "{name} is gone");
        std::fs::write(&path, bytes).expect("it can be written");
        assert!(load() == inputs, "{name} is there again");
    }
}

#[test]
fn a_file_that_is_also_the_output_is_refused() {
    let folder = folder(&[]);
    let report = std::fs::File::create(folder.path().join("report.json")).expect("it can be made");
    let output = command(folder.path()).args(["check", "report.json"]).stdout(report).output().expect("it runs");
    assert_eq!(output.status.code(), Some(5));
    let written = std::fs::read_to_string(folder.path().join("report.json")).expect("it is there");
    assert!(written.contains("own-output"), "{written}");
}

#[test]
fn a_snapshot_that_is_gone_leaves_memory() {
    let folder = folder(&[("state/a.json", SOUND.as_bytes()), ("state/b.ndjson", b"{}\n{}\n")]);
    let selection = Selection { snapshots: vec![folder.path().join("state")], ..Selection::default() };
    let mut loader = Loader::default();
    let mut load = || loader.load(&selection, &Limits::default()).expect("there is a pack").snapshots;
    let first = load();
    let held: Vec<Weak<Source>> = first.iter().map(Arc::downgrade).collect();
    assert_eq!(held.len(), 3);
    let names = |sources: &[Arc<Source>]| sources.iter().map(|source| source.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&first), names(&load()));
    assert!(first.iter().zip(load()).all(|(first, again)| Arc::ptr_eq(first, &again)), "the texts are the same");
    drop(first);
    std::fs::remove_file(folder.path().join("state/a.json")).expect("it is there");
    std::fs::write(folder.path().join("state/b.ndjson"), "{}\n").expect("it can be written");
    load();
    assert_eq!(held.iter().map(|source| source.strong_count() > 0).collect::<Vec<_>>(), [false, true, false]);
}

#[test]
fn hidden_and_editors_files_are_left_out_without_a_word() {
    let files: &[(&str, &[u8])] = &[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("policies/.harbour.cedar.swp", b"x"),
        ("policies/harbour.cedar~", b"x"),
        ("policies/.git/config", b"x"),
        ("state/snapshot.json", SOUND.as_bytes()),
    ];
    let arguments = ["check", "state", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    let arguments = [&arguments[..], &["--format", "json"]].concat();
    let plain = deodar(&[files[0], files[1], files[5]], &arguments);
    let others: &[(&str, &[u8])] = &[
        ("state/.snapshot.json", b"x"),
        ("state/.git/a.json", b"x"),
        ("state/#snapshot.json#", b"x"),
        ("state/snapshot.json~", b"x"),
        ("state/4913", b"x"),
    ];
    let run = deodar(&[files, others].concat(), &arguments);
    assert_eq!(run.code, 0, "{run:?}");
    assert_eq!(run.json(), plain.json());
}

fn options() -> Options {
    Options::at(deodar::value::parse_datetime(NOW).expect("it is a time"))
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

fn inputs() -> Inputs {
    Inputs::new(
        source("harbour.cedarschema", SCHEMA),
        vec![source("harbour.cedar", POLICIES)],
        vec![source("snapshot.json", SOUND)],
    )
}

/// Runs once, edits, runs again; returns what the second run did anew, and its exit code.
fn after(edit: impl FnOnce(&mut Inputs, &mut Options)) -> (Recompiled, u8) {
    let (mut session, mut inputs, mut options) = (Session::default(), inputs(), options());
    session.run(&inputs, &options);
    let compiled = Compiled { schemas: 1, policies: 1, programs: 1 };
    assert_eq!(session.work, Recompiled { compiled, snapshots: 1 });
    edit(&mut inputs, &mut options);
    let code = session.run(&inputs, &options).status().exit_code();
    (session.work, code)
}

#[test]
fn a_second_run_of_the_same_files_does_nothing_anew() {
    assert_eq!(after(|_, _| {}), (Recompiled::default(), 0));
}

#[test]
fn an_edit_of_a_snapshot_parses_no_policy() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        inputs.snapshots = vec![source("snapshot.json", &edited("\"length\": 12", "\"length\": 41"))];
    };
    assert_eq!(after(edit), (Recompiled { snapshots: 1, ..Recompiled::default() }, 1));
}

#[test]
fn one_snapshot_among_several_is_read_alone() {
    let (mut session, mut inputs) = (Session::default(), inputs());
    inputs.snapshots.push(source("other.json", SOUND));
    session.run(&inputs, &options());
    inputs.snapshots[1] = source("other.json", &edited("\"length\": 12", "\"length\": 41"));
    let report = session.run(&inputs, &options());
    assert_eq!(session.work, Recompiled { snapshots: 1, ..Recompiled::default() });
    let numbers: Vec<usize> = report.findings().iter().map(|finding| finding.snapshot).collect();
    assert_eq!(numbers, [1]);
}

#[test]
fn an_edit_of_a_policy_that_reads_the_same_reads_no_snapshot_again() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        inputs.policies =
            vec![source("harbour.cedar", &replaced(POLICIES, "<= resource.pier.length", "< resource.pier.length"))];
    };
    assert_eq!(
        after(edit),
        (Recompiled { compiled: Compiled { schemas: 0, policies: 1, programs: 1 }, snapshots: 0 }, 0)
    );
}

#[test]
fn an_edit_of_a_policy_that_reads_more_reads_the_snapshot_again() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        let more = replaced(
            POLICIES,
            "unless { resource.owner.active }",
            "unless { resource.owner.active && resource.owner.domain == \"anse.example\" }",
        );
        inputs.policies = vec![source("harbour.cedar", &more)];
    };
    assert_eq!(
        after(edit),
        (Recompiled { compiled: Compiled { schemas: 0, policies: 1, programs: 1 }, snapshots: 1 }, 0)
    );
}

#[test]
fn an_edit_of_the_schema_parses_no_policy_again() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        inputs.schema = source("harbour.cedarschema", &replaced(SCHEMA, "@default(\"2\")", "@default(\"1\")"));
    };
    assert_eq!(
        after(edit),
        (Recompiled { compiled: Compiled { schemas: 1, policies: 0, programs: 1 }, snapshots: 1 }, 1)
    );
}

#[test]
fn another_time_or_parameter_needs_no_file_again() {
    let later = |_: &mut Inputs, options: &mut Options| options.now += 30 * 24 * 60 * 60 * 1000;
    assert_eq!(after(later), (Recompiled::default(), 1));
    let setting = Setting::parse("max_boats=1").expect("it is one");
    let stricter = |_: &mut Inputs, options: &mut Options| options.parameters.push(setting.clone());
    assert_eq!(after(stricter), (Recompiled::default(), 1));
}

/// Devices with tags, a status, and a time that should be past.
const DEVICES: &str = r#"
@path("") entity Account = { captured_at: datetime };
@path("/devices/*") @key("id") entity Device in [Account] =
    { @past last_seen: datetime, status: String, managed: Bool } tags String;
type Context = { now: datetime, captured_at: datetime };
action "audit" appliesTo { principal: [Account], resource: [Device], context: Context };
"#;

/// A run at a time on three devices, of which two were seen two and four days after the start of 2027.
fn devices(now: i64, condition: &str) -> (Inputs, Options) {
    let head = r#"@id("D-1") @title("Devices are in use") @severity("high")
        forbid (principal, action == Action::"audit", resource is Device)"#;
    let snapshot = r#"{"captured_at": "2027-01-01T00:00:00Z", "devices": [
        {"id": "a", "last_seen": "2027-01-03T00:00:00Z", "status": "Lost", "managed": true, "tags": {"enviroment": "prod"}},
        {"id": "b", "last_seen": "2027-01-05T00:00:00Z", "status": "used", "managed": false, "tags": {"ownr": "ops"}},
        {"id": "c", "last_seen": "2026-12-30T00:00:00Z", "status": "used", "managed": true, "tags": {}}]}"#;
    let policy = source("devices.cedar", &format!("{head} {condition};"));
    let inputs = Inputs::new(source("d.cedarschema", DEVICES), vec![policy], vec![source("d.json", snapshot)]);
    (inputs, Options { needs: Needs::ALL, ..Options::at(now) })
}

/// Returns a report as JSON.
fn json(report: &Report) -> String {
    let presentation = Presentation {
        style: Style { width: 80, color: false, detail: Detail::Normal },
        most_findings: usize::MAX,
        layout: Layout::Full,
        all: true,
        all_verdicts: true,
        primary: Primary::Snapshot,
        repository: None,
    };
    let format = FORMATS.into_iter().find(|format| format.name == "json").expect("it is one");
    let mut text = Vec::new();
    format.open(&presentation).finish(report, &mut text).expect("memory takes everything");
    String::from_utf8(text).expect("it is UTF-8")
}

#[test]
fn after_any_edit_the_report_of_a_session_is_that_of_a_fresh_one() {
    let of_tag = |tag: &str| format!(r#"when {{ resource.hasTag("{tag}") && resource.getTag("{tag}") == "prod" }}"#);
    let of_word = |word: &str| format!(r#"when {{ resource.status == "{word}" }}"#);
    let conditions = [
        of_tag("owner"),
        of_tag("environment"),
        of_word("lost"),
        of_word("Lost"),
        of_word("seen"),
        "when { resource.managed }".to_owned(),
        r#"unless { context.now.durationSince(resource.last_seen) <= duration("30d") }"#.to_owned(),
    ];
    let day = 24 * 60 * 60 * 1000;
    let start = deodar::value::parse_datetime("2027-01-01T00:00:00Z").expect("it is a time");
    let runs: Vec<(i64, &String)> =
        conditions.iter().flat_map(|condition| [0, 2, 4].map(|days| (start + days * day, condition))).collect();
    let Inputs { schema, snapshots, .. } = devices(start, &conditions[0]).0;
    let fresh: Vec<String> = runs
        .iter()
        .map(|(now, condition)| {
            let (inputs, options) = devices(*now, condition);
            json(&Session::default().run(&inputs, &options))
        })
        .collect();
    let different: BTreeSet<&String> = fresh.iter().collect();
    assert!(different.len() > conditions.len(), "the edits and times matter: {}", different.len());
    for (first, expected) in runs.iter().zip(&fresh) {
        for (second, new) in runs.iter().zip(&fresh) {
            let mut session = Session::default();
            for ((now, condition), expected) in [(first, expected), (second, new)] {
                let (inputs, options) = devices(*now, condition);
                let inputs = Inputs { schema: Arc::clone(&schema), snapshots: snapshots.clone(), ..inputs };
                let report = session.run(&inputs, &options);
                assert_eq!(json(&report), *expected, "{first:?} and {second:?}");
            }
        }
    }
}

#[test]
fn a_snapshot_is_read_again_when_a_time_of_it_is_no_longer_in_the_future() {
    let (mut session, day) = (Session::default(), 24 * 60 * 60 * 1000);
    let start = deodar::value::parse_datetime("2027-01-01T00:00:00Z").expect("it is a time");
    let condition = r#"unless { context.now.durationSince(resource.last_seen) <= duration("30d") }"#;
    let (inputs, options) = devices(start, condition);
    // The two times may be one day after that of the run.
    for (hours, read) in [(0, 1), (23, 0), (24, 1), (71, 0), (72, 1), (240, 0), (48, 1)] {
        let now = start + hours * day / 24;
        session.run(&inputs, &Options { now, ..options.clone() });
        assert_eq!(session.work.snapshots, read, "after {hours} hours");
    }
}
