//! `deodar forecast` equals judging at every minute.

use crate::support::{NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, folder};
use deodar::compare::{AccountForecast, Forecaster};
use deodar::engine::{Subject, Verdict, WaiversInUse};
use deodar::pack::{Pack, PackSources, Run as PackRun};
use deodar::report::WaiverUse;
use deodar::snapshot::Limits;
use deodar::source::Source;
use deodar::value::parse_datetime;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::json;
use std::collections::BTreeMap;

const MINUTE: i64 = 60_000;

/// A workshop with keys and visits, some of them with times.
const WORKSHOP: &str = r#"
    @path("") entity Workshop = { opened: datetime };
    @path("/keys/*") @key("id") entity Key in [Workshop] = {
        @enclosing workshop: Workshop, id: String, made: datetime, used?: datetime, life: duration,
        @derived recent: Long,
    };
    @path("/visits/*") @key("id") entity Visit in [Workshop] = { id: String, at: datetime, key: Key };
    type Parameters = { @default("3h") idle: duration };
    type Context = { now: datetime, parameters: Parameters };
    action audit appliesTo { principal: [Workshop], resource: [Workshop, Key, Visit], context: Context };
    action derive appliesTo { principal: [Visit], resource: [Key], context: Context };
"#;

/// Comparisons with the time in all forms that have a forecast.
const KEYS: &str = r#"
    @id("recent") @derives("recent")
    permit (principal is Visit, action == Action::"derive", resource is Key)
    when { principal.key == resource && context.now.durationSince(principal.at) < duration("2h") };
    @id("IDLE") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Key)
    when { resource has used } unless { context.now.durationSince(resource.used) <= context.parameters.idle };
    @id("LIFE") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Key)
    unless { context.now < resource.made.offset(resource.life) };
    @id("BUSY") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Key)
    unless { resource.recent <= 1 };
    @id("HOURS") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Key)
    when { context.now.durationSince(resource.workshop.opened).toHours() >= 5 }
    unless { context.now.durationSince(resource.made).toMinutes() - 30 != 90 };
    @id("NIGHT") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Workshop)
    unless { context.now.toTime() >= duration("6h") || context.now.toDate() == resource.opened.toDate() };
    @id("SHIFT") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Key)
    when { resource.made.offset(context.now.toTime()).toTime() < duration("3h") };
    @id("DUSK") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Key)
    unless { resource.made.toDate().offset(context.now.toTime()).toTime() > resource.life };
    @id("TWICE") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Workshop)
    when {
        resource.opened.offset(resource.opened.offset(context.now.toTime()).toTime()).toTime() >= duration("9h")
    };
    @id("LATER") @title("t") @severity("low")
    forbid (principal, action == Action::"audit", resource is Visit)
    unless { (if context.now > principal.opened.offset(duration("4h")) then resource.at else principal.opened) < context.now };
"#;

/// Waivers that end in the period, and one that depends on the time.
const ENDING: &str = r#"
    @id("W-IDLE") @waives("IDLE") @reason("r") @owner("o") @expires("2026-09-01") @unknown_too
    permit (principal, action == Action::"audit", resource is Key) when { resource.id == "k1" };
    @id("W-NIGHT") @waives("NIGHT") @reason("r") @owner("o") @expires("2026-12-31")
    permit (principal, action == Action::"audit", resource is Workshop)
    when { context.now.durationSince(resource.opened) < duration("3h") };
"#;

fn source(name: &str, text: &str) -> std::sync::Arc<Source> {
    Source::new(name, text).expect("it is small")
}

fn pack() -> Pack {
    let (schema, policies) = (source("w.cedarschema", WORKSHOP), [source("w.cedar", KEYS)]);
    let waivers = [source("waivers.cedar", ENDING)];
    let (pack, problems) = Pack::compile(PackSources { schema: &schema, policies: &policies, waivers: &waivers });
    let problems: Vec<&String> = problems.iter().map(|it| &it.message).collect();
    assert!(problems.is_empty(), "{problems:?}");
    pack.expect("it is valid")
}

/// A time of the day in RFC 3339, some minutes after the start.
fn moment(start: i64, minutes: i64) -> String {
    deodar::value::show_datetime(start + minutes * MINUTE)
}

/// Snapshots whose times are near the start of the period: some are missing, and a list may be missing too.
fn snapshot(start: i64) -> impl Strategy<Value = String> {
    let time =
        move || prop_oneof![8 => (-600..900i64).prop_map(move |at| json!(moment(start, at))), 1 => Just(json!(null))];
    let life = prop_oneof![(0..700i64).prop_map(|minutes| json!(format!("{minutes}m"))), Just(json!(null))];
    let key = (0..4u8, time(), time(), life).prop_map(|(id, made, used, life)| {
        (id, json!({ "id": format!("k{id}"), "made": made, "used": used, "life": life }))
    });
    let visit = (0..6u8, time(), 0..4u8)
        .prop_map(|(id, at, key)| (id, json!({ "id": format!("v{id}"), "at": at, "key": format!("k{key}") })));
    let keys = prop::collection::vec(key, 0..4);
    let visits = prop::option::weighted(0.85, prop::collection::vec(visit, 0..6));
    (time(), keys, visits).prop_map(|(opened, keys, visits)| {
        let keys: BTreeMap<u8, _> = keys.into_iter().collect();
        let visits = visits.map(|visits| visits.into_iter().collect::<BTreeMap<u8, _>>());
        let visits = visits.map(|visits| visits.into_values().collect::<Vec<_>>());
        json!({ "opened": opened, "keys": keys.into_values().collect::<Vec<_>>(), "visits": visits }).to_string()
    })
}

/// The verdicts at a time, by check, type and id.
type Verdicts = BTreeMap<(String, String, String), Verdict>;

fn verdicts(pack: &Pack, snapshot: &deodar::Snapshot, run: PackRun<'_>) -> Verdicts {
    let assessment = pack.assess(snapshot, run);
    let evaluator = assessment.evaluation.base();
    let mut verdicts = Verdicts::new();
    let mut judgements = assessment.evaluation.judge(&Verdict::ALL);
    let is_live = |waiver| pack.policies().waivers.find(waiver).is_some_and(|waiver| waiver.is_live(run.now));
    let used = WaiversInUse { is_live: &is_live, may_cover: &|_, _| true };
    assessment.evaluation.waive(&mut judgements, used);
    for judgement in judgements {
        let check = &pack.policies().checks[judgement.check].statement.id;
        for judged in judgement.judged {
            let id = match judged.subject {
                Subject::Entity(entity) => evaluator.id(entity).to_string(),
                Subject::Uncaptured(..) => "*".to_owned(),
            };
            let ty = pack.model().short_name(judged.subject.ty()).to_owned();
            verdicts.insert((check.to_string(), ty, id), judged.verdict);
        }
    }
    verdicts
}

/// Applies the changes of a forecast until a time.
fn replay(start: &Verdicts, forecast: &AccountForecast, until: i64) -> Verdicts {
    let mut verdicts = start.clone();
    for change in &forecast.changes {
        if parse_datetime(&change.at).expect("it is a time") <= until {
            let key = (change.check.clone(), change.resource_type.clone(), change.resource_id.clone());
            match change.new {
                Some(verdict) => verdicts.insert(key, verdict),
                None => verdicts.remove(&key),
            };
        }
    }
    verdicts
}

#[test]
fn a_forecast_equals_judging_at_every_minute() {
    let pack = pack();
    let start = parse_datetime(NOW).expect("it is a time");
    let until = start + 900 * MINUTE;
    let (parameters, _) = pack.parameters(&[]);
    let run = |now| PackRun { now, parameters: &parameters, pairs: usize::MAX };
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[3; 32]);
    let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
    let mut seen = (0, BTreeMap::<String, usize>::new());
    let tally = std::cell::RefCell::new(&mut seen);
    let law = TestRunner::new_with_rng(config, rng).run(&snapshot(start), |text| {
        let (snapshot, _) = pack.read(&source("w.json", &text), start, &Limits::default());
        let snapshot = snapshot.expect("it is an object");
        let forecaster = Forecaster {
            pack: &pack,
            snapshot: &snapshot,
            secrets: None,
            run: run(start),
            until,
            max_snapshot_age: None,
            waivers: WaiverUse::Applied,
            most_times: 10_000,
        };
        let forecasted = forecaster.forecast().map_err(|error| TestCaseError::fail(error.message))?;
        let forecast = forecasted.account;
        let first = verdicts(&pack, &snapshot, run(start));
        for minute in 0..=900 {
            let now = start + minute * MINUTE;
            prop_assert_eq!(
                replay(&first, &forecast, now),
                verdicts(&pack, &snapshot, run(now)),
                "minute {} of {}",
                minute,
                text
            );
        }
        for change in &forecast.changes {
            let at = parse_datetime(&change.at).expect("it is a time");
            let key = (change.check.clone(), change.resource_type.clone(), change.resource_id.clone());
            prop_assert_eq!(verdicts(&pack, &snapshot, run(at - 1)).get(&key).copied(), change.old, "{:?}", change);
            prop_assert_eq!(verdicts(&pack, &snapshot, run(at)).get(&key).copied(), change.new, "{:?}", change);
            let is_waived = change.old == Some(Verdict::Waived) || change.new == Some(Verdict::Waived);
            let of = if is_waived { format!("{} waived", change.check) } else { change.check.clone() };
            *tally.borrow_mut().1.entry(of).or_default() += 1;
        }
        tally.borrow_mut().0 += forecast.changes.len();
        Ok(())
    });
    law.unwrap_or_else(|error| panic!("{error}"));
    let of_checks: Vec<&String> = seen.1.keys().collect();
    assert_eq!(
        of_checks,
        ["BUSY", "DUSK", "HOURS", "IDLE", "IDLE waived", "LATER", "LIFE", "NIGHT", "NIGHT waived", "SHIFT", "TWICE"],
        "{seen:?}"
    );
}

fn harbour(arguments: &[&str]) -> Run {
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let folder = folder(&files);
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    let arguments = [&["forecast", "snapshot.json"][..], &pack, arguments].concat();
    command(folder.path()).args(arguments).output().expect("the binary is built").into()
}

#[test]
fn the_age_of_a_snapshot_is_forecast() {
    let run = harbour(&["--until", "30d", "--format", "json"]);
    assert_eq!(run.code, 1, "{run:?}");
    crate::diff::holds("forecast.schema.json", &run.json());
    let changes = run.json()["accounts"][0]["changes"].clone();
    // The snapshot was captured on 31 August at 6:00 and may be 14 days old.
    let change = &changes[0];
    assert_eq!(changes.as_array().expect("changes").len(), 1);
    assert_eq!(change["at"], "2026-09-14T06:00:00.001Z");
    assert_eq!(
        (&change["check"], &change["old"], &change["new"]),
        (&json!("HB-AGE-01"), &json!("pass"), &json!("fail"))
    );
    let text = harbour(&["--until", "30d"]).stdout;
    assert!(text.contains("2026-09-14T06:00:00.001Z\n  HB-AGE-01  low  Harbour Anse: pass -> fail"), "{text}");
    assert!(text.contains("exit 1: verdicts change without any action"), "{text}");
    let none = harbour(&["--until", "3d"]);
    assert_eq!(none.code, 0, "{none:?}");
    assert_eq!(harbour(&["--until", "30d", "--param", "max_age=60d"]).code, 0);
}

#[test]
fn a_parameter_for_an_instance_that_the_snapshot_lacks_is_an_error() {
    let schema = SCHEMA.replace("@key(\"id\")\nentity Pier", "@key(\"id\")\n@parameter_scope\nentity Pier");
    let files = [
        ("harbour.cedarschema", schema.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let forecast = |parameter: &str| {
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW, "--until", "1h"];
        deodar(&files, &[&["forecast", "snapshot.json", "--param", parameter][..], &pack].concat())
    };
    assert_eq!(forecast("east:max_boats=1").code, 0);
    let run = forecast("esat:max_boats=9");
    assert!(run.code == 5 && run.stderr.contains("no judged snapshot has it"), "{run:?}");
    assert!(run.stderr.contains("did you mean `east`?"), "{run:?}");
}

#[test]
fn a_snapshot_that_becomes_too_old_makes_all_verdicts_unknown() {
    let folder = folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
        ("deodar.toml", b"schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\nmax-snapshot-age = \"7d\"\n"),
    ]);
    let run = |arguments: &[&str]| -> Run {
        let run = command(folder.path()).args(arguments).output();
        run.expect("the binary is built").into()
    };
    let forecast = run(&["forecast", "snapshot.json", "--now", NOW, "--until", "30d", "--format", "json"]);
    assert_eq!(forecast.code, 1, "{forecast:?}");
    let forecast = forecast.json();
    let changes = forecast["accounts"][0]["changes"].as_array().expect("changes");
    // The snapshot was captured on 31 August at 6:00.
    assert!(changes.iter().all(|change| change["at"] == "2026-09-07T06:00:00.001Z" && change["new"] == "unknown"));
    let counts = |now: &str| {
        let run = run(&["check", "snapshot.json", "--now", now, "--format", "json"]);
        (run.code, run.json()["summary"]["verdicts"].clone())
    };
    let ((before, was), (after, is)) = (counts("2026-09-07T06:00:00Z"), counts("2026-09-07T06:00:00.001Z"));
    assert_eq!((before, after), (0, 4));
    assert_eq!(was["unknown"], 0);
    assert_eq!(is["unknown"], json!(changes.len()));
    // A snapshot of the future is judged from its time of capture on.
    let early = run(&["forecast", "snapshot.json", "--now", "2026-08-30T00:00:00Z", "--until", "3d"]);
    assert!(early.stdout.contains("2026-08-31T06:00:00Z\n") && early.stdout.contains(": unknown -> pass"), "{early:?}");
}

/// Forecasts the harbour with another condition of its first check.
fn with_condition(condition: &str) -> Run {
    let own = "context.now.durationSince(resource.captured_at) <= context.parameters.max_age";
    let policies = crate::support::replaced(POLICIES, own, condition);
    let files = [
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", policies.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let arguments =
        ["forecast", "snapshot.json", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];
    command(folder(&files).path()).args(arguments).output().expect("the binary is built").into()
}

#[test]
fn a_condition_that_is_too_long_is_refused_at_once() {
    let started = std::time::Instant::now();
    let branches = "if context.now > resource.captured_at then context.now else ".repeat(100);
    for condition in [
        format!("context.now{} <= resource.captured_at", ".toDate()".repeat(900)),
        format!("context.now{} <= resource.captured_at", ".offset(duration(\"1h\"))".repeat(900)),
        format!("({branches} context.now) <= resource.captured_at"),
    ] {
        let run = with_condition(&condition);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stderr.contains("has no forecast"), "{}", run.stderr);
    }
    assert!(started.elapsed().as_secs() < 60);
    // Times that cancel, and sums that overflow in the period, are computed.
    assert_eq!(with_condition("context.now.durationSince(context.now) < duration(\"1h\")").code, 0);
    let overflow = i64::MAX / 86_400_000 - parse_datetime(NOW).expect("it is a time") / 86_400_000 - 3;
    let overflow = with_condition(&format!("context.now.offset(duration(\"{overflow}d\")) > resource.captured_at"));
    assert!(overflow.stdout.contains("HB-AGE-01  low  Harbour Anse: pass -> unknown"), "{overflow:?}");
}

#[test]
fn a_forecast_that_cannot_be_computed_lists_nothing() {
    let refused = harbour(&["--until", "30d", "--max-times", "1"]);
    assert_eq!((refused.code, refused.stdout.as_str()), (5, ""), "{refused:?}");
    assert!(refused.stderr.contains("--until 12d"), "{refused:?}");
    for wrong in ["soon", "-3d", "2026-01-01T00:00:00Z"] {
        assert_eq!(harbour(&[&format!("--until={wrong}")]).code, 2, "{wrong}");
    }
}
