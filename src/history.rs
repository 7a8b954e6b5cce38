//! The history of accounts over stored reports: when each finding was first seen, fixed and seen again, and whether the
//! accounts were reviewed in time.
//!
//! It reads documents one after the other, and keeps the verdicts by fingerprint. A verdict that becomes unknown, or that
//! was not judged, is neither open nor fixed.

mod timeline;
mod reviews;
mod model;
mod entry;
mod moment;
mod collect;
mod words;
mod text;
mod plot;
mod page;

pub use collect::Collector;
pub use model::{
    AccountHistory, FindingHistory, History, HistoryOptions, Interval, Review, ReviewPlan, Section, TimeOf, VERSION,
};
pub use page::write_history_as_html;
pub use text::write_history;
pub use timeline::{Period, State};
