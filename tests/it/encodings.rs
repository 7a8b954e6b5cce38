//! Files that are not plain UTF-8 JSON or Cedar: other encodings, other formats, Deodar's own reports, devices.

use crate::support::{HARBOUR, NOW, POLICIES, Run, SCHEMA, SOUND, command, deodar, deodar_with_input, folder, harbour};
use std::path::Path;
use std::time::{Duration, Instant};

/// Text in a wide encoding, with or without a byte order mark.
fn wide(text: &str, encoding: &str) -> Vec<u8> {
    match encoding {
        "UTF-16LE" => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        "UTF-16BE" => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
        "UTF-32LE" => text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
        _ => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
    }
}

/// The output without line breaks and the bar before them.
fn words(run: &Run) -> String {
    run.stdout
        .split_whitespace()
        .chain(run.stderr.split_whitespace())
        .filter(|word| *word != "│")
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn wide_encodings_are_named_with_the_remedy() {
    for encoding in ["UTF-16LE", "UTF-16BE", "UTF-32LE", "UTF-32BE"] {
        let named = format!("is {} (", &encoding[..6]);
        let remedy = format!("iconv -f {encoding} -t UTF-8");
        for mark in ["", "\u{feff}"] {
            let of = |text: &str| wide(&format!("{mark}{text}"), encoding);
            let (snapshot, schema, policies) = (of(SOUND), of(SCHEMA), of(POLICIES));
            for (files, file) in [
                ([(SCHEMA.as_bytes()), POLICIES.as_bytes(), &snapshot], "snapshot.json"),
                ([&schema, POLICIES.as_bytes(), SOUND.as_bytes()], "harbour.cedarschema"),
                ([SCHEMA.as_bytes(), &policies, SOUND.as_bytes()], "policies/harbour.cedar"),
            ] {
                let names = ["harbour.cedarschema", "policies/harbour.cedar", "snapshot.json"];
                let files: Vec<(&str, &[u8])> = names.into_iter().zip(files).collect();
                let run = deodar(&files, &HARBOUR);
                assert_eq!(run.code, 5, "{run:?}");
                let said = words(&run);
                assert!(said.contains(&format!("`{file}` {named}")) && said.contains(&remedy), "{said}");
            }
        }
    }
}

#[test]
fn a_file_of_lines_in_a_wide_encoding_is_one_error() {
    let lines = wide(&"{}\n".repeat(3), "UTF-16LE");
    let arguments = [&HARBOUR[..], &["--input", "ndjson", "--format", "ndjson"]].concat();
    let run = deodar(
        &[
            ("harbour.cedarschema", SCHEMA.as_bytes()),
            ("policies/p.cedar", POLICIES.as_bytes()),
            ("snapshot.json", &lines),
        ],
        &arguments,
    );
    assert_eq!((run.code, run.accounts().len()), (5, 1), "{run:?}");
    assert!(run.stdout.contains("`snapshot.json` is UTF-16 (little-endian), not UTF-8"), "{run:?}");
}

#[test]
fn latin_1_and_other_formats_are_named() {
    for (bytes, said) in [
        (&b"{\"name\": \"Caf\xe9\"}"[..], "may be Latin-1 or Windows-1252"),
        (b"PK\x03\x04\x14\xff", "is a ZIP archive, not a text"),
        (b"\xfd7zXZ\x00\x00\xff", "is compressed (xz), not a text"),
    ] {
        let run = harbour(bytes, &[]);
        assert!(run.code == 5 && words(&run).contains(said), "{run:?}");
    }
}

#[test]
fn a_byte_order_mark_alone_is_an_empty_snapshot() {
    for format in ["text", "json"] {
        let run = harbour("\u{feff}", &["--quiet", "--format", format]);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(!run.stdout.contains("OutOfBounds") && words(&run).contains("the snapshot is empty"), "{run:?}");
    }
    for wrong in ["[]", "{", "{ \"colour\": \"blue\" }", "7"] {
        let run = harbour(format!("\u{feff}{wrong}"), &[]);
        assert!(!run.stdout.contains("OutOfBounds"), "{run:?}");
    }
    let unknown =
        deodar(&[("s.json", "\u{feff}{ \"colour\": \"blue\" }".as_bytes())], &["check", "s.json", "--now", NOW]);
    assert!(!unknown.stdout.contains("OutOfBounds"), "{unknown:?}");
}

const REPORTS: [&str; 3] = ["deodar-report", "deodar-account", "deodar-test"];

/// The harbour pack, and files below `all`.
fn fleet<'f>(files: &[(&'f str, &'f [u8])]) -> Vec<(&'f str, &'f [u8])> {
    let pack = [("harbour.cedarschema", SCHEMA.as_bytes()), ("policies/harbour.cedar", POLICIES.as_bytes())];
    pack.into_iter().chain(files.iter().copied()).collect()
}

fn check<'a>(snapshot: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut arguments = HARBOUR.to_vec();
    arguments[1] = snapshot;
    arguments.extend(more);
    arguments
}

#[test]
fn reports_in_a_folder_are_skipped_and_counted() {
    let line = |text: &str| format!("{}\n", serde_json::from_str::<serde_json::Value>(text).expect("it is JSON"));
    let reports = REPORTS.map(|format| format!("{{\"checks\": [], \"format\": \"{format}\", \"people\": [{{}}]}}"));
    let lines = format!("{}{}\n{}{}\n", line(SOUND), reports[1], line(SOUND), reports[1]);
    let files = fleet(&[
        ("all/a.json", SOUND.as_bytes()),
        ("all/b.json", reports[0].as_bytes()),
        ("all/c.json", reports[2].as_bytes()),
        ("all/d.ndjson", lines.as_bytes()),
    ]);
    let run = deodar(&files, &check("all", &[]));
    assert_eq!(run.code, 0, "{run:?}");
    assert!(run.stdout.contains("3 snapshots") && run.stdout.contains("4 reports of Deodar were skipped"), "{run:?}");
    let report = deodar(&files, &check("all", &["--format", "json"])).json();
    assert_eq!((&report["summary"]["skipped_reports"], &report["summary"]["skipped_files"]), (&4.into(), &0.into()));
    let paths: Vec<_> =
        report["run"]["snapshots"].as_array().expect("a list").iter().map(|one| one["path"].clone()).collect();
    assert_eq!(paths, ["all/a.json", "all/d.ndjson:1", "all/d.ndjson:3"]);
    let run = deodar(&files, &check("all", &["--format", "ndjson"]));
    assert_eq!((run.code, run.accounts().len()), (0, 3), "{run:?}");
    // A folder of nothing else has no verdicts.
    let run = deodar(&fleet(&[("all/b.json", reports[0].as_bytes())]), &check("all", &[]));
    assert_eq!(run.code, 3, "{run:?}");
}

#[test]
fn a_report_that_is_named_is_an_error() {
    for format in REPORTS {
        let report = format!("{{\"format\": \"{format}\", \"version\": \"1.0\"}}");
        let files = fleet(&[("r.json", report.as_bytes()), ("r.ndjson", report.as_bytes())]);
        for (run, name) in [
            (deodar(&files, &check("r.json", &[])), "r.json"),
            (deodar(&files, &check("r.ndjson", &[])), "r.ndjson:1"),
            (deodar_with_input(&files, &check("-", &[]), report.as_bytes()), "(standard input)"),
        ] {
            assert_eq!(run.code, 5, "{run:?}");
            assert!(
                words(&run).contains(&format!("`{name}` is a report of Deodar (`{format}`), not a snapshot")),
                "{run:?}"
            );
            assert!(run.stdout.contains("0 fail, 0 unknown, 0 not applicable, 0 pass"), "nothing is judged: {run:?}");
        }
    }
    let report = deodar(&fleet(&[("s.json", SOUND.as_bytes())]), &check("s.json", &["--format", "json"])).stdout;
    let cases = "base = \"r.json\"\n[[case]]\nname = \"x\"\nexpect = { \"HB-AGE-01\" = \"pass\" }\n";
    let files = fleet(&[("policies/r.json", report.as_bytes()), ("policies/h.test.toml", cases.as_bytes())]);
    let run = deodar(&files, &["test", "--schema", "harbour.cedarschema", "--policies", "policies"]);
    assert!(run.code == 5 && words(&run).contains("is a report of Deodar (`deodar-report`)"), "{run:?}");
}

/// Runs a command in a folder, which must end soon.
#[cfg(target_os = "linux")]
fn quick(folder: &Path, arguments: &[&str]) -> Run {
    let started = Instant::now();
    let mut child = command(folder)
        .args(arguments)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("the binary is built");
    while child.try_wait().expect("it can be waited for").is_none() {
        if started.elapsed() > Duration::from_secs(20) {
            child.kill().expect("it runs");
            panic!("{arguments:?} does not end");
        }
        std::thread::yield_now();
    }
    child.wait_with_output().expect("it has ended").into()
}

#[cfg(target_os = "linux")]
#[test]
fn pipes_and_devices_are_no_policies_schemas_or_cases() {
    let cases =
        |base: &str| format!("base = \"{base}\"\n[[case]]\nname = \"x\"\nexpect = {{ \"HB-AGE-01\" = \"pass\" }}\n");
    let (endless, piped) = (cases("/dev/zero"), cases("../fifo"));
    let folder = folder(&fleet(&[
        ("snapshot.json", SOUND.as_bytes()),
        ("policies/zero.test.toml", endless.as_bytes()),
        ("other/fifo.test.toml", piped.as_bytes()),
    ]));
    let made = std::process::Command::new("mkfifo").arg(folder.path().join("fifo")).status().expect("there is mkfifo");
    assert!(made.success());
    for device in ["/dev/zero", "fifo", "/dev/null"] {
        for arguments in [
            &["check", "snapshot.json", "--schema", device, "--policies", "policies"][..],
            &["check", "snapshot.json", "--schema", "harbour.cedarschema", "--policies", device],
            &["list", "--schema", device, "--policies", "policies"],
            &["doc", "--policies", device],
            &["test", device, "--schema", "harbour.cedarschema", "--policies", "policies"],
            &["test", "--schema", "harbour.cedarschema", "--policies", "policies", "--survivors", device],
        ] {
            let run = quick(folder.path(), arguments);
            assert_eq!(run.code, 5, "{arguments:?}: {run:?}");
            assert!(words(&run).contains(&format!("cannot read `{device}`: it is not a regular file")), "{run:?}");
        }
    }
    for cases in ["policies/zero.test.toml", "other/fifo.test.toml"] {
        let run = quick(folder.path(), &["test", cases, "--schema", "harbour.cedarschema", "--policies", "policies"]);
        assert!(run.code == 5 && words(&run).contains("it is not a regular file"), "{run:?}");
    }
}

#[test]
fn a_schema_or_policy_file_is_not_read_beyond_its_limit() {
    let large = vec![b'\n'; (1 << 20) + 1];
    for (name, files) in [
        ("harbour.cedarschema", [&large[..], POLICIES.as_bytes()]),
        ("policies/harbour.cedar", [SCHEMA.as_bytes(), &large]),
    ] {
        let names = ["harbour.cedarschema", "policies/harbour.cedar"];
        let files: Vec<(&str, &[u8])> =
            names.into_iter().zip(files).chain([("snapshot.json", SOUND.as_bytes())]).collect();
        let run = deodar(&files, &HARBOUR);
        assert_eq!(run.code, 5, "{run:?}");
        assert!(words(&run).contains(&format!("`{name}` holds more than 1048576 bytes")), "{run:?}");
    }
}
