//! Outputs for platforms: SARIF, annotations of GitHub, Code Quality of GitLab.

use crate::support::{HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, edited, folder, repository};
use deodar::engine::Verdict;
use deodar::policy::CheckSeverity;
use deodar::render::document::{Document, Saved};
use deodar::{Format, Presentation, Source};
use jsonschema::Validator;
use serde_json::{Value, json};
use serde_sarif::sarif::Sarif;
use std::collections::BTreeMap;
use std::sync::OnceLock;

const EXAMPLES: [&str; 4] = ["acme", "clean", "half-captured", "small"];

/// Text that is a command, a link, markup or a control character somewhere.
const HOSTILE: &str = "::error::x %0A\n::set-env name=a::b\r##[add-mask]c [d](1) <script>alert(1)</script> | `e` \\ \u{1b}[31m \u{202e}f, g: h ]]> =1+1";

/// Returns the example's report in a format.
fn example(name: &str, format: &str) -> Run {
    let snapshot = format!("examples/{name}/snapshot.json");
    let arguments = ["check", &snapshot, "--now", NOW, "--format", format, "--verbose"];
    command(repository()).args(arguments).output().expect("the binary is built").into()
}

/// Returns the validator of the official schema, which is compiled once for all tests.
fn validator() -> &'static Validator {
    static VALIDATOR: OnceLock<Validator> = OnceLock::new();
    VALIDATOR.get_or_init(|| {
        let text = include_str!("../data/sarif/sarif-2.1.0.schema.json");
        // Two patterns have a bracket that JavaScript accepts without an escape.
        let text = text.replace("{2}]?$", "{2}\\\\]?$");
        let schema: Value = serde_json::from_str(&text).expect("it is JSON");
        jsonschema::draft7::options().should_validate_formats(true).build(&schema).expect("it is a schema")
    })
}

/// Holds SARIF to the official schema and to the types of `serde-sarif`. Returns its run.
#[track_caller]
fn holds(sarif: &str) -> Value {
    let log: Value = serde_json::from_str(sarif).expect("it is JSON");
    let errors: Vec<String> =
        validator().iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(errors.is_empty(), "{}\n{log:#}", errors.join("\n"));
    let typed: Sarif = serde_json::from_str(sarif).expect("it is SARIF");
    assert_eq!(serde_json::to_value(&typed).expect("it is data"), log);
    log["runs"][0].clone()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// Returns the harbour with a long boat that has a name, judged in a format.
fn harbour_with_boat(name: &str, format: &str) -> Run {
    let boat = json!({ "name": name, "owner": "bo@anse.example", "length": 41, "light": "red" });
    let snapshot = edited("{ \"name\": \"Wren\"", &format!("{boat}, {{ \"name\": \"Wren\""));
    harbour(&snapshot, POLICIES, &["--format", format])
}

fn harbour(snapshot: &str, policies: &str, arguments: &[&str]) -> Run {
    crate::support::harbour_by(SCHEMA, policies, snapshot, arguments)
}

/// Returns a document with that many findings, of all severities, with different fingerprints. The last are the worst.
fn document(count: usize) -> Document<'static> {
    let text = std::fs::read_to_string(repository().join("examples/acme/expected.json")).expect("it is there");
    let source = Source::new("expected.json", text).expect("it is small");
    let saved = Saved::read(&source).expect("it is a report").pop().expect("there is one");
    let Saved::Run(mut document) = saved else { panic!("it is the report of a run") };
    let first = document.findings[0].clone();
    let finding = |at: usize| {
        let mut finding = first.clone();
        finding.fingerprint = format!("{at:032x}").into();
        finding.severity = CheckSeverity::ALL[at * CheckSeverity::ALL.len() / count];
        finding.verdict = if at.is_multiple_of(7) { Verdict::Unknown } else { Verdict::Fail };
        finding
    };
    document.findings = (0..count).map(finding).collect();
    *document
}

/// Returns a document in a format.
fn rendered(document: &Document<'_>, format: &str) -> String {
    let write = Format::of_name(format).and_then(|format| format.saved).expect("it is a format of documents");
    let mut out = Vec::new();
    write(document, &Presentation::default(), &mut out).expect("memory takes everything");
    String::from_utf8(out).expect("Deodar writes UTF-8")
}

#[test]
fn sarif_has_a_result_for_every_finding_and_is_valid() {
    for name in EXAMPLES {
        let report = example(name, "json").json();
        let written = example(name, "sarif");
        assert_eq!(report["run"]["exit_code"], written.code);
        let run = holds(&written.stdout);
        let findings = list(&report["findings"]);
        let results = list(&run["results"]);
        assert_eq!(results.len(), findings.len());
        for (finding, result) in findings.iter().zip(results) {
            let fingerprint = finding["fingerprint"].as_str().expect("a text");
            let fingerprints = &result["partialFingerprints"];
            assert_eq!(fingerprints["deodarFingerprint/v1"], fingerprint);
            assert_eq!(fingerprints["primaryLocationLineHash"], format!("{fingerprint}:1"));
            let rule = &run["tool"]["driver"]["rules"][result["ruleIndex"].as_u64().expect("a number") as usize];
            assert_eq!((&rule["id"], &result["ruleId"]), (&finding["check"], &finding["check"]));
            let expected = match finding["verdict"].as_str() {
                Some("fail") => ("fail", rule["defaultConfiguration"]["level"].as_str().unwrap_or("none")),
                Some("unknown") => ("open", "none"),
                Some("not_applicable") => ("notApplicable", "none"),
                other => panic!("{other:?} is not in the examples"),
            };
            assert_eq!((result["kind"].as_str(), result["level"].as_str()), (Some(expected.0), Some(expected.1)));
            assert_eq!(list(&result["relatedLocations"]).len(), list(&finding["clauses"]).len());
            let message = result["message"]["text"].as_str().expect("a text");
            assert!(finding["clauses"][0].is_null() || message.contains("[clause](1)"), "{message}");
        }
        let rules = list(&run["tool"]["driver"]["rules"]);
        assert_eq!(rules.len(), list(&report["checks"]).len());
        for rule in rules {
            assert!(rule["properties"]["security-severity"].is_string() && rule["help"]["markdown"].is_string());
            assert!(list(&rule["properties"]["tags"]).len() <= 10, "{rule:#}");
        }
        let snapshot = &report["run"]["snapshots"][0];
        assert_eq!(run["artifacts"][0]["location"]["uri"], snapshot["path"]);
        assert_eq!(run["artifacts"][0]["hashes"]["sha-256"], snapshot["sha256"]);
        assert_eq!(run["invocations"][0]["exitCode"], written.code);
        assert_eq!(run["invocations"][0]["executionSuccessful"], true);
        let notifications = list(&run["invocations"][0]["toolExecutionNotifications"]);
        assert_eq!(notifications.len(), list(&report["diagnostics"]).len());
    }
}

#[test]
fn a_place_in_sarif_is_that_of_the_value() {
    let run = holds(&harbour_with_boat("Ünë", "sarif").stdout);
    let result = &run["results"][0];
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"], json!({ "uri": "snapshot.json", "index": 0 }));
    let related = &result["relatedLocations"][0];
    assert_eq!(related["id"], 1);
    assert_eq!(related["physicalLocation"]["artifactLocation"]["uri"], "policies/harbour.cedar");
    // The second clause is false: it is the demand that is not satisfied.
    let read = &harbour_with_boat("Ünë", "json").json()["findings"][0]["clauses"][1]["reads"][0]["span"];
    let region = json!({
        "startLine": read["start"]["line"],
        "startColumn": read["start"]["column"],
        "endLine": read["end"]["line"],
        "endColumn": read["end"]["column"],
    });
    assert_eq!(place["region"], region);
    assert_eq!(run["columnKind"], "unicodeCodePoints");
}

#[test]
fn a_run_without_findings_is_valid_in_every_format() {
    let run = holds(&harbour(SOUND, POLICIES, &["--format", "sarif"]).stdout);
    assert_eq!((&run["results"], &run["invocations"][0]["exitCode"]), (&json!([]), &json!(0)));
    assert_eq!(harbour(SOUND, POLICIES, &["--format", "gitlab"]).stdout, "[]\n");
    let github = harbour(SOUND, POLICIES, &["--format", "github"]).stdout;
    assert!(github.starts_with("Deodar: 0 fail, 0 unknown, ") && github.ends_with("; exit code 0\n"), "{github}");
}

#[test]
fn invalid_inputs_are_shown_in_every_format() {
    for broken in ["{", "", "[]"] {
        let run = holds(&harbour(broken, POLICIES, &["--format", "sarif"]).stdout);
        let invocation = &run["invocations"][0];
        assert_eq!((&invocation["executionSuccessful"], &invocation["exitCode"]), (&json!(false), &json!(5)));
        assert_eq!(invocation["toolExecutionNotifications"][0]["level"], "error");
        let github = harbour(broken, POLICIES, &["--format", "github"]).stdout;
        assert!(github.starts_with("::error ") && github.ends_with("; exit code 5\n"), "{github}");
        let gitlab = harbour(broken, POLICIES, &["--format", "gitlab"]).json();
        assert_eq!(gitlab[0]["severity"], "blocker");
    }
    let none = ["check", "none.json", "--format", "sarif", "--now", NOW];
    assert_eq!(holds(&deodar(&[], &none).stdout)["invocations"][0]["exitCode"], 5);
}

#[test]
fn checks_that_are_not_selected_are_disabled_in_sarif() {
    let run = holds(&harbour(SOUND, POLICIES, &["--format", "sarif", "--skip", "HB-AGE-01"]).stdout);
    let overrides = &run["invocations"][0]["ruleConfigurationOverrides"];
    let expected = json!([{ "configuration": { "enabled": false }, "descriptor": { "id": "HB-AGE-01", "index": 0 } }]);
    assert_eq!(*overrides, expected);
}

#[test]
fn hostile_texts_stay_text() {
    let run = holds(&harbour_with_boat(HOSTILE, "sarif").stdout);
    let message = run["results"][0]["message"]["text"].as_str().expect("a text");
    assert!(message.contains("\\[d\\](1)") && message.contains("\\u{202e}f"), "{message}");
    assert!(!message.contains(['\n', '\r', '\u{1b}', '\u{202e}']), "{message}");

    let github = harbour_with_boat(HOSTILE, "github").stdout;
    let commands = github.lines().filter(|line| line.trim_start().starts_with("::"));
    let names: Vec<&str> = commands.filter_map(|line| line.split([' ', ':']).find(|word| !word.is_empty())).collect();
    assert_eq!(names, ["error", "warning"], "{github}");
    assert!(!github.contains("##[") && github.contains("%250A"), "{github}");

    let gitlab = harbour_with_boat(HOSTILE, "gitlab").json();
    let description = gitlab[0]["description"].as_str().expect("a text");
    assert!(!description.contains(['\n', '\r', '\u{1b}', '\u{202e}']), "{description}");
}

#[test]
fn hostile_policies_stay_text() {
    let title = "@title(\"A pier is not crowded\")";
    let hostile = "@title(\"[x](1) <img src=x> | **b** \\u{1b}[0m ##[error]\")\n@remediation(\"<script>\")";
    let policies = crate::support::replaced(POLICIES, title, hostile);
    let run = holds(&harbour(SOUND, &policies, &["--format", "sarif", "--param", "max_boats=0"]).stdout);
    let rule =
        list(&run["tool"]["driver"]["rules"]).iter().find(|rule| rule["id"] == "HB-PIER-01").expect("it is there");
    let markdown = rule["help"]["markdown"].as_str().expect("a text");
    assert!(markdown.starts_with("\\[x\\]\\(1\\) \\<img src\\=x\\> \\| \\*\\*b\\*\\*"), "{markdown}");
    assert!(!markdown.contains('\u{1b}'), "{markdown}");
    let github = harbour(SOUND, &policies, &["--format", "github", "--param", "max_boats=0"]).stdout;
    assert!(github.contains("::warning file=snapshot.json,") && !github.contains("##["), "{github}");
}

#[test]
fn sarif_keeps_to_the_limits_of_github_in_the_order_of_severity() {
    let document = document(30_000);
    let run = holds(&rendered(&document, "sarif"));
    let results = list(&run["results"]);
    assert_eq!(results.len(), 25_000);
    let written = |result: &Value| result["partialFingerprints"]["deodarFingerprint/v1"].as_str().map(str::to_owned);
    let written: std::collections::BTreeSet<String> = results.iter().filter_map(written).collect();
    let omitted: Vec<_> = document.findings.iter().filter(|finding| !written.contains(&*finding.fingerprint)).collect();
    assert_eq!(omitted.len(), 5_000);
    assert!(
        omitted.iter().all(|finding| finding.verdict == Verdict::Unknown || finding.severity == CheckSeverity::Low)
    );
    assert_eq!(results[0]["properties"]["severity"], "critical");
    let notification = &run["invocations"][0]["toolExecutionNotifications"][0];
    let text = notification["message"]["text"].as_str().expect("a text");
    assert!(text.starts_with("5000 of 30000 findings are omitted"), "{text}");
    assert_eq!(
        (&notification["level"], &notification["descriptor"]["id"]),
        (&json!("warning"), &json!("result-limit"))
    );

    let run = holds(&rendered(&self::document(5_001), "sarif"));
    assert_eq!(list(&run["results"]).len(), 5_001);
    assert_eq!(run["invocations"][0]["toolExecutionNotifications"][0]["level"], "note");
    let run = holds(&rendered(&self::document(5_000), "sarif"));
    assert_eq!(run["invocations"][0]["toolExecutionNotifications"], json!([]));
}

#[test]
fn waived_findings_are_suppressed() {
    let mut document = document(3);
    document.findings[1].verdict = Verdict::Waived;
    let run = holds(&rendered(&document, "sarif"));
    let suppressed: Vec<usize> =
        list(&run["results"]).iter().map(|result| list(&result["suppressions"]).len()).collect();
    assert_eq!(suppressed, [0, 0, 1]);
    assert_eq!(run["results"][2]["kind"], "fail");
    let github = rendered(&document, "github");
    assert!(github.lines().any(|line| line.starts_with("waived ")), "{github}");
}

#[test]
fn annotations_are_capped_and_every_fingerprint_is_written() {
    let document = document(30_000);
    let github = rendered(&document, "github");
    let count = |start: &str| github.lines().filter(|line| line.starts_with(start)).count();
    assert_eq!(["::error ", "::warning ", "::notice "].map(count), [10, 10, 10]);
    assert!(github.lines().take(10).all(|line| line.contains("(critical)")));
    let severe =
        document.findings.iter().filter(|it| it.verdict == Verdict::Fail && it.severity >= CheckSeverity::High);
    let severe = severe.count();
    let left_out = format!("{} of {severe} error annotations are left out, the least severe ones", severe - 10);
    assert!(github.contains(&left_out), "{left_out}");
    assert_eq!(["::group::", "::endgroup::"].map(count), [1, 1]);
    assert!(github.contains("::group::Deodar: 29970 without an annotation\n"));
    let words: std::collections::BTreeSet<&str> = github.split([' ', '\n', 'A']).collect();
    assert!(document.findings.iter().all(|finding| words.contains(&*finding.fingerprint)));
}

#[test]
fn every_finding_of_the_examples_is_in_the_outputs_for_github_and_gitlab() {
    for name in EXAMPLES {
        let report = example(name, "json").json();
        let (github, gitlab) = (example(name, "github"), example(name, "gitlab"));
        assert_eq!([github.code, gitlab.code].map(Value::from), [(); 2].map(|()| report["run"]["exit_code"].clone()));
        let entries = gitlab.json();
        let entries: BTreeMap<&str, &Value> =
            list(&entries).iter().filter_map(|entry| Some((entry["fingerprint"].as_str()?, entry))).collect();
        assert_eq!(entries.len(), list(&report["findings"]).len() + list(&report["diagnostics"]).len());
        for finding in list(&report["findings"]) {
            let fingerprint = finding["fingerprint"].as_str().expect("a text");
            assert!(github.stdout.contains(fingerprint), "{finding:#}");
            let entry = entries[fingerprint];
            assert_eq!(entry["check_name"], finding["check"]);
            assert!(entry["location"]["path"].is_string() && entry["location"]["lines"]["begin"].is_u64());
            let severity = match (finding["verdict"].as_str(), finding["severity"].as_str()) {
                (Some("fail"), Some("critical")) => "blocker",
                (Some("fail"), Some("high")) => "critical",
                (Some("fail"), Some("medium")) => "major",
                (Some("fail"), Some("low")) => "minor",
                _ => "info",
            };
            assert_eq!(entry["severity"], severity);
        }
        let totals = github.stdout.lines().last().expect("a last line").to_owned();
        let unknown = format!(" {} unknown,", report["summary"]["verdicts"]["unknown"]);
        assert!(totals.contains(&unknown), "{totals}");
    }
}

#[test]
fn the_policy_is_the_primary_place_on_request() {
    let run = |arguments: &[&str]| -> Run {
        let files = [
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", POLICIES.as_bytes()),
            ("snapshot.json", &edited("\"length\": 9", "\"length\": 41").into_bytes()),
        ];
        let output = command(folder(&files).path()).args([&HARBOUR[..], arguments].concat()).output();
        output.expect("the binary is built").into()
    };
    let uri = |location: &Value| location["physicalLocation"]["artifactLocation"]["uri"].clone();
    let sarif = holds(&run(&["--format", "sarif", "--primary", "policy"]).stdout);
    let result = &sarif["results"][0];
    assert_eq!(uri(&result["locations"][0]), "policies/harbour.cedar");
    let related = list(&result["relatedLocations"]);
    let texts: Vec<&str> = related.iter().map(|it| it["message"]["text"].as_str().expect("a text")).collect();
    assert_eq!(texts, ["light is \"green\"", "length is 41", "length is 40"]);
    assert!(related.iter().all(|location| uri(location) == "snapshot.json"));
    let text = result["message"]["text"].as_str().expect("a text");
    assert!(text.ends_with("Snapshot: [value](1), [value 2](2), [value 3](3)."), "{text}");
    for (format, place) in
        [("github", "file=policies/harbour.cedar,"), ("gitlab", "\"path\": \"policies/harbour.cedar\"")]
    {
        let text = run(&["--format", format, "--primary", "policy"]).stdout;
        assert!(text.contains(place), "{format}: {text}");
    }
    let refused = run(&["--primary", "policy"]);
    assert_eq!(refused.code, 2, "{refused:?}");
    assert!(refused.stderr.contains("--primary is for sarif, github, gitlab"), "{refused:?}");
}

#[test]
fn paths_below_the_root_of_the_repository_are_relative_to_it() {
    let snapshot = edited("\"length\": 9", "\"length\": 41");
    let files = [
        (".git/HEAD", &b"ref: refs/heads/main"[..]),
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("a b/snapshot.json", snapshot.as_bytes()),
    ];
    let repository = folder(&files);
    let root = repository.path().canonicalize().expect("it is there");
    let absolute = root.join("a b/snapshot.json").to_str().expect("it is UTF-8").to_owned();
    let run = |format: &str| -> Run {
        let arguments: Vec<&str> =
            HARBOUR.into_iter().map(|it| if it == "snapshot.json" { &absolute } else { it }).collect();
        let output = command(&root).args(arguments).args(["--format", format]).output();
        output.expect("the binary is built").into()
    };
    let sarif = holds(&run("sarif").stdout);
    let place = &sarif["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
    assert_eq!(*place, json!({ "uri": "a%20b/snapshot.json", "index": 0 }));
    let root = root.to_str().expect("it is UTF-8");
    for (format, expected) in
        [("sarif", "a%20b/"), ("github", "file=a b/snapshot.json,"), ("gitlab", "\"a b/snapshot.json\"")]
    {
        let text = run(format).stdout;
        assert!(text.contains(expected) && !text.contains(root), "{format}: {text}");
    }
    // From a folder below the root, relative paths are those of the repository too.
    for (format, expected) in [
        ("sarif", "\"uri\":\"a%20b/snapshot.json\""),
        ("github", "file=a b/snapshot.json,"),
        ("gitlab", "\"a b/snapshot.json\""),
    ] {
        let pack = ["--schema", "../harbour.cedarschema", "--policies", "../policies", "--now", NOW];
        let arguments = [&["check", "snapshot.json", "--format", format][..], &pack].concat();
        let output = command(&repository.path().join("a b")).args(arguments).output().expect("the binary is built");
        let text = Run::from(output).stdout;
        assert!(text.contains(expected) && !text.contains("../"), "{format}: {text}");
    }
}
