//! The document of a run: the report with owned texts, as JSON holds it. Every output for programs is written from it, so
//! that a saved report can be read back and written in another format.
//!
//! Lines and columns count from 1, columns in Unicode scalar values; offsets are bytes from 0, ends exclusive. The schema
//! is `schemas/report.schema.json`.

mod counts;
mod status;
mod controls;
mod brief;
mod build;
mod place;
mod read;
mod contradiction;
mod merge;

pub use build::Explained;
pub(crate) use build::{Builder, bare_diagnostic, configuration, pack_files, span_in};
pub(crate) use counts::add;
pub use merge::merged;
pub use read::Saved;

use crate::diagnostic::DiagnosticLevel;
use crate::engine::Verdict;
use crate::policy::CheckSeverity;
use crate::report::controls::ControlStatus;
use crate::report::{
    Change, CheckState, ClauseOutcome, Engine, FileRole, ReadKind, ReadState, Status, UnknownsReport, WaiverStatus,
    WaiverUse, origin_phrase,
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The version of the format: the second number grows with additions, the first with everything else.
pub const VERSION: &str = "2.2";

/// A text of a report, or of a document that was read back.
pub type Text<'r> = Cow<'r, str>;

/// The number of verdicts of each kind.
pub type Counts = BTreeMap<Verdict, usize>;

/// A run: its inputs, checks, findings and diagnostics.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Document<'r> {
    /// `deodar-report`, or `deodar-run` for the last line of NDJSON.
    pub format: Text<'r>,
    /// The version of the format.
    pub version: Text<'r>,
    /// The program that judged.
    pub tool: Tool<'r>,
    /// The inputs and the options of the run, and its status.
    pub run: Run<'r>,
    /// Totals.
    pub summary: Summary,
    /// All checks of the pack, in order of their ids.
    pub checks: Vec<Check<'r>>,
    /// All waivers of the run, in order of their ids.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub waivers: Vec<Waiver<'r>>,
    /// The verdicts by control of a framework, if the run was asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by_control: Option<ByControl<'r>>,
    /// Verdicts that are not passes, the worst first.
    pub findings: Vec<Finding<'r>>,
    /// The verdicts that are not findings, by check and place, if the run was asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_verdicts: Option<Vec<OtherVerdict<'r>>>,
    /// Problems of the inputs.
    pub diagnostics: Vec<Diagnostic<'r>>,
}

/// The program that wrote a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tool<'r> {
    /// Its name.
    pub name: Text<'r>,
    /// Its version.
    pub version: Text<'r>,
}

/// The inputs and the options of a run, and its status.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run<'r> {
    /// The time of the run, RFC 3339 in UTC.
    pub now: Text<'r>,
    /// The origin of schema and policies, in words.
    pub pack: Text<'r>,
    /// The version of the pack, if its schema has one.
    pub pack_version: Option<Text<'r>>,
    /// The schema, then the policy files in order of their names.
    pub pack_files: Vec<PackFile<'r>>,
    /// The engine that judged.
    pub engine: Engine,
    /// Whether waivers were used; left out if they were.
    #[serde(default, skip_serializing_if = "is_applied")]
    pub waivers: WaiverUse,
    /// The lowest severity whose failures set exit code 1.
    pub fail_on: CheckSeverity,
    /// Whether unknown verdicts were tolerated.
    pub allow_unknown: bool,
    /// The maximal age of a snapshot, such as `7d`, if the run has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_snapshot_age: Option<Text<'r>>,
    /// The configuration file, if the run has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub configuration: Option<Configuration<'r>>,
    /// The exit code.
    pub exit_code: u8,
    /// All statuses that hold, the one that sets the exit code first.
    pub statuses: Vec<Status>,
    /// The earlier run that the verdicts are compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Baseline<'r>>,
    /// The snapshots in order.
    pub snapshots: Vec<Snapshot<'r>>,
    /// Parameters of the whole run, by name.
    pub parameters: BTreeMap<Text<'r>, Parameter<'r>>,
    /// Parameters that were set for one instance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scoped_parameters: Vec<ScopedParameter<'r>>,
}

/// The earlier run that the verdicts of a run are compared with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Baseline<'r> {
    /// The path of its report as it was given.
    pub path: Text<'r>,
    /// SHA-256 of the report, in hexadecimal.
    pub sha256: Text<'r>,
    /// The time of the earlier run, RFC 3339 in UTC.
    pub now: Text<'r>,
    /// The number of its failures and unknown verdicts.
    pub findings: usize,
    /// The number of those whose check was run on their account.
    pub judged: usize,
}

/// The configuration file of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configuration<'r> {
    /// The path as messages show it.
    pub path: Text<'r>,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: Text<'r>,
    /// The settings that weaken the gate, in the order of the file.
    pub weakens: Vec<Weakening<'r>>,
}

/// A setting of a configuration file that weakens the gate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Weakening<'r> {
    /// The key.
    pub setting: Text<'r>,
    /// The effect, in one phrase.
    pub effect: Text<'r>,
    /// The place of the setting.
    pub span: Span<'r>,
}

/// A file of a pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PackFile<'r> {
    /// The path as it was given.
    pub path: Text<'r>,
    /// Its role.
    pub role: FileRole,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: Text<'r>,
}

/// A file of a joined account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JoinedFile<'r> {
    /// The path, with the line if the file has one document on each.
    pub path: Text<'r>,
    /// SHA-256 of the text, decompressed, in hexadecimal.
    pub sha256: Text<'r>,
}

/// A snapshot of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot<'r> {
    /// The path as it was given.
    pub path: Text<'r>,
    /// SHA-256 of the text, decompressed, in hexadecimal; `None` if it could not be read.
    pub sha256: Option<Text<'r>>,
    /// The files of a joined account; empty if the snapshot is one file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<JoinedFile<'r>>,
    /// The time of the capture, RFC 3339 in UTC, if the snapshot contains it.
    pub captured_at: Option<Text<'r>>,
    /// Whether the time of the capture is unknown, and not only absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub captured_at_unknown: bool,
    /// The id of the account: that of the root entity; `None` if it was not judged.
    pub account: Option<Text<'r>>,
    /// The checks by id.
    pub checks: BTreeMap<Text<'r>, AccountCheck>,
}

/// A parameter of the whole run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Parameter<'r> {
    /// Its value as JSON, if it has one. A time, a duration, a decimal and an address are texts.
    pub value: Option<Value>,
    /// `set`, `snapshot` or `default`. Each account has a value of its own if it is `snapshot`.
    pub origin: Text<'r>,
}

/// A parameter of one instance.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScopedParameter<'r> {
    /// The type of the instance.
    #[serde(rename = "type")]
    pub ty: Text<'r>,
    /// Its id.
    pub id: Text<'r>,
    /// The name of the parameter.
    pub name: Text<'r>,
    /// Its value.
    pub value: Option<Value>,
}

/// Totals of a run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Accounts.
    pub accounts: usize,
    /// Checks.
    pub checks: usize,
    /// Verdicts by kind.
    pub verdicts: Counts,
    /// Checks that were run and gave no verdict.
    pub checks_that_met_nothing: usize,
    /// Properties of snapshots that the schema does not declare.
    pub other_properties: usize,
    /// Files in folders that are not snapshots.
    pub skipped_files: usize,
    /// Reports of Deodar in folders.
    pub skipped_reports: usize,
    /// Diagnostics that are errors.
    pub errors: usize,
    /// Diagnostics that are warnings.
    pub warnings: usize,
}

/// A check of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check<'r> {
    /// Its id.
    pub id: Text<'r>,
    /// Its title.
    pub title: Text<'r>,
    /// Its severity.
    pub severity: CheckSeverity,
    /// The severity in the policy, if the project replaced it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overridden: Option<Overridden<'r>>,
    /// The remedy for a failure.
    pub remediation: Option<Text<'r>>,
    /// The URL of the recommendation.
    pub source: Option<Text<'r>>,
    /// Controls by framework.
    pub controls: BTreeMap<Text<'r>, Vec<Text<'r>>>,
    /// The place of its policy. Reports before version 2.2 do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Span<'r>>,
    /// Its state after the run.
    pub state: CheckState,
    /// Its verdicts by kind.
    pub counts: Counts,
    /// Its failures and unknown verdicts by their change since the baseline.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Changes>,
}

/// The failures and unknown verdicts of a check by their change since the baseline. Numbers of zero are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Changes {
    /// New ones.
    pub new: Counts,
    /// Worse ones.
    pub worse: Counts,
    /// Better ones that are still unknown.
    pub better: Counts,
    /// Unchanged ones.
    pub unchanged: Counts,
    /// The number of those in the baseline that are neither now, or whose resource was removed.
    pub fixed: usize,
}

/// The severity of a policy that a project replaced.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overridden<'r> {
    /// The severity in the policy.
    pub severity: CheckSeverity,
    /// The reason of the replacement.
    pub reason: Text<'r>,
}

fn is_applied(waivers: &WaiverUse) -> bool {
    *waivers == WaiverUse::Applied
}

/// A waiver of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiver<'r> {
    /// Its id.
    pub id: Text<'r>,
    /// The id of its check.
    pub check: Text<'r>,
    /// The reason.
    pub reason: Text<'r>,
    /// The owner.
    pub owner: Text<'r>,
    /// The last day, `YYYY-MM-DD`.
    pub expires: Text<'r>,
    /// The ticket.
    pub ticket: Option<Text<'r>>,
    /// The unknown verdicts that it waives.
    pub unknown: UnknownsReport,
    /// Its status after the run.
    pub status: WaiverStatus,
    /// The verdicts that it waives. Several waivers may waive the same one.
    pub waived: usize,
    /// The other verdicts that it covers.
    pub beyond: usize,
    /// The first of these.
    pub also_covers: Vec<AlsoCovered<'r>>,
    /// Its place: the effect and the scope.
    pub span: Span<'r>,
}

/// A verdict that a waiver covers and does not waive.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlsoCovered<'r> {
    /// The id of the account.
    pub account: Text<'r>,
    /// The type of the resource.
    #[serde(rename = "type")]
    pub ty: Text<'r>,
    /// The id of the resource.
    pub id: Text<'r>,
    /// The verdict.
    pub verdict: Verdict,
}

/// The verdicts by control of a framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ByControl<'r> {
    /// The framework.
    pub framework: Text<'r>,
    /// Its controls that a check supports, by result.
    pub controls: Vec<Control<'r>>,
    /// Checks that support none.
    pub unmapped_checks: Vec<Text<'r>>,
}

/// A control of a framework.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Control<'r> {
    /// Its id.
    pub control: Text<'r>,
    /// The result of its checks.
    pub standing: ControlStatus,
    /// The verdicts of its checks by kind.
    pub counts: Counts,
    /// The ids of its checks.
    pub checks: Vec<Text<'r>>,
}

/// A verdict that is not a pass, with its evidence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding<'r> {
    /// The id of the check.
    pub check: Text<'r>,
    /// The title of the check.
    pub title: Text<'r>,
    /// The verdict.
    pub verdict: Verdict,
    /// The verdict without the waiver, if the verdict is waived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub original_verdict: Option<Verdict>,
    /// The waiver, if the verdict is waived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub waiver: Option<WaivedBy<'r>>,
    /// The severity of the check.
    pub severity: CheckSeverity,
    /// The path of the snapshot.
    pub snapshot: Text<'r>,
    /// The id of the account: that of the root entity.
    pub account: Text<'r>,
    /// The resource.
    pub resource: Resource<'r>,
    /// The result in one phrase.
    pub message: Text<'r>,
    /// The remedy, if the verdict is a failure or a waived one.
    pub remediation: Option<Text<'r>>,
    /// The values to capture, if the verdict is unknown, or was unknown before it was waived.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capture: Option<Vec<Capture<'r>>>,
    /// The change since the baseline, if the run has one and the verdict is a failure or unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Change>,
    /// A hash of check, type, id and account. See [`Identity::fingerprint`](crate::report::Identity::fingerprint).
    pub fingerprint: Text<'r>,
    /// The clauses that decided.
    pub clauses: Vec<Clause<'r>>,
}

/// A verdict that is not a finding, with its evidence in brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OtherVerdict<'r> {
    /// The id of the check.
    pub check: Text<'r>,
    /// The verdict.
    pub verdict: Verdict,
    /// The path of the snapshot.
    pub snapshot: Text<'r>,
    /// The id of the account.
    pub account: Text<'r>,
    /// The resource.
    pub resource: Resource<'r>,
    /// The fingerprint, as in a finding.
    pub fingerprint: Text<'r>,
    /// The clauses that decided.
    pub reasons: Vec<Reason<'r>>,
}

/// A clause that decided, in brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reason<'r> {
    /// Its text.
    pub clause: Text<'r>,
    /// Its outcome.
    pub outcome: ClauseOutcome,
    /// Its place in the policy.
    pub place: Place<'r>,
    /// The values that it read.
    pub values: Vec<Reading<'r>>,
}

/// A value that a clause read, in brief.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading<'r> {
    /// Its kind.
    pub kind: ReadKind,
    /// The attribute with dots, or the name of a parameter.
    pub name: Text<'r>,
    /// The entity that has it, as Cedar writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entity: Option<Text<'r>>,
    /// Its state.
    pub state: ReadState,
    /// The value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Text<'r>>,
    /// Its place in the snapshot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Place<'r>>,
}

/// A position in a named file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Place<'r> {
    /// The name of the file.
    pub file: Text<'r>,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in Unicode scalar values.
    pub column: usize,
}

/// The waiver of a finding.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WaivedBy<'r> {
    /// Its id.
    pub id: Text<'r>,
    /// The reason.
    pub reason: Text<'r>,
    /// The owner.
    pub owner: Text<'r>,
    /// The last day, `YYYY-MM-DD`.
    pub expires: Text<'r>,
    /// The ticket.
    pub ticket: Option<Text<'r>>,
    /// Its place: the effect and the scope.
    pub span: Span<'r>,
}

/// A value to capture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Capture<'r> {
    /// Its JSON pointer in the snapshot.
    pub pointer: Text<'r>,
    /// Type and attribute.
    pub attribute: Text<'r>,
    /// The `@doc` of the attribute.
    pub doc: Option<Text<'r>>,
}

/// A resource of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resource<'r> {
    /// Its type: without namespace, unless another type has the same name without it.
    #[serde(rename = "type")]
    pub ty: Text<'r>,
    /// Its id; ends with `*` for all resources in a list that was not captured.
    pub id: Text<'r>,
    /// Its JSON pointer in the snapshot.
    pub pointer: Text<'r>,
    /// The id in the identity, if it does not consist of keys.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<ResourceIdentity<'r>>,
}

/// The id of a resource in its identity, if it does not consist of keys.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ResourceIdentity<'r> {
    /// The id, with a digest in the place of each index.
    pub id: Text<'r>,
    /// The form. See [`Identity::form`](crate::report::Identity::form).
    pub form: Text<'r>,
}

/// A clause that decided, or would have decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause<'r> {
    /// Its text.
    pub text: Text<'r>,
    /// Its outcome.
    pub outcome: ClauseOutcome,
    /// Its place in the policy.
    pub span: Span<'r>,
    /// The reason why it could not be evaluated.
    pub failure: Option<Failure<'r>>,
    /// The values that it read.
    pub reads: Vec<Read<'r>>,
    /// Whether another clause decided, and this one would decide in the same way.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub also: bool,
    /// Whether it states the demand that the resource violates, or if the verdict is unknown may violate.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub demand: bool,
}

/// The reason why a clause could not be evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Failure<'r> {
    /// The reason.
    pub reason: Text<'r>,
    /// The part of the clause.
    pub span: Span<'r>,
}

/// A value that a clause read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Read<'r> {
    /// Its kind.
    pub kind: ReadKind,
    /// The attribute with dots, or the name of a parameter.
    pub name: Text<'r>,
    /// The entity that has it, as Cedar writes it.
    pub entity: Option<Text<'r>>,
    /// Its state.
    pub state: ReadState,
    /// The value.
    pub value: Option<Text<'r>>,
    /// The value as an expression of Cedar, where it differs from `value` and is known in full.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exact: Option<Text<'r>>,
    /// The folded form in which a text was compared, where it differs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compared_as: Option<Text<'r>>,
    /// Its JSON pointer in the snapshot.
    pub pointer: Option<Text<'r>>,
    /// Its place in the snapshot, or the object that lacks it.
    pub span: Option<Span<'r>>,
    /// The piece of evidence of the snapshot that covers it. Reports before version 2.2 do not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin<'r>>,
    /// The property that the object lacks.
    pub lacks: Option<Text<'r>>,
    /// Whether the snapshot states that the value was not captured; `span` is the statement.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub stated: bool,
    /// The annotation of the schema that gives its default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<Span<'r>>,
    /// A property of the object whose name is probably a misspelling.
    pub misspelt: Option<Misspelt<'r>>,
    /// The principals behind a derived value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub derived_from: Option<DerivedFrom<'r>>,
}

/// A piece of evidence of a snapshot.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Origin<'r> {
    /// The name of its file.
    pub file: Option<Text<'r>>,
    /// The way of capture.
    pub method: Option<Text<'r>>,
    /// The time of capture.
    pub captured_at: Option<Text<'r>>,
    /// The age at the time of the run.
    pub age: Option<Text<'r>>,
}

impl Origin<'_> {
    /// Returns the origin as it follows a value.
    pub(crate) fn phrase(&self) -> String {
        origin_phrase(self.file.as_deref(), self.method.as_deref(), self.age.as_deref())
    }
}

/// A property whose name is probably a misspelling.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Misspelt<'r> {
    /// The name as it is written.
    pub name: Text<'r>,
    /// Its place.
    pub span: Span<'r>,
}

/// The principals behind a derived value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DerivedFrom<'r> {
    /// The first ones.
    pub witnesses: Vec<Witness<'r>>,
    /// The number of the others.
    pub more: usize,
    /// Lists that were not captured and may contain more.
    pub uncaptured: Vec<Witness<'r>>,
    /// Principals that only one condition excludes, if there are no others. They are searched for the first failures of
    /// each check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near_misses: Vec<NearMiss<'r>>,
}

/// A principal that would contribute to a derived value if one condition were true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NearMiss<'r> {
    /// The entity as Cedar writes it.
    pub entity: Text<'r>,
    /// The reason why the condition is false.
    pub reason: Text<'r>,
    /// Its JSON pointer in the snapshot.
    pub pointer: Text<'r>,
    /// Its id in the snapshot, or the entity itself.
    pub span: Span<'r>,
}

/// A principal, or a list, behind a derived value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witness<'r> {
    /// The entity as Cedar writes it; of a list the property.
    pub entity: Text<'r>,
    /// Its state.
    pub state: ReadState,
    /// Whether it certainly counts.
    pub certain: bool,
    /// Its JSON pointer in the snapshot.
    pub pointer: Text<'r>,
    /// Its place in the snapshot.
    pub span: Span<'r>,
    /// The property that the object at `span` lacks, for a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lacks: Option<Text<'r>>,
}

/// A problem of an input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnostic<'r> {
    /// The name of its code.
    pub code: Text<'r>,
    /// Its level.
    pub severity: DiagnosticLevel,
    /// The problem.
    pub message: Text<'r>,
    /// The remedy.
    pub help: Option<Text<'r>>,
    /// Its places.
    pub labels: Vec<Label<'r>>,
}

/// A labelled place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Label<'r> {
    /// The label; may be empty.
    pub text: Text<'r>,
    /// The place.
    pub span: Span<'r>,
}

/// A part of a file.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Span<'r> {
    /// The name of the file.
    pub file: Text<'r>,
    /// The first position.
    pub start: Position,
    /// The position after the last character.
    pub end: Position,
    /// The line around it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub excerpt: Option<Excerpt<'r>>,
}

/// A position in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in Unicode scalar values.
    pub column: usize,
    /// The byte offset, from 0.
    pub offset: usize,
}

/// The line in which a span starts, as it may be shown: without secrets, and of a very long line the part around the span.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excerpt<'r> {
    /// The text.
    pub text: Text<'r>,
    /// The first character of the span in `text`, from 0, in Unicode scalar values.
    pub start: usize,
    /// The character after the span, or after the part of it on this line.
    pub end: usize,
}

/// The results of one account, as one line of NDJSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Account<'r> {
    /// `deodar-account`.
    pub format: Text<'r>,
    /// The version of the format.
    pub version: Text<'r>,
    /// The path of the snapshot.
    pub snapshot: Text<'r>,
    /// SHA-256 of the text, decompressed, in hexadecimal.
    pub sha256: Option<Text<'r>>,
    /// The files of a joined account; empty if the snapshot is one file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<JoinedFile<'r>>,
    /// The time of the capture.
    pub captured_at: Option<Text<'r>>,
    /// Whether the time of the capture is unknown, and not only absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub captured_at_unknown: bool,
    /// The id of the account: that of the root entity; `None` if it was not judged.
    pub account: Option<Text<'r>>,
    /// The origin of schema and policies, in words.
    pub pack: Text<'r>,
    /// The version of the pack.
    pub pack_version: Option<Text<'r>>,
    /// The exit code that a run of this account alone has.
    pub exit_code: u8,
    /// All statuses that hold.
    pub statuses: Vec<Status>,
    /// Verdicts by kind.
    pub verdicts: Counts,
    /// The checks by id.
    pub checks: BTreeMap<Text<'r>, AccountCheck>,
    /// Verdicts that are not passes, the worst first.
    pub findings: Vec<Finding<'r>>,
    /// The verdicts that are not findings, if the run was asked for them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub other_verdicts: Option<Vec<OtherVerdict<'r>>>,
    /// Problems of the snapshot.
    pub diagnostics: Vec<Diagnostic<'r>>,
}

/// The state of a check for one account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountCheck {
    /// Its state.
    pub state: CheckState,
    /// Its verdicts by kind; those that were not given are left out.
    #[serde(flatten)]
    pub counts: Counts,
}
