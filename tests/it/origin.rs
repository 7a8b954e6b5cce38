//! Which schema and policies are used: those of the binary, unless an option names others. Reports say which.

use crate::support::{HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, harbour_by, replaced, repository};
use sha2::{Digest, Sha256};

/// A policy that no account fails.
const HARMLESS: &str = "@id(\"X-1\") @title(\"Harmless\") @severity(\"low\")\nforbid (principal, action == MoEngage::Action::\"audit\", resource is MoEngage::Member) unless { resource.email like \"*\" };\n";

fn snapshot() -> Vec<u8> {
    std::fs::read(repository().join("examples/acme/snapshot.json")).expect("it is there")
}

fn built_in_schema() -> String {
    std::fs::read_to_string(repository().join("schemas/moengage.cedarschema")).expect("it is there")
}

fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The commands that use a built-in pack, and are gates or write documents.
fn commands() -> [&'static [&'static str]; 8] {
    [
        &["check", "s.json", "--now", NOW],
        &["check", "s.json", "--now", NOW, "--pack", "moengage", "--format", "json"],
        &["check", "s.json", "--now", NOW, "--format", "ndjson"],
        &["list"],
        &["list", "--pack", "moengage"],
        &["doc"],
        &["explain", "MOE-AUTH-02"],
        &["explain", "MOE-AUTH-02", "--pack", "moengage"],
    ]
}

#[test]
fn files_of_the_working_directory_never_replace_a_built_in_pack() {
    let snapshot = snapshot();
    let schema = replaced(&built_in_schema(), "0.1.0", "6.6.6");
    let plain_runs = commands().map(|arguments| deodar(&[("s.json", &snapshot[..])], arguments));
    for (files, unused) in [
        (&[("policies/moengage/x.cedar", HARMLESS)][..], "`policies/moengage` in the working directory is not used"),
        (&[("policies/moengage/x.cedar", "not Cedar")], "`policies/moengage` in the working directory is not used"),
        (&[("policies/moengage", "a file")], "`policies/moengage` in the working directory is not used"),
        (
            &[("schemas/moengage.cedarschema", &schema)],
            "`schemas/moengage.cedarschema` in the working directory is not used",
        ),
        (
            &[("policies/moengage/x.cedar", HARMLESS), ("schemas/moengage.cedarschema", &schema)],
            "`schemas/moengage.cedarschema` and `policies/moengage` in the working directory are not used",
        ),
    ] {
        let mut all = vec![("s.json", &snapshot[..])];
        all.extend(files.iter().map(|(name, text)| (*name, text.as_bytes())));
        for (arguments, plain) in commands().into_iter().zip(&plain_runs) {
            let run = deodar(&all, arguments);
            assert_eq!(run.code, plain.code, "{arguments:?}: {run:?}");
            let flat = |run: &Run| {
                format!("{} {}", run.stdout, run.stderr)
                    .replace('│', " ")
                    .split_whitespace()
                    .collect::<Vec<_>>()
                    .join(" ")
            };
            assert_eq!(flat(&run).matches(unused).count(), 1, "{arguments:?}: {run:?}");
            assert_eq!(flat(plain).matches("working directory").count(), 0, "{plain:?}");
            if arguments[0] != "check" {
                assert_eq!(run.stdout, plain.stdout);
            }
            for (path, option) in [("policies/moengage", "--policies"), ("schemas/moengage.cedarschema", "--schema")] {
                assert_eq!(flat(&run).contains(&format!("{option} {path}")), unused.contains(path), "{run:?}");
            }
            assert!(!run.stdout.contains("X-1") && !run.stdout.contains("6.6.6"), "{run:?}");
        }
    }
}

#[test]
fn a_copy_of_the_built_in_pack_is_not_mentioned() {
    let run: Run = command(repository()).args(["list"]).output().expect("the binary is built").into();
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
}

#[test]
fn a_folder_that_an_option_names_is_used_and_not_mentioned() {
    let snapshot = snapshot();
    let files = [("s.json", &snapshot[..]), ("policies/moengage/x.cedar", HARMLESS.as_bytes())];
    for path in ["policies/moengage", "policies/moengage/x.cedar", "./policies", "policies/moengage/"] {
        let run = deodar(&files, &["check", "s.json", "--now", NOW, "--policies", path]);
        assert!(run.code == 0 && run.stdout.contains("X-1"), "{run:?}");
        assert!(!run.stdout.contains("unused-pack"), "{run:?}");
    }
}

#[test]
fn a_pack_that_is_not_built_in_is_used_only_by_its_files() {
    let files = [
        ("schemas/own.cedarschema", SCHEMA.as_bytes()),
        ("policies/own/h.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let run = deodar(&files, &["check", "snapshot.json", "--pack", "own", "--now", NOW]);
    assert_eq!(run.code, 5, "{run:?}");
    // A path may be broken over lines.
    let text = run.stdout.split_whitespace().collect::<String>();
    assert!(text.contains("thereisnopack`own`"), "{run:?}");
    assert!(text.contains("pass--schemaschemas/own.cedarschema--policiespolicies/own"), "{run:?}");
    let options = ["--schema", "schemas/own.cedarschema", "--policies", "policies/own"];
    assert_eq!(deodar(&files, &[&["check", "snapshot.json", "--now", NOW], &options[..]].concat()).code, 0);
}

const CASES: &str = "base = \"../../snapshot.json\"\nnow = \"2026-09-01T12:00:00Z\"\n[[case]]\nname = \"x\"\nexpect = { \"HB-AGE-01\" = \"pass\" }\n";

#[test]
fn tests_use_the_packs_of_the_folder_and_name_them() {
    let mut files = vec![
        ("schemas/own.cedarschema", SCHEMA.as_bytes()),
        ("policies/own/h.cedar", POLICIES.as_bytes()),
        ("policies/own/h.test.toml", CASES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    for more in [&[][..], &["--pack", "own"]] {
        let run = deodar(&files, &[&["test"], more].concat());
        assert_eq!(run.code, 0, "{run:?}");
        assert!(
            run.stdout.contains("pack own (from this folder): schemas/own.cedarschema, policies/own/h.cedar"),
            "{run:?}"
        );
        let report = deodar(&files, &[&["test", "--format", "json"], more].concat()).json();
        assert_eq!(report["pack"], "pack own (from this folder)");
        let expected = serde_json::json!([
            { "path": "schemas/own.cedarschema", "role": "schema", "sha256": digest(SCHEMA.as_bytes()) },
            { "path": "policies/own/h.cedar", "role": "policies", "sha256": digest(POLICIES.as_bytes()) },
        ]);
        assert_eq!(report["pack_files"], expected);
    }
    files.push(("policies/moengage/x.cedar", HARMLESS.as_bytes()));
    let run = deodar(&files, &["test"]);
    assert!(run.code == 5 && run.stdout.contains("this folder holds several packs: `moengage`, `own`"), "{run:?}");
    let run = deodar(&files, &["test", "--pack", "moengage"]);
    assert!(
        run.stdout.contains("pack moengage (policies from this folder, schema built in), version 0.1.0:"),
        "{run:?}"
    );
    assert!(run.stdout.contains("policies/moengage/x.cedar"), "{run:?}");
}

#[test]
fn reports_name_the_version_and_the_files_of_the_pack() {
    let schema = replaced(SCHEMA, "@path(\"\")", "@version(\"1.2.0-rc.1+a\")\n@path(\"\")");
    let marked = format!("\u{feff}{schema}");
    for schema in [&schema, &marked] {
        let run = |more: &[&str]| harbour_by(schema, POLICIES, SOUND, more);
        assert!(run(&[]).stdout.contains("judged by the given schema and policies, version 1.2.0-rc.1+a, as of"));
        let report = run(&["--format", "json"]).json();
        assert_eq!((&report["version"], &report["run"]["pack_version"]), (&"2.2".into(), &"1.2.0-rc.1+a".into()));
        let expected = serde_json::json!([
            { "path": "harbour.cedarschema", "role": "schema", "sha256": digest(schema.as_bytes()) },
            { "path": "policies/harbour.cedar", "role": "policies", "sha256": digest(POLICIES.as_bytes()) },
        ]);
        assert_eq!(report["run"]["pack_files"], expected);
        let line = &run(&["--format", "ndjson"]).accounts()[0];
        assert_eq!(
            (&line["pack"], &line["pack_version"]),
            (&"the given schema and policies".into(), &"1.2.0-rc.1+a".into())
        );
        let files = [("harbour.cedarschema", schema.as_bytes()), ("policies/h.cedar", POLICIES.as_bytes())];
        let pack = ["--schema", "harbour.cedarschema", "--policies", "policies"];
        assert!(deodar(&files, &[&["doc"], &pack[..]].concat()).stdout.contains("Version of the pack: `1.2.0-rc.1+a`"));
        assert_eq!(
            deodar(&files, &[&["test", "--format", "json"], &pack[..]].concat()).json()["pack_version"],
            "1.2.0-rc.1+a"
        );
    }
    assert_eq!(
        harbour_by(SCHEMA, POLICIES, SOUND, &["--format", "json"]).json()["run"]["pack_version"],
        serde_json::Value::Null
    );
}

#[test]
fn a_version_is_semantic_and_on_the_root() {
    for (schema, message) in [
        (replaced(SCHEMA, "@path(\"\")", "@version(\"1.2\")\n@path(\"\")"), "`1.2` is not a semantic version"),
        (replaced(SCHEMA, "@path(\"\")", "@version(\"v1.2.0\")\n@path(\"\")"), "`v1.2.0` is not a semantic version"),
        (replaced(SCHEMA, "@path(\"\")", "@version\n@path(\"\")"), "`@version` has no value"),
        (
            replaced(SCHEMA, "@path(\"/people/*\")", "@version(\"1.2.0\")\n@path(\"/people/*\")"),
            "`@version` is not on the root entity type",
        ),
    ] {
        let run = harbour_by(&schema, POLICIES, SOUND, &[]);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(run.stdout.contains(message) && run.stdout.contains("[harbour.cedarschema:"), "{message}: {run:?}");
    }
}

#[test]
fn a_pack_of_the_configuration_file_is_replaced_by_the_files_of_flags() {
    let files = [
        ("deodar.toml", &b"pack = \"moengage\"\n"[..]),
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ];
    let run = deodar(&files, &HARBOUR);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("judged by the given schema and policies"), "{run:?}");
    let listed = deodar(&files, &["list"]);
    assert!(listed.stdout.contains("MOE-AUTH-01") && !listed.stdout.contains("HB-"), "{listed:?}");
}
