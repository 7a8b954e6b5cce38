//! Laws: properties of random schemas, policies and snapshots, in which Cedar's official evaluator is the oracle.
//!
//! The seed is fixed, so that the result of a run depends on the code only. A failure is shrunk and shown as texts.

// random inputs
mod blueprint;
mod choices;
mod world;
pub mod requests;
mod policies;
mod case;

// the run of a law
mod runner;
mod compiled;
mod judged;
mod oracle;
mod texts;

// the laws
mod agreement;
mod explanations;
mod threads;
mod changes;
mod damage;
mod division;
mod scopes;
mod account;
mod waivers;
mod shrunk;
mod rare;

pub use runner::{LawResult, tally};
