//! The engine: binds a program to a snapshot, derives attributes, judges, and explains.
//!
//! Values of a snapshot may be unknown. A condition therefore evaluates to the set of outcomes that it has for all
//! possible values ([`Outcomes`](crate::value::Outcomes)). A verdict is decided if every outcome in the set gives it.
//!
//! The modules in order: `operand` and `transfer` are abstract values and the operators on them. `eval` evaluates one
//! pair of principal and resource, `batch` many at once. `derive` is a hash join over `index` and `symbols`. `bind` is
//! the start, `judge` gives verdicts, `explain`, `near` and `coverage` find what decided them. `reference` is Cedar's evaluator.
//! `assignment` and `scoped` combine evaluators with different parameters, `waive` applies waivers to verdicts, and
//! `critical` finds the times of changes.

mod operand;
mod transfer;
mod symbols;
mod index;
mod eval;
mod batch;
mod derive;
mod bind;
mod verdict;
mod explain;
mod near;
mod judge;
mod coverage;
mod reference;
mod assignment;
mod scoped;
mod waive;
mod critical;

pub use bind::Binding;
pub use coverage::{LeafCoverage, LeafCoverages};
pub use critical::{PolicyAt, TimeDependence, Uncritical};
pub use derive::{Contributions, TooManyPairs, Witness};
pub use eval::{Evaluator, Request};
pub use explain::{Decided, Explanation, Failure, MOST_MEMBERS, Read, ReadOf, ReadValue};
pub use judge::{Judged, Judgement, Subject, Waived};
pub use near::NearMiss;
pub use reference::{Reference, ReferenceError};
pub use scoped::{Evaluated, Evaluation, Sought};
pub use verdict::{Verdict, VerdictCounts};
pub use waive::{BEYOND, WaiverCoverage, WaiversInUse};
#[cfg(test)]
mod fixture;
