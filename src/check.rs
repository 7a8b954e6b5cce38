//! The story of a run, on one screen: schema, policies, program, snapshots, verdicts, findings.
//!
//! A [`Session`] remembers what it has read and compiled, so that a second run redoes only what its inputs changed.

use crate::diagnostic::{Diagnostic, has_errors, sort};
use crate::engine::{Judgement, Machine, Reference, Unindexed, Verdict};
use crate::policy::{Level, Policies};
use crate::program::Program;
pub use crate::report::{Engine, MOST_PAIRS, Options};

use crate::report::{CheckReport, CheckState, Finding, Findings, ParameterReport, Report, SnapshotReport, show_value};
use crate::schema::{Model, Schema, SlotId, parse_value};
use crate::snapshot::{Data, Found, Snapshot, State};
use crate::source::json::Kind;
use crate::source::{Source, nearest};
use crate::value::{TypeId, Value, show_datetime};
use globset::{Glob, GlobSet, GlobSetBuilder};
use rayon::prelude::*;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

/// The files of a run.
#[derive(Debug, Clone)]
pub struct Inputs {
    /// Where schema and policies come from, in words.
    pub pack: String,
    /// The schema.
    pub schema: Arc<Source>,
    /// The policy files, in order of their names.
    pub policies: Vec<Arc<Source>>,
    /// The snapshots, in the order they were given.
    pub snapshots: Vec<Arc<Source>>,
    /// What could not be read.
    pub diagnostics: Vec<Diagnostic>,
    /// Files in walked directories that are no snapshots.
    pub skipped: usize,
}

/// Runs checks, and remembers what does not change between runs.
#[derive(Debug, Default)]
pub struct Session {
    schema: Option<(Arc<Source>, Option<Schema>, Vec<Diagnostic>)>,
    policies: Option<(Vec<Arc<Source>>, Policies, Vec<Diagnostic>)>,
    program: Option<(Vec<bool>, Program, Vec<Diagnostic>)>,
    /// What the snapshots below were read for.
    reads: BTreeSet<(TypeId, SlotId)>,
    snapshots: Vec<ReadSnapshot>,
    /// What the last run did anew: files parsed, programs lowered.
    pub work: Work,
}

/// What a run did anew.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Work {
    /// Schemas parsed.
    pub schemas: usize,
    /// Policy files parsed.
    pub policies: usize,
    /// Programs lowered.
    pub programs: usize,
    /// Snapshots read.
    pub snapshots: usize,
}

#[derive(Debug)]
struct ReadSnapshot {
    source: Arc<Source>,
    snapshot: Option<Snapshot>,
    diagnostics: Vec<Diagnostic>,
    sha256: String,
}

impl Session {
    /// Judges every snapshot by every selected check.
    pub fn run(&mut self, inputs: &Inputs, options: &Options) -> Report {
        self.work = Work::default();
        let mut report = Report::new(&inputs.pack, options, inputs.diagnostics.clone(), inputs.skipped);
        self.read_schema(&inputs.schema);
        if let Some((_, _, diagnostics)) = &self.schema {
            report.diagnostics.extend(diagnostics.iter().cloned());
        }
        let Some((_, Some(schema), _)) = &self.schema else { return report };
        let schema = schema.clone();
        self.read_policies(&schema, &inputs.policies);
        let selected = self.select(options, &mut report);
        self.lower(&schema.model, selected);
        let parameters = parameters(&schema.model, options, &mut report);
        self.read_snapshots(&schema.model, &inputs.snapshots);
        if let (Some((_, policies, _)), Some((_, program, diagnostics))) = (&self.policies, &self.program) {
            report.diagnostics.extend(diagnostics.iter().cloned());
            for read in &self.snapshots {
                self.judge(&schema, policies, program, read, options, &parameters, &mut report);
            }
        }
        report.findings.sort_by_key(|finding| order(&report.checks, finding));
        sort(&mut report.diagnostics);
        report
    }

    fn read_schema(&mut self, source: &Arc<Source>) {
        if self.schema.as_ref().is_some_and(|(known, ..)| Arc::ptr_eq(known, source)) {
            return;
        }
        let (schema, diagnostics) = Schema::parse(source);
        self.schema = Some((Arc::clone(source), schema, diagnostics));
        (self.policies, self.program) = (None, None);
        self.snapshots.clear();
        self.work.schemas += 1;
    }

    fn read_policies(&mut self, schema: &Schema, files: &[Arc<Source>]) {
        let same = |known: &[Arc<Source>]| {
            known.len() == files.len() && known.iter().zip(files).all(|(a, b)| Arc::ptr_eq(a, b))
        };
        if self.policies.as_ref().is_some_and(|(known, ..)| same(known)) {
            return;
        }
        let (policies, diagnostics) = Policies::parse(schema, files);
        self.policies = Some((files.to_vec(), policies, diagnostics));
        self.program = None;
        self.work.policies += files.len();
    }

    /// Lists every check in the report and returns which of them run.
    fn select(&self, options: &Options, report: &mut Report) -> Vec<bool> {
        let Some((_, policies, diagnostics)) = &self.policies else { return Vec::new() };
        report.diagnostics.extend(diagnostics.iter().cloned());
        let only = Selection::new(&options.only, policies, &mut report.diagnostics);
        let skip = Selection::new(&options.skip, policies, &mut report.diagnostics);
        let mut selected = Vec::new();
        for check in &policies.checks {
            let id = check.statement.id.as_str();
            let runs = (options.only.is_empty() || only.matches(id, check.level)) && !skip.matches(id, check.level);
            let state = if !check.statement.valid || check.statement.idle {
                CheckState::Invalid
            } else if runs {
                CheckState::Run
            } else {
                CheckState::Deselected
            };
            selected.push(state == CheckState::Run);
            report.checks.push(CheckReport {
                id: check.statement.id.clone(),
                title: check.title.clone(),
                level: check.level,
                remediation: check.remediation.clone(),
                source: check.source.clone(),
                controls: check.controls.clone(),
                state,
                counts: [0; 5],
            });
        }
        selected
    }

    fn lower(&mut self, model: &Model, selected: Vec<bool>) {
        let Some((_, policies, _)) = &self.policies else { return };
        if self.program.as_ref().is_some_and(|(known, ..)| *known == selected) {
            return;
        }
        let (program, diagnostics) =
            Program::lower(model, policies, |check| selected.get(check).copied().unwrap_or(false));
        if self.reads != program.reads {
            self.snapshots.clear();
            self.reads.clone_from(&program.reads);
        }
        self.program = Some((selected, program, diagnostics));
        self.work.programs += 1;
    }

    fn read_snapshots(&mut self, model: &Model, sources: &[Arc<Source>]) {
        let Some((_, program, _)) = &self.program else { return };
        let mut known = std::mem::take(&mut self.snapshots);
        for source in sources {
            let read = match known.iter().position(|read| Arc::ptr_eq(&read.source, source)) {
                Some(at) => known.swap_remove(at),
                None => {
                    self.work.snapshots += 1;
                    let ((snapshot, diagnostics), sha256) =
                        rayon::join(|| Snapshot::read(source, model, &program.reads), || digest(source));
                    ReadSnapshot { source: Arc::clone(source), snapshot, diagnostics, sha256 }
                }
            };
            self.snapshots.push(read);
        }
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one run")]
    fn judge(
        &self,
        schema: &Schema,
        policies: &Policies,
        program: &Program,
        read: &ReadSnapshot,
        options: &Options,
        parameters: &[Option<Value>],
        report: &mut Report,
    ) {
        let snapshot_index = report.run.snapshots.len();
        report.diagnostics.extend(read.diagnostics.iter().cloned());
        report.run.snapshots.push(SnapshotReport {
            path: read.source.name().to_owned(),
            sha256: read.sha256.clone(),
            captured_at: None,
        });
        let Some(snapshot) = &read.snapshot else {
            report.secrets.push((Arc::clone(&read.source), Snapshot::likely_secrets(&read.source, &schema.model)));
            return;
        };
        report.other_properties += snapshot.other_properties;
        report.secrets.push((Arc::clone(&read.source), snapshot.secrets.clone()));
        let mut machine = Machine::bind(&schema.model, program, snapshot, options.now, parameters);
        let unindexed = machine.derive(options.most_pairs);
        report.diagnostics.extend(unindexed.into_iter().map(|found| too_many_pairs(policies, found, options)));
        if let Some(described) = report.run.snapshots.last_mut() {
            described.captured_at = captured_at(&machine);
            report.diagnostics.extend(odd_capture(&machine, described, options.now));
        }
        report.run.parameters = schema
            .model
            .parameters
            .iter()
            .zip(parameters)
            .map(|(parameter, value)| ParameterReport {
                name: parameter.name.clone(),
                value: value.as_ref().map(|value| show_value(&machine, value)),
                set: options.parameters.iter().any(|(name, _)| name == parameter.name.as_str()),
            })
            .collect();
        let judgements = match options.engine {
            Engine::Compiled => machine.judge(),
            Engine::Reference => match Reference::new(&machine, policies, options.now, parameters).judge() {
                Ok(judgements) => judgements,
                Err(error) => {
                    report.diagnostics.push(Diagnostic::error("reference-engine", error.to_string()));
                    return;
                }
            },
        };
        let findings = Findings { machine: &machine, snapshot_index, places: Mutex::default() };
        for judgement in &judgements {
            let check = &mut report.checks[judgement.check];
            check.counts.iter_mut().zip(judgement.counts).for_each(|(all, more)| *all += more);
            report.findings.extend(explain(&findings, policies, program, judgement, options));
        }
    }
}

/// The error for a derivation that would try too many pairs.
fn too_many_pairs(policies: &Policies, found: Unindexed, options: &Options) -> Diagnostic {
    let derivation = &policies.derivations[found.derivation];
    let message = format!(
        "derivation of `{}` tries each of {} principals on each of {} resources, which is more than {} pairs",
        derivation.derives, found.principals, found.resources, options.most_pairs
    );
    Diagnostic::error("derivation-pairs", message)
        .label(&derivation.statement.source, derivation.statement.span, "nothing here ties the two together")
        .help("add what they have in common, as `principal.email == resource.email` or `principal in resource.workspace`, or allow more with --max-pairs")
}

fn explain(
    findings: &Findings<'_, '_>,
    policies: &Policies,
    program: &Program,
    judgement: &Judgement,
    options: &Options,
) -> Vec<Finding> {
    let Some(check) = program.checks.iter().find(|check| check.check == judgement.check) else { return Vec::new() };
    let policy = &policies.checks[judgement.check];
    let one = |(order, judged): (usize, &crate::engine::Judged)| {
        let ty = match judged.subject {
            crate::engine::Subject::Entity(entity) => entity.ty,
            crate::engine::Subject::Uncaptured(ty, _) => ty,
        };
        let body = check.bodies.iter().find(|body| body.resource == ty)?;
        Some(findings.finding(judgement.check, policy, body, judged.subject, judged.verdict, order))
    };
    let mut left = [options.most_findings; 5];
    let wanted = judgement.judged.iter().enumerate().filter(|(_, judged)| {
        let left = &mut left[judged.verdict as usize];
        let wanted = *left > 0 && (options.explain_not_applicable || judged.verdict != Verdict::NotApplicable);
        *left = left.saturating_sub(1);
        wanted
    });
    let wanted: Vec<_> = wanted.collect();
    wanted.into_par_iter().filter_map(one).collect()
}

/// The worst first; within a check as the document has it.
fn order(checks: &[CheckReport], finding: &Finding) -> (Verdict, std::cmp::Reverse<Level>, usize, usize, usize) {
    let level = checks.get(finding.check).map_or(Level::Low, |check| check.level);
    (finding.verdict, std::cmp::Reverse(level), finding.check, finding.snapshot, finding.resource.order)
}

/// What is odd about the time of a capture, if the schema wants to know it.
fn odd_capture(machine: &Machine<'_>, described: &SnapshotReport, now: i64) -> Option<Diagnostic> {
    let root = machine.model.ty(machine.model.root);
    let crate::schema::Shape::Leaf(slot) = root.attribute("captured_at")?.shape else { return None };
    let pointer = root.slots.get(slot.index())?.origin.pointer()?;
    let written =
        machine.snapshot.table(machine.model.root).rows.first().map(|row| machine.snapshot.locate(row.span, pointer));
    let odd = match described.captured_at {
        // What is written and cannot be read has been reported.
        None if matches!(written.map(|at| at.found), Some(Found::Value(kind)) if kind != Kind::Null) => return None,
        None => "does not say when it was captured".to_owned(),
        Some(captured_at) if captured_at > now => {
            format!("was captured at {}, which is after {}", show_datetime(captured_at), show_datetime(now))
        }
        Some(_) => return None,
    };
    Some(Diagnostic::warning("capture-time", format!("`{}` {odd}", described.path)).help("set `captured_at`, or --now"))
}

/// The `captured_at` attribute of the root entity, where the schema has one.
fn captured_at(machine: &Machine<'_>) -> Option<i64> {
    let root = machine.model.ty(machine.model.root);
    let crate::schema::Shape::Leaf(slot) = root.attribute("captured_at")?.shape else { return None };
    let column = machine.column(machine.model.root, slot);
    match (&column.data, column.states.first()) {
        (Data::Number(all), Some(State::Known)) => all.first().copied(),
        _ => None,
    }
}

fn digest(source: &Source) -> String {
    Sha256::digest(source.text().as_bytes()).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// What `--only` or `--skip` says.
struct Selection {
    ids: GlobSet,
    levels: Vec<Level>,
}

impl Selection {
    /// Reads patterns; one that no check and no severity matches is an error.
    fn new(patterns: &[String], policies: &Policies, diagnostics: &mut Vec<Diagnostic>) -> Self {
        let (mut ids, mut levels) = (GlobSetBuilder::new(), Vec::new());
        let known: Vec<&str> = policies.checks.iter().map(|check| check.statement.id.as_str()).collect();
        for pattern in patterns {
            if let Ok(level) = pattern.parse::<Level>() {
                levels.push(level);
                continue;
            }
            match Glob::new(pattern) {
                Ok(glob) => {
                    if !known.iter().any(|id| glob.compile_matcher().is_match(id)) {
                        let error = Diagnostic::error("selection", format!("no check is called `{pattern}`"));
                        let help = match nearest(pattern, known.iter().copied()) {
                            Some(near) => format!("did you mean `{near}`?"),
                            None => "valid are ids, patterns as `MOE-AUTH-*`, and severities; `deodar list` shows them"
                                .to_owned(),
                        };
                        diagnostics.push(error.help(help));
                    }
                    ids.add(glob);
                }
                Err(error) => diagnostics
                    .push(Diagnostic::error("selection", format!("`{pattern}` is not a pattern: {}", error.kind()))),
            }
        }
        Self { ids: ids.build().unwrap_or_else(|_| GlobSet::empty()), levels }
    }

    fn matches(&self, id: &str, level: Level) -> bool {
        self.levels.contains(&level) || self.ids.is_match(id)
    }
}

/// The parameters of a run in the model's order: what the user set, else the schema's defaults.
fn parameters(model: &Model, options: &Options, report: &mut Report) -> Vec<Option<Value>> {
    let names = model.parameters.iter().map(|parameter| parameter.name.as_str());
    for (name, _) in options
        .parameters
        .iter()
        .filter(|(name, _)| !model.parameters.iter().any(|parameter| parameter.name == name.as_str()))
    {
        let error = Diagnostic::error("parameter", format!("there is no parameter `{name}`"));
        report.diagnostics.push(error.suggest(name, names.clone()));
    }
    for (at, (name, _)) in options.parameters.iter().enumerate() {
        if options.parameters.iter().take(at).any(|(other, _)| other == name) {
            report.diagnostics.push(Diagnostic::error("parameter", format!("parameter `{name}` is set twice")));
        }
    }
    let value = |parameter: &crate::schema::Parameter| {
        let Some((_, text)) = options.parameters.iter().rev().find(|(name, _)| name == parameter.name.as_str()) else {
            return parameter.default.clone();
        };
        match parse_value(&parameter.ty, text) {
            Ok(value) => Some(value),
            Err(help) => {
                let message =
                    format!("`{text}` is no value for parameter `{}`, a {}", parameter.name, model.show(&parameter.ty));
                report.diagnostics.push(Diagnostic::error("parameter", message).help(help));
                None
            }
        }
    };
    model.parameters.iter().map(value).collect()
}

/// Returns whether a report rests on files that could all be read.
pub fn is_sound(report: &Report) -> bool {
    !has_errors(&report.diagnostics)
}
