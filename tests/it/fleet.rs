//! Many snapshots: one a line, in folders, packed, through pipes; and limits to what is taken on.

use crate::support::{
    HARBOUR, POLICIES, Run, SCHEMA, SOUND, command, deodar, deodar_with_input, edited, folder, harbour, harbour_by,
    replaced, repository,
};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;

/// A document on one line.
fn line(text: &str) -> String {
    let value: Value = serde_json::from_str(text).expect("it is JSON");
    format!("{value}\n")
}

/// A harbour with a boat that is longer than its pier.
fn long_boat() -> String {
    edited("\"length\": 12", "\"length\": 41")
}

/// Three accounts and a broken one between them, a blank line aside.
fn fleet() -> String {
    format!("{}{}\n{{\"name\": \n{}", line(SOUND), line(&long_boat()), line(SOUND))
}

fn files<'f>(name: &'f str, content: &'f [u8]) -> [(&'f str, &'f [u8]); 3] {
    [("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/harbour.cedar", POLICIES.as_bytes()), (name, content)]
}

/// The arguments that judge `name` by the harbour pack.
fn judge<'a>(name: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = HARBOUR.to_vec();
    arguments[1] = name;
    arguments.extend(more);
    arguments
}

/// Returns the lines about accounts. Every line is what the schema says it is, and the last one is about the run.
fn lines(run: &Run) -> Vec<Value> {
    let text = std::fs::read_to_string(repository().join("schemas/report.schema.json")).expect("it is there");
    let schema: Value = serde_json::from_str(&text).expect("it is JSON");
    let validator = |name: &str| {
        let schema = json!({ "$defs": schema["$defs"], "$ref": format!("#/$defs/{name}") });
        jsonschema::draft202012::new(&schema).expect("it is a schema")
    };
    let (account, whole) = (validator("account"), validator("run"));
    let mut lines: Vec<Value> =
        run.stdout.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    for (at, line) in lines.iter().enumerate() {
        let validator = if at + 1 == lines.len() { &whole } else { &account };
        let errors: Vec<String> = validator.iter_errors(line).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?} in {line:#}");
    }
    lines.pop();
    lines
}

#[test]
fn every_line_is_an_account_and_a_broken_one_stops_none() {
    let run = deodar(&files("fleet.ndjson", fleet().as_bytes()), &judge("fleet.ndjson", &["--format", "ndjson"]));
    assert_eq!(run.code, 5, "{run:?}");
    let lines = lines(&run);
    let told: Vec<(&str, i64)> = lines
        .iter()
        .map(|line| (line["snapshot"].as_str().expect("a path"), line["exit_code"].as_i64().expect("a code")))
        .collect();
    assert_eq!(told, [("fleet.ndjson:1", 0), ("fleet.ndjson:2", 1), ("fleet.ndjson:4", 5), ("fleet.ndjson:5", 0)]);
    assert_eq!(lines[1]["findings"][0]["resource"]["id"], "east/Tern");
    let reads = lines[1]["findings"][0]["clauses"].as_array().expect("a list").iter();
    let mut reads = reads.flat_map(|clause| clause["reads"].as_array().expect("a list"));
    let span = &reads.find(|read| read["value"] == "41").expect("the length is read")["span"];
    assert_eq!((&span["file"], &span["start"]["line"]), (&"fleet.ndjson".into(), &2.into()));
    let offset = span["start"]["offset"].as_u64().expect("an offset") as usize;
    let end = span["end"]["offset"].as_u64().expect("an offset") as usize;
    assert_eq!(fleet().get(offset..end), Some("41"), "offsets count from the start of the file");
    assert_eq!(lines[2]["diagnostics"][0]["labels"][0]["span"]["start"]["line"], 4);
    assert_eq!(lines[2]["sha256"].as_str().map(str::len), Some(64));
    assert!(run.stderr.contains("exit 5"), "the sum is on standard error: {run:?}");
    assert!(!run.stderr.contains("more error"), "what is in the lines is not said to be elsewhere: {run:?}");
}

#[test]
fn text_sums_up_and_json_tells_all() {
    let run = deodar(&files("fleet.ndjson", fleet().as_bytes()), &judge("fleet.ndjson", &[]));
    assert_eq!(run.code, 5);
    assert!(run.stdout.contains("4 snapshots"), "{run:?}");
    assert!(run.stdout.contains("fleet.ndjson:4:10"), "the broken line is shown where it is: {run:?}");
    let report =
        deodar(&files("fleet.ndjson", fleet().as_bytes()), &judge("fleet.ndjson", &["--format", "json"])).json();
    assert_eq!(report["run"]["snapshots"].as_array().map(Vec::len), Some(4));
    assert_eq!(report["findings"][0]["snapshot"], "fleet.ndjson:2");
}

#[test]
fn standard_input_is_a_fleet_if_it_is_said_to_be() {
    let arguments = judge("-", &["--input", "ndjson", "--format", "ndjson"]);
    let run = deodar_with_input(&files("unused.json", b""), &arguments, fleet().as_bytes());
    assert_eq!(run.code, 5);
    assert_eq!(lines(&run)[3]["snapshot"], "(standard input):5");
    // An input that ends at once is nothing.
    let run = deodar_with_input(&files("unused.json", b""), &arguments, b"");
    assert_eq!((run.code, lines(&run).len()), (3, 0));
}

#[test]
fn a_line_comes_out_before_the_next_goes_in_and_a_closed_pipe_ends_it_quietly() {
    let folder = folder(&files("unused.json", b""));
    let mut child = command(folder.path())
        .args(judge("-", &["--input", "ndjson", "--format", "ndjson"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary is built");
    let mut input = child.stdin.take().expect("it is piped");
    let mut output = BufReader::new(child.stdout.take().expect("it is piped"));
    for number in 1..=3 {
        input.write_all(line(SOUND).as_bytes()).expect("it reads");
        input.flush().expect("it reads");
        let mut answer = String::new();
        output.read_line(&mut answer).expect("it answers");
        let answer: Value = serde_json::from_str(&answer).expect("a line is JSON");
        assert_eq!(answer["snapshot"], format!("(standard input):{number}"));
    }
    drop(output);
    // It notices when it writes; by then there may be nobody to write to.
    while input.write_all(line(SOUND).as_bytes()).and_then(|()| input.flush()).is_ok() {}
    drop(input);
    let ended: Run = child.wait_with_output().expect("it ends").into();
    assert_eq!((ended.code, ended.stderr.as_str()), (141, ""));
}

fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packer.write_all(bytes).expect("memory takes it");
    packer.finish().expect("memory takes it")
}

fn zst(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}

#[test]
fn what_is_packed_is_judged_as_what_is_not() {
    let plain = deodar(&files("f.ndjson", fleet().as_bytes()), &judge("f.ndjson", &["--format", "ndjson"]));
    // Files may be packed in several pieces.
    let pieces = |pack: fn(&[u8]) -> Vec<u8>| {
        let fleet = fleet();
        let (start, end) = fleet.as_bytes().split_at(100);
        [pack(start), pack(end)].concat()
    };
    for (name, packed) in [("f.ndjson.gz", pieces(gz)), ("f.ndjson.zst", pieces(zst))] {
        let run = deodar(&files(name, &packed), &judge(name, &["--format", "ndjson"]));
        assert_eq!((run.code, &run.stdout.replace(name, "f.ndjson")), (plain.code, &plain.stdout), "{name}");
    }
    for (name, packed) in [("s.json.gz", gz(SOUND.as_bytes())), ("s.json.zst", zst(SOUND.as_bytes()))] {
        let run = deodar(&files(name, &packed), &judge(name, &[]));
        assert_eq!(run.code, 0, "{run:?}");
        let run = deodar(&files(name, &packed[..packed.len() / 2]), &judge(name, &[]));
        assert_eq!(run.code, 5, "half of it is not enough: {run:?}");
        assert!(run.stdout.contains(&format!("cannot read `{name}`")), "{run:?}");
    }
    let mut wrong = zst(&SOUND.as_bytes().repeat(20));
    let end = wrong.len() - 1;
    wrong[end] ^= 1;
    let run = deodar(&files("s.json.zst", &wrong), &judge("s.json.zst", &[]));
    assert!(run.code == 5 && run.stdout.contains("does not match its checksum"), "{run:?}");
}

#[test]
fn a_folder_holds_snapshots_of_every_kind() {
    let packed = gz(fleet().as_bytes());
    let mut all = files("all/c.ndjson.gz", &packed).to_vec();
    let long = long_boat();
    all.extend([("all/a.json", SOUND.as_bytes()), ("all/b/b.json", long.as_bytes()), ("all/notes.txt", b"-")]);
    let run = deodar(&all, &judge("all", &["--format", "ndjson"]));
    let paths: Vec<String> =
        lines(&run).iter().map(|line| line["snapshot"].as_str().expect("a path").to_owned()).collect();
    let expected = [
        "all/a.json",
        "all/b/b.json",
        "all/c.ndjson.gz:1",
        "all/c.ndjson.gz:2",
        "all/c.ndjson.gz:4",
        "all/c.ndjson.gz:5",
    ];
    assert_eq!(paths, expected);
    assert!(run.stderr.contains("1 other file in the folders was skipped"), "{run:?}");
}

#[test]
fn a_named_folder_without_snapshots_is_an_error_next_to_other_inputs() {
    let mut files = files("snapshot.json", SOUND.as_bytes()).to_vec();
    files.push(("north/notes.md", b"none yet"));
    let of = |inputs: &[&str]| deodar(&files, &[&["check"][..], inputs, &HARBOUR[2..]].concat());
    let run = of(&["snapshot.json", "north"]);
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stdout.contains("× folder `north` holds no snapshot") && run.stdout.contains("6 verdicts"), "{run:?}");
    let alone = of(&["north"]);
    assert_eq!(alone.code, 3, "{alone:?}");
    assert!(alone.stdout.contains("⚠ folder `north` holds no snapshot"), "{alone:?}");
}

#[test]
fn threads_do_not_show_in_a_fleet() {
    let long = line(&long_boat());
    let fleet: String = (0..300).map(|at| if at % 7 == 0 { long.clone() } else { line(SOUND) }).collect();
    for format in ["text", "json", "ndjson"] {
        let run = |threads| {
            let arguments = judge("fleet.ndjson", &["--format", format, "--threads", threads]);
            deodar(&files("fleet.ndjson", fleet.as_bytes()), &arguments)
        };
        let one = run("1");
        assert_eq!(one.code, 1);
        for threads in ["2", "8"] {
            assert_eq!(run(threads).stdout, one.stdout, "{format} with {threads} threads");
        }
    }
}

#[test]
fn text_shows_the_first_few_of_all_accounts() {
    let fleet = line(&long_boat()).repeat(12);
    let arguments = judge("fleet.ndjson", &["--max-findings", "3", "--style", "full"]);
    let run = deodar(&files("fleet.ndjson", fleet.as_bytes()), &arguments);
    assert_eq!(run.stdout.matches("HB-LEN-01 · high · fail").count(), 3, "{run:?}");
    assert!(run.stdout.contains("and 9 more failures of HB-LEN-01"), "{run:?}");
    assert!(run.stdout.contains("12 snapshots"));
}

#[test]
fn problems_of_one_kind_are_counted_where_they_are_many() {
    let boats: String =
        (0..70).map(|at| format!(r#"{{"name": "b{at}", "owner": "x{at}", "length": 1, "light": "red"}},"#)).collect();
    let run = harbour(edited("{ \"name\": \"Wren\"", &format!("{boats}{{ \"name\": \"Wren\"")), &[]);
    assert_eq!(run.stdout.matches("which is not in the snapshot").count(), 50, "{run:?}");
    assert!(run.stdout.contains("and 20 more errors of the kind snapshot-reference"), "{run:?}");
}

#[test]
fn places_stay_true_over_many_thousand_instances() {
    // More than are decoded, put together or judged at a time; some ids are not written as they are read.
    const MANY: usize = 70_000;
    let id = |at: usize| if at % 1000 == 7 { format!("b\\u00e9-{at}") } else { format!("b{at}") };
    let long = |at: usize| at % 10_000 == 9_999;
    let boat = |at: usize| {
        let (id, length) = (id(at), if long(at) { 41 } else { 12 });
        format!(r#"{{"name": "{id}", "owner": "bo@anse.example", "length": {length}, "light": "red"}},"#)
    };
    let boats: String = (0..MANY).map(boat).collect();
    let snapshot = edited("{ \"name\": \"Wren\"", &format!("{boats}{{ \"name\": \"Wren\""));
    let run = harbour(&snapshot, &["--format", "json", "--param", "max_boats=70001"]);
    let report = run.json();
    let count = |check: usize, verdict: &str| report["checks"][check]["counts"][verdict].as_u64().expect("a count");
    assert_eq!((count(1, "fail"), count(1, "pass")), (7, MANY as u64 - 5), "{}", report["checks"][1]);
    assert_eq!((count(2, "fail"), count(2, "pass")), (0, MANY as u64 + 2), "every owner is found");
    assert_eq!(count(3, "fail"), 1, "there is one boat more than allowed");
    let findings = report["findings"].as_array().expect("a list");
    for (nth, finding) in findings.iter().filter(|finding| finding["check"] == "HB-LEN-01").enumerate() {
        let at = 10_000 * nth + 9_999;
        assert_eq!(finding["resource"]["id"], format!("east/b{at}"));
        assert_eq!(finding["resource"]["pointer"], format!("/piers/0/boats/{}", at + 1));
        let reads = finding["clauses"].as_array().expect("a list").iter();
        let mut reads = reads.flat_map(|clause| clause["reads"].as_array().expect("a list"));
        let read = reads.find(|read| read["value"] == "41").expect("its length is read");
        let place = |end: &str| read["span"][end]["offset"].as_u64().expect("an offset") as usize;
        assert_eq!(snapshot.get(place("start")..place("end")), Some("41"));
    }
}

/// Every process has a hash key of its own.
#[test]
fn hash_keys_do_not_show() {
    let policies = POLICIES.to_owned()
        + r#"
@id("known") @derives("boats")
permit (principal is Person, action == Action::"derive", resource is Pier)
when { resource.flags.contains(principal.domain) };
@id("short") @derives("boats")
forbid (principal is Boat, action == Action::"derive", resource is Pier)
when { principal.name == resource.id || principal.length == resource.length };
"#;
    let people = (0..40).map(|at| {
        let name = if at % 3 == 0 { "Ada" } else { "ada" };
        format!(r#"{{"email": "{name}{}@d{}.example", "active": true, "netwrok": "x{at}"}}"#, at % 17, at % 5)
    });
    let boats = (0..40).map(|at| {
        let (owner, light) = (at % 23, ["red", "rde", "green"][at % 3]);
        format!(
            r#"{{"name": "b/{}", "owner": "ada{owner}@x", "length": {at}, "light": "{light}", "length": 1}}"#,
            at % 31
        )
    });
    let piers = ["east", "b/7", "west"].map(|id| {
        let boats: Vec<String> = boats.clone().collect();
        format!(
            r#"{{"id": "{id}", "length": 7, "flags": ["d1.example", "d3.example", "b"], "boats": [{}]}}"#,
            boats.join(",")
        )
    });
    let people: Vec<String> = people.collect();
    let snapshot = format!(
        r#"{{"name": "Anse", "captured_at": "2026-08-31", "people": [{}], "piers": [{}], "buoys": {{"1": {{"number": 1, "lit": true}}, "1": {{"nubmer": 2, "lti": 1}}}}}}"#,
        people.join(","),
        piers.join(",")
    );
    for format in ["text", "json", "ndjson"] {
        let runs: Vec<Run> = (0..4)
            .map(|_| harbour_by(SCHEMA, &policies, &snapshot, &["--format", format, "--max-findings", "30"]))
            .collect();
        assert_eq!(runs[0].code, 5, "{:?}", runs[0]);
        assert!(runs.iter().all(|run| run.stdout == runs[0].stdout), "{format}");
    }
}

#[test]
fn limits_say_what_is_too_much() {
    let told = |run: Run, message: &str, flag: &str| {
        assert_eq!(run.code, 5, "{run:?}");
        let text = run.stdout.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(message) && text.contains(flag), "{run:?}");
    };
    told(harbour(SOUND, &["--max-bytes", "100"]), "holds more than 100 bytes", "--max-bytes");
    told(harbour(gz(SOUND.as_bytes()), &["--max-bytes", "100"]), "holds more than 100 bytes", "--max-bytes");
    told(harbour(SOUND, &["--max-entities", "1"]), "more than 1 instances of Person", "--max-entities");
    told(harbour(SOUND, &["--max-depth", "3"]), "nested deeper than 3 levels", "--max-depth");
    let deep = edited("\"fuel\"", &format!("{}{}", "[".repeat(600), "]".repeat(600)));
    told(harbour(&deep, &[]), "nested deeper than 512 levels", "--max-depth");
    let run = harbour(&deep, &["--max-depth", "1000"]);
    assert!(!run.stdout.contains("nested deeper"), "{run:?}");
    // No limit is too large to be one.
    let most = usize::MAX.to_string();
    for flag in ["--max-bytes", "--max-depth", "--max-entities", "--max-pairs"] {
        assert_eq!(harbour(SOUND, &[flag, &most]).code, 0, "{flag}");
        let arguments = judge("f.ndjson", &[flag, &most]);
        assert_eq!(deodar(&files("f.ndjson", line(SOUND).as_bytes()), &arguments).code, 0, "{flag}");
    }
    // A line that is too long is skipped, and the next is judged.
    let long = format!("{}{}", line(&edited("\"Anse\"", &format!("{:?}", "x".repeat(5000)))), line(SOUND));
    let arguments = judge("f.ndjson", &["--format", "ndjson", "--max-bytes", "2000"]);
    let codes: Vec<Value> = lines(&deodar(&files("f.ndjson", long.as_bytes()), &arguments))
        .iter()
        .map(|line| line["exit_code"].clone())
        .collect();
    assert_eq!(codes, [5, 0]);
}

#[test]
fn pairs_that_a_derivation_tries_have_a_limit() {
    let crossed =
        replaced(POLICIES, "when { principal in resource };", "when { principal.length <= resource.length };");
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", crossed.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let run = deodar(&files, &[&HARBOUR[..], &["--max-pairs", "1"]].concat());
    assert_eq!(run.code, 5);
    assert!(run.stdout.contains("tries each of 2 principals on each of 1 resources"), "{run:?}");
    assert!(run.stdout.contains("--max-pairs"), "{run:?}");
    // What it would have derived is not known.
    assert!(run.stdout.contains("HB-PIER-01 · medium · unknown"), "{run:?}");
    assert_eq!(deodar(&files, &HARBOUR).code, 0);
    // A join finds the two boats of the pier.
    let run = harbour(SOUND, &["--max-pairs", "1"]);
    assert_eq!(run.code, 5);
    assert!(run.stdout.contains("tries 2 pairs of principal and resource"), "{run:?}");
    assert!(run.stdout.contains("HB-PIER-01 · medium · unknown"), "{run:?}");
    assert_eq!(harbour(SOUND, &["--max-pairs", "2"]).code, 0);
}

/// Each of these took minutes when one of its parts was looked for once for every other.
#[test]
fn what_is_wrong_many_times_costs_no_more_than_its_size() {
    let tied = replaced(POLICIES, "when { principal in resource };", "when { principal.length == resource.length };");
    let list = |name: &str, rows: &dyn Fn(usize) -> String, count: usize| {
        let rows: Vec<String> = (0..count).map(rows).collect();
        format!(r#"{{"name": "Anse", "captured_at": "2026-08-31", {name}: [{}]}}"#, rows.join(","))
    };
    let told = |policies: &str, snapshot: String, code: i32, words: &str| {
        let run = harbour_by(SCHEMA, policies, snapshot, &["--max-findings", "3", "--style", "full"]);
        let text: Vec<&str> = run.stdout.split_whitespace().collect();
        assert_eq!(run.code, code, "{}", run.stdout);
        assert!(text.join(" ").contains(words), "{words}: {}", run.stdout);
    };
    // A list is missing in every pier, and each pier counts what may be in its own.
    let pier = |at: usize| format!(r#"{{"id": "{at}", "length": 1, "flags": []}}"#);
    let piers = list("\"people\": [], \"buoys\": [], \"piers\"", &pier, 20_000);
    told(POLICIES, piers, 4, "and 19997 more unknown verdicts of HB-PIER-01");
    // What is compared is not known, of any principal and any resource.
    let pier = |at: usize| {
        let boat = r#"{"name": "b", "owner": "a", "light": "red", "length": "1"}"#;
        format!(r#"{{"id": "{at}", "length": "1", "flags": [], "boats": [{boat}]}}"#)
    };
    let piers = list("\"people\": [{\"email\": \"a\", \"active\": true}], \"buoys\": [], \"piers\"", &pier, 20_000);
    told(&tied, piers, 5, "and 39950 more errors of the kind snapshot-type");
    // One property many times.
    let again = format!(r#"{{"id": "p", "boats": [], "flags": []{}}}"#, ", \"length\": 1".repeat(50_000));
    let piers = list("\"people\": [], \"buoys\": [], \"piers\"", &|_| again.clone(), 1);
    told(POLICIES, piers, 5, "and 49949 more errors of the kind snapshot-duplicate-key");
    // References to nobody, as long as the ids that may be meant.
    let long = "a".repeat(30_000);
    let people: Vec<String> =
        (0..20).map(|at| format!(r#"{{"email": "{long}{at}@x.example", "active": true}}"#)).collect();
    let boat = |at: usize| format!(r#"{{"name": "{at}", "owner": "b{long}{at}", "light": "red", "length": 1}}"#);
    let boats: Vec<String> = (0..60).map(boat).collect();
    let pier = format!(r#"{{"id": "p", "length": 1, "flags": [], "boats": [{}]}}"#, boats.join(","));
    let name = format!("\"people\": [{}], \"buoys\": [], \"piers\"", people.join(","));
    told(POLICIES, list(&name, &|_| pier.clone(), 1), 5, "and 10 more errors of the kind snapshot-reference");
}

#[test]
fn where_too_little_is_known_to_try_all_pairs_the_answer_is_unknown() {
    let tied = replaced(POLICIES, "when { principal in resource };", "when { principal.length == resource.length };");
    let judged = |boats: &str, pier: &str, more: &[&str]| {
        let snapshot =
            replaced(&edited("\"length\": 40", pier), "{ \"name\": \"Wren\"", &format!("{boats}{{ \"name\": \"Wren\""));
        let files = [
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/harbour.cedar", tied.as_bytes()),
            ("snapshot.json", snapshot.as_bytes()),
        ];
        let run = deodar(&files, &[&HARBOUR[..], &["--only", "HB-PIER-01"], more].concat());
        assert_eq!(run.code, 4, "{run:?}");
        run.stdout
    };
    let boats = |length: &str| -> String {
        (0..99)
            .map(|at| format!(r#"{{"name": "b{at}", "owner": "bo@anse.example", {length} "light": "red"}},"#))
            .collect()
    };
    // Nobody knows how long the boats are, or how long the pier is.
    for (boats, pier) in [(boats(""), "\"length\": 40"), (boats("\"length\": 7,"), "\"length\": null")] {
        let all = judged(&boats, pier, &[]);
        let some = judged(&boats, pier, &["--max-pairs", "90"]);
        assert!(all.contains("boats = 0 to "), "{all}");
        assert!(some.contains("boats = 0 or more"), "{some}");
    }
}
