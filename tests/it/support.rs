//! The built binary in a folder of its own, and a small pack of no real account: a harbour with piers and boats.

use serde_json::Value;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use tempfile::TempDir;

/// The time all runs take for now.
pub const NOW: &str = "2026-09-01T12:00:00Z";

/// What a run of the binary came to.
#[derive(Debug)]
pub struct Run {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Run {
    /// Returns standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("Deodar writes UTF-8");
        let code = output.status.code().expect("Deodar ends by itself");
        Self { stdout: text(output.stdout), stderr: text(output.stderr), code }
    }
}

/// Returns the binary, to be run in a folder, deaf to the environment of whoever runs the tests.
pub fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deodar"));
    command.current_dir(folder).env_clear().stdin(Stdio::null());
    command
}

/// Runs the binary in a fresh folder that holds `files`.
pub fn deodar(files: &[(&str, &[u8])], arguments: &[&str]) -> Run {
    deodar_with_input(files, arguments, b"")
}

/// Runs the binary in a fresh folder that holds `files`, with `input` on standard input.
pub fn deodar_with_input(files: &[(&str, &[u8])], arguments: &[&str], input: &[u8]) -> Run {
    let folder = folder(files);
    let mut child = command(folder.path())
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary is built");
    let mut stdin = child.stdin.take().expect("it is piped");
    // A run that needs no input may end before it is written.
    let _ = stdin.write_all(input);
    drop(stdin);
    child.wait_with_output().expect("it runs").into()
}

/// Returns a fresh folder that holds `files`.
pub fn folder(files: &[(&str, &[u8])]) -> TempDir {
    let folder = tempfile::tempdir().expect("there is room for scratch files");
    for (name, content) in files {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("it lies in the folder")).expect("folders can be made");
        std::fs::write(path, content).expect("files can be written");
    }
    folder
}

/// The root of the repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Arguments that judge `snapshot.json` by the harbour pack.
pub const HARBOUR: [&str; 8] =
    ["check", "snapshot.json", "--schema", "harbour.cedarschema", "--policies", "policies", "--now", NOW];

/// The schema of the harbour.
pub const SCHEMA: &str = r#"entity Light enum ["red", "green", "white"];

@path("")
@key("name")
entity Harbour = {
  name: String,
  captured_at: datetime,
};

@path("/people/*")
@key("email")
entity Person in [Harbour] = {
  email: String,
  active: Bool,
  @path("email")
  @as("email-domain")
  domain: String,
  @path("site")
  @as("url-host")
  host?: String,
  network?: ipaddr,
  fee?: decimal,
};

@path("/piers/*")
@key("id")
entity Pier in [Harbour] = {
  id: String,
  length: Long,
  flags: Set<String>,
  @derived
  boats: Long,
};

@path("/piers/*/boats/*")
@key("name")
entity Boat in [Pier] = {
  @enclosing
  pier: Pier,
  name: String,
  owner: Person,
  length: Long,
  light: Light,
  @secret
  pin?: String,
};

@closed
@path("/buoys/*")
@key("number")
entity Buoy in [Harbour] = {
  number: Long,
  lit: Bool,
};

type Parameters = {
  @default("14d")
  max_age: duration,
  @default("2")
  max_boats: Long,
};

type Context = {
  now: datetime,
  parameters: Parameters,
};

action "audit" appliesTo {
  principal: [Harbour],
  resource: [Harbour, Person, Pier, Boat, Buoy],
  context: Context,
};

action "derive" appliesTo {
  principal: [Person, Boat],
  resource: [Pier],
  context: Context,
};
"#;

/// The policies of the harbour.
pub const POLICIES: &str = r#"@id("boats")
@derives("boats")
permit (principal is Boat, action == Action::"derive", resource is Pier)
when { principal in resource };

@id("HB-AGE-01")
@title("The snapshot is fresh")
@severity("low")
forbid (principal, action == Action::"audit", resource is Harbour)
unless { context.now.durationSince(resource.captured_at) <= context.parameters.max_age };

@id("HB-LEN-01")
@title("A lit boat is no longer than its pier")
@severity("high")
@remediation("Move it to a longer pier.")
@source("https://harbour.example/rules#length")
forbid (principal, action == Action::"audit", resource is Boat)
when { resource.light != Light::"white" }
unless { resource.length <= resource.pier.length };

@id("HB-OWN-01")
@title("The owner of a boat is active")
@severity("critical")
@iso_27001("A.5.9, A.5.18")
forbid (principal, action == Action::"audit", resource is Boat)
unless { resource.owner.active };

@id("HB-PIER-01")
@title("A pier is not crowded")
@severity("medium")
forbid (principal, action == Action::"audit", resource is Pier)
unless { resource.boats <= context.parameters.max_boats };
"#;

/// A harbour in which every check passes.
pub const SOUND: &str = r#"{
  "name": "Anse",
  "captured_at": "2026-08-31T06:00:00Z",
  "people": [
    { "email": "ada@anse.example", "active": true, "site": "https://ada.example/boat" },
    { "email": "bo@anse.example", "active": true, "network": "192.0.2.0/28", "fee": 12.5 }
  ],
  "piers": [
    {
      "id": "east",
      "length": 40,
      "flags": ["fuel"],
      "boats": [
        { "name": "Tern", "owner": "ada@anse.example", "length": 12, "light": "red", "pin": "7091" },
        { "name": "Wren", "owner": "bo@anse.example", "length": 9, "light": "green" }
      ]
    }
  ],
  "buoys": []
}
"#;

/// The sound harbour with `from`, which must stand in it, replaced once.
pub fn edited(from: &str, to: &str) -> String {
    replaced(SOUND, from, to)
}

/// A text with `from`, which must stand in it, replaced once.
pub fn replaced(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "{from} stands in it");
    text.replacen(from, to, 1)
}

/// Judges a snapshot by the harbour pack.
pub fn harbour(snapshot: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    harbour_by(SCHEMA, POLICIES, snapshot, arguments)
}

/// Judges a snapshot by a schema and one file of policies.
pub fn harbour_by(schema: &str, policies: &str, snapshot: impl AsRef<[u8]>, arguments: &[&str]) -> Run {
    let files = [
        ("harbour.cedarschema", schema.as_bytes()),
        ("policies/harbour.cedar", policies.as_bytes()),
        ("snapshot.json", snapshot.as_ref()),
    ];
    deodar(&files, &[&HARBOUR, arguments].concat())
}
