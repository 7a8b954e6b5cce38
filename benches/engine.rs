//! The cost of each step of a run on one core, compared with two yardsticks.
//!
//! The first is `serde_json` building a `Value` of the same bytes, which Deodar does not do. The second is the official
//! evaluator: the whole reference engine, and `Authorizer::is_authorized` alone on entities and requests that were
//! built before, for the same pairs of check and resource. Throughput is in bytes of the snapshot, for judging in
//! pairs. All steps run on one thread. Values are dropped outside the measured time.
//!
//! `cargo bench --bench engine`, or with a filter: `cargo bench --bench engine -- judge`

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock and files")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::string_slice,
    reason = "a bench that goes wrong stops"
)]
#![expect(clippy::unwrap_used, reason = "a bench that cannot go on stops")]

mod organisation;

use cedar_policy::{
    Authorizer, Context, Entities, Entity, EntityUid, PolicyId, PolicySet, Request, RestrictedExpression,
};
use criterion::{
    BatchSize, BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main, measurement::WallTime,
};
use deodar::engine::{Binding, Evaluator, Judgement, Reference, Subject, Verdict};
use deodar::parameters::Values;
use deodar::policy::Policies;
use deodar::program::Program;
use deodar::project::EMBEDDED;
use deodar::report::{Evidence, Needs};
use deodar::schema::{Attribute, EntityKind, Origin, Schema, Shape, Ty};
use deodar::snapshot::{Data, Snapshot, State};
use deodar::source::Source;
use deodar::source::json::Scanner;
use deodar::value::{EntityRef, TypeId, Value, show_duration};
use deodar::{Inputs, Limits, Options, Session};
use organisation::Organisation;
use std::collections::{HashMap, HashSet};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

/// The moment of every run: 2026-09-01T12:00:00Z.
const NOW: i64 = 1_788_264_000_000;

criterion_group!(benches, steps, judging);
criterion_main!(benches);

fn steps(criterion: &mut Criterion) {
    one_thread();
    let rules = Rules::embedded();
    for members in [2_000, 20_000] {
        let text = Organisation::of(members).to_json();
        let mut group = criterion.benchmark_group(format!("{members} members"));
        group.throughput(Throughput::Bytes(text.len() as u64)).sample_size(10).measurement_time(Duration::from_secs(6));
        measure(&mut group, "serde_json::Value", || {
            serde_json::from_slice::<serde_json::Value>(text.as_bytes()).unwrap()
        });
        measure(&mut group, "scan", || Scanner::new(&text).skip().unwrap());
        let source = Source::new("organisation.json", text.as_str()).unwrap();
        measure(&mut group, "split, decode, resolve", || rules.read(&source));
        let snapshot = rules.read(&source);
        measure(&mut group, "derive", || rules.evaluator(&snapshot));
        let evaluator = rules.evaluator(&snapshot);
        measure(&mut group, "judge", || evaluator.judge(&Verdict::ALL[..3]));
        let judgements = evaluator.judge(&Verdict::ALL[..3]);
        measure(&mut group, "explain", || explain(&evaluator, &judgements));
        let inputs = rules.inputs(&source);
        measure(&mut group, "run", || Session::default().run(&inputs, &options()));
        group.finish();
    }
}

fn judging(criterion: &mut Criterion) {
    one_thread();
    let rules = Rules::embedded();
    for members in [200, 2_000] {
        let organisation = Organisation { workspaces: 2, ..Organisation::of(members) };
        let source = Source::new("organisation.json", organisation.to_json()).unwrap();
        let snapshot = rules.read(&source);
        let evaluator = rules.evaluator(&snapshot);
        let official = Official::prepare(&rules, &evaluator);
        let judged = evaluator.judge(&Verdict::ALL[..3]);
        let ours: Vec<usize> = judged.iter().map(|judgement| judgement.count(Verdict::Fail)).collect();
        assert_eq!(official.failures(), ours, "both engines find the same failures");
        let pairs: usize = judged.iter().map(Judgement::total).sum();
        let mut group = criterion.benchmark_group(format!("judge {members} members, by pair"));
        group.throughput(Throughput::Elements(pairs as u64)).sample_size(10);
        measure(&mut group, "deodar", || evaluator.judge(&Verdict::ALL[..3]));
        measure(&mut group, "Authorizer::is_authorized", || official.failures());
        if members == 200 {
            let reference = Reference::new(&evaluator, &rules.policies, NOW, &rules.parameters);
            measure(&mut group, "reference engine, with derivations", || reference.judge().unwrap());
        }
        group.finish();
    }
}

/// Limits the run to one core; `deodar check` uses all of them.
fn one_thread() {
    // The second call finds the pool built.
    let _ = rayon::ThreadPoolBuilder::new().num_threads(1).build_global();
}

fn measure<T>(group: &mut BenchmarkGroup<'_, WallTime>, name: &str, mut routine: impl FnMut() -> T) {
    group.bench_function(name, |bencher| bencher.iter_batched(|| (), |()| routine(), BatchSize::PerIteration));
}

/// The options of a text report: ten findings of a check are explained, the others counted.
fn options() -> Options {
    let needs = Needs { findings: Evidence::AtMost(10), not_applicable: false, ..Needs::ALL };
    Options { needs, ..Options::at(NOW) }
}

/// Explains every failure and every unknown, as a report does.
fn explain(evaluator: &Evaluator<'_>, judgements: &[Judgement]) -> usize {
    let mut reads = 0;
    for (judgement, check) in judgements.iter().zip(&evaluator.program.checks) {
        for judged in judgement.judged.iter().filter(|judged| judged.verdict < Verdict::Waived) {
            let Subject::Entity(resource) = judged.subject else { continue };
            let Some(body) = check.bodies.iter().find(|body| body.resource == resource.ty) else { continue };
            let explanation = evaluator.explain(body, &evaluator.request(resource));
            reads += explanation.clauses.iter().map(|clause| clause.reads.len()).sum::<usize>();
        }
    }
    reads
}

/// The embedded pack, compiled.
struct Rules {
    schema: Schema,
    policies: Policies,
    program: Program,
    parameters: Values,
    files: (Arc<Source>, Vec<Arc<Source>>),
}

impl Rules {
    fn embedded() -> Self {
        let pack = &EMBEDDED[0];
        let source = |file: &(&str, &str)| Source::new(file.0, file.1).unwrap();
        let files = (source(&pack.schema), pack.policies.iter().map(source).collect::<Vec<_>>());
        let schema = Schema::parse(&files.0).0.unwrap();
        let policies = Policies::parse(&schema, &files.1).0;
        let program = Program::lower(&schema.model, &policies, |_| true).0;
        let parameters = schema.model.parameters.iter().map(|parameter| parameter.default.clone().into()).collect();
        Self { schema, policies, program, parameters, files }
    }

    fn inputs(&self, snapshot: &Arc<Source>) -> Inputs {
        let (schema, policies) = self.files.clone();
        Inputs::new(schema, policies, vec![Arc::clone(snapshot)])
    }

    fn read(&self, source: &Arc<Source>) -> Snapshot {
        let (snapshot, diagnostics) =
            Snapshot::read(source, &self.schema.model, &self.program.reads, &Limits::default());
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        snapshot.unwrap()
    }

    fn evaluator<'a>(&'a self, snapshot: &'a Snapshot) -> Evaluator<'a> {
        let binding = Binding::new(&self.schema.model, &self.program, snapshot, NOW, &self.parameters);
        let (evaluator, _) = binding.derive(usize::MAX);
        evaluator
    }
}

/// The official evaluator with everything made beforehand that can be.
struct Official {
    authorizer: Authorizer,
    entities: Entities,
    /// For every check its policy alone, and a request for every resource.
    checks: Vec<(PolicySet, Vec<Request>)>,
}

impl Official {
    fn prepare(rules: &Rules, evaluator: &Evaluator<'_>) -> Self {
        let model = evaluator.model;
        let rows =
            |ty: TypeId| (0..evaluator.snapshot.table(ty).rows.len() as u32).map(move |row| EntityRef { ty, row });
        let with_rows =
            (0..model.types.len()).map(TypeId::new).filter(|ty| matches!(model.ty(*ty).kind, EntityKind::Rows(_)));
        let entities =
            Entities::from_entities(with_rows.flat_map(rows).map(|one| entity(evaluator, one)), None).unwrap();
        let action = EntityUid::from_str(&model.audit.name).unwrap();
        let set =
            model.parameters.iter().zip(&rules.parameters).filter_map(|(parameter, value)| {
                Some((parameter.name.to_string(), expression(evaluator, value.valid()?)))
            });
        let parameters = RestrictedExpression::new_record(set).unwrap();
        let moments = [("now", NOW), ("captured_at", NOW)]
            .map(|(name, moment)| (name.to_owned(), expression(evaluator, &Value::Datetime(moment))));
        let context = Context::from_pairs(moments.into_iter().chain([("parameters".to_owned(), parameters)])).unwrap();
        let request = |resource| {
            Request::new(
                uid(evaluator, evaluator.root()),
                action.clone(),
                uid(evaluator, resource),
                context.clone(),
                None,
            )
            .unwrap()
        };
        let check = |check: &deodar::program::CheckProgram| {
            let policy =
                rules.policies.cedar.policy(&PolicyId::new(&rules.policies.checks[check.check].statement.id)).unwrap();
            let resources = check.bodies.iter().flat_map(|body| rows(body.resource));
            (PolicySet::from_policies([policy.clone()]).unwrap(), resources.map(request).collect())
        };
        Self { authorizer: Authorizer::new(), entities, checks: evaluator.program.checks.iter().map(check).collect() }
    }

    fn failures(&self) -> Vec<usize> {
        let fails = |policy, request| {
            self.authorizer.is_authorized(request, policy, &self.entities).diagnostics().reason().next().is_some()
        };
        self.checks
            .iter()
            .map(|(policy, requests)| requests.iter().filter(|request| fails(policy, request)).count())
            .collect()
    }
}

fn uid(evaluator: &Evaluator<'_>, entity: EntityRef) -> EntityUid {
    let ty = evaluator.model.ty(entity.ty).name.parse().unwrap();
    EntityUid::from_type_name_and_id(ty, cedar_policy::EntityId::new(evaluator.id(entity)))
}

fn entity(evaluator: &Evaluator<'_>, of: EntityRef) -> Entity {
    let ty = evaluator.model.ty(of.ty);
    let values = ty
        .attributes
        .iter()
        .filter_map(|attribute| Some((attribute.name.to_string(), attribute_value(evaluator, of, attribute)?)));
    let values: HashMap<String, RestrictedExpression> = values.collect();
    let parent = ty.parent.and_then(|parent| evaluator.snapshot.enclosing(evaluator.model, of, parent));
    let parents: HashSet<EntityUid> = parent.map(|parent| uid(evaluator, parent)).into_iter().collect();
    Entity::new(uid(evaluator, of), values, parents).unwrap()
}

fn attribute_value(evaluator: &Evaluator<'_>, of: EntityRef, attribute: &Attribute) -> Option<RestrictedExpression> {
    let (slot, members) = match &attribute.shape {
        Shape::Leaf(slot) => (*slot, None),
        Shape::Record(slot, members) => (*slot, Some(members)),
    };
    let declared = &evaluator.model.ty(of.ty).slots[slot];
    if let Origin::Enclosing(around) = declared.origin {
        return Some(RestrictedExpression::new_entity_uid(uid(
            evaluator,
            evaluator.snapshot.enclosing(evaluator.model, of, around)?,
        )));
    }
    let (column, row) = (evaluator.column(of.ty, slot), of.row as usize);
    if column.states.get(row) != Some(&State::Known) {
        return None;
    }
    if let Some(members) = members {
        let fields = members
            .iter()
            .filter_map(|member| Some((member.name.to_string(), attribute_value(evaluator, of, member)?)));
        return Some(RestrictedExpression::new_record(fields).unwrap());
    }
    let value = match (&column.data, &declared.ty) {
        (Data::Bool(all), _) => Value::Bool(all[row]),
        (Data::Number(all), Ty::Datetime) => Value::Datetime(all[row]),
        (Data::Number(all), _) => Value::Long(all[row]),
        (Data::Range(all), _) => Value::Long(all[row].0),
        (Data::Text(all), _) => Value::String(evaluator.snapshot.text(all[row]).into()),
        (Data::Ip(all), _) => Value::Ip(all[row]),
        (Data::Entity(all), Ty::Entity(target)) => Value::Entity(EntityRef { ty: *target, row: all[row] }),
        (Data::Value(all), _) => all[row].clone(),
        _ => return None,
    };
    Some(expression(evaluator, &value))
}

fn expression(evaluator: &Evaluator<'_>, value: &Value) -> RestrictedExpression {
    let parsed = |text: String| RestrictedExpression::from_str(&text).unwrap();
    match value {
        Value::Bool(b) => RestrictedExpression::new_bool(*b),
        Value::Long(n) => RestrictedExpression::new_long(*n),
        Value::String(text) => RestrictedExpression::new_string(text.to_string()),
        Value::Datetime(n) => parsed(format!("datetime(\"1970-01-01\").offset(duration(\"{n}ms\"))")),
        Value::Duration(n) => parsed(format!("duration(\"{}\")", show_duration(*n))),
        Value::Ip(ip) => RestrictedExpression::new_ip(ip.to_string()),
        Value::Entity(entity) => RestrictedExpression::new_entity_uid(uid(evaluator, *entity)),
        Value::Set(set) => RestrictedExpression::new_set(set.items().iter().map(|item| expression(evaluator, item))),
        Value::Decimal(_) | Value::Record(_) => unreachable!("the pack has none outside of attributes"),
    }
}
