//! The comparison of runs. It reads documents, so that a run and a saved report are compared in the same way.

mod baseline;

pub use baseline::baseline;
