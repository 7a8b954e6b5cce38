//! The waivers of a run, with what each covers over all accounts.

use crate::diagnostic::{Code, Diagnostic};
use crate::engine::{BEYOND, Verdict};
use crate::policy::{Unknowns, WaiverId};
use crate::source::{Place, Span};
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// A waiver of a run.
#[derive(Debug, Clone)]
pub struct WaiverReport {
    /// Its id.
    pub id: SmolStr,
    /// The id of its check.
    pub check: SmolStr,
    /// The reason.
    pub reason: SmolStr,
    /// The owner.
    pub owner: SmolStr,
    /// The last day, `YYYY-MM-DD`.
    pub expires: SmolStr,
    /// The ticket.
    pub ticket: Option<SmolStr>,
    /// The verdicts that it waives.
    pub unknowns: UnknownsReport,
    /// Its place: the effect and the scope.
    pub place: Place,
    /// The place of the last day in the same file.
    pub expires_span: Span,
    /// Whether it was used.
    pub state: WaiverState,
    /// The accounts for which it was evaluated.
    pub accounts: usize,
    /// The verdicts that it waives. Several waivers may waive the same one.
    pub waived: usize,
    /// The other verdicts that it covers.
    pub beyond: usize,
    /// The first of these.
    pub examples: Vec<Beyond>,
}

/// A verdict that a waiver covers and does not waive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Beyond {
    /// The id of the account.
    pub account: SmolStr,
    /// The type of the resource: without namespace, unless another type has the same name without it.
    pub ty: String,
    /// The id of the resource.
    pub id: SmolStr,
    /// The verdict.
    pub verdict: Verdict,
}

/// The coverage of a waiver in one account.
#[derive(Debug, Clone)]
pub struct AccountCoverage {
    /// The waiver.
    pub waiver: WaiverId,
    /// The verdicts that it waives.
    pub waived: usize,
    /// The other verdicts that it covers.
    pub beyond: usize,
    /// The first of these.
    pub examples: Vec<Beyond>,
}

/// The verdicts that a waiver waives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownsReport {
    /// Failures only.
    Kept,
    /// Failures and unknown verdicts.
    Too,
    /// Unknown verdicts only.
    Only,
}

impl From<Unknowns> for UnknownsReport {
    fn from(unknowns: Unknowns) -> Self {
        match unknowns {
            Unknowns::Kept => UnknownsReport::Kept,
            Unknowns::Too => UnknownsReport::Too,
            Unknowns::Only => UnknownsReport::Only,
        }
    }
}

/// Whether a waiver is used in a run, before any account is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WaiverState {
    /// It is used.
    Live,
    /// Its last day is over.
    Expired,
    /// The run ignores all waivers.
    Ignored,
    /// Its check is not run.
    NotRun,
    /// It has an error.
    Invalid,
}

/// The status of a waiver after a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaiverStatus {
    /// It waives verdicts, and covers no others.
    Live,
    /// It waives verdicts, and covers others too.
    OverBroad,
    /// It waives no verdict of any account.
    Unused,
    /// Its last day is over. It was not used.
    Expired,
    /// The run ignored all waivers.
    Ignored,
    /// Its check was not run, or an account was not judged and the others have nothing to waive.
    NotJudged,
    /// It has an error. It was not used.
    Invalid,
}

impl WaiverStatus {
    /// Returns the name for people.
    pub fn words(self) -> &'static str {
        match self {
            WaiverStatus::Live => "live",
            WaiverStatus::OverBroad => "over-broad",
            WaiverStatus::Unused => "unused",
            WaiverStatus::Expired => "expired",
            WaiverStatus::Ignored => "ignored",
            WaiverStatus::NotJudged => "not judged",
            WaiverStatus::Invalid => "invalid",
        }
    }

    /// Returns whether a waiver with this status waives verdicts.
    pub fn waives(self) -> bool {
        matches!(self, WaiverStatus::Live | WaiverStatus::OverBroad)
    }
}

impl WaiverReport {
    /// Returns the status after a run over a number of accounts.
    pub fn status(&self, accounts: usize) -> WaiverStatus {
        match self.state {
            WaiverState::Expired => WaiverStatus::Expired,
            WaiverState::Ignored => WaiverStatus::Ignored,
            WaiverState::NotRun => WaiverStatus::NotJudged,
            WaiverState::Invalid => WaiverStatus::Invalid,
            WaiverState::Live if self.waived == 0 && (self.accounts < accounts || accounts == 0) => {
                WaiverStatus::NotJudged
            }
            WaiverState::Live if self.waived == 0 => WaiverStatus::Unused,
            WaiverState::Live if self.beyond > 0 => WaiverStatus::OverBroad,
            WaiverState::Live => WaiverStatus::Live,
        }
    }

    /// Adds the coverage in the next account.
    pub(super) fn absorb(&mut self, coverage: AccountCoverage) {
        self.accounts += 1;
        self.waived += coverage.waived;
        self.beyond += coverage.beyond;
        let room = BEYOND.saturating_sub(self.examples.len());
        self.examples.extend(coverage.examples.into_iter().take(room));
    }

    /// Returns the warning about the waiver after a run over a number of accounts, if there is one.
    pub(crate) fn problem(&self, accounts: usize) -> Option<Diagnostic> {
        let status = self.status(accounts);
        let span = if status == WaiverStatus::Expired { self.expires_span } else { self.place.span };
        let examples: Vec<String> = self.examples.iter().map(|beyond| beyond.shown(accounts > 1)).collect();
        let texts = WaiverProblem::of(status, &self.id, &self.check, &self.expires, self.beyond, &examples)?;
        let warning = Diagnostic::warning(texts.code, texts.message);
        Some(warning.label(&self.place.source, span, texts.label).help(texts.help))
    }
}

impl Beyond {
    /// Returns the resource with its verdict, and with its account if there are several.
    pub fn shown(&self, with_account: bool) -> String {
        let of = if with_account { format!(" of {}", self.account) } else { String::new() };
        let verdict = self.verdict.name().replace('_', " ");
        format!("{} {}{of} ({verdict})", self.ty, self.id)
    }
}

/// The texts of a warning about a waiver.
#[derive(Debug)]
pub(crate) struct WaiverProblem {
    pub code: Code,
    pub message: String,
    pub label: &'static str,
    pub help: String,
}

impl WaiverProblem {
    /// Returns the texts for a status. `examples` are the first of the `beyond` verdicts that the waiver covers and does
    /// not waive.
    pub(crate) fn of(
        status: WaiverStatus,
        id: &str,
        check: &str,
        expires: &str,
        beyond: usize,
        examples: &[String],
    ) -> Option<Self> {
        let more = beyond.saturating_sub(examples.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let others = format!("{}{more}", examples.join(", "));
        let resources = if beyond == 1 { "one resource".to_owned() } else { format!("{beyond} resources") };
        let (code, message, label, help) = match status {
            WaiverStatus::Expired => (
                Code::WaiverExpired,
                format!("waiver `{id}` of `{check}` expired after {expires}"),
                "its last day",
                "correct the failures and remove the waiver, or decide again and write a later day".to_owned(),
            ),
            WaiverStatus::Unused => (
                Code::WaiverUnused,
                format!("waiver `{id}` has no verdict of `{check}` to waive"),
                "",
                match beyond {
                    0 => "remove it, or correct its conditions: an unknown condition waives nothing".to_owned(),
                    _ => format!("remove it, or correct its conditions: it covers {others}"),
                },
            ),
            WaiverStatus::OverBroad => (
                Code::WaiverBroad,
                format!("waiver `{id}` of `{check}` also covers {resources} without a verdict to waive"),
                "this scope and its conditions",
                format!("narrow its scope or conditions: it also covers {others}"),
            ),
            WaiverStatus::Live | WaiverStatus::Ignored | WaiverStatus::NotJudged | WaiverStatus::Invalid => {
                return None;
            }
        };
        Some(Self { code, message, label, help })
    }
}
