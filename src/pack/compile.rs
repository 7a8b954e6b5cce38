//! Compilation by part: only the parts that changed since the last time are compiled again.

use super::{CheckFilter, Pack, saved};
use crate::diagnostic::Diagnostic;
use crate::ids::IdVec;
use crate::parallel::*;
use crate::policy::{Adaptation, CheckId, Policies, PolicyFile, warm_up};
use crate::program::{Needed, Program};
use crate::schema::{Model, Schema};
use crate::snapshot::ReadPlan;
use crate::source::Source;
use std::sync::Arc;

/// The texts of a pack.
#[derive(Debug, Clone, Copy)]
pub struct PackSources<'s> {
    /// The schema.
    pub schema: &'s Arc<Source>,
    /// The policy files, in order of their names.
    pub policies: &'s [Arc<Source>],
    /// Files with waivers only, in order of their names. Policy files may have waivers too.
    pub waivers: &'s [Arc<Source>],
}

/// The parts that the last compilation compiled.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Compiled {
    /// Schemas parsed.
    pub schemas: usize,
    /// Policy files parsed.
    pub policies: usize,
    /// Programs lowered.
    pub programs: usize,
}

/// Compiles packs, and keeps the parts of the last one.
#[derive(Debug, Default)]
pub struct Compiler {
    schema: Option<Part<Arc<Source>, Option<Arc<Schema>>>>,
    /// The policy files, parsed.
    files: Vec<PolicyFile>,
    policies: Option<Part<PolicyTexts, Arc<Policies>>>,
    program: Option<Part<IdVec<CheckId, bool>, Arc<Program>>>,
    /// The plan of reading snapshots, by what its program needs.
    plan: Option<Part<Needed, Arc<ReadPlan>>>,
    /// The program of all checks of a saved pack, which has no problem.
    saved: Option<Arc<Program>>,
    /// The parts that the last compilation compiled.
    pub compiled: Compiled,
}

/// The texts of policies and of waivers, and the changes of the project to them.
type PolicyTexts = ([Vec<Arc<Source>>; 2], Arc<Adaptation>);

/// A part of a pack: its input, its value, and its problems.
#[derive(Debug)]
struct Part<K, V> {
    of: K,
    value: V,
    diagnostics: Vec<Diagnostic>,
}

impl Compiler {
    /// Compiles a pack.
    ///
    /// Also returns the problems. There is no pack if the schema cannot be read; a check with an error is not evaluated.
    pub fn compile(
        &mut self,
        sources: PackSources<'_>,
        adaptation: &Arc<Adaptation>,
        filter: CheckFilter<'_>,
    ) -> (Option<Pack>, Vec<Diagnostic>) {
        self.compiled = Compiled::default();
        let saved = self.parse(sources, adaptation);
        let Some(Part { value, diagnostics, .. }) = &self.schema else { return (None, Vec::new()) };
        let mut diagnostics = diagnostics.clone();
        let Some(schema) = value.clone() else { return (None, diagnostics) };
        let policies = self.policies(&schema, sources, adaptation, saved, &mut diagnostics);
        let selected = filter.selected(&policies, &mut diagnostics);
        let program = self.program(&schema, &policies, &selected, &mut diagnostics);
        let plan = self.plan(&schema.model, &program);
        let adaptation = Arc::clone(adaptation);
        (Some(Pack { schema, policies, program, plan, selected, adaptation }), diagnostics)
    }

    /// Parses the schema and the policy files that changed, in parallel. In place of all policy files of a pack of this
    /// program, returns its saved form, if nothing else is compiled with it.
    fn parse(&mut self, sources: PackSources<'_>, adaptation: &Adaptation) -> Option<(Policies, Program)> {
        let known = |file: &Arc<Source>| self.files.iter().any(|known| Arc::ptr_eq(&known.source, file));
        let files = || sources.policies.iter().chain(sources.waivers);
        let same_schema = self.schema.as_ref().is_some_and(|known| Arc::ptr_eq(&known.of, sources.schema));
        let same_policies =
            same_schema && self.policies.as_ref().is_some_and(|known| is_of(known, sources, adaptation));
        let changed: Vec<&Arc<Source>> = files().filter(|file| !same_policies && !known(file)).collect();
        let is_saved = !same_policies && sources.waivers.is_empty();
        let (schema, (saved, fresh)) = crate::parallel::join(
            || (!same_schema).then(|| Schema::parse(sources.schema)),
            || {
                let saved = is_saved.then(|| saved::read(sources.schema, sources.policies)).flatten();
                if saved.is_some() {
                    return (saved, Vec::new());
                }
                if !same_schema && sources.schema.saved().is_none() {
                    warm_up();
                }
                (None, changed.into_par_iter().map(PolicyFile::parse).collect::<Vec<_>>())
            },
        );
        self.compiled.policies = fresh.len();
        let wanted = |file: &PolicyFile| files().any(|wanted| Arc::ptr_eq(wanted, &file.source));
        self.files.retain(wanted);
        self.files.extend(fresh);
        if let Some((schema, diagnostics)) = schema {
            self.schema = Some(Part { of: Arc::clone(sources.schema), value: schema.map(Arc::new), diagnostics });
            (self.policies, self.program, self.plan) = (None, None, None);
            self.compiled.schemas = 1;
        }
        saved
    }

    fn policies(
        &mut self,
        schema: &Schema,
        sources: PackSources<'_>,
        adaptation: &Arc<Adaptation>,
        saved: Option<(Policies, Program)>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Arc<Policies> {
        let files = [sources.policies, sources.waivers];
        let part = match self.policies.take().filter(|known| is_of(known, sources, adaptation)) {
            Some(known) => known,
            None => {
                let (policies, diagnostics) = match saved {
                    Some((policies, program)) => {
                        (self.program, self.saved) = (None, Some(Arc::new(program)));
                        policies.adapted(adaptation)
                    }
                    None => {
                        (self.program, self.saved) = (None, None);
                        let find =
                            |file: &Arc<Source>| self.files.iter().find(|parsed| Arc::ptr_eq(&parsed.source, file));
                        let parsed = files.map(|files| files.iter().filter_map(find).collect::<Vec<&PolicyFile>>());
                        let [policies, waivers] = &parsed;
                        Policies::read(schema, policies, waivers, adaptation)
                    }
                };
                let of = (files.map(<[_]>::to_vec), Arc::clone(adaptation));
                Part { of, value: Arc::new(policies), diagnostics }
            }
        };
        diagnostics.extend(part.diagnostics.iter().cloned());
        Arc::clone(&self.policies.insert(part).value)
    }

    fn program(
        &mut self,
        schema: &Schema,
        policies: &Policies,
        selected: &IdVec<CheckId, bool>,
        diagnostics: &mut Vec<Diagnostic>,
    ) -> Arc<Program> {
        let part = match self.program.take().filter(|known| known.of == *selected) {
            Some(known) => known,
            None => {
                let select = |check: CheckId| selected.find(check).copied().unwrap_or(false);
                let is_all = selected.iter().all(|selected| *selected);
                let (value, diagnostics) = match &self.saved {
                    Some(all) if is_all => (Arc::clone(all), Vec::new()),
                    saved => {
                        self.compiled.programs = 1;
                        let (program, diagnostics) = match saved {
                            Some(all) => (all.narrowed(&schema.model, policies, select), Vec::new()),
                            None => Program::lower(&schema.model, policies, select),
                        };
                        (Arc::new(program), diagnostics)
                    }
                };
                Part { of: selected.clone(), value, diagnostics }
            }
        };
        diagnostics.extend(part.diagnostics.iter().cloned());
        Arc::clone(&self.program.insert(part).value)
    }

    /// Returns the plan of reading snapshots for a program. It is the last one if that reads them in the same way.
    fn plan(&mut self, model: &Model, program: &Program) -> Arc<ReadPlan> {
        let needed = program.needed();
        let part = self.plan.take().filter(|known| known.of == needed).unwrap_or_else(|| {
            let value = Arc::new(ReadPlan::new(model, needed.clone()));
            Part { of: needed, value, diagnostics: Vec::new() }
        });
        Arc::clone(&self.plan.insert(part).value)
    }
}

/// Returns whether policies were compiled from these texts, with these changes.
fn is_of(known: &Part<PolicyTexts, Arc<Policies>>, sources: PackSources<'_>, adaptation: &Adaptation) -> bool {
    let same = |(known, files): (&Vec<Arc<Source>>, &[Arc<Source>])| {
        known.len() == files.len() && known.iter().zip(files).all(|(a, b)| Arc::ptr_eq(a, b))
    };
    let (texts, of) = &known.of;
    **of == *adaptation && texts.iter().zip([sources.policies, sources.waivers]).all(same)
}
