//! Runs the fuzz targets of `fuzz/targets.rs` on random inputs, without cargo-fuzz and with a stable toolchain.
//!
//! `cargo run --example fuzz -- SECONDS [--seed SEED] [TARGET...]` runs each target for a number of seconds. It ends with
//! 101 at the first input that breaks a law, after it has written that input to standard error. Without `--seed`, every
//! run has the same inputs in the same order; `--seed random` gives others, and writes the seed.

#![allow(clippy::disallowed_methods, reason = "a program reads its arguments and the clock")]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program reports what it has run")]

#[path = "../fuzz/targets.rs"]
mod targets;

use std::process::ExitCode;
use std::time::{Duration, Instant};
use targets::{TARGETS, Target};

const USAGE: &str = "usage: fuzz SECONDS [--seed SEED] [TARGET...]";

/// The number of bytes of the longest input.
const LONGEST: usize = 2048;

/// Texts that inputs get at random places.
const PIECES: &[&str] = &[
    "\"",
    "\\",
    "\\ud800",
    "\\u0000",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    ";",
    "(",
    ")",
    "/",
    ".",
    "@",
    "%",
    "-",
    "+",
    "0",
    "9",
    "99999999999999999999",
    "1e400",
    "1e-400",
    "null",
    "true",
    "\u{0}",
    "\u{feff}",
    "\u{e9}",
    "e\u{301}",
    "\u{130}",
    "\u{1e9e}",
    "\u{202e}",
    "\u{37e}",
    "\u{212a}",
    "\u{3002}",
    "\u{ff0c}",
    "xn--",
    "uncaptured",
    "partial",
    "people",
    "name",
    "tbd",
    "n/a",
    "T",
    "Z",
    " ",
];

fn main() -> Result<ExitCode, Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: f64 = arguments.next().ok_or(USAGE)?.parse().map_err(|_| USAGE)?;
    let mut names: Vec<String> = arguments.collect();
    let mut seed = 0;
    if names.first().is_some_and(|first| first == "--seed") {
        let given = names.get(1).ok_or(USAGE)?;
        seed = if given == "random" { random_seed() } else { given.parse().map_err(|_| USAGE)? };
        println!("seed {seed}");
        names.drain(..2);
    }
    if let Some(name) = names.iter().find(|name| !TARGETS.iter().any(|target| target.name == **name)) {
        return Err(format!("unknown target `{name}`").into());
    }
    let chosen = TARGETS.iter().filter(|target| names.is_empty() || names.iter().any(|name| name == target.name));
    for target in chosen {
        match fuzzed(target, Random(seed), Duration::try_from_secs_f64(seconds)?) {
            Ok(runs) => println!("{}: {runs} inputs", target.name),
            Err(input) => {
                eprintln!("{}: a law does not hold for b\"{}\"", target.name, targets::shown(&input));
                return Ok(ExitCode::from(101));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a target for some time. Returns the number of inputs, or the first input for which it panics.
fn fuzzed(target: &Target, mut random: Random, time: Duration) -> Result<u64, Vec<u8>> {
    let (start, mut runs) = (Instant::now(), 0);
    for seed in target.seeds {
        checked(target, seed.as_bytes())?;
    }
    while start.elapsed() < time {
        checked(target, &random.input(target.seeds))?;
        runs += 1;
    }
    Ok(runs)
}

fn checked(target: &Target, input: &[u8]) -> Result<(), Vec<u8>> {
    std::panic::catch_unwind(|| (target.run)(input)).map_err(|_| input.to_vec())
}

/// Returns a seed that differs from run to run.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(0)
}

/// A random stream: SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or_default()
    }

    fn pick<'p>(&mut self, from: &'p [&'p str]) -> &'p str {
        let at = self.below(from.len());
        from.get(at).copied().unwrap_or_default()
    }

    /// Returns a changed seed.
    fn input(&mut self, seeds: &[&str]) -> Vec<u8> {
        let mut input = self.pick(seeds).as_bytes().to_vec();
        for _ in 0..=self.below(6) {
            let at = self.below(input.len() + 1);
            let end = at + self.below(input.len() + 1 - at).min(self.below(16));
            let new = match self.below(6) {
                0 => Vec::new(),
                1 => vec![u8::try_from(self.below(256)).unwrap_or_default()],
                2 => input.get(at..end).unwrap_or_default().repeat(1 + self.below(3)),
                3 => self.pick(seeds).as_bytes().to_vec(),
                _ => self.pick(PIECES).as_bytes().to_vec(),
            };
            let end = if self.below(2) == 0 { at } else { end };
            input.splice(at..end, new);
        }
        input.truncate(LONGEST);
        input
    }
}
