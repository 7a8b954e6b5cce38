//! Outputs: several of one run are what each of them is alone.

use crate::support::{self, NOW as TIME, POLICIES, SCHEMA, SOUND, edited, folder, repository};
use deodar::check::{SnapshotInput, SnapshotInputs};
use deodar::render::{Detail, FORMATS, Format, Layout, Outputs, Presentation, Style};
use deodar::report::{Evidence, Needs};
use deodar::source::Source;
use deodar::{Inputs, Options, Session};
use std::sync::Arc;

/// The time of every run.
const NOW: i64 = 1_788_220_800_000;

struct Fleet(std::vec::IntoIter<SnapshotInput>);

impl Iterator for Fleet {
    type Item = SnapshotInput;

    fn next(&mut self) -> Option<SnapshotInput> {
        self.0.next()
    }
}

impl SnapshotInputs for Fleet {}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("it is small")
}

/// Harbours with many long boats, and with many owners that are not in the snapshot.
fn fleet() -> Fleet {
    let boat = |at: usize, owner: &str, length: usize| {
        format!(r#"{{"name": "b{at}", "owner": "{owner}", "length": {length}, "light": "red"}},"#)
    };
    let with = |boats: String| edited("{ \"name\": \"Wren\"", &format!("{boats}{{ \"name\": \"Wren\""));
    let long: String = (0..8).map(|at| boat(at, "bo@anse.example", 41)).collect();
    let lost: String = (0..40).map(|at| boat(at, &format!("x{at}"), 1)).collect();
    // Names that are not in order: files are sorted at the end of a run.
    let accounts = [("d", with(lost.clone())), ("a", with(long.clone())), ("c", with(lost)), ("b", with(long))];
    let sound = [("e", SOUND.to_owned()), ("f", "{".to_owned())];
    let deliver = |(name, text): (&str, String)| SnapshotInput::new(name.to_owned(), Ok(source(name, &text)));
    Fleet(accounts.into_iter().chain(sound).map(deliver).collect::<Vec<_>>().into_iter())
}

/// Returns the texts that some outputs write together in one run of the fleet, and their messages for people.
fn written(outputs: &[(Format, Presentation)]) -> (Vec<String>, String) {
    let inputs =
        Inputs::new(source("harbour.cedarschema", SCHEMA), vec![source("harbour.cedar", POLICIES)], Vec::new());
    let mut texts = vec![Vec::new(); outputs.len()];
    let opened = outputs.iter().zip(&mut texts);
    let mut together =
        opened.fold(Outputs::default(), |all, ((format, presentation), text)| all.and(format.open(presentation), text));
    let options = Options { needs: together.needs(), ..Options::at(NOW) };
    let report = Session::default()
        .stream(&inputs, &mut fleet(), &options, &mut |report, accounts| together.accounts(report, accounts))
        .expect("memory takes everything");
    together.finish(&report).expect("memory takes everything");
    let mut aside = Vec::new();
    together.aside(&report, &mut aside).expect("memory takes everything");
    drop(together);
    let text = |bytes| String::from_utf8(bytes).expect("outputs are UTF-8");
    (texts.into_iter().map(text).collect(), text(aside))
}

#[test]
fn an_output_does_not_depend_on_the_other_outputs_of_the_run() {
    let presentation = |detail, most_findings| Presentation {
        style: Style { width: 80, color: false, detail },
        most_findings,
        layout: Layout::Full,
        all: false,
        all_verdicts: false,
        primary: deodar::render::Primary::Snapshot,
        repository: None,
    };
    let presentations = [
        presentation(Detail::Quiet, 0),
        presentation(Detail::Normal, 3),
        presentation(Detail::Normal, 60),
        presentation(Detail::Verbose, 10),
        Presentation { layout: Layout::Auto, ..presentation(Detail::Normal, 3) },
    ];
    let all: Vec<(Format, Presentation)> =
        presentations.iter().flat_map(|presentation| FORMATS.map(|format| (format, presentation.clone()))).collect();
    let (together, aside) = written(&all);
    let mut asides = String::new();
    for (output, together) in all.iter().zip(&together) {
        let (alone, aside) = written(std::slice::from_ref(output));
        assert!(alone[0] == *together, "{} {:?}\n{}\n---\n{together}", output.0.name, output.1, alone[0]);
        asides.push_str(&aside);
    }
    assert_eq!(aside, asides);
    // The fleet is one in which caps matter.
    let text = |at: usize| &together[at * FORMATS.len()];
    assert!(text(1).contains("and 30 more errors of the kind snapshot-reference"), "{}", text(1));
    assert!(text(1).contains("and 13 more failures of HB-LEN-01"), "{}", text(1));
    assert!(text(2).contains("and 20 more errors of the kind snapshot-reference"), "{}", text(2));
}

#[test]
fn what_is_enough_for_two_outputs_is_enough_for_each() {
    let some = Needs { findings: Evidence::AtMost(3), diagnostics: Evidence::All, ..Needs::NOTHING };
    let others = Needs { findings: Evidence::AtMost(9), of_account: Evidence::AtMost(1), ..Needs::NOTHING };
    let both = Needs { diagnostics: Evidence::All, ..others };
    assert_eq!(some.max(others), both);
    assert_eq!(others.max(some), both);
    assert_eq!(some.max(Needs::ALL), Needs::ALL);
    assert_eq!(Evidence::None.max(Evidence::AtMost(0)).max(Evidence::All), Evidence::All);
}

#[test]
fn every_format_has_a_file_of_its_own() {
    for format in FORMATS {
        let file = repository().join(format!("src/render/{}.rs", format.name));
        assert!(file.is_file(), "{}", file.display());
    }
}

/// Runs a check of a folder of snapshots, with an output.
fn check(at: &std::path::Path, output: Option<&str>) -> (i32, String) {
    let arguments = ["check", "snapshots", "--schema", "s.cedarschema", "--policies", "p.cedar", "--now", TIME];
    let output = output.map(|output| ["--output", output]);
    let run = support::command(at).args(arguments).args(output.iter().flatten()).output().expect("the binary is built");
    (run.status.code().expect("it ends"), String::from_utf8(run.stderr).expect("UTF-8"))
}

#[test]
fn the_next_run_takes_no_output_for_a_snapshot() {
    const LONG: &str = r#"{"name": "long", "owner": "bo@anse.example", "length": 41, "light": "red"},"#;
    let snapshots = folder(&[
        ("s.cedarschema", SCHEMA.as_bytes()),
        ("p.cedar", POLICIES.as_bytes()),
        ("snapshots/a.json", edited("{ \"name\": \"Wren\"", &format!("{LONG}{{ \"name\": \"Wren\"")).as_bytes()),
    ]);
    let alone = check(snapshots.path(), None).0;
    assert_eq!(alone, 1);
    for format in FORMATS {
        let mut written = Vec::new();
        for ending in ["json", "jsonc", "JSON.gz", "ndjson", "jsonl", "yaml", "yml", "toml", "txt"] {
            let file = format!("snapshots/out.{ending}");
            let (code, message) = check(snapshots.path(), Some(&format!("{}={file}", format.name)));
            let path = snapshots.path().join(&file);
            assert_eq!((code, path.exists()), if path.exists() { (alone, true) } else { (2, false) }, "{message}");
            let refused =
                format!("error: the next run would read `{file}` as a snapshot: write {} to another", format.name);
            assert!(path.exists() || message.starts_with(&refused), "{message}");
            assert_eq!(check(snapshots.path(), None).0, alone, "{file} in {}", format.name);
            if path.exists() {
                std::fs::remove_file(path).expect("it is there");
                written.push(ending);
            }
        }
        let expected = match format.name {
            "json" | "sarif" | "gitlab" | "csv" => &["json", "jsonc", "JSON.gz", "txt"][..],
            "ndjson" | "ocsf" => &["json", "jsonc", "JSON.gz", "ndjson", "jsonl", "txt"],
            _ => &["txt"],
        };
        assert_eq!(written, expected, "{}", format.name);
    }
    // A search does not visit hidden files and folders, nor other folders.
    std::fs::create_dir_all(snapshots.path().join("snapshots/.out")).expect("a new folder");
    for file in
        ["out.json", "snapshots/.out/out.json", "snapshots/.out.json", "snapshots/../other.json", "snapshots/out.json~"]
    {
        assert_eq!(check(snapshots.path(), Some(&format!("text={file}"))).0, alone, "{file}");
    }
    assert_eq!(check(snapshots.path(), None).0, alone);
}
