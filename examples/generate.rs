//! Writes a made-up organisation to standard output, so that measurements can be repeated.
//!
//! `cargo run --release --example generate -- --members 200000 > organisation.json`, or a fleet, one a line:
//! `cargo run --release --example generate -- --members 5 --accounts 1000000 | deodar check - --input ndjson`

#![allow(clippy::disallowed_methods, reason = "a program reads its arguments and files")]
#![allow(clippy::indexing_slicing, reason = "the generator indexes its own tables")]

#[path = "../benches/organisation.rs"]
mod organisation;

use organisation::Organisation;
use std::io::Write;

const USAGE: &str = "usage: generate --members N [--workspaces W] [--seed S] [--share-failing P] [--accounts A]";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (mut members, mut workspaces, mut seed, mut share_failing, mut accounts) = (None, None, None, None, None);
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        match option.as_str() {
            "--members" => members = Some(value.parse()?),
            "--workspaces" => workspaces = Some(value.parse()?),
            "--seed" => seed = Some(value.parse()?),
            "--share-failing" => share_failing = Some(value.parse()?),
            "--accounts" => accounts = Some(value.parse::<u64>()?),
            _ => return Err(USAGE.into()),
        }
    }
    let usual = Organisation::of(members.ok_or(USAGE)?);
    let organisation = Organisation {
        workspaces: workspaces.unwrap_or(usual.workspaces),
        seed: seed.unwrap_or(usual.seed),
        share_failing: share_failing.unwrap_or(usual.share_failing),
        ..usual
    };
    let mut out = std::io::BufWriter::new(std::io::stdout());
    let Some(accounts) = accounts else {
        out.write_all(organisation.to_json().as_bytes())?;
        return Ok(out.flush()?);
    };
    for account in 0..accounts {
        let one = Organisation { seed: organisation.seed.wrapping_add(account), ..organisation };
        writeln!(out, "{}", one.to_json().replace('\n', " "))?;
    }
    Ok(out.flush()?)
}
