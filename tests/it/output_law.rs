//! The law over all outputs: every finding of the run is in every output, or the output states how many it omits. No
//! output contains a secret, depends on the number of threads, or differs from that of the saved report.

use crate::support::{NOW, POLICIES, SCHEMA, SOUND, command, edited, folder, replaced, repository};
use deodar::render::document::{Saved, merged};
use deodar::render::{FORMATS, Format};
use deodar::source::Source;
use serde_json::Value;
use std::path::Path;
use tempfile::TempDir;

/// How an output refers to findings.
enum Shown {
    /// By their fingerprints: all of them.
    All,
    /// By their fingerprints; the text before the number of the omitted ones, and the text after it.
    Omits(&'static str, &'static str),
    /// By check and resource, for people.
    Names,
}

/// How each format refers to findings. A new format has a line here.
const SHOWN: [(&str, Shown); 11] = [
    ("text", Shown::Names),
    ("json", Shown::All),
    ("ndjson", Shown::All),
    ("junit", Shown::All),
    ("markdown", Shown::Omits("\n**", " of ")),
    ("html", Shown::All),
    ("csv", Shown::All),
    ("sarif", Shown::All),
    ("github", Shown::All),
    ("gitlab", Shown::All),
    ("ocsf", Shown::All),
];

/// A secret of the snapshots.
const SECRET: &str = "HUSH-771357";

/// Texts that are markup, a command or a formula in some format.
const HOSTILE: [&str; 14] = [
    "<script>alert(1)</script>",
    "]]>",
    "&amp;",
    "::error file=a::b",
    "| a | b |",
    "`x` **b** _i_ [l](https://evil.example) ![p](x)",
    "=HYPERLINK(1)",
    "+1",
    "@team #1",
    "\\u001b[31m\\u0000\\u0007",
    "\\u202eevil\\u2066",
    "\\r\\n::set-output::",
    "a,b\\\";c",
    "</details></testsuite>",
];

/// A harbour whose boats have hostile names, and fail, or are unknown.
pub fn hostile() -> String {
    let boat = |(at, name): (usize, &&str)| {
        let length = if at % 3 == 0 { "" } else { "\"length\": 41, " };
        format!(r#"{{ "name": "{name}", "owner": "ada@anse.example", {length}"light": "red", "pin": "{SECRET}" }}, "#)
    };
    let boats: String = HOSTILE.iter().enumerate().map(boat).collect();
    let text = edited("{ \"name\": \"Tern\"", &format!("{boats}{{ \"name\": \"Tern\""));
    replaced(&replaced(&text, "\"Anse\"", "\"=Anse <b>|`\""), "7091", SECRET)
}

/// Harbours on one line each, one of them broken, in an order that is not that of any name.
fn fleet() -> String {
    let line = |text: &str| format!("{}\n", serde_json::from_str::<Value>(text).expect("it is JSON"));
    let named = |name: &str, text: &str| line(&replaced(text, "Anse", name));
    let long = edited("\"length\": 12", "\"length\": 41");
    let lost = edited("\"owner\": \"bo@anse.example\"", "\"owner\": \"zoe@anse.example\"");
    let part = edited("\"length\": 12, ", "");
    let accounts: String = (0..4)
        .map(|at| {
            let texts = [&long, &lost, &part, SOUND];
            texts.map(|text| named(&format!("H{}", 9 - at), text)).concat()
        })
        .collect();
    format!("{accounts}{{\"name\": \n{}", line(&hostile()))
}

/// A run: its files, and the arguments after `check`.
struct Case {
    name: &'static str,
    folder: Option<TempDir>,
    arguments: Vec<String>,
}

impl Case {
    fn at(&self) -> &Path {
        self.folder.as_ref().map_or(repository(), TempDir::path)
    }
}

/// Waivers with hostile texts: of some boats, of boats with unknown lengths, over-broad, unused and expired.
fn waivers() -> String {
    let waiver = |(at, (more, rest)): (usize, (&str, &str))| {
        let reason: String = HOSTILE.iter().map(|text| text.replace("\\\"", "\"")).collect();
        let reason = format!("{:?}", format!("{reason}\n\u{1b}[31m\u{202e}"));
        format!(
            "@id(\"W-{at}|<b>\") @waives(\"HB-LEN-01\") @reason({reason}) @owner(\"=ada\") @ticket(\"@team #1\") {more}
             permit (principal, action == Action::\"audit\", resource is Boat) {rest};\n"
        )
    };
    let [later, past] = ["@expires(\"2026-12-31\")", "@expires(\"2026-08-31\")"];
    let unknown = format!("{later} @unknown_too");
    let all = [
        (later, "when { resource.name like \"*script*\" && resource.length == 41 }"),
        (&unknown, "when { resource.name like \"*]]>*\" || resource.name == \"Tern\" }"),
        (later, "when { resource.length == 41 && resource.name like \"*a*\" }"),
        (later, "when { resource.length == 999 }"),
        (past, "when { true }"),
    ];
    all.into_iter().enumerate().map(waiver).collect()
}

/// A run of the fleet with waivers.
fn waived(name: &'static str, more: &[&str]) -> Case {
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes().to_vec()),
        ("policies/harbour.cedar", POLICIES.as_bytes().to_vec()),
        ("fleet.ndjson", fleet().into_bytes()),
        ("waivers/boats.cedar", waivers().into_bytes()),
    ];
    let files = files.each_ref().map(|(name, content)| (*name, content.as_slice()));
    let pack = ["fleet.ndjson", "--schema", "harbour.cedarschema", "--policies", "policies", "--waivers", "waivers"];
    let arguments = pack.iter().chain(more).map(|argument| (*argument).to_owned()).collect();
    Case { name, folder: Some(folder(&files)), arguments }
}

fn cases() -> Vec<Case> {
    let example =
        |name: &'static str| Case { name, folder: None, arguments: vec![format!("examples/{name}/snapshot.json")] };
    let harbour = |name: &'static str, file: &str, text: String, more: &[&str]| {
        let files = [
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", POLICIES.as_bytes()),
            (file, text.as_bytes()),
        ];
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies"];
        let arguments = [file].iter().chain(&pack).chain(more).map(|argument| (*argument).to_owned()).collect();
        Case { name, folder: Some(folder(&files)), arguments }
    };
    let crowded = {
        let boat = |at: usize| {
            format!(
                r#"{{ "name": "a boat with a name, number {at}", "owner": "bo@anse.example", "length": 41, "light": "red" }}, "#
            )
        };
        let boats: String = (0..400).map(boat).collect();
        edited("{ \"name\": \"Tern\"", &format!("{boats}{{ \"name\": \"Tern\""))
    };
    let mut cases: Vec<Case> = ["acme", "clean", "half-captured", "small"].map(example).into();
    cases.push(harbour("hostile", "snapshot.json", hostile(), &[]));
    cases.push(harbour("hostile, all", "snapshot.json", hostile(), &["--verbose"]));
    cases.push(harbour("fleet", "fleet.ndjson", fleet(), &[]));
    cases.push(harbour("every verdict", "fleet.ndjson", fleet(), &["--verdicts", "all"]));
    cases.push(harbour("selected", "fleet.ndjson", fleet(), &["--only", "HB-LEN-*", "--allow-unknown"]));
    cases.push(waived("waived", &[]));
    cases.push(waived("not waived", &["--no-waivers"]));
    cases.push(harbour("invalid", "snapshot.json", "{".to_owned(), &[]));
    cases.push(harbour("large", "snapshot.json", crowded, &[]));
    cases
}

/// Runs a case with every output written to a folder, and returns the exit code and the texts by format.
fn written(case: &Case, threads: &str) -> (TempDir, i32, Vec<(&'static str, String)>) {
    let out = folder(&[]);
    let mut run = command(case.at());
    run.arg("check").args(&case.arguments).args(["--now", NOW, "--threads", threads]);
    let path = |name: &str| out.path().join(name);
    run.args(FORMATS.map(|format| format!("--output={}={}", format.name, path(format.name).display())));
    let code = run.output().expect("the binary is built").status.code().expect("it ends");
    let read = |name: &str| std::fs::read_to_string(path(name)).expect("every output is written");
    let texts = FORMATS.map(|format| (format.name, read(format.name))).into();
    (out, code, texts)
}

/// Returns the fingerprints of a report.
fn fingerprints(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("findings");
    findings.iter().map(|found| found["fingerprint"].as_str().expect("a text").to_owned()).collect()
}

/// Returns the number that an output states between two texts; 0 if it does not.
fn stated(text: &str, before: &str, after: &str) -> usize {
    let numbers = text.split(before).skip(1).filter_map(|rest| rest.split(after).next()?.parse::<usize>().ok());
    numbers.sum()
}

#[test]
fn every_finding_is_in_every_output_or_is_counted_as_omitted() {
    let names: Vec<&str> = SHOWN.iter().map(|(name, _)| *name).collect();
    assert_eq!(names, FORMATS.map(|format| format.name), "every format has a line in the table");
    let (mut some, mut omissions) = (0, 0);
    for case in cases() {
        let (_, code, texts) = written(&case, "4");
        let report: Value = serde_json::from_str(&texts[1].1).expect("it is JSON");
        assert_eq!(report["run"]["exit_code"], code, "{}", case.name);
        let fingerprints = fingerprints(&report);
        some += fingerprints.len();
        for ((format, text), (_, shown)) in texts.iter().zip(&SHOWN) {
            let lacking = fingerprints.iter().filter(|fingerprint| !text.contains(fingerprint.as_str())).count();
            let omitted = match shown {
                Shown::All => 0,
                Shown::Omits(before, after) => stated(text, before, after),
                Shown::Names => lacking,
            };
            assert_eq!(lacking, omitted, "{format} of {}\n{text}", case.name);
            omissions += omitted;
            assert!(!text.contains(SECRET), "{format} of {} has a secret", case.name);
            let is_raw = |c: char| match c {
                '\u{1b}' | '\0' | '\u{7}' => true,
                // Programs that read JSON do not show it.
                '\u{202e}' | '\u{2066}' => !text.starts_with(['{', '[']),
                _ => false,
            };
            assert!(!text.contains(is_raw), "{format} of {} has a control character", case.name);
        }
    }
    assert!(some > 500 && omissions > 0, "{some} {omissions}");
}

#[test]
fn outputs_do_not_depend_on_the_number_of_threads_and_saved_reports_give_the_same() {
    for case in cases() {
        let (out, code, texts) = written(&case, "4");
        let (_, _, by_one) = written(&case, "1");
        for ((format, text), (_, other)) in texts.iter().zip(&by_one) {
            assert!(text == other, "{format} of {} with 1 thread\n{other}\nwith 4\n{text}", case.name);
        }
        for saved in ["json", "ndjson"] {
            // Text of a run has excerpts of the files, which a saved report does not contain.
            let is_same = |format: &Format| format.saved.is_some() && format.name != "text";
            for (format, expected) in FORMATS.iter().zip(&texts).filter(|(format, _)| is_same(format)) {
                let mut run = command(case.at());
                run.arg("render").arg(out.path().join(saved)).args(["--output", format.name]);
                let run = run.output().expect("the binary is built");
                let text = String::from_utf8(run.stdout).expect("it is UTF-8");
                let said = String::from_utf8_lossy(&run.stderr);
                assert_eq!(run.status.code(), Some(code), "{} of {} from {saved}: {said}", format.name, case.name);
                assert!(
                    text == expected.1,
                    "{} of {} from {saved}\n{}",
                    format.name,
                    case.name,
                    first_difference(&text, &expected.1)
                );
            }
        }
    }
}

/// Returns the first lines in which two texts differ.
fn first_difference(a: &str, b: &str) -> String {
    let pair = a.lines().zip(b.lines()).enumerate().find(|(_, (a, b))| a != b);
    pair.map_or_else(|| "one is longer".to_owned(), |(at, (a, b))| format!("line {}:\n{a}\n{b}", at + 1))
}

#[test]
fn lines_that_end_before_the_run_are_an_error() {
    let case = cases().into_iter().find(|case| case.name == "fleet").expect("there is a fleet");
    let (_, _, texts) = written(&case, "4");
    let text = &texts[2].1;
    let read = |text: &str| {
        let source = Source::new("saved.ndjson", text).expect("it is small");
        let saved = Saved::read(&source).map_err(|error| error.message)?;
        merged(saved.into_iter().map(|saved| (String::new(), saved)).collect()).map_err(|error| error.message)
    };
    let whole = read(text).expect("it is complete");
    let ends = text.match_indices('\n').flat_map(|(at, _)| [at.saturating_sub(1), at, at + 1]);
    let ends = ends.chain((0..text.len()).step_by(1999)).filter(|end| text.is_char_boundary(*end));
    for end in ends {
        match read(&text[..end]) {
            Ok(document) => assert_eq!((document, end + 1 >= text.len()), (whole.clone(), true), "cut at {end}"),
            Err(message) => assert!(!message.is_empty()),
        }
    }
    let without_an_account = text.split_once('\n').expect("there are lines").1;
    assert!(read(without_an_account).is_err());
}
