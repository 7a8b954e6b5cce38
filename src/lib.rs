//! Deodar judges JSON snapshots of a SaaS account by Cedar policies and explains every verdict down to two spans:
//! the clause of the policy that decided, and the value in the snapshot that it decided on.
//!
//! The modules are in reading order; each uses only those above it. `report` contains the findings of a run as data;
//! `render` writes them.

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
pub mod render;
pub mod catalogue;
pub mod check;
pub mod cases;
pub mod project;
