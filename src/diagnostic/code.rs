//! The codes of diagnostics: one for each kind of defect, with its name, its usual severity and a summary.
//!
//! The order is that of the names. A name never changes once it is published, because pipelines filter by it.

use super::DiagnosticLevel;
use std::fmt;

/// Declares [`Code`] with one row for each code: summary, variant, name and severity.
///
/// A macro, because an enum, a list and four functions of the same rows would have to be kept equal by hand.
macro_rules! codes {
    ($(#[doc = $summary:literal] $variant:ident, $name:literal, $severity:ident;)*) => {
        /// The kind of defect that a diagnostic reports.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $summary] $variant,)*
        }

        impl Code {
            /// All codes, in the order of their names.
            pub const ALL: &[Self] = &[$(Self::$variant),*];

            /// Returns the stable kebab-case name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)*
                }
            }

            /// Returns the severity that a diagnostic of this code has, unless its message states another.
            pub fn severity(self) -> DiagnosticLevel {
                match self {
                    $(Self::$variant => DiagnosticLevel::$severity,)*
                }
            }

            /// Returns a summary of the defect: one sentence.
            pub fn summary(self) -> &'static str {
                match self {
                    $(Self::$variant => $summary,)*
                }
                .trim_start()
            }

            /// Returns the page in Markdown.
            pub(super) fn page(self) -> &'static str {
                match self {
                    $(Self::$variant => include_str!(concat!("../../tests/diagnostics/", $name, ".md")),)*
                }
            }
        }
    };
}

codes! {
    /// A cell of an export cannot be read.
    CaptureCell, "capture-cell", Error;
    /// An export lacks a column, or has two columns for one property.
    CaptureColumn, "capture-column", Error;
    /// Two sources of a capture state different values.
    CaptureConflict, "capture-conflict", Error;
    /// The capture description of a pack is not valid.
    CaptureDescription, "capture-description", Error;
    /// A row of an export cannot be used as it is.
    CaptureRow, "capture-row", Error;
    /// Metadata of an identity provider cannot be read.
    CaptureSaml, "capture-saml", Error;
    /// Stored pages of a SCIM list cannot be read or are incomplete.
    CaptureScim, "capture-scim", Error;
    /// A value of a source looks like a secret.
    CaptureSecret, "capture-secret", Error;
    /// A file cannot be used as a source of a capture.
    CaptureSource, "capture-source", Error;
    /// A snapshot does not state when it was captured, or states a time after that of the run.
    CaptureTime, "capture-time", Warning;
    /// An export has a word that the capture description does not list.
    CaptureWord, "capture-word", Warning;
    /// A file of cases has an unknown key.
    CaseKey, "case-key", Error;
    /// A case edits a snapshot in a way that leaves no valid snapshot.
    CaseSnapshot, "case-snapshot", Error;
    /// A value in a file of cases is not valid.
    CaseValue, "case-value", Error;
    /// A check is not run, because a derivation that it needs is invalid.
    CheckNotRun, "check-not-run", Error;
    /// A configuration file has an unknown key or an invalid value.
    Configuration, "configuration", Error;
    /// The cases do not exercise a condition of a policy.
    Coverage, "coverage", Warning;
    /// The conditions of a derivation do not name the resource, so that its value is the same for every resource.
    DerivationConstant, "derivation-constant", Warning;
    /// Derived attributes depend on each other in a cycle.
    DerivationCycle, "derivation-cycle", Error;
    /// A check reads a derived attribute that no policy derives.
    DerivationMissing, "derivation-missing", Error;
    /// A derivation considers more pairs than the limit allows.
    DerivationPairs, "derivation-pairs", Error;
    /// The scope of a derivation does not name the types of principal and resource.
    DerivationScope, "derivation-scope", Error;
    /// A derivation names an attribute that is not a derived attribute of its resource.
    DerivationTarget, "derivation-target", Error;
    /// No policy reads a derived attribute.
    DerivationUnused, "derivation-unused", Warning;
    /// An edit of a case does not apply to its snapshot.
    Edit, "edit", Error;
    /// The verdict of a check is not the expected one.
    Expectation, "expectation", Error;
    /// The changes of verdicts in a period cannot be computed.
    Forecast, "forecast", Error;
    /// A schema cannot be inferred from snapshots, or its file exists.
    Inference, "inference", Error;
    /// Coverage is below the required minimum.
    MinCoverage, "min-coverage", Error;
    /// The mutation score is below the required minimum.
    MinScore, "min-score", Error;
    /// Mutation testing did not run.
    Mutation, "mutation", Error;
    /// A check is for an account that no snapshot of the run is of.
    NoAccount, "no-account", Warning;
    /// A check or a folder of policies has no case.
    NoCase, "no-case", Warning;
    /// No check has the given id.
    NoCheck, "no-check", Error;
    /// A case expects nothing, so that it cannot fail.
    NoExpectation, "no-expectation", Error;
    /// A check is for an instance that no snapshot of the run has.
    NoInstance, "no-instance", Warning;
    /// No pack has the given name, or no pack knows the snapshot.
    NoPack, "no-pack", Error;
    /// There are no policies to evaluate.
    NoPolicy, "no-policy", Error;
    /// A folder contains no snapshot.
    NoSnapshot, "no-snapshot", Warning;
    /// A file among the policies is not a policy.
    NotAPolicy, "not-a-policy", Warning;
    /// A file is a report of Deodar and not a snapshot.
    NotASnapshot, "not-a-snapshot", Error;
    /// The snapshot that a case starts from is not JSON.
    NotJson, "not-json", Error;
    /// A file of cases is not TOML.
    NotToml, "not-toml", Error;
    /// A file is not UTF-8.
    NotUtf8, "not-utf8", Error;
    /// An expectation of a case matches no resource.
    NothingMatched, "nothing-matched", Error;
    /// An input of the run is also its output.
    OwnOutput, "own-output", Error;
    /// A parameter is unknown, or its value is not valid.
    Parameter, "parameter", Error;
    /// An annotation of a policy is unknown, missing or not valid.
    PolicyAnnotation, "policy-annotation", Error;
    /// A policy compares a value of a reader with a text that the reader never gives.
    PolicyFolded, "policy-folded", Error;
    /// A `has` test is always true, always false, or depends on the type only.
    PolicyHas, "policy-has", Error;
    /// A policy has no id, or two policies have the same id.
    PolicyId, "policy-id", Error;
    /// A policy can never apply, or its conditions can never hold.
    PolicyIdle, "policy-idle", Error;
    /// A policy does not match the schema.
    PolicyInvalid, "policy-invalid", Error;
    /// A policy is not a check, a derivation or a waiver.
    PolicyRole, "policy-role", Error;
    /// A check has an unknown severity.
    PolicySeverity, "policy-severity", Error;
    /// A policy file exceeds a limit on nesting or size.
    PolicySize, "policy-size", Error;
    /// A policy is not valid Cedar syntax.
    PolicySyntax, "policy-syntax", Error;
    /// A policy is a template.
    PolicyTemplate, "policy-template", Error;
    /// Cedar's validator has a warning about a policy.
    PolicyWarning, "policy-warning", Warning;
    /// The reference engine cannot judge a snapshot.
    ReferenceEngine, "reference-engine", Error;
    /// Two snapshots of a run have one account id.
    SameAccount, "same-account", Warning;
    /// A saved report cannot be read or merged.
    SavedReport, "saved-report", Error;
    /// The schema does not declare the action `audit` or `derive` as Deodar needs it.
    SchemaAction, "schema-action", Error;
    /// An annotation of the schema is unknown, misplaced or not valid.
    SchemaAnnotation, "schema-annotation", Error;
    /// The context of an action declares something that no snapshot or parameter gives.
    SchemaContext, "schema-context", Error;
    /// A default value is not valid for its attribute or parameter.
    SchemaDefault, "schema-default", Error;
    /// An `@enclosing` attribute is not of a type that encloses its entity type.
    SchemaEnclosing, "schema-enclosing", Error;
    /// The schema is not a valid Cedar schema.
    SchemaInvalid, "schema-invalid", Error;
    /// Instances are nested where the declaration of the type lacks `in`, or the reverse.
    SchemaNesting, "schema-nesting", Error;
    /// A parameter is declared with a type or a default that it cannot have.
    SchemaParameter, "schema-parameter", Error;
    /// A `@path` is missing, not valid or used twice.
    SchemaPath, "schema-path", Error;
    /// A reader is unknown, or does not fit the type of its attribute.
    SchemaReader, "schema-reader", Error;
    /// An attribute refers to a type that cannot be referred to.
    SchemaReference, "schema-reference", Error;
    /// The schema has no root entity type.
    SchemaRoot, "schema-root", Error;
    /// An attribute that findings show cannot be secret.
    SchemaSecret, "schema-secret", Error;
    /// The schema exceeds a limit on nesting or size.
    SchemaSize, "schema-size", Error;
    /// The version of a schema is not valid.
    SchemaVersion, "schema-version", Error;
    /// Cedar has a warning about the schema.
    SchemaWarning, "schema-warning", Warning;
    /// A selection of checks matches nothing.
    Selection, "selection", Error;
    /// An address is an IPv6 form of an IPv4 address.
    SnapshotAddress, "snapshot-address", Warning;
    /// A snapshot is older than the limit of the run.
    SnapshotAge, "snapshot-age", Warning;
    /// The domain of an address or URL has a form that is compared without regard to case only.
    SnapshotDomain, "snapshot-domain", Warning;
    /// Two instances of a type have the same id.
    SnapshotDuplicateId, "snapshot-duplicate-id", Error;
    /// An object has the same property twice.
    SnapshotDuplicateKey, "snapshot-duplicate-key", Error;
    /// The type of an element of a list is not known.
    SnapshotElement, "snapshot-element", Warning;
    /// A snapshot is empty.
    SnapshotEmpty, "snapshot-empty", Error;
    /// A snapshot has more entities than the limit allows.
    SnapshotEntities, "snapshot-entities", Error;
    /// A value is a former one, and the schema states its migration.
    SnapshotFormer, "snapshot-former", Error;
    /// An instance has no id.
    SnapshotKey, "snapshot-key", Error;
    /// A text differs from one of a policy in case or blanks only.
    SnapshotLiteral, "snapshot-literal", Warning;
    /// The property `partial` of a snapshot is not valid.
    SnapshotPartial, "snapshot-partial", Error;
    /// A property is not declared, and may be a misspelling.
    SnapshotProperty, "snapshot-property", Warning;
    /// A reference names an instance that the snapshot does not contain.
    SnapshotReference, "snapshot-reference", Error;
    /// A snapshot is not a JSON object.
    SnapshotRoot, "snapshot-root", Error;
    /// A snapshot is not valid JSON.
    SnapshotSyntax, "snapshot-syntax", Error;
    /// A string of a snapshot is not text.
    SnapshotText, "snapshot-text", Error;
    /// The total of a list is not valid, or contradicts the list.
    SnapshotTotal, "snapshot-total", Error;
    /// A value has a JSON type other than the declared one.
    SnapshotType, "snapshot-type", Error;
    /// The property `uncaptured` of an object is not valid, or names a property that the schema does not declare.
    SnapshotUncaptured, "snapshot-uncaptured", Error;
    /// A value cannot be read as its declared type.
    SnapshotValue, "snapshot-value", Error;
    /// A word is not on an open list of the schema.
    SnapshotWord, "snapshot-word", Warning;
    /// No case detects a mutation of a policy.
    Survivor, "survivor", Warning;
    /// A list of accepted survivors has an unknown key or value.
    SurvivorKey, "survivor-key", Error;
    /// An accepted survivor no longer exists.
    SurvivorStale, "survivor-stale", Warning;
    /// A file or a snapshot exceeds a limit on bytes.
    TooLarge, "too-large", Error;
    /// A file or folder cannot be read.
    Unreadable, "unreadable", Error;
    /// Files in the working folder look like a pack that the run does not use.
    UnusedPack, "unused-pack", Warning;
    /// A waiver covers resources that its check does not fail for.
    WaiverBroad, "waiver-broad", Warning;
    /// A waiver names no check, or covers no resource of its check.
    WaiverCheck, "waiver-check", Error;
    /// The last day of a waiver is over.
    WaiverExpired, "waiver-expired", Warning;
    /// A finding cannot be waived by a new waiver.
    WaiverRefused, "waiver-refused", Error;
    /// A waiver covers no failure of the run.
    WaiverUnused, "waiver-unused", Warning;
}

impl Code {
    /// Returns the code with a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|code| code.name() == name)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Code;

    #[test]
    fn codes_are_in_the_order_of_their_names() {
        assert!(Code::ALL.is_sorted_by(|a, b| a.name() < b.name()));
    }

    #[test]
    fn a_summary_is_one_sentence() {
        for code in Code::ALL {
            let summary = code.summary();
            assert!(summary.ends_with('.') && !summary.contains(". "), "{code}: {summary}");
        }
    }

    #[test]
    fn a_name_leads_back_to_its_code() {
        for code in Code::ALL {
            assert_eq!(Code::of_name(code.name()), Some(*code));
        }
        assert_eq!(Code::of_name("nonsense"), None);
    }
}
