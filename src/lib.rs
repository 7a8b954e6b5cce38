//! Deodar judges JSON snapshots of a SaaS account by Cedar policies. It explains every verdict by two places: the clause of
//! the policy that decided, and the value in the snapshot that the clause read. A missing value makes a verdict *unknown*.
//!
//! # Verdicts
//!
//! A [`Pack`] is a schema and its policies, compiled. It reads a snapshot and returns the verdicts:
//!
//! ```
//! use deodar::{Limits, Pack, PackSources, Run, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let schema = Source::new("lamps.cedarschema", r#"
//!     @path("")
//!     entity House = {};
//!     @path("/lamps/*") @key("room")
//!     entity Lamp in [House] = { lit: Bool };
//!     action audit appliesTo { principal: [House], resource: [Lamp], context: {} };
//! "#)?;
//! let policies = [Source::new("lamps.cedar", r#"
//!     @id("LAMP-1") @title("No lamp is lit") @severity("low")
//!     forbid (principal, action == Action::"audit", resource is Lamp)
//!     unless { !resource.lit };
//! "#)?];
//! let (pack, problems) = Pack::compile(PackSources { schema: &schema, policies: &policies, waivers: &[] });
//! let pack = pack.filter(|_| problems.is_empty()).ok_or("the pack has errors")?;
//!
//! let text = r#"{"lamps": [{"room": "hall", "lit": true}, {"room": "attic"}]}"#;
//! let (snapshot, _) = pack.read(&Source::new("house.json", text)?, 0, &Limits::default());
//! let snapshot = snapshot.ok_or("it is not a snapshot")?;
//! let (parameters, _) = pack.parameters(&[]);
//! let run = Run { now: 0, parameters: &parameters, pairs: Limits::default().pairs };
//! let verdicts = pack.assess(&snapshot, run).verdicts();
//! let lines: Vec<String> =
//!     verdicts.iter().map(|it| format!("{} {:?}: {}", it.check, it.id, it.verdict.name())).collect();
//! assert_eq!(lines, ["LAMP-1 Some(\"hall\"): fail", "LAMP-1 Some(\"attic\"): unknown"]);
//! # Ok(())
//! # }
//! ```
//!
//! # Reports
//!
//! A [`Session`] judges many snapshots and returns a [`Report`] with a [`Finding`] for every verdict that is not a pass. A
//! [`Format`] writes it:
//!
//! ```
//! use deodar::{Format, Inputs, Options, Output, Presentation, Session, Source};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let schema = Source::new("lamps.cedarschema", r#"
//! #     @path("")
//! #     entity House = {};
//! #     @path("/lamps/*") @key("room")
//! #     entity Lamp in [House] = { lit: Bool };
//! #     action audit appliesTo { principal: [House], resource: [Lamp], context: {} };
//! # "#)?;
//! # let policies = vec![Source::new("lamps.cedar", r#"
//! #     @id("LAMP-1") @title("No lamp is lit") @severity("low")
//! #     forbid (principal, action == Action::"audit", resource is Lamp)
//! #     unless { !resource.lit };
//! # "#)?];
//! let snapshot = Source::new("house.json", r#"{"lamps": [{"room": "hall", "lit": true}]}"#)?;
//! let inputs = Inputs::new(schema, policies, vec![snapshot]);
//! let mut output = Format::of_name("json").ok_or("unknown format")?.open(&Presentation::default());
//! let options = Options { needs: output.needs(), ..Options::at(0) };
//! let report = Session::default().run(&inputs, &options);
//! assert_eq!(report.status().exit_code(), 1);
//! assert_eq!(report.findings()[0].message, "lit is true");
//! let mut json = Vec::new();
//! output.finish(&report, &mut json)?;
//! # assert!(serde_json::from_slice::<serde_json::Value>(&json)?["findings"][0]["account"].is_string());
//! # Ok(())
//! # }
//! ```

#![cfg_attr(
    test,
    allow(
        clippy::cast_possible_truncation,
        clippy::cast_possible_wrap,
        clippy::cast_sign_loss,
        clippy::indexing_slicing,
        clippy::let_underscore_must_use,
        clippy::string_slice,
        reason = "a unit test that goes wrong fails; the library is checked without its tests"
    )
)]

pub use check::{Inputs, Session};
pub use diagnostic::Diagnostic;
pub use engine::Verdict;
pub use pack::{CheckVerdict, Pack, PackSources, Run};
pub use parameters::Setting;
pub use render::{Format, Output, Presentation};
pub use report::{Finding, Options, Report};
pub use snapshot::{Limits, Snapshot};
pub use source::Source;

// The modules are in dependency order: a module uses only modules declared above it. The public ones are for the binary,
// the tests, the benches and the examples of this package. They are hidden because their items may change in any version.
mod parallel;
mod stopwatch;
mod hash;
#[doc(hidden)]
pub mod ids;
#[doc(hidden)]
pub mod source;
#[doc(hidden)]
pub mod value;
#[doc(hidden)]
pub mod diagnostic;
#[doc(hidden)]
pub mod schema;
#[doc(hidden)]
pub mod policy;
#[doc(hidden)]
pub mod program;
#[doc(hidden)]
pub mod parameters;
#[doc(hidden)]
pub mod snapshot;
#[doc(hidden)]
pub mod infer;
#[doc(hidden)]
pub mod engine;
#[doc(hidden)]
pub mod pack;
#[doc(hidden)]
pub mod authorize;
#[doc(hidden)]
pub mod report;
#[doc(hidden)]
pub mod render;
#[doc(hidden)]
pub mod compare;
#[doc(hidden)]
pub mod history;
#[doc(hidden)]
pub mod configuration;
#[doc(hidden)]
pub mod catalogue;
#[doc(hidden)]
pub mod inspect;
#[doc(hidden)]
pub mod check;
#[doc(hidden)]
pub mod waive;
#[doc(hidden)]
pub mod cases;
#[cfg(feature = "capture")]
#[doc(hidden)]
pub mod capture;
#[cfg(feature = "files")]
#[allow(clippy::disallowed_methods, reason = "the only module that reads files, and the clock to watch them")]
#[doc(hidden)]
pub mod project;
