//! Deodar judges JSON snapshots of a SaaS account by Cedar policies, and explains every verdict by two spans: the clause of
//! the policy that decided, and the value in the snapshot that it decided on. Missing data makes a verdict *unknown*.
//!
//! A [`pack::Pack`] is a schema and its policies, compiled. It reads a snapshot and returns the verdicts:
//!
//! ```
//! use deodar::pack::{Pack, PackSources, Run};
//! use deodar::snapshot::Limits;
//! use deodar::source::Source;
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
//! let (pack, problems) = Pack::compile(PackSources { schema: &schema, policies: &policies });
//! let pack = pack.filter(|_| problems.is_empty()).ok_or("the pack has errors")?;
//!
//! let text = r#"{"lamps": [{"room": "hall", "lit": true}, {"room": "attic"}]}"#;
//! let (snapshot, _) = pack.read(&Source::new("house.json", text)?, &Limits::default());
//! let snapshot = snapshot.ok_or("it is not a snapshot")?;
//! let (parameters, _) = pack.parameters(&[]);
//! let run = Run { now: 0, parameters: &parameters, pairs: Limits::default().pairs };
//! let verdicts = pack.assess(&snapshot, run).verdicts();
//! let said: Vec<String> =
//!     verdicts.iter().map(|found| format!("{} {:?}: {}", found.check, found.id, found.verdict.name())).collect();
//! assert_eq!(said, ["LAMP-1 Some(\"hall\"): fail", "LAMP-1 Some(\"attic\"): unknown"]);
//! # Ok(())
//! # }
//! ```
//!
//! [`check::Session`] runs a pack on many snapshots and returns a [`report::Report`] with the explanations. The modules are
//! in dependency order: each uses only those above it.

pub mod parallel;
pub mod stopwatch;
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
pub mod pack;
pub mod authorize;
pub mod report;
pub mod render;
pub mod catalogue;
pub mod check;
pub mod cases;
#[cfg(feature = "files")]
#[allow(clippy::disallowed_methods, reason = "the only module that reads files, and the clock to watch them")]
pub mod project;
