//! The settings of a run: those of flags, then those of the configuration file, then the defaults.

use super::{Configuration, Given};
use crate::parameters::Setting;
use crate::policy::{Adaptation, CheckSeverity};
use crate::report::{ConfigurationReport, WaiverUse, Weakening};
use crate::source::Place;
use crate::value::show_duration;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Characters of the value of a parameter in the effect of its setting.
const CHARACTERS: usize = 200;

/// Settings as flags set them; `None` and empty lists are flags that were not given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Configuration`")]
pub struct Flags {
    pub pack: Option<String>,
    pub policies: Vec<PathBuf>,
    pub waivers: Vec<PathBuf>,
    /// Whether a flag ignores all waivers.
    pub no_waivers: bool,
    pub schema: Option<PathBuf>,
    pub parameters: Vec<Setting>,
    pub only: Vec<String>,
    pub skip: Vec<String>,
    pub fail_on: Option<CheckSeverity>,
    pub allow_unknown: Option<bool>,
    /// `Some(None)` lifts the limit of the file.
    pub max_snapshot_age: Option<Option<i64>>,
    /// Names of formats with their files; `None` is standard output.
    pub outputs: Vec<(&'static str, Option<PathBuf>)>,
    pub store: Option<PathBuf>,
    pub baseline: Option<PathBuf>,
}

/// The origin of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// The configuration file, at this place.
    File(Place),
    /// Neither of them.
    Default,
}

/// A value with its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sourced<T> {
    /// The value.
    pub value: T,
    /// Its origin.
    pub origin: Origin,
}

/// The settings of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of `Configuration`")]
pub struct Effective {
    /// The path and the digest of the configuration file.
    pub file: Option<(String, String)>,
    pub pack: Sourced<Option<String>>,
    pub policies: Sourced<Vec<PathBuf>>,
    pub waivers: Sourced<Vec<PathBuf>>,
    /// Whether waivers are used.
    pub waiver_use: WaiverUse,
    pub schema: Sourced<Option<PathBuf>>,
    /// Settings of parameters: those of flags have no place.
    pub parameters: Vec<Setting>,
    pub only: Sourced<Vec<String>>,
    pub skip: Sourced<Vec<String>>,
    pub fail_on: Sourced<CheckSeverity>,
    pub allow_unknown: Sourced<bool>,
    pub max_snapshot_age: Sourced<Option<i64>>,
    pub outputs: Sourced<Vec<(&'static str, Option<PathBuf>)>>,
    pub store: Sourced<Option<PathBuf>>,
    pub baseline: Sourced<Option<PathBuf>>,
    /// Own annotations and frameworks, and severities that replace those of the policies.
    pub adaptation: Adaptation,
    annotations: Origin,
    frameworks: Origin,
}

/// A setting of a run, for people and programs.
#[derive(Debug, Clone, PartialEq)]
pub struct EffectiveSetting {
    /// The key, with the name of the parameter or check if it has one.
    pub key: String,
    /// The value; null if there is none.
    pub value: Value,
    /// Its origin.
    pub origin: Origin,
    /// Its effect, if it is a setting of the file that weakens the gate.
    pub weakens: Option<String>,
}

impl Effective {
    /// Returns the settings of flags and of a configuration file. Each flag replaces its key of the file. `--pack` also
    /// replaces `schema` and `policies`, each of these also replaces `pack`, and a parameter replaces only the same one.
    pub fn new(flags: Flags, configuration: Option<&Configuration>) -> Self {
        let of_file = configuration;
        let is_other_pack = flags.pack.is_some();
        let has_own_files = flags.schema.is_some() || !flags.policies.is_empty();
        let own = |given: fn(&Configuration) -> Option<&Given<Vec<smol_str::SmolStr>>>| {
            of_file
                .and_then(given)
                .map_or((Vec::new(), Origin::Default), |given| (given.value.clone(), Origin::File(given.place.clone())))
        };
        let (annotation_names, annotations) = own(|file| file.annotations.as_ref());
        let (framework_names, frameworks) = own(|file| file.frameworks.as_ref());
        let mut parameters = flags.parameters;
        for setting in of_file.iter().flat_map(|file| &file.parameters) {
            if !parameters.iter().any(|flag| flag.key == setting.key) {
                parameters.push(setting.clone());
            }
        }
        let outputs = of_file.and_then(|file| file.outputs.as_ref()).map(|given| Given {
            value: given.value.iter().map(|output| (output.format, Some(output.path.clone()))).collect(),
            place: given.place.clone(),
        });
        Self {
            file: of_file.map(|file| (file.source.name().to_owned(), file.sha256.clone())),
            pack: optional(flags.pack, of_file.and_then(|file| file.pack.as_ref()).filter(|_| !has_own_files)),
            policies: listed(
                flags.policies,
                of_file.and_then(|file| file.policies.as_ref()).filter(|_| !is_other_pack),
            ),
            schema: optional(flags.schema, of_file.and_then(|file| file.schema.as_ref()).filter(|_| !is_other_pack)),
            waivers: listed(flags.waivers, of_file.and_then(|file| file.waivers.as_ref())),
            waiver_use: if flags.no_waivers { WaiverUse::Ignored } else { WaiverUse::Applied },
            parameters,
            only: listed(flags.only, of_file.and_then(|file| file.only.as_ref())),
            skip: listed(flags.skip, of_file.and_then(|file| file.skip.as_ref())),
            fail_on: one(flags.fail_on, of_file.and_then(|file| file.fail_on.as_ref()), CheckSeverity::Low),
            allow_unknown: one(flags.allow_unknown, of_file.and_then(|file| file.allow_unknown.as_ref()), false),
            max_snapshot_age: match flags.max_snapshot_age {
                Some(value) => Sourced { value, origin: Origin::Flag },
                None => optional(None, of_file.and_then(|file| file.max_snapshot_age.as_ref())),
            },
            outputs: listed(flags.outputs, outputs.as_ref()),
            store: optional(flags.store, of_file.and_then(|file| file.store.as_ref())),
            baseline: optional(flags.baseline, of_file.and_then(|file| file.baseline.as_ref())),
            adaptation: Adaptation {
                annotations: annotation_names,
                frameworks: framework_names,
                severities: of_file.map(|file| file.severities.clone()).unwrap_or_default(),
            },
            annotations,
            frameworks,
        }
    }

    /// Returns the description of the configuration file for the report of a run, without the severities, whose effect
    /// depends on the policies; `None` without a file.
    pub fn report(&self) -> Option<ConfigurationReport> {
        let (path, sha256) = self.file.clone()?;
        let weakening = |setting: EffectiveSetting| match (setting.weakens, setting.origin) {
            (Some(effect), Origin::File(place)) => Some(Weakening { setting: setting.key, effect, place }),
            _ => None,
        };
        Some(ConfigurationReport { path, sha256, weakens: self.listed().into_iter().filter_map(weakening).collect() })
    }

    /// Returns all settings, in the order of the keys.
    pub fn listed(&self) -> Vec<EffectiveSetting> {
        let schema = "the schema is not that of a built-in pack".to_owned();
        let policies = "the policies are not those of a built-in pack".to_owned();
        let names = |names: &[String]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        let severity = self.fail_on.value;
        let mut all = vec![
            setting("pack", &self.pack, json!(self.pack.value), None),
            setting("schema", &self.schema, json!(self.schema.value.as_deref().map(shown)), Some(schema)),
            setting("policies", &self.policies, paths(&self.policies.value), Some(policies)),
            setting(
                "waivers",
                &self.waivers,
                paths(&self.waivers.value),
                (self.waiver_use == WaiverUse::Applied)
                    .then(|| "verdicts that these waivers cover do not fail the run".to_owned()),
            ),
            setting(
                "baseline",
                &self.baseline,
                json!(self.baseline.value.as_deref().map(shown)),
                Some("failures and unknown verdicts of the baseline do not fail the run".to_owned()),
            ),
            setting(
                "only",
                &self.only,
                json!(self.only.value),
                Some(format!("checks other than {} are not run", names(&self.only.value))),
            ),
            setting(
                "skip",
                &self.skip,
                json!(self.skip.value),
                Some(format!("the checks {} are not run", names(&self.skip.value))),
            ),
            setting(
                "fail-on",
                &self.fail_on,
                json!(severity.name()),
                (severity > CheckSeverity::Low)
                    .then(|| format!("failures below {} do not fail the run", severity.name())),
            ),
            setting(
                "allow-unknown",
                &self.allow_unknown,
                json!(self.allow_unknown.value),
                self.allow_unknown.value.then(|| "unknown verdicts do not fail the run".to_owned()),
            ),
            setting(
                "max-snapshot-age",
                &self.max_snapshot_age,
                json!(self.max_snapshot_age.value.map(show_duration)),
                None,
            ),
            setting("outputs", &self.outputs, self.outputs.value.iter().map(output).collect(), None),
            setting("store", &self.store, json!(self.store.value.as_deref().map(shown)), None),
            EffectiveSetting {
                key: "annotations".to_owned(),
                value: json!(self.adaptation.annotations),
                origin: self.annotations.clone(),
                weakens: None,
            },
            EffectiveSetting {
                key: "frameworks".to_owned(),
                value: json!(self.adaptation.frameworks),
                origin: self.frameworks.clone(),
                weakens: None,
            },
        ];
        all.extend(self.parameters.iter().map(|parameter| EffectiveSetting {
            key: format!("parameters.{}", parameter.key),
            value: json!(parameter.text),
            origin: parameter.place.clone().map_or(Origin::Flag, Origin::File),
            weakens: parameter.place.is_some().then(|| format!("the value is {}", limited(&parameter.text))),
        }));
        all.extend(self.adaptation.severities.iter().map(|change| EffectiveSetting {
            key: format!("severity.{}", change.check),
            value: json!({ "severity": change.severity.name(), "reason": change.reason }),
            origin: Origin::File(change.place.clone()),
            weakens: None,
        }));
        all
    }
}

/// Returns a setting; `weakens` is its effect if the file sets it.
fn setting<T>(key: &str, sourced: &Sourced<T>, value: Value, weakens: Option<String>) -> EffectiveSetting {
    let is_of_file = matches!(sourced.origin, Origin::File(_));
    EffectiveSetting {
        key: key.to_owned(),
        value,
        origin: sourced.origin.clone(),
        weakens: weakens.filter(|_| is_of_file),
    }
}

fn output((format, path): &(&'static str, Option<PathBuf>)) -> Value {
    path.as_ref().map_or_else(|| json!(format), |path| json!(format!("{format}={}", shown(path))))
}

/// Returns the beginning of a value.
fn limited(text: &str) -> String {
    match text.char_indices().nth(CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}

fn paths(paths: &[PathBuf]) -> Value {
    paths.iter().map(|path| json!(shown(path))).collect()
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn one<T: Copy>(flag: Option<T>, given: Option<&Given<T>>, default: T) -> Sourced<T> {
    match (flag, given) {
        (Some(value), _) => Sourced { value, origin: Origin::Flag },
        (None, Some(given)) => Sourced { value: given.value, origin: Origin::File(given.place.clone()) },
        (None, None) => Sourced { value: default, origin: Origin::Default },
    }
}

fn optional<T: Clone>(flag: Option<T>, given: Option<&Given<T>>) -> Sourced<Option<T>> {
    match (flag, given) {
        (Some(value), _) => Sourced { value: Some(value), origin: Origin::Flag },
        (None, Some(given)) => Sourced { value: Some(given.value.clone()), origin: Origin::File(given.place.clone()) },
        (None, None) => Sourced { value: None, origin: Origin::Default },
    }
}

fn listed<T: Clone>(flag: Vec<T>, given: Option<&Given<Vec<T>>>) -> Sourced<Vec<T>> {
    match given {
        _ if !flag.is_empty() => Sourced { value: flag, origin: Origin::Flag },
        Some(given) => Sourced { value: given.value.clone(), origin: Origin::File(given.place.clone()) },
        None => Sourced { value: Vec::new(), origin: Origin::Default },
    }
}
