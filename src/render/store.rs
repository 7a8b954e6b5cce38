//! The reports that a run adds to a store: one JSON document for each account, with every verdict, and the name of its file.
//!
//! The name is a function of the document: the account, the time of the snapshot, and a digest of the bytes. So equal
//! documents have one file, and different ones have different files.

use super::json;
use crate::parallel::*;
use crate::report::{AccountReport, Evidence, Needs, Report};
use crate::value::show_datetime;
use sha2::{Digest, Sha256};
use std::io;

/// The parts of a run that stored reports contain: those of `--output json --verdicts all`.
pub const NEEDS: Needs =
    Needs { all_verdicts: true, covered: true, of_account: Evidence::All, digests: true, ..Needs::NOTHING };

/// The parts of the report of one account.
const OF_ACCOUNT: Needs =
    Needs { findings: Evidence::All, diagnostics: Evidence::All, snapshots: Evidence::All, ..NEEDS };

/// Characters of the id of an account in the name of a file.
const CHARACTERS: usize = 40;

/// Bytes of the digest in the name of a file.
const BYTES: usize = 8;

/// A report of one account, as it is stored.
#[derive(Debug)]
pub struct Stored {
    /// The name of the file.
    pub name: String,
    /// The JSON document.
    pub text: Vec<u8>,
}

/// Returns the reports of accounts that were judged, in order; `report` is that of the run so far.
///
/// # Errors
/// When a document cannot be written as JSON.
pub fn stored(report: &Report, accounts: &[AccountReport]) -> io::Result<Vec<Stored>> {
    let judged: Vec<&AccountReport> = accounts.iter().filter(|account| account.id.is_some()).collect();
    let stored: Vec<io::Result<Stored>> = judged.par_iter().map(|account| one(report, account)).collect();
    stored.into_iter().collect()
}

fn one(report: &Report, account: &AccountReport) -> io::Result<Stored> {
    let alone = report.alone(account, &OF_ACCOUNT);
    let mut text = Vec::new();
    json::write_report(&alone, &OF_ACCOUNT, &mut text)?;
    let time = show_datetime(account.snapshot.captured_at.unwrap_or(report.run.now));
    let name = name_of(account.id.as_deref().unwrap_or_default(), &time, &text);
    Ok(Stored { name, text })
}

/// Returns the name of the file of a report, which every file system accepts: letters of ASCII, digits, `-`, `_` and `.`.
/// The `_` after the id keeps reserved names, such as `con`, apart.
fn name_of(account: &str, time: &str, text: &[u8]) -> String {
    let id: String = account.chars().take(CHARACTERS).map(harmless).collect();
    let id = if id.starts_with('-') || id.is_empty() { format!("_{id}") } else { id };
    let time: String = time.chars().map(|c| if c == ':' { '-' } else { harmless(c) }).collect();
    let digest: String = Sha256::digest(text).iter().take(BYTES).map(|byte| format!("{byte:02x}")).collect();
    format!("{id}_{time}_{digest}.json")
}

fn harmless(c: char) -> char {
    if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' }
}

#[cfg(test)]
mod tests {
    use super::name_of;

    #[test]
    fn the_name_of_a_file_is_valid_on_every_system() {
        for (account, begins) in [
            ("FERNBOOKS1", "FERNBOOKS1_2026"),
            ("", "__2026"),
            ("con", "con_2026"),
            ("../../etc/passwd", "______etc_passwd_2026"),
            ("a\u{0}b:c*d?\u{202e}", "a_b_c_d___2026"),
            ("-rf", "_-rf_2026"),
            (".hidden", "_hidden_2026"),
            ("Ägypten 北", "_gypten___2026"),
        ] {
            let name = name_of(account, "2026-09-01T12:00:00Z", b"{}");
            assert!(name.starts_with(begins), "{account:?}: {name}");
            assert!(name.ends_with("-09-01T12-00-00Z_44136fa355b3678a.json"), "{name}");
        }
        assert!(name_of(&"x".repeat(10_000), "2026-09-01T12:00:00.5Z", b"").len() < 100);
    }

    #[test]
    fn different_reports_have_different_names() {
        let names = [name_of("a/b", "t", b"1"), name_of("a_b", "t", b"2"), name_of("A_B", "t", b"3")];
        let lower: std::collections::BTreeSet<String> = names.iter().map(|name| name.to_lowercase()).collect();
        assert_eq!(lower.len(), names.len());
    }
}
