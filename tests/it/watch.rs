//! Watching: the binary as a child that is told of edits, and the session that redoes only what an edit changed.

use crate::support::{HARBOUR, NOW, POLICIES, SCHEMA, SOUND, command, edited, folder, replaced};
use deodar::check::{Inputs, Options, Session, Work};
use deodar::source::Source;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a screen may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// `deodar check --watch` on the harbour in a folder of its own.
struct Watching {
    child: Child,
    lines: Receiver<String>,
    folder: TempDir,
}

impl Watching {
    fn start() -> Self {
        let folder = folder(&[
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", POLICIES.as_bytes()),
            ("snapshot.json", SOUND.as_bytes()),
        ]);
        let mut child = command(folder.path())
            .args(HARBOUR)
            .arg("--watch")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the binary is built");
        let out = BufReader::new(child.stdout.take().expect("it is piped"));
        let (send, lines) = channel();
        std::thread::spawn(move || out.lines().map_while(Result::ok).try_for_each(|line| send.send(line)));
        Self { child, lines, folder }
    }

    /// Reads screens, each of which ends with its exit line, until one holds all of `marks`.
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
            } else {
                screen += &(line + "\n");
            }
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

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
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
fn while_a_file_does_not_parse_the_last_good_verdict_stays_and_is_called_stale() {
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
        let screen = watching.screen(&[code, STALE, "exit 1"]);
        let (error, last) = screen.split_once(STALE).expect("it is marked");
        assert!(error.contains(code), "the error stands first:\n{screen}");
        assert!(last.contains(&good), "what follows is the last good screen, whole:\n{screen}");
        watching.replace(file, &sound);
        let mended = watching.screen(&["exit 1", "Boat east/Tern"]);
        assert_eq!(mended, good);
    }
}

#[cfg(unix)]
#[test]
fn an_interrupt_ends_it_with_130() {
    let mut watching = Watching::start();
    watching.screen(&[FINE]);
    let interrupt = format!("kill -INT {}", watching.child.id());
    assert!(Command::new("sh").args(["-c", &interrupt]).status().expect("there is a shell").success());
    assert_eq!(watching.child.wait().expect("it ends").code(), Some(130));
}

fn options() -> Options {
    Options::at(deodar::value::parse_datetime(NOW).expect("it is a time"))
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

fn inputs() -> Inputs {
    Inputs {
        pack: "harbour".into(),
        recognised: false,
        schema: source("harbour.cedarschema", SCHEMA),
        policies: vec![source("harbour.cedar", POLICIES)],
        snapshots: vec![source("snapshot.json", SOUND)],
        diagnostics: Vec::new(),
        skipped: 0,
        partial_pack: false,
    }
}

/// Runs once, edits, runs again; returns what the second run did anew, and its exit code.
fn after(edit: impl FnOnce(&mut Inputs, &mut Options)) -> (Work, u8) {
    let (mut session, mut inputs, mut options) = (Session::default(), inputs(), options());
    session.run(&inputs, &options);
    assert_eq!(session.work, Work { schemas: 1, policies: 1, programs: 1, snapshots: 1 });
    edit(&mut inputs, &mut options);
    let code = session.run(&inputs, &options).status().exit_code();
    (session.work, code)
}

#[test]
fn a_second_run_of_the_same_files_does_nothing_anew() {
    assert_eq!(after(|_, _| {}), (Work::default(), 0));
}

#[test]
fn an_edit_of_a_snapshot_parses_no_policy() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        inputs.snapshots = vec![source("snapshot.json", &edited("\"length\": 12", "\"length\": 41"))];
    };
    assert_eq!(after(edit), (Work { snapshots: 1, ..Work::default() }, 1));
}

#[test]
fn one_snapshot_among_several_is_read_alone() {
    let (mut session, mut inputs) = (Session::default(), inputs());
    inputs.snapshots.push(source("other.json", SOUND));
    session.run(&inputs, &options());
    inputs.snapshots[1] = source("other.json", &edited("\"length\": 12", "\"length\": 41"));
    let report = session.run(&inputs, &options());
    assert_eq!(session.work, Work { snapshots: 1, ..Work::default() });
    assert_eq!(report.findings.len(), 1);
    assert_eq!(report.findings[0].snapshot, 1);
}

#[test]
fn an_edit_of_a_policy_that_reads_the_same_reads_no_snapshot_again() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        inputs.policies =
            vec![source("harbour.cedar", &replaced(POLICIES, "<= resource.pier.length", "< resource.pier.length"))];
    };
    assert_eq!(after(edit), (Work { policies: 1, programs: 1, ..Work::default() }, 0));
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
    assert_eq!(after(edit), (Work { policies: 1, programs: 1, snapshots: 1, ..Work::default() }, 0));
}

#[test]
fn an_edit_of_the_schema_parses_no_policy_again() {
    let edit = |inputs: &mut Inputs, _: &mut Options| {
        inputs.schema = source("harbour.cedarschema", &replaced(SCHEMA, "@default(\"2\")", "@default(\"1\")"));
    };
    assert_eq!(after(edit), (Work { schemas: 1, policies: 0, programs: 1, snapshots: 1 }, 1));
}

#[test]
fn another_time_or_parameter_needs_no_file_again() {
    let later = |_: &mut Inputs, options: &mut Options| options.now += 30 * 24 * 60 * 60 * 1000;
    assert_eq!(after(later), (Work::default(), 1));
    let stricter = |_: &mut Inputs, options: &mut Options| options.parameters.push(("max_boats".into(), "1".into()));
    assert_eq!(after(stricter), (Work::default(), 1));
}
