//! The MoEngage pack, check by check: the clean example with one thing changed, and the verdict that must come out.
//!
//! A line of [`CASES`] names a resource by its pointer, a verdict, and edits. `W` is the workspace, `L` and `T` its LIVE
//! and TEST environments, `M` its members, `R` its roles, `C` the policy context. `at = json` puts another value in
//! place of one, `at -` removes it, `at + json` adds to a list, `at ~ name` gives a property another name, and
//! `$parameter = value` sets a parameter, and `twin` adds a second workspace, `N`, that is like the first. An edit that hits nothing fails the test.

use crate::organisation::Organisation;
use crate::support::{NOW, repository};
use deodar::check::{Inputs, Options, Session};
use deodar::engine::Verdict;
use deodar::policy::{ClauseKind, Policies};
use deodar::project::EMBEDDED;
use deodar::report::Report;
use deodar::schema::Schema;
use deodar::source::Source;
use deodar::source::pointer::Step;
use deodar::value::parse_datetime;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const CASES: &str = include_str!("pack/cases.txt");

/// A change to the clean example.
#[derive(Debug, Clone)]
enum Edit {
    Put(String, Value),
    Remove(String),
    Add(String, Value),
    Rename(String, String),
    Set(String, String),
    Twin,
}

impl Edit {
    fn parse(text: &str) -> Self {
        let json = |text: &str| serde_json::from_str(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        if let Some((name, value)) = text.strip_prefix('$').and_then(|rest| rest.split_once(" = ")) {
            return Edit::Set(name.to_owned(), value.to_owned());
        }
        if text == "twin" {
            return Edit::Twin;
        }
        match (text.split_once(" = "), text.split_once(" + "), text.split_once(" ~ "), text.strip_suffix(" -")) {
            (Some((at, value)), ..) => Edit::Put(pointer(at), json(value)),
            (_, Some((at, value)), ..) => Edit::Add(pointer(at), json(value)),
            (_, _, Some((at, name)), _) => Edit::Rename(pointer(at), name.to_owned()),
            (.., Some(at)) => Edit::Remove(pointer(at)),
            _ => panic!("no edit: {text}"),
        }
    }

    /// Changes the document; whether it has changed.
    fn apply(&self, document: &mut Value) -> bool {
        let parent = |at: &str| at.rsplit_once('/').map(|(parent, name)| (parent.to_owned(), name.to_owned()));
        match self {
            Edit::Put(at, value) => {
                document.pointer_mut(at).is_some_and(|old| std::mem::replace(old, value.clone()) != *value)
            }
            Edit::Add(at, value) => {
                let list = document.pointer_mut(at).and_then(Value::as_array_mut);
                list.map(|list| list.push(value.clone())).is_some()
            }
            Edit::Remove(at) => parent(at).is_some_and(|(around, name)| match document.pointer_mut(&around) {
                Some(Value::Object(object)) => object.remove(&name).is_some(),
                Some(Value::Array(list)) => {
                    let place = name.parse::<usize>().ok().filter(|place| *place < list.len());
                    place.map(|place| list.remove(place)).is_some()
                }
                _ => false,
            }),
            Edit::Rename(at, to) => parent(at).is_some_and(|(around, name)| {
                let object = document.pointer_mut(&around).and_then(Value::as_object_mut);
                object.is_some_and(|object| match object.remove(&name) {
                    Some(value) => object.insert(to.clone(), value).is_none(),
                    None => false,
                })
            }),
            Edit::Set(..) => true,
            Edit::Twin => document.pointer_mut("/workspaces").and_then(Value::as_array_mut).is_some_and(|workspaces| {
                let mut twin = workspaces[0].clone();
                twin["id"] = "FERNBOOKS2".into();
                workspaces.push(twin);
                true
            }),
        }
    }
}

/// Spells a pointer out.
fn pointer(short: &str) -> String {
    let (head, rest) = short.split_at(short.find('/').unwrap_or(short.len()));
    let head = match head {
        "W" => "/workspaces/0",
        "N" => "/workspaces/1",
        "L" => "/workspaces/0/environments/0",
        "T" => "/workspaces/0/environments/1",
        "M" => "/workspaces/0/members",
        "R" => "/workspaces/0/roles",
        "C" => "/policy_context",
        other => panic!("no such place: {other}"),
    };
    format!("{head}{rest}")
}

#[derive(Debug)]
struct Case {
    check: String,
    resource: String,
    verdict: Verdict,
    edits: Vec<Edit>,
    line: usize,
}

fn cases() -> Vec<Case> {
    let (mut check, mut cases) = (String::new(), Vec::new());
    for (at, line) in CASES.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        if !line.starts_with(' ') {
            line.trim().clone_into(&mut check);
            continue;
        }
        let (resource, rest) = line.trim().split_once(' ').unwrap_or_else(|| panic!("line {}: no verdict", at + 1));
        let (verdict, edits) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        let verdict = Verdict::ALL.into_iter().find(|known| known.name() == verdict);
        let edits = edits.split(" ; ").map(str::trim).filter(|edit| !edit.is_empty());
        cases.push(Case {
            check: check.clone(),
            resource: pointer(resource),
            verdict: verdict.unwrap_or_else(|| panic!("line {}: no verdict", at + 1)),
            edits: edits.map(Edit::parse).collect(),
            line: at + 1,
        });
    }
    cases
}

/// The pack, compiled once, and the clean example.
struct Bench {
    session: Session,
    inputs: Inputs,
    clean: Value,
    /// By check, where the resources are that it judges, and whether it can be not applicable.
    checks: BTreeMap<String, (String, bool)>,
}

impl Bench {
    fn new() -> Self {
        let [pack] = EMBEDDED else { panic!("one pack") };
        let source = |(name, text): (&str, &str)| Source::new(name, text).expect("it is small");
        let (schema, policies) = (source(pack.schema), pack.policies.iter().copied().map(source).collect::<Vec<_>>());
        let parsed = Schema::parse(&schema).0.expect("the schema is sound");
        let checks = Policies::parse(&parsed, &policies).0.checks.into_iter().map(|check| {
            let has = |kind| check.statement.clauses.iter().any(|clause| clause.kind == kind);
            let ty = check.statement.resource.ty.as_ref().and_then(|name| parsed.model.type_named(name));
            let path = parsed.model.ty(ty.expect("a check names a type")).path().expect("it has instances");
            let conditional = has(ClauseKind::When) && has(ClauseKind::Unless);
            let step = |step: &Step| match step {
                Step::Property(name) => format!("/{name}"),
                Step::Each => "/*".to_owned(),
            };
            (check.statement.id.to_string(), (path.0.iter().map(step).collect(), conditional))
        });
        let clean = std::fs::read_to_string(repository().join("examples/clean/snapshot.json")).expect("it is there");
        Self {
            session: Session::default(),
            checks: checks.collect(),
            clean: serde_json::from_str(&clean).expect("it is JSON"),
            inputs: Inputs {
                recognised: false,
                pack: pack.name.to_owned(),
                schema,
                policies,
                snapshots: Vec::new(),
                diagnostics: Vec::new(),
                skipped: 0,
            },
        }
    }

    /// Judges the clean example after edits; returns it as it was judged, too.
    fn run(&mut self, edits: &[Edit], line: usize) -> (Report, Value) {
        let now = parse_datetime(NOW).expect("it is a moment");
        let (mut document, mut options) = (self.clean.clone(), Options::at(now));
        for edit in edits {
            assert!(edit.apply(&mut document), "line {line}: an edit hits nothing: {edit:?}");
            if let Edit::Set(name, value) = edit {
                options.parameters.push((name.clone(), value.clone()));
            }
        }
        let text = serde_json::to_string(&document).expect("it can be written");
        self.inputs.snapshots = vec![Source::new("snapshot.json", text).expect("it is small")];
        let report = self.session.run(&self.inputs, &options);
        for (name, _) in &options.parameters {
            let set = report.run.parameters.iter().any(|known| known.name == *name && known.set);
            assert!(set, "line {line}: there is no parameter {name}");
        }
        (report, document)
    }

    /// The verdict of a check on the resource at a pointer.
    fn verdict(&self, report: &Report, document: &Value, check: &str, resource: &str) -> Option<Verdict> {
        let at = report.checks.iter().position(|known| known.id == check)?;
        let found = report
            .findings
            .iter()
            .find(|finding| finding.check == at && finding.resource.pointer.to_string() == resource);
        if let Some(finding) = found {
            return Some(finding.verdict);
        }
        // What has no finding has passed, if it is there at all and of the type that the check judges.
        let shape = resource.split('/').map(|step| if step.parse::<usize>().is_ok() { "*" } else { step });
        let (path, _) = self.checks.get(check)?;
        let judged = shape.collect::<Vec<_>>().join("/") == *path
            && document.pointer(resource).is_some_and(|there| !there.is_null());
        (judged && report.checks[at].count(Verdict::Pass) > 0).then_some(Verdict::Pass)
    }
}

#[test]
fn every_check_gives_every_verdict_it_can() {
    let mut bench = Bench::new();
    let mut wrong = Vec::new();
    let mut given: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    for case in cases() {
        let (report, document) = bench.run(&case.edits, case.line);
        let verdict = bench.verdict(&report, &document, &case.check, &case.resource);
        if verdict != Some(case.verdict) {
            wrong.push(format!("line {}: {} is {verdict:?}, expected {:?}", case.line, case.check, case.verdict));
        }
        given.entry(case.check).or_default().insert(case.verdict.name());
    }
    for (check, (_, conditional)) in &bench.checks {
        let wanted = [Verdict::Fail, Verdict::Unknown, Verdict::Pass, Verdict::NotApplicable];
        for verdict in wanted.into_iter().filter(|verdict| *conditional || *verdict != Verdict::NotApplicable) {
            if !given.get(check).is_some_and(|given| given.contains(verdict.name())) {
                wrong.push(format!("{check} has no case for {}", verdict.name()));
            }
        }
    }
    for check in given.keys().filter(|check| !bench.checks.contains_key(*check)) {
        wrong.push(format!("there is no check {check}"));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(bench.session.work.policies, 0, "the policies were compiled once");
}

/// What fails for a value does not pass because the value was lost: nulled, removed, or under a name with a slip.
#[test]
fn what_fails_does_not_pass_when_the_reason_was_not_captured() {
    let mut bench = Bench::new();
    let (mut wrong, mut tried) = (Vec::new(), 0);
    for case in cases().iter().filter(|case| case.verdict == Verdict::Fail) {
        for edits in (0..case.edits.len()).flat_map(|at| losses(&case.edits, at)) {
            let (report, document) = bench.run(&edits, case.line);
            tried += 1;
            // A resource that is no longer there is unknown with its list.
            let unknown = report.checks.iter().any(|of| of.id == case.check && of.count(Verdict::Unknown) > 0);
            match bench.verdict(&report, &document, &case.check, &case.resource) {
                Some(Verdict::Fail | Verdict::Unknown) => {}
                None if unknown => {}
                other => wrong.push(format!("line {}: {} is {other:?} after {edits:?}", case.line, case.check)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(tried > 500, "{tried} ways to lose a value");
}

/// The same edits, but that the value which the one at a place puts in is lost.
fn losses(edits: &[Edit], at: usize) -> Vec<Vec<Edit>> {
    let Edit::Put(pointer, value) = &edits[at] else { return Vec::new() };
    let name = pointer.rsplit('/').next().unwrap_or_default();
    // A feature flag that is lacking says that nobody saw the feature, and nothing is lost of what is null.
    if pointer.contains("/features/") || value.is_null() {
        return Vec::new();
    }
    let after = |edit: Edit| [&edits[..=at], &[edit], &edits[at + 1..]].concat();
    let mut ways = vec![after(Edit::Put(pointer.clone(), Value::Null))];
    if name.parse::<usize>().is_err() {
        ways.push(after(Edit::Remove(pointer.clone())));
        ways.push(after(Edit::Rename(pointer.clone(), slip(name))));
    }
    ways
}

/// A name with a letter missing.
fn slip(name: &str) -> String {
    let middle = name.len() / 2;
    format!("{}{}", &name[..middle], &name[middle + 1..])
}

#[test]
fn the_document_of_the_pack_names_its_checks_and_parameters() {
    let bench = Bench::new();
    let text = std::fs::read_to_string(repository().join("docs/moengage.md")).expect("it is there");
    let words = |start: &str| -> BTreeSet<String> {
        let inside = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let found =
            text.match_indices(start).map(|(at, _)| text[at..].split(|c| !inside(c)).next().unwrap_or_default());
        found.map(str::to_owned).collect()
    };
    let named: BTreeSet<String> = words("MOE-");
    let known: BTreeSet<String> = bench.checks.keys().cloned().collect();
    assert_eq!(named, known, "docs/moengage.md names every check and no other");
    let schema = Schema::parse(&bench.inputs.schema).0.expect("the schema is sound");
    let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("| `")).collect();
    let listed: Vec<&str> = rows.iter().filter_map(|row| row.split('`').nth(1)).collect();
    let declared: Vec<&str> = schema.model.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
    assert_eq!(BTreeSet::from_iter(&listed), BTreeSet::from_iter(&declared), "every parameter and no other");
    for (row, name) in rows.iter().zip(listed) {
        let written = bench.inputs.schema.text().split_once(&format!("    {name}: ")).expect("it is declared").0;
        let default = written.rsplit_once("@default(\"").expect("it has a default").1;
        let default = default.split_once("\")").expect("it ends").0.replace("\\\"", "\"");
        assert!(row.contains(&format!("| `{default}` |")), "{name} is {default} by default: {row}");
    }
}

#[test]
fn made_up_organisations_stay_clean() {
    let mut bench = Bench::new();
    for members in [20, 500, 2_000] {
        let usual = Organisation::of(members);
        for organisation in [Organisation { share_failing: 0.0, ..usual }, usual] {
            bench.clean = serde_json::from_str(&organisation.to_json()).expect("it is JSON");
            let (report, _) = bench.run(&[], 0);
            let few = (organisation.share_failing * members as f64 * 2.0) as usize;
            assert!(report.count(Verdict::Fail) <= few, "{organisation:?}");
            assert_eq!(report.count(Verdict::Unknown), 0, "{organisation:?}");
            assert!(report.count(Verdict::Pass) > members);
        }
    }
}
