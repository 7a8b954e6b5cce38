//! The engine: binds a program to a snapshot, derives, judges, and explains.
//!
//! A condition does not come out as true or false but as the set of outcomes that are possible, whatever the values
//! are that were not captured ([`Outcomes`](crate::value::Outcomes)). A verdict is decided when one outcome is left.

mod operand;
mod index;
mod eval;
mod batch;
mod derive;
mod bind;
mod verdict;
mod explain;
mod judge;
mod observe;
mod reference;
mod scoped;

pub use bind::Binding;
pub use derive::{Contributions, TooManyPairs, Witness};
pub use eval::{Evaluator, Request};
pub use explain::{Decided, Explanation, Failure, Read, ReadOf, ReadValue};
pub use judge::{Judged, Judgement, Subject};
pub use observe::{LeafCoverage, LeafCoverages};
pub use reference::{Reference, ReferenceError};
pub use scoped::{Evaluation, Sought};
pub use verdict::{Verdict, VerdictCounts};
