//! The digests of a run, by which it is repeated and compared: its command, its inputs, and all its verdicts. They are
//! digests, not a signature.
//!
//! The digest of the verdicts covers every verdict that is not a pass, and the number of passes of each check and account.
//! With the digests of the inputs this determines the passes too.

use super::document::{Builder, Document, Text};
use super::output::Output;
use crate::diagnostic::{Code, Diagnostic};
use crate::engine::Verdict;
use crate::report::{Evidence, Needs, Report, of_findings};
use crate::source::{Source, Span, hexadecimal};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::Arc;

/// The value of `format` of a file with digests.
const FORMAT: &str = "deodar-evidence";
/// The version of the format.
const VERSION: &str = "1.0";

/// The digests of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunDigests {
    format: String,
    version: String,
    /// The version of the engine.
    pub engine: String,
    /// The words of the command line after the name of the program.
    pub command: Vec<String>,
    /// The time of the run, RFC 3339 in UTC.
    pub now: String,
    /// The exit code.
    pub exit_code: u8,
    /// SHA-256 of the inputs, by their names: files of the pack, configuration file, baseline,
    /// snapshots, parameters, checks, options.
    pub inputs: BTreeMap<String, Option<String>>,
    /// The number of verdicts of each kind.
    pub verdicts: BTreeMap<Verdict, usize>,
    /// SHA-256 of all verdicts.
    pub sha256: String,
}

impl RunDigests {
    /// The parts of a run that the digests cover.
    pub const NEEDS: Needs = Needs {
        findings: Evidence::All,
        not_applicable: true,
        diagnostics: Evidence::AtMost(1),
        snapshots: Evidence::All,
        digests: true,
        ..Needs::NOTHING
    };

    /// Returns the digests of a run that has [`Self::NEEDS`].
    pub fn of(report: &Report, command: Vec<String>) -> Self {
        let document = Document::without_findings(report, &Self::NEEDS);
        let run = &document.run;
        let mut inputs = BTreeMap::new();
        for file in &run.pack_files {
            inputs
                .insert(format!("{} {}", json!(file.role).as_str().unwrap_or_default(), file.path), some(&file.sha256));
        }
        if let Some(file) = &run.configuration {
            inputs.insert(format!("configuration {}", file.path), some(&file.sha256));
        }
        if let Some(baseline) = &run.baseline {
            inputs.insert(format!("baseline {}", baseline.path), some(&baseline.sha256));
        }
        for (at, snapshot) in run.snapshots.iter().enumerate() {
            inputs.insert(format!("snapshot {} {}", at + 1, snapshot.path), snapshot.sha256.as_ref().and_then(some));
            for file in &snapshot.files {
                inputs.insert(format!("snapshot {} {}", at + 1, file.path), some(&file.sha256));
            }
        }
        let parameters = json!([run.parameters, run.scoped_parameters]);
        let checks: Vec<Value> =
            document.checks.iter().map(|check| json!([check.id, check.severity, check.state])).collect();
        let options = json!([
            run.engine,
            run.waivers,
            run.fail_on,
            run.allow_unknown,
            run.max_snapshot_age,
            run.pack,
            run.pack_version
        ]);
        for (name, value) in [("parameters", parameters), ("checks", json!(checks)), ("options", options)] {
            inputs.insert(name.to_owned(), Some(sha256([value])));
        }
        Self {
            format: FORMAT.to_owned(),
            version: VERSION.to_owned(),
            engine: document.tool.version.to_string(),
            command,
            now: run.now.to_string(),
            exit_code: run.exit_code,
            inputs,
            verdicts: document.summary.verdicts.clone(),
            sha256: sha256(verdicts(&document, report)),
        }
    }

    /// Reads the digests in a file.
    ///
    /// # Errors
    /// When the text is not such a file.
    pub fn read(source: &Arc<Source>) -> Result<Self, Diagnostic> {
        let wrong = |reason: &str| {
            let error = Diagnostic::error(Code::SavedReport, format!("`{}` {reason}", source.name()));
            error.label(source, Span::new(0, 0), "").help("name a file that `deodar check --evidence FILE` wrote")
        };
        let text = source.text().trim_start_matches('\u{feff}');
        let digests: Self = serde_json::from_str(text).map_err(|error| wrong(&format!("has no evidence: {error}")))?;
        match (digests.format.as_str(), digests.version.split('.').next()) {
            (FORMAT, Some("1")) => Ok(digests),
            (FORMAT, _) => Err(wrong(&format!("is of version `{}`, not `{VERSION}`", digests.version))),
            _ => Err(wrong("has no evidence")),
        }
    }

    /// Returns the differences from another run of the same command, one in each line. The version of the engine is not
    /// one.
    pub fn differences(&self, other: &Self) -> Vec<String> {
        let mut found = Vec::new();
        let shown = |digest: Option<&Option<String>>| match digest {
            None => "none".to_owned(),
            Some(None) => "unreadable".to_owned(),
            Some(Some(digest)) => digest.clone(),
        };
        let names: std::collections::BTreeSet<&String> = self.inputs.keys().chain(other.inputs.keys()).collect();
        for name in names {
            let (before, now) = (self.inputs.get(name), other.inputs.get(name));
            if before != now {
                found.push(format!("{name}: {}, was {}", shown(now), shown(before)));
            }
        }
        for verdict in Verdict::ALL {
            let count = |digests: &Self| digests.verdicts.get(&verdict).copied().unwrap_or(0);
            if count(self) != count(other) {
                found.push(format!("verdicts {}: {}, was {}", verdict.name(), count(other), count(self)));
            }
        }
        if self.sha256 != other.sha256 {
            found.push(format!("verdicts: {}, was {}", other.sha256, self.sha256));
        }
        if self.exit_code != other.exit_code {
            found.push(format!("exit code: {}, was {}", other.exit_code, self.exit_code));
        }
        if self.now != other.now {
            found.push(format!("time of the run: {}, was {}", other.now, self.now));
        }
        found
    }
}

fn some(digest: &Text<'_>) -> Option<String> {
    Some(digest.to_string())
}

/// Returns the time, the counts of every account, then every verdict that is not a pass, in order.
fn verdicts(document: &Document<'_>, report: &Report) -> Vec<Value> {
    let accounts = document.run.snapshots.iter().map(|it| json!([it.path, it.account, it.checks]));
    let mut listed = of_findings(&report.listed_for(&RunDigests::NEEDS), |found| {
        let it = Builder { report, secrets: &[] }.finding(&found);
        let waiver = it.waiver.as_ref().map(|waiver| &waiver.id);
        json!([it.snapshot, it.account, it.check, it.resource, it.verdict, it.original_verdict, waiver, it.fingerprint])
    });
    listed.sort_by_cached_key(Value::to_string);
    std::iter::once(json!(document.run.now)).chain(accounts).chain(listed).collect()
}

/// Returns the SHA-256 of values, each as a line of JSON.
fn sha256(values: impl IntoIterator<Item = Value>) -> String {
    let mut hash = Sha256::new();
    for value in values {
        hash.update(value.to_string());
        hash.update(b"\n");
    }
    hexadecimal(hash.finalize().as_slice())
}

/// The output that writes the digests of a run.
#[derive(Debug)]
pub struct DigestOutput {
    /// The words of the command line after the name of the program.
    pub command: Vec<String>,
}

impl Output for DigestOutput {
    fn needs(&self) -> Needs {
        RunDigests::NEEDS
    }

    fn finish(&mut self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, &RunDigests::of(report, std::mem::take(&mut self.command)))?;
        out.write_all(b"\n")
    }
}
