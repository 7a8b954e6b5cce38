//! Holds Deodar's program to Cedar's integration tests: `cargo run --example authorize -- DIR`.
//!
//! DIR is walked for test cases: JSON files that name policies, entities and a schema, and list requests with the
//! decision, the reasons and the errors that Cedar's authorizer gives.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program writes to its streams")]
#![allow(clippy::disallowed_methods, reason = "a program reads its arguments and files")]

#[path = "authorize/cases.rs"]
mod cases;

use cases::{Comparison, Corpus};
use clap::Parser;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

/// Compares Deodar's answers to requests with those that Cedar's integration tests expect.
///
/// Exit codes: 0 all agree, 1 some differ, 5 there are no cases or some cannot be read.
#[derive(Parser)]
struct Arguments {
    /// The folder with the cases
    folder: PathBuf,
    /// The folder that paths in cases start from [default: DIR, else the case's folder or one above it]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Compare with the official evaluator too, not only with what the files expect
    #[arg(long)]
    oracle: bool,
}

fn main() -> ExitCode {
    let Arguments { folder, root, oracle } = Arguments::parse();
    let comparison = Corpus { folder: &folder, root: root.as_deref(), oracle }.compare();
    print(&comparison);
    if comparison.cases == 0 || !comparison.unreadable.is_empty() {
        ExitCode::from(5)
    } else if comparison.differ().next().is_some() {
        ExitCode::from(1)
    } else {
        ExitCode::SUCCESS
    }
}

fn print(comparison: &Comparison) {
    for reason in &comparison.unreadable {
        eprintln!("error: {reason}");
    }
    if comparison.cases == 0 {
        eprintln!(
            "error: there are no cases: a case is a JSON file with `policies`, `entities`, `schema` and `requests`"
        );
    }
    for (request, what) in comparison.differ() {
        let (file, number) = (request.file.display(), request.number);
        println!("{file}, request {number} ({}): {}", request.description, what.join("; "));
    }
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    comparison.skipped().for_each(|reason| *reasons.entry(reason).or_default() += 1);
    let (agree, differ, skipped) = (comparison.agree(), comparison.differ().count(), reasons.values().sum::<usize>());
    println!(
        "{} cases, {} requests compared: {agree} agree, {differ} differ; {skipped} skipped",
        comparison.cases,
        agree + differ
    );
    for (reason, count) in reasons {
        println!("{count:>8}  {reason}");
    }
}
