//! The comparison of runs. It reads documents, so that a run and a saved report are compared in the same way.

mod baseline;
mod pairs;
mod cause;
mod diff;
mod forecast;
mod words;
mod text;
mod markdown;

pub use baseline::baseline;
pub use cause::{Cause, DecidingClause, Observed};
pub use diff::{Changed, Difference, Kind, Side};
pub use forecast::{AccountForecast, Forecast, ForecastChange, Forecasted, Forecaster};
pub use markdown::write_difference as write_difference_as_markdown;
pub use text::{write_difference, write_forecast};
