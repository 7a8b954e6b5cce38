//! A run: compiles a pack, judges snapshots, and assembles the report.

mod inputs;
mod describe;
mod literals;
mod problems;
mod account;
mod session;
mod stream;

pub use describe::describe_pack;
pub use inputs::{Inputs, SnapshotInput, SnapshotInputs};
pub use problems::{share_instances, without_instance};
pub use session::{Recompiled, Session, without_snapshots};
pub use stream::Sink;
