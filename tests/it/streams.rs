//! Standard output that cannot be written: the reader is gone, or the disk is full.

use crate::support::{HARBOUR, POLICIES, Run, SCHEMA, SOUND, command, folder};
use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use tempfile::TempDir;

const CASES: &str = "base = \"../snapshot.json\"\nnow = \"2026-09-01T12:00:00Z\"\n[[case]]\nname = \"x\"\nexpect = { \"HB-AGE-01\" = \"pass\" }\n";

fn workplace() -> TempDir {
    folder(&[
        ("harbour.cedarschema", SCHEMA.as_bytes()),
        ("policies/harbour.cedar", POLICIES.as_bytes()),
        ("policies/harbour.test.toml", CASES.as_bytes()),
        ("snapshot.json", SOUND.as_bytes()),
    ])
}

/// Every command that writes to standard output, in every format.
fn commands() -> Vec<Vec<&'static str>> {
    let pack = ["--schema", "harbour.cedarschema", "--policies", "policies"];
    let mut all: Vec<Vec<&str>> = Vec::new();
    for more in [&[][..], &["--quiet"], &["--format", "json"], &["--format", "ndjson"], &["--by", "framework=soc2"]] {
        all.push([&HARBOUR[..], more].concat());
    }
    for words in [
        &["list"][..],
        &["doc"],
        &["explain", "HB-AGE-01"],
        &["test"],
        &["test", "--format", "json"],
        &["test", "--format", "junit"],
        &["test", "--coverage"],
    ] {
        all.push([words, &pack].concat());
    }
    all.extend([&["list"][..], &["doc"], &["completions", "bash"]].map(<[_]>::to_vec));
    all.extend(
        [&["--help"][..], &["help"], &["check", "--help"], &["help", "check"], &["--version"]].map(<[_]>::to_vec),
    );
    all
}

fn run(folder: &Path, arguments: &[&str], stdout: Stdio) -> Run {
    command(folder).args(arguments).stdout(stdout).stderr(Stdio::piped()).output().expect("the binary is built").into()
}

#[test]
fn a_reader_that_is_gone_ends_every_command_with_141() {
    let folder = workplace();
    for arguments in commands() {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let run = run(folder.path(), &arguments, writer.into());
        assert_eq!(run.code, 141, "{arguments:?}: {run:?}");
        assert!(!run.stderr.contains("panic") && !run.stderr.contains("cannot write"), "{arguments:?}: {run:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_every_command_with_5_and_a_message() {
    let folder = workplace();
    for arguments in commands() {
        let full = File::options().write(true).open("/dev/full").expect("Linux has it");
        let run = run(folder.path(), &arguments, full.into());
        assert_eq!(run.code, 5, "{arguments:?}: {run:?}");
        let message = "deodar: cannot write standard output: No space left on device";
        assert!(run.stderr.contains(message), "{arguments:?}: {run:?}");
    }
}

#[test]
fn a_standard_error_without_a_reader_changes_no_exit_code() {
    let folder = workplace();
    let expected = |arguments: &[&str]| run(folder.path(), arguments, Stdio::piped()).code;
    let wrong = [&["explain", "NONE"][..], &["check"], &["list", "--pack", "none"], &["doc", "--pack", "none"]]
        .map(<[_]>::to_vec);
    for arguments in commands().into_iter().chain(wrong) {
        let (reader, writer) = std::io::pipe().expect("there are pipes");
        drop(reader);
        let mut command = command(folder.path());
        let run: Run = command
            .args(&arguments)
            .stdout(Stdio::piped())
            .stderr(writer)
            .output()
            .expect("the binary is built")
            .into();
        assert_eq!(run.code, expected(&arguments), "{arguments:?}: {run:?}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_page_that_cannot_be_written_is_an_error() {
    let run = run(workplace().path(), &["doc", "--output", "/dev/full"], Stdio::piped());
    assert_eq!(run.code, 5, "{run:?}");
    assert!(run.stderr.contains("cannot write `/dev/full`: No space left on device"), "{run:?}");
}

#[test]
fn an_output_file_keeps_its_content_until_the_output_is_complete() {
    let folder = workplace();
    let path = |name: &str| folder.path().join(name);
    let content = |name: &str| std::fs::read_to_string(path(name)).expect("it is a text");
    let hidden = || {
        let names = std::fs::read_dir(folder.path()).expect("it is a folder");
        names.filter(|name| name.as_ref().is_ok_and(|name| name.file_name().as_encoded_bytes()[0] == b'.')).count()
    };
    std::fs::write(path("last.json"), "the last report").expect("it can be written");
    // The run has begun: it waits for its snapshot.
    let from_stdin = [&["check", "-", "--output", "json=last.json"][..], &HARBOUR[2..]].concat();
    let mut process = command(folder.path())
        .args(from_stdin)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary is built");
    let started = std::time::Instant::now();
    while hidden() == 0 && started.elapsed().as_secs() < 60 {
        std::thread::yield_now();
    }
    assert_eq!((hidden(), content("last.json").as_str()), (1, "the last report"));
    process.kill().and_then(|()| process.wait()).expect("it runs");
    assert_eq!((hidden(), content("last.json").as_str()), (1, "the last report"));
    // Another output of the run cannot be written.
    let two = [&HARBOUR[..], &["--output", "json=last.json", "--output", "html=none/page.html"]].concat();
    let refused = run(folder.path(), &two, Stdio::piped());
    assert_eq!((refused.code, content("last.json").as_str()), (5, "the last report"), "{refused:?}");
    let message = "deodar: cannot write `none/page.html`: No such file or directory";
    assert!(refused.stderr.contains(message), "{refused:?}");
    // A reader that is gone does not take the file with it.
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let written = run(folder.path(), &[&HARBOUR[..], &["--output", "json=last.json"]].concat(), writer.into());
    assert_eq!(written.code, 141, "{written:?}");
    assert!(content("last.json").starts_with('{'), "{}", content("last.json"));
    // The next run has removed the temporary file of the process that was ended.
    assert_eq!(hidden(), 0);
}
