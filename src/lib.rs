//! Deodar checks JSON snapshots of a SaaS account against Cedar policies, and explains every verdict by two spans: the
//! clause of the policy that decided, and the value in the snapshot that the clause read.
//!
//! The modules are in reading order; each uses only those above it.

pub mod hash;
pub mod source;
pub mod value;
pub mod diagnostic;
pub mod schema;
pub mod policy;
pub mod program;
pub mod parameters;
pub mod snapshot;
pub mod engine;
pub mod authorize;
pub mod report;
pub mod catalogue;
pub mod check;
pub mod cases;
pub mod project;
