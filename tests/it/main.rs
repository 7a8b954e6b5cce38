//! Tests of the whole program, one module per theme. Tests of a single module of the library are in that module.

#![allow(clippy::disallowed_methods, reason = "tests run the program on files")]
#![allow(unreachable_pub, reason = "a test binary has no callers; some modules are shared with benches and examples")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::print_stderr,
    clippy::string_slice,
    clippy::unwrap_in_result,
    reason = "a test that goes wrong fails, at the place where it does"
)]
#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod advice;
mod account_parameters;
mod age;
mod authorize;
mod baseline;
mod capture;
mod capture_files;
mod capture_refresh;
mod capture_rows;
mod capture_template;
mod capture_trees;
mod cases;
mod configuration;
mod controls;
mod definitions;
mod diagnostics;
mod diff;
mod distinct;
mod doc;
mod each;
mod encodings;
mod evidence;
mod examples;
mod fleet;
mod forecast;
mod formats;
mod groups;
mod history;
mod html;
mod identity;
mod infer;
mod input;
mod inspect;
#[cfg(unix)]
mod integration;
mod join;
mod json;
mod keys;
mod kinds;
mod law;
mod limits;
mod mutation;
mod ocsf;
#[path = "../../benches/organisation.rs"]
mod organisation;
mod origin;
mod output_law;
mod outputs;
mod pack;
mod parameters;
mod partial_lists;
mod platforms;
mod saved;
mod secrets;
mod reasons;
mod provenance;
mod review;
mod round_trip;
mod semantics;
mod sources;
mod states;
mod store;
mod streams;
mod support;
mod terminal;
mod text;
mod tidy;
mod tutorial;
mod types;
mod waivers;
mod waived_runs;
mod watch;
#[cfg(unix)]
mod watch_law;
mod wording;
