//! The maximal age of a snapshot: no verdict on an older one is decided.

use crate::support::{deodar, edited, harbour, in_memory};
use deodar::engine::Verdict;
use deodar::report::{Engine, Needs, Report};
use deodar::value::{parse_datetime, parse_duration};
use deodar::{Options, Session};
use expect_test::expect;

const SCHEMA: &str = r#"
@path("")
entity House = {
  captured_at: datetime,
  @path("roster/captured_at") roster_at: datetime,
};
@path("/evidence/*") @missing("[]")
entity Evidence in [House] = { @secret captured_at: datetime };
@path("/lamps/*") @key("room")
entity Lamp in [House] = { lit: Bool };
action audit appliesTo { principal: [House], resource: [Lamp], context: {} };
"#;

const POLICY: &str = r#"
@id("LAMP-1") @title("No lamp is lit") @severity("low")
forbid (principal, action == Action::"audit", resource is Lamp)
when { resource.lit };
"#;

/// Judges a house with two lamps, one of them lit, that also has these properties.
fn judged(schema: &str, properties: &str, engine: Engine) -> Report {
    let snapshot =
        format!(r#"{{{properties} "lamps": [{{"room": "hall", "lit": true}}, {{"room": "attic", "lit": false}}]}}"#);
    let inputs = in_memory(("house.cedarschema", schema), &[("house.cedar", POLICY)], &[("house.json", &snapshot)]);
    let now = parse_datetime("2026-09-01T12:00:00Z").expect("it is a time");
    let max_snapshot_age = Some(parse_duration("7d").expect("it is a duration"));
    Session::default().run(&inputs, &Options { engine, max_snapshot_age, ..Options::at(now) })
}

/// Returns the reason why no verdict is decided; `None` if both are.
fn reason(schema: &str, properties: &str) -> Option<String> {
    let report = judged(schema, properties, Engine::Compiled);
    let reference = judged(schema, properties, Engine::Reference);
    let counts = |report: &Report| Verdict::ALL.map(|verdict| report.count(verdict));
    assert_eq!(counts(&report), counts(&reference), "{properties}");
    if report.count(Verdict::Unknown) == 0 {
        assert_eq!((report.count(Verdict::Fail), report.count(Verdict::Pass)), (1, 1), "{properties}");
        return None;
    }
    assert_eq!(report.count(Verdict::Unknown), 2, "{properties}");
    assert!([4, 5].contains(&report.status().exit_code()), "{properties}");
    let findings = report.findings();
    for finding in &findings {
        assert!(finding.clauses[0].reads[0].place.is_some(), "{properties}");
        assert_eq!(finding.captures.len(), 1, "{properties}");
    }
    Some(findings[0].message.clone())
}

#[test]
fn verdicts_on_an_old_snapshot_are_unknown() {
    let at = |time: &str| reason(SCHEMA, &format!(r#""captured_at": {time},"#));
    assert_eq!(at(r#""2026-08-25T12:00:00Z""#), None);
    assert_eq!(at(r#""2026-09-01T12:00:00Z""#), None);
    let reasons =
        [r#""2026-08-25T11:59:59.999Z""#, r#""2026-09-01T12:00:00.001Z""#, "null", r#""yesterday""#, "7"].map(at);
    expect![[r#"
        the snapshot is too old: `captured_at` of House::"" is 2026-08-25T11:59:59.999Z, which is older than 7d at 2026-09-01T12:00:00Z
        the snapshot is too old: `captured_at` of House::"" is 2026-09-01T12:00:00.001Z, which is after 2026-09-01T12:00:00Z
        the snapshot is too old: `captured_at` of House::"" was not captured
        the snapshot is too old: `captured_at` of House::"" is unreadable
        the snapshot is too old: `captured_at` of House::"" is unreadable
    "#]]
    .assert_eq(&lines(&reasons));
}

#[test]
fn the_oldest_time_of_the_evidence_decides() {
    let with = |properties: &str| reason(SCHEMA, &format!(r#""captured_at": "2026-09-01T06:00:00Z", {properties},"#));
    assert_eq!(with(r#""evidence": []"#), None);
    assert_eq!(with(r#""roster": null"#), None);
    assert_eq!(with(r#""register": {"captured_at": "2026-01-01T06:00:00Z"}"#), None);
    assert_eq!(with(r#""evidence": [{"captured_at": "2026-08-31T06:00:00Z"}]"#), None);
    assert_eq!(with(r#""roster": {"captured_at": "2026-08-31T06:00:00Z"}"#), None);
    let reasons = [
        r#""evidence": [{"captured_at": "2026-08-31T06:00:00Z"}, {"captured_at": "2026-08-01T06:00:00Z"}]"#,
        r#""evidence": [{"captured_at": "2026-08-02T06:00:00Z"}, {"captured_at": "2026-10-01T06:00:00Z"}]"#,
        r#""evidence": [{"captured_at": "2026-08-02T06:00:00Z"}, {}]"#,
        r#""evidence": [{"captured_at": 1}]"#,
        r#""evidence": null"#,
        r#""evidence": [1]"#,
        r#""evidences": [{"captured_at": "2026-08-31T06:00:00Z"}]"#,
        r#""roster": {}"#,
        r#""roster": {"captured_at": null}"#,
        r#""roster": []"#,
        r#""Roster": {"captured_at": "2026-08-31T06:00:00Z"}"#,
        r#""rooster": {"captured_at": "2026-08-31T06:00:00Z"}"#,
        r#""roster": {"captured_At": "2026-08-31T06:00:00Z"}"#,
        r#""uncaptured": ["roster"]"#,
        r#""roster": {"captured_at": "2026-08-02T06:00:00Z"}"#,
    ]
    .map(with);
    expect![[r#"
        the snapshot is too old: `captured_at` of Evidence::"1" is ***, which is older than 7d at 2026-09-01T12:00:00Z
        the snapshot is too old: `captured_at` of Evidence::"1" is ***, which is after 2026-09-01T12:00:00Z
        the snapshot is too old: `captured_at` of Evidence::"1" was not captured
        the snapshot is too old: `captured_at` of Evidence::"0" is unreadable
        the snapshot is too old: `evidence` of House::"" was not captured, and its instances have a `captured_at`
        the snapshot is too old: `evidence` of House::"" was captured in part, and its instances have a `captured_at`
        the snapshot is too old: `evidence` of House::"" was not captured, and its instances have a `captured_at`
        the snapshot is too old: `roster_at` of House::"" was not captured
        the snapshot is too old: `roster_at` of House::"" was not captured
        the snapshot is too old: `roster_at` of House::"" is unreadable
        the snapshot is too old: `roster_at` of House::"" was not captured
        the snapshot is too old: `roster_at` of House::"" was not captured
        the snapshot is too old: `roster_at` of House::"" was not captured
        the snapshot is too old: `roster_at` of House::"" was not captured
        the snapshot is too old: `roster_at` of House::"" is 2026-08-02T06:00:00Z, which is older than 7d at 2026-09-01T12:00:00Z
    "#]]
    .assert_eq(&lines(&reasons));
}

#[test]
fn a_schema_without_a_time_of_capture_leaves_nothing_decided() {
    let schema = SCHEMA.replace("  captured_at: datetime,\n", "");
    let reasons = [reason(&schema, r#""captured_at": "2026-09-01T06:00:00Z","#)];
    expect![[r#"
        the snapshot is too old: `captured_at` of House::"" is not declared in the schema
    "#]]
    .assert_eq(&lines(&reasons));
}

#[test]
fn the_report_names_the_limit_and_a_pipeline_may_accept_nothing_of_an_old_snapshot() {
    let old = edited("2026-08-31T06:00:00Z", "2026-08-01T06:00:00Z");
    let report = harbour(&old, &["--max-snapshot-age", "14d", "--format", "json"]);
    assert_eq!(report.code, 4, "{report:?}");
    assert_eq!(report.json()["run"]["max_snapshot_age"], "14d");
    assert_eq!(harbour(&old, &["--max-snapshot-age", "14d", "--allow-unknown"]).code, 3);
    assert_eq!(harbour(&old, &["--max-snapshot-age", "60d", "--param", "max_age=60d"]).code, 0);
    for wrong in ["-1d", "a fortnight", ""] {
        assert_eq!(harbour(&old, &["--max-snapshot-age", wrong]).code, 2, "{wrong}");
    }
}

fn lines(reasons: &[Option<String>]) -> String {
    reasons.iter().map(|reason| format!("{}\n", reason.as_deref().unwrap_or("decided"))).collect()
}

#[test]
fn a_negative_age_is_named_as_such() {
    for age in [&["--max-snapshot-age", "-1d"][..], &["--max-snapshot-age=-1d"]] {
        let run = deodar(&[], &[&["check", "a.json"], age].concat());
        assert!(run.code == 2 && run.stderr.contains("an age is not negative"), "{run:?}");
    }
}

/// The counts of verdicts (fail, unknown, pass), the exit code, and the errors with their help, for a badge with a time of use.
fn used(annotation: &str, used: &str) -> String {
    let schema = r#"
        @path("") entity House;
        @path("/badges/*") @key("id") entity Badge in [House] = {
            @past used: datetime, @path("used") @past SECRET also_used: datetime, ends?: datetime
        };
        action audit appliesTo { principal: [House], resource: [Badge], context: { now: datetime } };
    "#
    .replace("SECRET", annotation);
    let policy = r#"
        @id("B-1") @title("Badges are in use") @severity("low")
        forbid (principal, action == Action::"audit", resource is Badge)
        unless { context.now.durationSince(resource.used) <= duration("90d") && resource.also_used == resource.used };
    "#;
    let snapshot = format!(r#"{{"badges": [{{"id": "1", "used": {used}, "ends": "2062-01-01"}}]}}"#);
    let inputs = in_memory(("house.cedarschema", &schema), &[("house.cedar", policy)], &[("house.json", &snapshot)]);
    let now = parse_datetime("2026-09-01T12:00:00Z").expect("it is a time");
    let judged = |engine| {
        let report = Session::default().run(&inputs, &Options { engine, ..Options::at(now) });
        let counts = [Verdict::Fail, Verdict::Unknown, Verdict::Pass].map(|verdict| report.count(verdict));
        let (diagnostics, _) = report.diagnostics_for(&Needs::ALL);
        let texts = diagnostics
            .iter()
            .map(|error| format!("{} ({})", error.message, error.help.as_deref().unwrap_or_default()));
        format!("{counts:?} {} {}", report.status().exit_code(), texts.collect::<Vec<_>>().join("; "))
    };
    let [compiled, reference] = [Engine::Compiled, Engine::Reference].map(judged);
    assert_eq!(compiled, reference);
    compiled
}

#[test]
fn a_time_of_the_past_is_not_after_the_run() {
    let of = |time: &str| used("", &format!("\"{time}\""));
    assert_eq!(of("2026-08-01"), "[0, 0, 1] 0 ");
    assert_eq!(of("2026-01-01"), "[1, 0, 0] 1 ");
    assert_eq!(of("2026-09-02T12:00:00Z"), "[0, 0, 1] 0 ", "clocks and time zones differ");
    let after = "is after the time of the run, but `@past` is on the attribute \
                 (correct the time, or evaluate as of a later time; until then it is unknown)";
    assert_eq!(of("2062-08-01"), format!("[0, 1, 0] 5 2062-08-01T00:00:00Z {after}"));
    assert_eq!(used("@secret", r#""2062-08-01""#), format!("[0, 1, 0] 5 the value {after}"));
}

#[test]
fn past_belongs_on_a_time() {
    let schema = |attribute: &str| {
        let schema = format!(
            r#"@path("") entity House = {{ {attribute} }};
            action audit appliesTo {{ principal: [House], resource: [House], context: {{}} }};"#
        );
        let policy = r#"@id("H-1") @title("t") @severity("low") forbid (principal, action, resource is House);"#;
        let files = [("s.cedarschema", schema.as_bytes()), ("p.cedar", policy.as_bytes())];
        let run = deodar(&files, &["list", "--schema", "s.cedarschema", "--policies", "p.cedar"]);
        (run.code, run.stderr + &run.stdout)
    };
    let rejected = |attribute: &str, message: &str| {
        let (code, text) = schema(attribute);
        assert!(code == 5 && text.contains(message), "{attribute}: {code} {text}");
    };
    rejected("@past lit: Bool", "`@past` needs a datetime, not Bool");
    rejected("@past @derived lit: Bool", "`@past`");
    rejected("@past lit: { at: datetime }", "`@past`");
    rejected("@past(\"1d\") lit: datetime", "`@past` has a value");
}
