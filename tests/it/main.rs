//! Tests of the whole program, one module per theme. What a single module of the library can show is tested there.

#![expect(clippy::expect_used, clippy::panic, reason = "a test that cannot go on fails")]

mod advice;
mod authorize;
mod cases;
mod controls;
mod doc;
mod examples;
mod fleet;
mod input;
mod json;
mod law;
mod mutation;
#[path = "../../benches/organisation.rs"]
mod organisation;
mod pack;
mod semantics;
mod states;
mod support;
mod tidy;
mod tutorial;
mod watch;
