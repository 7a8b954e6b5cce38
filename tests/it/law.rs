//! The agreement law: on random schemas, policies and snapshots Deodar gives the verdicts of the official Cedar
//! evaluator.
//!
//! On a complete snapshot the two agree on every pair of check and resource. On an incomplete one, a decided verdict
//! holds for all values of the missing data. The seed is fixed, so that the result of a run depends on the code only;
//! `PROPTEST_CASES` and `PROPTEST_RNG_SEED` widen the search.

mod blueprint;
mod changes;
mod choices;
mod damage;
mod oracle;
mod policies;
pub mod requests;
mod scopes;
mod world;

use blueprint::{Blueprint, Kind};
use cedar_policy::{ValidationMode, Validator};
use choices::Choices;
use deodar::diagnostic::{Code, Diagnostic, DiagnosticLevel};
use deodar::engine::{Binding, Evaluator, Judgement, ReadOf, ReadValue, Reference, Subject, Verdict, VerdictCounts};
use deodar::policy::Policies;
use deodar::program::Program;
use deodar::schema::{Schema, parse_value};
use deodar::snapshot::{Limits, LocationKind, Snapshot};
use deodar::source::Source;
use deodar::source::json::Kind as JsonKind;
use deodar::value::{EntityRef, Outcomes, TypeId, Value};
use oracle::{Answer, Asked, Derives, Oracle};
use policies::{Writer, Written};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;
use world::{Blanks, Datum, Uid, World};

/// The time of every run.
const NOW: i64 = 1_788_220_800_000;

/// The choices behind a case.
#[derive(Clone)]
pub struct Given {
    pub schema: Vec<u16>,
    pub world: Vec<u16>,
    pub checks: Vec<Vec<u16>>,
    derivations: Vec<Vec<u16>>,
    blanks: Vec<u16>,
    pub style: Vec<u16>,
    seed: u64,
}

impl std::fmt::Debug for Given {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the case below")
    }
}

fn given() -> impl Strategy<Value = Given> {
    let choices = |most: usize| vec(any::<u16>(), 0..most);
    let parts = (
        choices(300),
        choices(900),
        vec(choices(220), 1..7),
        vec(choices(120), 0..8),
        choices(400),
        choices(300),
        any::<u64>(),
    );
    parts.prop_map(|(schema, world, checks, derivations, blanks, style, seed)| Given {
        schema,
        world,
        checks,
        derivations,
        blanks,
        style,
        seed,
    })
}

/// The parts of a case.
struct Case {
    blueprint: Blueprint,
    world: World,
    blanks: Blanks,
    parameters: Vec<Option<Datum>>,
    checks: Vec<Written>,
    derivations: Vec<(usize, Written)>,
    json: String,
    seed: u64,
    /// Derivations that strict validation refused.
    discarded: usize,
}

/// Whether a policy passes strict validation.
fn is_valid(blueprint: &Blueprint, written: &Written) -> bool {
    let (schema, _) = cedar_policy::Schema::from_cedarschema_str(&blueprint.text()).expect("schemas are valid");
    let policies = written.text().parse().unwrap_or_else(|error| panic!("{error}\n{}", written.text()));
    Validator::new(schema).validate(&policies, ValidationMode::Strict).validation_passed()
}

impl Case {
    fn new(given: &Given, derived: bool, complete: bool) -> Self {
        let schema = &mut Choices::given(&given.schema);
        let count = if derived { 1 + schema.below(3) } else { 0 };
        let blueprint = Blueprint::random(schema, count);
        let world = World::random(&mut Choices::given(&given.world), &blueprint);
        let checks = given.checks.iter().enumerate().map(|(number, choices)| {
            Writer::new(&blueprint, &world, count).check(&mut Choices::given(choices), number)
        });
        let checks = checks.collect();
        let derivations = given.derivations.iter().enumerate().filter(|_| derived).map(|(number, choices)| {
            let (at, subtracts) = (number % count, number >= count && number % 5 == 4);
            (at, Writer::new(&blueprint, &world, at).derivation(&mut Choices::given(choices), at, number, subtracts))
        });
        let (mut derivations, invalid): (Vec<_>, Vec<_>) =
            derivations.partition(|(_, written)| is_valid(&blueprint, written));
        // An attribute that nothing derives is an error of its own.
        for at in (0..count)
            .filter(|at| !derivations.iter().any(|(of, written)| of == at && written.effect == "permit"))
            .collect::<Vec<_>>()
        {
            derivations.push((at, Writer::new(&blueprint, &world, at).containment(at)));
        }
        let c = &mut Choices::given(&given.blanks);
        let percent = *c.of(&[4, 12, 40]);
        let blanks = if complete { Blanks::default() } else { world.blanks(c, &blueprint, percent) };
        let style = &mut Choices::given(&given.style);
        let parameters = blueprint
            .parameters
            .iter()
            .map(|field| (field.required || style.below(2) == 1).then(|| parameter(style, &field.kind)))
            .collect();
        let json = world.json(style, &blueprint, &blanks);
        Self {
            parameters,
            json,
            checks,
            derivations,
            blueprint,
            world,
            blanks,
            seed: given.seed,
            discarded: invalid.len(),
        }
    }

    /// The text of all policies.
    fn policies(&self) -> String {
        self.derivations.iter().map(|(_, written)| written).chain(&self.checks).map(Written::text).collect()
    }

    fn text(&self, check: Option<&str>) -> String {
        let mut text = format!("--- schema\n{}--- policies\n", self.blueprint.text());
        self.derivations.iter().for_each(|(_, written)| text.push_str(&written.text()));
        self.checks
            .iter()
            .filter(|written| check.is_none_or(|id| id == written.id))
            .for_each(|written| text.push_str(&written.text()));
        let _ = writeln!(text, "--- snapshot\n{}--- parameters\n{:?}", self.json, self.parameters);
        text
    }

    /// The official evaluator on a world; pairs of derivations that end in an error count by lot.
    fn oracle<'w>(&'w self, world: &'w World, asked: &[(usize, bool, usize, &Asked)], lot: u64) -> Oracle<'w> {
        let derives: Vec<Derives<'_>> = asked
            .iter()
            .map(|(at, subtracts, principal, asked)| Derives {
                at: *at,
                subtracts: *subtracts,
                principal: *principal,
                asked,
            })
            .collect();
        Oracle::new(&mut Choices::seeded(lot), &self.blueprint, world, &derives, &self.parameters, NOW)
    }
}

fn parameter(c: &mut Choices<'_>, kind: &Kind) -> Datum {
    match kind {
        Kind::Text => Datum::Text((*c.of(&world::TEXTS[..3])).to_owned()),
        Kind::Decimal => Datum::Decimal(*c.of(&world::DECIMALS)),
        Kind::Datetime => Datum::Datetime(*c.of(&world::DATETIMES)),
        Kind::Duration => Datum::Duration(*c.of(&world::DURATIONS)),
        Kind::Ip => Datum::Ip((*c.of(&world::IPS)).to_owned()),
        Kind::Set(_) => Datum::Set((0..c.below(3)).map(|_| parameter(c, &Kind::Text)).collect()),
        _ => Datum::Long(*c.of(&world::LONGS)),
    }
}

/// A parameter as a person would type it.
fn typed(datum: &Datum) -> String {
    match datum {
        Datum::Long(n) => n.to_string(),
        Datum::Text(text) | Datum::Ip(text) => text.clone(),
        Datum::Decimal(n) => world::decimal(*n),
        Datum::Datetime(n) => world::rfc3339(*n),
        Datum::Duration(n) => format!("{n}ms"),
        Datum::Set(items) => {
            format!("[{}]", items.iter().map(|item| format!("{:?}", typed(item))).collect::<Vec<_>>().join(","))
        }
        other => format!("{other:?}"),
    }
}

/// Deodar's reading of a case.
struct Read {
    schema: Schema,
    policies: Policies,
    program: Program,
    parameters: Vec<Option<Value>>,
    /// The policies that are never satisfied, according to the review.
    idle: BTreeSet<String>,
}

fn source(name: &str, text: &str) -> Arc<Source> {
    Source::new(name, text).expect("a small text")
}

fn shown(diagnostics: &[Diagnostic]) -> String {
    diagnostics
        .iter()
        .map(|diagnostic| {
            format!(
                "{}: {} [{}]\n",
                diagnostic.code,
                diagnostic.message,
                diagnostic.labels.iter().map(|label| label.place.text()).collect::<Vec<_>>().join(" | ")
            )
        })
        .collect()
}

fn fail(message: impl std::fmt::Display, case: &Case, check: Option<&str>) -> TestCaseError {
    TestCaseError::fail(format!("{message}\n{}", case.text(check)))
}

impl Read {
    fn new(case: &Case) -> Result<Self, TestCaseError> {
        Self::of(case, &case.policies())
    }

    /// Reads other policies than those of the case.
    fn of(case: &Case, policies: &str) -> Result<Self, TestCaseError> {
        let (schema, diagnostics) = Schema::parse(&source("s.cedarschema", &case.blueprint.text()));
        let schema =
            schema.ok_or_else(|| fail(format!("the schema is refused\n{}", shown(&diagnostics)), case, None))?;
        let (policies, diagnostics) = Policies::parse(&schema, &[source("p.cedar", policies)]);
        // Random policies may be invalid, or say nothing.
        let expected = [Code::PolicyInvalid];
        let strange = diagnostics
            .iter()
            .find(|diagnostic| diagnostic.level == DiagnosticLevel::Error && !expected.contains(&diagnostic.code));
        if strange.is_some() {
            return Err(fail(format!("the policies are refused\n{}", shown(&diagnostics)), case, None));
        }
        // The engine is held to Cedar on policies that the review refuses, too.
        let program = Program::unreviewed(&schema.model, &policies, |_| true);
        let (_, diagnostics) = Program::lower(&schema.model, &policies, |_| true);
        let expected = [Code::PolicyIdle, Code::PolicyHas, Code::CheckNotRun];
        let strange = diagnostics
            .iter()
            .find(|diagnostic| diagnostic.level == DiagnosticLevel::Error && !expected.contains(&diagnostic.code));
        if let Some(strange) = strange {
            return Err(fail(&strange.message, case, None));
        }
        let idle = diagnostics.iter().filter(|diagnostic| diagnostic.code == Code::PolicyIdle);
        let idle = idle.filter_map(|diagnostic| Some(diagnostic.message.split('`').nth(1)?.to_owned())).collect();
        let parameters = case.blueprint.parameters.iter().zip(&case.parameters).map(|(field, datum)| {
            let declared = schema.model.parameters.iter().find(|parameter| parameter.name == field.name)?;
            parse_value(&declared.ty, &typed(datum.as_ref()?)).ok()
        });
        let parameters = parameters.collect();
        Ok(Self { schema, policies, program, parameters, idle })
    }

    fn snapshot(&self, case: &Case) -> Result<Snapshot, TestCaseError> {
        self.snapshot_of(case, &case.json)
    }

    fn snapshot_of(&self, case: &Case, json: &str) -> Result<Snapshot, TestCaseError> {
        let (snapshot, diagnostics) =
            Snapshot::read(&source("s.json", json), &self.schema.model, &self.program.reads, &Limits::default());
        // References may dangle; nothing else is wrong with these snapshots.
        match (snapshot, diagnostics.iter().any(|diagnostic| diagnostic.code != Code::SnapshotReference)) {
            (Some(snapshot), false) => Ok(snapshot),
            _ => Err(fail(format!("the snapshot is refused\n{}", shown(&diagnostics)), case, None)),
        }
    }

    fn evaluator<'a>(&'a self, snapshot: &'a Snapshot) -> Evaluator<'a> {
        let binding = Binding::new(&self.schema.model, &self.program, snapshot, NOW, &self.parameters);
        let (evaluator, _) = binding.derive(usize::MAX);
        evaluator
    }

    /// The row of an instance.
    fn row(&self, case: &Case, snapshot: &Snapshot, uid: Uid) -> Option<EntityRef> {
        let ty = self.schema.model.type_named(&case.blueprint.name(case.world.instances[&uid].of))?;
        let id = case.world.id(uid);
        let rows = 0..snapshot.table(ty).rows.len() as u32;
        rows.map(|row| EntityRef { ty, row }).find(|entity| snapshot.id(&self.schema.model, *entity) == id)
    }

    fn valid(&self, id: &str) -> bool {
        let statements = self
            .policies
            .checks
            .iter()
            .map(|check| &check.statement)
            .chain(self.policies.derivations.iter().map(|derivation| &derivation.statement));
        statements.into_iter().any(|statement| statement.id == id && statement.valid)
    }
}

/// Counts over many cases.
#[derive(Default, Debug)]
struct Tally {
    policies: usize,
    valid: usize,
    pairs: usize,
    decided: usize,
    /// Pairs by what the official evaluator said of them.
    satisfied: usize,
    not: usize,
    inapplicable: usize,
    errors: usize,
    fillings: usize,
    explained: usize,
}

/// How many cases a property runs unless the environment says otherwise.
fn property(cases: u32, holds: impl Fn(&Given, &mut Tally) -> Result<(), TestCaseError>) -> Tally {
    let tally = RefCell::new(Tally::default());
    each_given(cases, |given| holds(given, &mut tally.borrow_mut()));
    eprintln!("{:?}", tally.borrow());
    tally.into_inner()
}

/// Runs a test on many random choices.
pub fn each_given(cases: u32, holds: impl Fn(&Given) -> Result<(), TestCaseError>) {
    let asked = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok());
    let mut config = Config {
        cases: asked.unwrap_or(cases),
        failure_persistence: None,
        max_shrink_iters: 6000,
        ..Config::default()
    };
    if std::env::var_os("PROPTEST_RNG_SEED").is_none() {
        config.rng_seed = RngSeed::Fixed(1);
    }
    match TestRunner::new(config).run(&given(), |given| holds(&given)) {
        Ok(()) => {}
        Err(TestError::Fail(reason, _)) => panic!("{reason}"),
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}

/// A check and a resource with Deodar's verdict; `None` is out of scope.
type Pair<'c> = (&'c Written, Uid, Option<Verdict>);

/// Every pair of a valid check and a captured resource.
fn verdicts<'c>(case: &'c Case, read: &Read, evaluator: &Evaluator<'_>) -> Result<Vec<Pair<'c>>, TestCaseError> {
    let mut pairs = Vec::new();
    let judgements = evaluator.judge(&Verdict::ALL[..4]);
    for written in case.checks.iter().filter(|written| read.valid(&written.id)) {
        let Some(at) =
            read.program.checks.iter().position(|check| read.policies.checks[check.check].statement.id == written.id)
        else {
            return Err(fail("a check was not lowered", case, Some(&written.id)));
        };
        let judgement = &judgements[at];
        let mut counts = VerdictCounts::default();
        for uid in case.world.instances.keys().copied().filter(|uid| case.world.captured(&case.blanks, *uid)) {
            let Some(resource) = read.row(case, evaluator.snapshot, uid) else {
                return Err(fail(format!("{} has no row", case.world.id(uid)), case, Some(&written.id)));
            };
            let check = &read.program.checks[at];
            let body = check.bodies.iter().find(|body| body.resource == resource.ty);
            let verdict = body.and_then(|body| evaluator.verdict(check, body, resource));
            let listed = judgement
                .judged
                .iter()
                .find(|judged| judged.subject == Subject::Entity(resource))
                .map(|judged| judged.verdict);
            if listed != verdict.filter(|verdict| *verdict != Verdict::Pass) {
                return Err(fail(format!("judged {listed:?} and {verdict:?}"), case, Some(&written.id)));
            }
            if let Some(verdict) = verdict {
                counts[verdict] += 1;
            }
            pairs.push((written, uid, verdict));
        }
        counts[Verdict::Unknown] +=
            judgement.judged.iter().filter(|judged| matches!(judged.subject, Subject::Uncaptured(..))).count();
        if counts != judgement.counts {
            return Err(fail(
                format!("counted {:?}, and there are {counts:?}", judgement.counts),
                case,
                Some(&written.id),
            ));
        }
    }
    Ok(pairs)
}

/// Whether a verdict that is decided is the official answer.
fn holds(verdict: Option<Verdict>, answer: Answer) -> bool {
    match verdict {
        None => answer == Answer::OutOfScope,
        Some(Verdict::Fail) => answer == Answer::Satisfied,
        Some(Verdict::Pass) => matches!(answer, Answer::Not { .. }),
        Some(Verdict::NotApplicable) => answer == Answer::Not { applies: false },
        Some(Verdict::Unknown) => answer != Answer::OutOfScope,
        Some(Verdict::Waived) => false,
    }
}

/// The verdict on a complete snapshot.
fn exact(answer: Answer) -> Option<Verdict> {
    match answer {
        Answer::OutOfScope => None,
        Answer::Satisfied => Some(Verdict::Fail),
        Answer::Not { applies: true } => Some(Verdict::Pass),
        Answer::Not { applies: false } => Some(Verdict::NotApplicable),
        Answer::Error => Some(Verdict::Unknown),
    }
}

fn compare(given: &Given, derived: bool, complete: bool, tally: &mut Tally) -> Result<(), TestCaseError> {
    let case = Case::new(given, derived, complete);
    let read = Read::new(&case)?;
    let snapshot = read.snapshot(&case)?;
    let evaluator = read.evaluator(&snapshot);
    let pairs = verdicts(&case, &read, &evaluator)?;
    let asked: BTreeMap<&str, Asked> = case
        .checks
        .iter()
        .chain(case.derivations.iter().map(|(_, written)| written))
        .map(|written| (written.id.as_str(), Asked::new(written)))
        .collect();
    let derives: Vec<(usize, bool, usize, &Asked)> = case
        .derivations
        .iter()
        .filter(|(_, written)| read.valid(&written.id))
        .map(|(at, written)| (*at, written.effect == "forbid", written.principal, &asked[written.id.as_str()]))
        .collect();
    tally.policies += asked.len() + case.discarded;
    tally.valid += asked.keys().filter(|id| read.valid(id)).count();
    tally.pairs += pairs.iter().filter(|(_, _, verdict)| verdict.is_some()).count();
    tally.decided +=
        pairs.iter().filter(|(_, _, verdict)| verdict.is_some_and(|verdict| verdict != Verdict::Unknown)).count();
    let mut fillings = vec![case.world.clone()];
    if !complete {
        fillings.extend(
            (0..4).map(|more| case.world.filled(&mut Choices::seeded(case.seed ^ more), &case.blueprint, &case.blanks)),
        );
    }
    for (at, filling) in fillings
        .iter()
        .enumerate()
        .filter(|(_, filling)| complete || case.world.conforms(&case.blueprint, &case.blanks, filling))
    {
        tally.fillings += 1;
        let lots = if derived { 2 } else { 1 };
        for lot in 0..lots {
            let oracle = case.oracle(filling, &derives, case.seed ^ lot);
            for (written, uid, verdict) in &pairs {
                let answer = oracle.answer(&asked[written.id.as_str()], *uid);
                if lot == 0 && at == 0 {
                    match answer {
                        Answer::OutOfScope => {}
                        Answer::Satisfied => tally.satisfied += 1,
                        Answer::Not { applies: true } => tally.not += 1,
                        Answer::Not { applies: false } => tally.inapplicable += 1,
                        Answer::Error => tally.errors += 1,
                    }
                }
                if answer == Answer::Satisfied && read.idle.contains(&written.id) {
                    return Err(fail(
                        "the review reports that it is never satisfied, and it is",
                        &case,
                        Some(&written.id),
                    ));
                }
                let agree =
                    if complete && !oracle.doubtful { *verdict == exact(answer) } else { holds(*verdict, answer) };
                if !agree {
                    let filled = if at == 0 {
                        String::new()
                    } else {
                        format!(
                            "--- in this filling\n{}",
                            filling.json(&mut Choices::given(&[]), &case.blueprint, &Blanks::default())
                        )
                    };
                    let message = format!(
                        "{} on {}: Deodar says {verdict:?}, Cedar says {answer:?}\n{filled}",
                        written.id,
                        case.world.uid(&case.blueprint, *uid)
                    );
                    return Err(fail(message, &case, Some(&written.id)));
                }
            }
            if oracle.doubtful || at > 0 || lot > 0 {
                continue;
            }
            let reference = Reference::new(&evaluator, &read.policies, NOW, &read.parameters)
                .judge()
                .map_err(|error| fail(error, &case, None))?;
            if !complete {
                is_more_careful(&case, &read, &evaluator, &reference)?;
                continue;
            }
            for (mine, theirs) in evaluator.judge(&Verdict::ALL[..4]).iter().zip(&reference) {
                if mine.counts != theirs.counts || mine.judged != theirs.judged {
                    let id = &read.policies.checks[mine.check].statement.id;
                    return Err(fail(
                        format!("the evaluator says {mine:?}, the reference engine {theirs:?}"),
                        &case,
                        Some(id),
                    ));
                }
            }
        }
    }
    Ok(())
}

/// On an incomplete snapshot the reference engine may answer unknown where the evaluator decides, and never the reverse.
fn is_more_careful(
    case: &Case,
    read: &Read,
    evaluator: &Evaluator<'_>,
    reference: &[Judgement],
) -> Result<(), TestCaseError> {
    for (mine, theirs) in evaluator.judge(&Verdict::ALL).iter().zip(reference) {
        let of = |judgement: &Judgement, subject| {
            judgement.judged.iter().find(|judged| judged.subject == subject).map_or(Verdict::Pass, |it| it.verdict)
        };
        for judged in &mine.judged {
            let Subject::Entity(entity) = judged.subject else { continue };
            let theirs = of(theirs, judged.subject);
            if theirs != judged.verdict && theirs != Verdict::Unknown {
                let id = &read.policies.checks[mine.check].statement.id;
                let subject = evaluator.snapshot.show(evaluator.model, entity);
                let message =
                    format!("on {subject} the evaluator says {:?}, the reference engine {theirs:?}", judged.verdict);
                return Err(fail(message, case, Some(id)));
            }
        }
    }
    Ok(())
}

/// A law about verdicts that are all unknown, or about policies that are all invalid, would hold of anything.
fn is_not_idle(tally: &Tally) {
    assert!(tally.valid * 10 > tally.policies * 9, "most policies must be valid: {tally:?}");
    assert!(tally.decided * 2 > tally.pairs, "most verdicts must be decided: {tally:?}");
    let kinds = [tally.satisfied, tally.not, tally.inapplicable, tally.errors];
    assert!(kinds.iter().all(|count| count * 500 > tally.pairs), "every kind of verdict must occur: {tally:?}");
}

#[test]
fn complete_snapshots_get_the_official_verdicts() {
    is_not_idle(&property(1000, |given, tally| compare(given, false, true, tally)));
}

#[test]
fn decided_verdicts_hold_under_any_filling() {
    is_not_idle(&property(800, |given, tally| compare(given, false, false, tally)));
}

#[test]
fn derived_values_are_those_of_the_cross_product() {
    is_not_idle(&property(700, |given, tally| compare(given, true, true, tally)));
}

#[test]
fn decided_verdicts_on_derived_attributes_hold_under_any_filling() {
    is_not_idle(&property(600, |given, tally| compare(given, true, false, tally)));
}

/// Reads, derives, judges and explains everything, and writes down what came out.
fn everything(case: &Case, read: &Read) -> Result<String, TestCaseError> {
    let snapshot = read.snapshot(case)?;
    let evaluator = read.evaluator(&snapshot);
    let mut text = String::new();
    for (judgement, check) in evaluator.judge(&Verdict::ALL[..4]).iter().zip(&read.program.checks) {
        let _ = writeln!(text, "{judgement:?}");
        for judged in &judgement.judged {
            let Subject::Entity(resource) = judged.subject else { continue };
            for body in check.bodies.iter().filter(|body| body.resource == resource.ty) {
                let _ = writeln!(text, "{:?}", evaluator.explain(body, &evaluator.request(resource)));
            }
        }
    }
    Ok(text)
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let pool = |threads| rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
    let pools = [pool(1), pool(2), pool(8)];
    property(60, |given, _| {
        let case = Case::new(given, true, false);
        let read = Read::new(&case)?;
        let [one, others @ ..] = &pools;
        let expected = one.install(|| everything(&case, &read))?;
        for pool in others {
            if pool.install(|| everything(&case, &read))? != expected {
                return Err(fail("more threads, another outcome", &case, None));
            }
        }
        Ok(())
    });
}

#[test]
fn runs_of_many_rows_come_out_in_order_at_any_number_of_threads() {
    let schema = r#"
        @path("") entity Org;
        @path("/groups/*") @key("id") entity Group in [Org] { "n": Long, @derived "members": Long };
        @path("/users/*") entity User in [Org] { "n": Long, "group": String };
        action "audit" appliesTo { principal: [Org], resource: [User, Group] };
        action "derive" appliesTo { principal: [User], resource: [Group] };
    "#;
    let policies = r#"
        @id("D") @derives("members")
        permit (principal is User, action == Action::"derive", resource is Group)
        when { principal.group == "a" && principal.n == resource.n };
        @id("U") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is User)
        when { resource.n > 0 } unless { resource.group == "a" };
        @id("G") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource is Group)
        unless { resource.members < 160 };
    "#;
    let users: Vec<String> = (0..9001)
        .map(|at| match at % 97 {
            0 => r#"{"group": "a"}"#.to_owned(),
            1 => format!(r#"{{"n": {}, "group": null}}"#, at % 3),
            _ => format!(r#"{{"n": {}, "group": "{}"}}"#, at % 7, if at % 16 == 2 { "a" } else { "b" }),
        })
        .collect();
    let groups: Vec<String> = (0..4200).map(|at| format!(r#"{{"id": "{at}", "n": {}}}"#, at % 9)).collect();
    let snapshot = format!(r#"{{"groups": [{}], "users": [{}]}}"#, groups.join(","), users.join(","));
    let at = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool");
        pool.install(|| said(schema, policies, &snapshot))
    };
    let one = at(1);
    assert_eq!(one.lines().count(), 13_201);
    assert!(["fail", "pass", "unknown", "not_applicable"].iter().all(|verdict| one.contains(verdict)));
    assert!([2, 8].iter().all(|threads| at(*threads) == one), "more threads, another outcome");
}

/// Checks an explanation against the texts: its spans are in the policy, and the read values are in the snapshot.
fn points_into_both_texts(
    case: &Case,
    read: &Read,
    evaluator: &Evaluator<'_>,
    tally: &mut Tally,
) -> Result<(), TestCaseError> {
    let model = &read.schema.model;
    for check in &read.program.checks {
        let statement = &read.policies.checks[check.check].statement;
        let wrong = |message: String| fail(message, case, Some(&statement.id));
        for body in &check.bodies {
            for row in 0..evaluator.snapshot.table(body.resource).rows.len() as u32 {
                let resource = EntityRef { ty: body.resource, row };
                let Some(verdict) = evaluator.verdict(check, body, resource) else { continue };
                let request = evaluator.request(resource);
                let explanation = if verdict == Verdict::NotApplicable {
                    evaluator.explain_applies(body, &request)
                } else {
                    evaluator.explain(body, &request)
                };
                tally.explained += 1;
                for clause in &explanation.clauses {
                    if clause.span.is_empty()
                        || !statement.span.contains(clause.span)
                        || statement.source.slice(clause.span).is_empty()
                    {
                        return Err(wrong(format!(
                            "the span {:?} lies outside of the policy {:?}",
                            clause.span, statement.span
                        )));
                    }
                    if let Some(failure) = clause.failure.as_ref().filter(|failure| !clause.span.contains(failure.span))
                    {
                        return Err(wrong(format!("{failure:?} lies outside of its clause {:?}", clause.span)));
                    }
                    for found in &clause.reads {
                        let ReadOf::Attribute(entity, slot) = &found.of else { continue };
                        let slot = &model.ty(entity.ty).slots[slot.index()];
                        let Some(pointer) = slot.origin.pointer() else { continue };
                        let Some(row) = evaluator.snapshot.table(entity.ty).rows.get(entity.row as usize) else {
                            return Err(wrong(format!("`{}` is read of an entity without a row", slot.dotted())));
                        };
                        let located = evaluator.snapshot.locate(row.span, pointer);
                        let there = matches!(located.kind, LocationKind::Value(kind) if kind != JsonKind::Null);
                        let sound = match found.found {
                            ReadValue::Known(_) | ReadValue::Present => there,
                            ReadValue::Absent => !there,
                            // A set that is known in part, or a reference into a list that was not captured, is there.
                            ReadValue::Uncaptured => true,
                            ReadValue::Unreadable => false,
                            ReadValue::Between(..) => false,
                        };
                        if !sound
                            || !row.span.contains(located.span)
                            || evaluator.snapshot.source.slice(located.span).is_empty()
                        {
                            return Err(wrong(format!(
                                "`{}` of {} was read as {:?}, and {located:?} is there",
                                slot.dotted(),
                                evaluator.id(*entity),
                                found.found
                            )));
                        }
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn explanations_point_into_both_texts() {
    for complete in [true, false] {
        property(60, |given, tally| {
            let case = Case::new(given, true, complete);
            let read = Read::new(&case)?;
            let snapshot = read.snapshot(&case)?;
            points_into_both_texts(&case, &read, &read.evaluator(&snapshot), tally)
        });
    }
}

/// The attributes that an explanation names, as paths of the world.
fn named(
    case: &Case,
    read: &Read,
    evaluator: &Evaluator<'_>,
    pair: (&Written, Uid, Verdict),
) -> Option<BTreeSet<(Uid, Vec<String>)>> {
    let (written, uid, verdict) = pair;
    let resource = read.row(case, evaluator.snapshot, uid)?;
    let check =
        read.program.checks.iter().find(|check| read.policies.checks[check.check].statement.id == written.id)?;
    let body = check.bodies.iter().find(|body| body.resource == resource.ty)?;
    let request = evaluator.request(resource);
    let explanation = if verdict == Verdict::NotApplicable {
        evaluator.explain_applies(body, &request)
    } else {
        evaluator.explain(body, &request)
    };
    let uids: BTreeMap<(TypeId, u32), Uid> = case
        .world
        .instances
        .keys()
        .filter_map(|uid| read.row(case, evaluator.snapshot, *uid).map(|row| ((row.ty, row.row), *uid)))
        .collect();
    let mut named = BTreeSet::new();
    for found in explanation.clauses.iter().flat_map(|clause| &clause.reads) {
        let ReadOf::Attribute(entity, slot) = &found.of else { continue };
        let path = read.schema.model.ty(entity.ty).slots[slot.index()].path.iter().map(ToString::to_string).collect();
        named.insert((*uids.get(&(entity.ty, entity.row))?, path));
    }
    Some(named)
}

/// Whether one path leads to the other or to something inside it.
fn covers(named: &BTreeSet<(Uid, Vec<String>)>, holder: Uid, path: &[String]) -> bool {
    named.iter().any(|(uid, of)| *uid == holder && (path.starts_with(of) || of.starts_with(path)))
}

#[test]
fn what_an_explanation_names_suffices_for_the_verdict() {
    let tally = property(300, |given, tally| {
        let mut case = Case::new(given, false, true);
        let read = Read::new(&case)?;
        let snapshot = read.snapshot(&case)?;
        let evaluator = read.evaluator(&snapshot);
        let decided: Vec<(Written, Uid, Verdict)> = verdicts(&case, &read, &evaluator)?
            .into_iter()
            .filter_map(|(written, uid, verdict)| Some((written.clone(), uid, verdict?)))
            .collect();
        let decided: Vec<_> =
            decided.into_iter().filter(|(_, _, verdict)| *verdict != Verdict::Unknown).take(12).collect();
        let names: Vec<_> = decided
            .iter()
            .map(|(written, uid, verdict)| named(&case, &read, &evaluator, (written, *uid, *verdict)))
            .collect();
        for ((written, uid, verdict), named) in decided.iter().zip(names) {
            let Some(named) = named else { continue };
            let context = case.blueprint.context.map(|at| case.blueprint.types[0].fields[at].name.clone());
            let blank = |(holder, path): &(Uid, Vec<String>)| {
                !covers(&named, *holder, path)
                    && (case.world.instances[holder].of != 0 || path.first() != context.as_ref())
            };
            let values = case.world.blankable(&case.blueprint).into_iter().filter(blank).collect();
            case.blanks = Blanks { values, ..Blanks::default() };
            case.json = case.world.json(&mut Choices::given(&given.style), &case.blueprint, &case.blanks);
            let snapshot = read.snapshot(&case)?;
            let evaluator = read.evaluator(&snapshot);
            // An error is not a missing value: what may fail now comes before what decides.
            let check =
                read.program.checks.iter().find(|check| read.policies.checks[check.check].statement.id == written.id);
            let body = read
                .row(&case, &snapshot, *uid)
                .and_then(|resource| Some((check?.bodies.iter().find(|body| body.resource == resource.ty)?, resource)));
            let Some((body, resource)) = body else { continue };
            let condition = evaluator.policy(body, false, &evaluator.request(resource)).satisfied;
            if condition.may(Outcomes::ERROR) {
                continue;
            }
            let again = verdicts(&case, &read, &evaluator)?
                .into_iter()
                .find(|(other, at, _)| (&other.id, at) == (&written.id, uid))
                .and_then(|(_, _, verdict)| verdict);
            tally.explained += 1;
            // What explains that a check is not satisfied need not say whether the check applies.
            let kept = again == Some(*verdict) || (*verdict == Verdict::Pass && condition == Outcomes::FALSE);
            if !kept {
                let message = format!(
                    "{} on {}: {verdict:?}, but {again:?} when only what the explanation names is captured: {named:?}",
                    written.id,
                    case.world.uid(&case.blueprint, *uid)
                );
                return Err(fail(message, &case, Some(&written.id)));
            }
        }
        Ok(())
    });
    assert!(tally.explained > 100, "explanations must occur: {tally:?}");
}

/// Every verdict of a few texts, one a line.
fn said(schema: &str, policies: &str, snapshot: &str) -> String {
    let (schema, diagnostics) = Schema::parse(&source("s.cedarschema", schema));
    let schema = schema.unwrap_or_else(|| panic!("{}", shown(&diagnostics)));
    let (policies, diagnostics) = Policies::parse(&schema, &[source("p.cedar", policies)]);
    assert!(policies.checks.iter().all(|check| check.statement.valid), "{}", shown(&diagnostics));
    let program = Program::unreviewed(&schema.model, &policies, |_| true);
    let (snapshot, diagnostics) =
        Snapshot::read(&source("s.json", snapshot), &schema.model, &program.reads, &Limits::default());
    let snapshot = snapshot.unwrap_or_else(|| panic!("{}", shown(&diagnostics)));
    let binding = Binding::new(&schema.model, &program, &snapshot, NOW, &[]);
    let (evaluator, _) = binding.derive(usize::MAX);
    let mut said = Vec::new();
    for check in &program.checks {
        for body in &check.bodies {
            for row in 0..snapshot.table(body.resource).rows.len() as u32 {
                let resource = EntityRef { ty: body.resource, row };
                let verdict = evaluator.verdict(check, body, resource).map_or("out of scope", Verdict::name);
                said.push(format!("{} {verdict}", snapshot.show(&schema.model, resource)));
            }
        }
    }
    said.join("\n")
}

/// A check of every `A` with these clauses; an `A` may hold `B`s.
fn about_a(clauses: &str, snapshot: &str) -> String {
    let schema = r#"
        @path("") entity Org { "top"?: A } tags A;
        @path("/as/*") @key("id") entity A in [Org] { "ref"?: A, "rec": { "m"?: Bool }, "span"?: duration };
        @path("/as/*/bs/*") @key("id") entity B in [A];
        @path("/names/*") entity Name in [Org];
        action "audit" appliesTo { principal: [Org], resource: [A], context: { "top"?: A } };
    "#;
    let policy = format!(
        r#"@id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) {clauses};"#
    );
    said(schema, &policy, snapshot)
}

#[test]
fn cases_that_random_ones_shrank_to() {
    let table = [
        // `has` goes from a record literal into an entity.
        (
            r#"when { {m: resource, n: 1} has m.rec } unless { {m: resource, n: 1}.m has span }"#,
            r#"{"as": [{"id": "x", "rec": {}}], "names": []}"#,
            r#"A::"x" fail"#,
        ),
        // A property name with an escape is an id.
        (
            r#"when { Name::"\"" has nothing || Name::"\"" in principal }"#,
            r#"{"as": [{"id": "x", "bs": []}], "names": {"\"": {}}}"#,
            r#"A::"x" fail"#,
        ),
        // The least duration, in a snapshot and in a policy.
        (
            r#"when { resource has span && resource.span == duration("-9223372036854775808ms") }"#,
            r#"{"as": [{"id": "x", "span": "-9223372036854775808ms"}], "names": []}"#,
            r#"A::"x" fail"#,
        ),
        // A tag may refer to an entity.
        (
            r#"unless { principal.hasTag("t") && principal.getTag("t") == resource }"#,
            r#"{"tags": {"t": "x"}, "as": [{"id": "x"}], "names": []}"#,
            r#"A::"x" pass"#,
        ),
        // A literal may name an instance that was not captured.
        (
            r#"unless { B::"x/b" in resource }"#,
            r#"{"as": [{"id": "x", "bs": [null]}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
        // Reading a record of an entity that does not exist is an error, asking the entity is not.
        (
            r#"when { resource has ref && resource.ref.rec has m }"#,
            r#"{"as": [{"id": "x", "ref": "gone"}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
        (
            r#"when { resource has ref && resource.ref has rec.m }"#,
            r#"{"as": [{"id": "x", "ref": "gone"}], "names": []}"#,
            r#"A::"x" pass"#,
        ),
        (
            r#"when { context has top && context.top.rec has m }"#,
            r#"{"top": "gone", "as": [{"id": "x"}], "names": []}"#,
            r#"A::"x" unknown"#,
        ),
    ];
    for (clauses, snapshot, expected) in table {
        assert_eq!(about_a(clauses, snapshot), expected, "{clauses}");
    }
}

#[test]
fn derivations_from_what_is_known_in_part_stay_open() {
    let attributes = r#""u": Bool, "n": Long, "x": Set<Set<Long>>, "y": Set<Long>"#;
    let schema = format!(
        r#"
        @path("") entity Org {{ @derived "d": Bool, {attributes} }};
        @path("/as/*") entity A in [Org] {{ {attributes} }};
        action "audit" appliesTo {{ principal: [Org], resource: [Org] }};
        action "derive" appliesTo {{ principal: [A], resource: [Org] }};
        "#
    );
    let table = [
        ("principal.x == resource.x", r#"{"x": [[1, 2]], "as": [{"x": [[1, null]]}]}"#),
        ("resource.x.contains(principal.y)", r#"{"x": [[1, null]], "as": [{"y": [1, 2]}]}"#),
        ("principal.x.contains(resource.y)", r#"{"y": [1, 2], "as": [{"x": [[1, null]]}]}"#),
        // The literal may name the very principal that was not captured.
        (r#"A::"0" in principal"#, "{}"),
        // Whether the left side ends in an error is not known.
        (
            "(if principal.u then 5 else 9223372036854775807 + principal.n) == resource.n",
            r#"{"n": 6, "as": [{"n": 1}]}"#,
        ),
    ];
    for (condition, snapshot) in table {
        let policies = format!(
            r#"
            @id("D") @derives("d") permit (principal is A, action == Action::"derive", resource is Org) when {{ {condition} }};
            @id("C") @title("t") @severity("low") forbid (principal, action == Action::"audit", resource) unless {{ resource.d }};
            "#
        );
        assert_eq!(said(&schema, &policies, snapshot), r#"Org::"" unknown"#, "{condition}");
    }
}
