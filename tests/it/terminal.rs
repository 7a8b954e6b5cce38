//! The report for people: the style, its width, its groups, missing data, colours.

use crate::support::{NOW, Run, command, edited, folder, harbour, repository};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

fn check(example: &str, columns: &str, arguments: &[&str]) -> Run {
    let snapshot = format!("examples/{example}/snapshot.json");
    let mut run = command(repository());
    run.env("COLUMNS", columns).args(["check", &snapshot, "--now", NOW]).args(arguments);
    run.output().expect("the binary is built").into()
}

const EXAMPLES: [&str; 4] = ["acme", "clean", "half-captured", "small"];
const WORST: &str = "the 3 most severe in full";

/// A harbour with a number of boats that are too long.
fn long_boats(count: usize) -> String {
    let boat = |at: usize| format!(r#"{{"name": "b{at}", "owner": "bo@anse.example", "length": 41, "light": "red"}},"#);
    let boats: String = (0..count).map(boat).collect();
    edited("{ \"name\": \"Wren\"", &format!("{boats}{{ \"name\": \"Wren\""))
}

/// Judges the lengths of a number of boats that are too long.
fn of_lengths(count: usize, arguments: &[&str]) -> Run {
    harbour(long_boats(count), &[&["--only", "HB-LEN-01"], arguments].concat())
}

#[test]
fn up_to_ten_findings_are_shown_in_full() {
    let in_full = |run: &Run| run.stdout.matches("· fail · ").count();
    let few = of_lengths(3, &[]);
    assert_eq!((in_full(&few), few.stdout.contains(WORST)), (3, false), "{few:?}");
    let many = of_lengths(12, &[]);
    assert_eq!((in_full(&many), many.stdout.contains(WORST)), (3, true), "{many:?}");
    assert!(many.stdout.contains("… and 2 more; --max-findings 12 lists them"), "{many:?}");
    let concise = of_lengths(12, &["--style", "concise", "--max-findings", "12"]);
    assert_eq!((in_full(&concise), concise.stdout.matches("    ✗ Boat").count()), (0, 12), "{concise:?}");
    let full = of_lengths(12, &["--style", "full", "--max-findings", "12"]);
    assert_eq!((in_full(&full), full.stdout.contains("    ✗ Boat")), (12, false), "{full:?}");
    for run in [&few, &many, &concise, &full] {
        assert_eq!(run.code, 1);
    }
}

#[test]
fn concise_lines_fit_the_width() {
    for example in EXAMPLES {
        for columns in [60, 80, 100, 140] {
            let run = check(example, &columns.to_string(), &["--style", "concise", "--all"]);
            // Problems of the inputs are before the first line, and an excerpt is as wide as its file.
            let start = run.stdout.find(&format!("\nexamples/{example}/snapshot.json")).unwrap_or(0);
            for line in run.stdout[start..].lines() {
                // A command is copied as a whole.
                let fits = textwrap::core::display_width(line) <= columns || line.contains("deodar check ");
                assert!(fits, "{example} at {columns}: {line}");
            }
        }
    }
}

#[test]
fn places_are_not_broken_at_any_width() {
    let places = |run: &Run| {
        let words = run.stdout.split_whitespace().filter(|word| word.contains("snapshot.json:"));
        words.map(|word| word.rsplit('/').next().unwrap_or(word).trim_end_matches(']').to_owned()).collect::<Vec<_>>()
    };
    for style in ["concise", "full"] {
        let wide = places(&check("small", "100", &["--style", style]));
        assert!(wide.len() >= 10 && wide.iter().all(|place| place.split(':').count() == 3), "{wide:?}");
        for columns in ["60", "80"] {
            assert_eq!(places(&check("small", columns, &["--style", style])), wide, "{style} at {columns}");
        }
    }
    let narrow = check("half-captured", "60", &["--style", "full"]).stdout;
    let report = check("half-captured", "60", &["--format", "json"]).json();
    let first = &report["findings"].as_array().expect("a list").iter().find(|it| it["verdict"] == "unknown");
    let pointer = first.expect("it has unknown verdicts")["capture"][0]["pointer"].as_str().expect("a pointer");
    assert!(narrow.contains(pointer), "{pointer} is whole");
}

#[test]
fn findings_are_grouped_by_severity_and_check() {
    let run = check("acme", "80", &["--style", "concise", "--max-findings", "100"]);
    let report = check("acme", "80", &["--format", "json"]).json();
    let severities: Vec<&str> =
        run.stdout.lines().filter(|line| ["critical", "high", "medium", "low"].contains(line)).collect();
    assert_eq!(severities, ["critical", "high", "medium"]);
    let failed = report["summary"]["verdicts"]["fail"].as_u64().expect("a number") as usize;
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("    ✗ ")).count(), failed);
    assert!(run.stdout.contains("19 days until `sso_certificate_ends_at`, limit 30d"), "{}", run.stdout);
    let less_than_a_day = check("acme", "80", &["--style", "concise", "--all", "--param", "dormant_after=60d"]);
    let expected = "more than 60 days since `last_seen`, limit 60d";
    assert!(less_than_a_day.stdout.contains(expected), "{}", less_than_a_day.stdout);
    let (before, _) = run.stdout.split_once("\nmissing data").expect("some data is missing");
    for check in report["checks"].as_array().expect("a list") {
        let id = check["id"].as_str().expect("a text");
        let headings = before.lines().filter(|line| line.starts_with(&format!("  {id} "))).count();
        assert_eq!(headings, usize::from(check["counts"]["fail"] != 0), "{id}");
    }
}

/// The verdicts by place of missing data, as the JSON report has them.
fn missing(report: &Value) -> BTreeMap<String, usize> {
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for finding in report["findings"].as_array().expect("a list") {
        let captures = finding["capture"].as_array().into_iter().flatten();
        let pointers: BTreeSet<&str> = captures.filter_map(|capture| capture["pointer"].as_str()).collect();
        for pointer in pointers {
            *places.entry(pointer.to_owned()).or_default() += 1;
        }
    }
    places
}

#[test]
fn each_place_of_missing_data_is_listed_once_the_largest_first() {
    for example in ["acme", "half-captured"] {
        let run = check(example, "200", &["--style", "concise", "--all"]);
        let expected = missing(&check(example, "200", &["--format", "json"]).json());
        let (_, section) = run.stdout.split_once("missing data: ").expect("some data is missing");
        assert!(section.starts_with(&format!("{} places block ", expected.len())), "{section}");
        let row = |line: &str| {
            let mut words = line.split_whitespace();
            let count: usize = words.next()?.parse().ok()?;
            Some((words.next().filter(|word| word.starts_with('/'))?.to_owned(), count))
        };
        let listed: Vec<(String, usize)> = section.lines().filter_map(row).collect();
        assert!(listed.windows(2).all(|pair| pair[0].1 >= pair[1].1), "{listed:?}");
        assert_eq!(listed.len(), expected.len());
        assert_eq!(listed.into_iter().collect::<BTreeMap<_, _>>(), expected);
        let short = check(example, "80", &["--style", "concise"]).stdout;
        assert!(short.contains(": --all lists them") && short.contains("Settings > Account > "), "{short}");
    }
}

#[test]
fn an_unknown_verdict_is_not_shown_as_passed() {
    for example in EXAMPLES {
        let report = check(example, "200", &["--format", "json"]).json();
        for style in ["concise", "full", "auto"] {
            let run = check(example, "200", &["--style", style]);
            let passed = run.stdout.lines().find(|line| line.starts_with("  passed ")).unwrap_or_default();
            for check in report["checks"].as_array().expect("a list") {
                let is_clean = check["counts"]["fail"] == 0 && check["counts"]["unknown"] == 0;
                let id = check["id"].as_str().expect("a text");
                assert!(is_clean || !passed.contains(id), "{id}: {passed}");
            }
        }
    }
}

#[test]
fn quiet_is_two_lines() {
    for example in EXAMPLES {
        let run = check(example, "100", &["-q", "--max-findings", "0"]);
        let lines: Vec<&str> = run.stdout.lines().collect();
        let [.., totals, exit] = lines[..] else { panic!("{run:?}") };
        assert!(totals.starts_with("  61 checks, ") && exit.starts_with(&format!("  exit {}: ", run.code)), "{run:?}");
        assert!(lines.len() == 2 || example == "half-captured", "{run:?}");
    }
}

#[test]
fn the_scorecard_has_the_checks_that_are_not_green_by_severity() {
    let rows = |run: &Run| {
        let (_, table) = run.stdout.split_once("severity").expect("a scorecard");
        let rows = table.lines().skip(1).take_while(|line| !line.is_empty());
        rows.map(|row| row.trim().to_owned()).collect::<Vec<_>>()
    };
    let some = rows(&check("small", "60", &["--style", "full"]));
    assert!(some.len() == 11 && some.iter().all(|row| row.starts_with(['✗', '?'])), "{some:#?}");
    let severities: Vec<_> = some.iter().filter_map(|row| row.split_whitespace().nth(2)).collect();
    assert!(severities.is_sorted(), "`high` is before `medium`: {severities:?}");
    for style in ["full", "concise"] {
        assert_eq!(rows(&check("small", "60", &["--style", style, "--all"])).len(), 61);
    }
}

#[test]
fn colour_obeys_the_environment() {
    let run = |variables: &[(&str, &str)], arguments: &[&str]| {
        let mut run = command(repository());
        run.envs(variables.iter().copied()).args(["check", "examples/small/snapshot.json", "--now", NOW]);
        let output = run.args(arguments).output().expect("the binary is built");
        Run::from(output).stdout
    };
    for (variables, is_colored) in [
        (&[][..], false),
        (&[("FORCE_COLOR", "1")], true),
        (&[("CLICOLOR_FORCE", "1")], true),
        (&[("CLICOLOR_FORCE", "0")], false),
        (&[("FORCE_COLOR", "0")], false),
        (&[("FORCE_COLOR", "1"), ("NO_COLOR", "1")], false),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
    ] {
        assert_eq!(run(variables, &[]).contains('\x1b'), is_colored, "{variables:?}");
    }
    let full = run(&[("FORCE_COLOR", "1")], &["--style", "full", "--only", "MOE-NET-05"]);
    let (failure, _) = full.split_once("MOE-NET-05  ").unwrap_or((&full, ""));
    let green = ["\x1b[32m", "\x1b[32;1m", "\x1b[1;32m"];
    assert!(failure.contains("\x1b[31m") && !green.iter().any(|green| failure.contains(green)), "{failure:?}");
}

#[test]
fn a_saved_report_has_the_concise_text_of_its_run() {
    for example in EXAMPLES {
        let report = check(example, "80", &["--format", "json"]).stdout;
        let folder = folder(&[("report.json", report.as_bytes())]);
        let render = |style: &str| -> Run {
            let arguments = ["render", "report.json", "--output", "text", "--style", style];
            command(folder.path()).args(arguments).output().expect("the binary is built").into()
        };
        let live = check(example, "80", &["--style", "concise", "--max-findings", "1000"]);
        let saved = render("concise");
        assert_eq!(saved.code, live.code);
        let findings = |run: &Run| run.stdout.split_once("examples/").map(|(_, text)| text.to_owned());
        if example != "half-captured" {
            assert_eq!(findings(&saved), findings(&live), "{example}");
        }
        let full = render("full");
        let fails = check(example, "80", &["--format", "json"]).json()["summary"]["verdicts"]["fail"].clone();
        assert_eq!(serde_json::json!(full.stdout.matches("· fail · ").count()), fails, "{example}");
    }
}
