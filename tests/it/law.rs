//! Laws: properties of random schemas, policies and snapshots, in which Cedar's official evaluator is the oracle.
//!
//! The seed is fixed, so that the result of a run depends on the code only. A failure is shrunk and shown as texts.

mod blueprint;
mod choices;
mod policies;
mod world;

mod case;
mod compiled;
mod runner;
mod judged;
mod oracle;
mod texts;

mod agreement;
mod changes;
mod damage;
mod explanations;
mod rare;
mod scopes;
mod shrunk;
mod threads;

pub mod requests;

pub use runner::{LawResult, tally};
