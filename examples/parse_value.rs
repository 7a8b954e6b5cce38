//! Does nothing but parse a JSON file into a `serde_json::Value`: what Deodar's whole run is measured against.
//! The end of the process frees the value.
//!
//! `cargo run --release --example parse_value -- organisation.json`

#![expect(clippy::print_stdout, reason = "a program writes to its streams")]
#![allow(clippy::disallowed_methods, reason = "a program reads its arguments and files")]

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("usage: parse_value FILE")?;
    let bytes = std::fs::read(path)?;
    let value = std::mem::ManuallyDrop::new(serde_json::from_slice::<serde_json::Value>(&bytes)?);
    println!("{} properties", value.as_object().map_or(0, serde_json::Map::len));
    Ok(())
}
