//! The cost of a whole run, from the start of the process to its end, compared with a process that only builds a
//! `serde_json::Value` of the same bytes.
//!
//! `cargo bench --bench process`, and with `-- --quick` smaller organisations. Both processes are run in turns, each
//! several times; the table shows medians and their ratios. Times are wall-clock, on all cores unless a row says
//! otherwise. The other process does not free the value: the end of a process frees it at no cost, as it does ours.

#![allow(clippy::disallowed_methods, reason = "a bench reads the clock and files")]
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::indexing_slicing,
    clippy::let_underscore_must_use,
    clippy::string_slice,
    reason = "a bench that goes wrong stops"
)]
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on stops, and prints its table")]

mod organisation;

use organisation::Organisation;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::{ResUse, Wait4};

const NOW: &str = "2026-09-01T12:00:00Z";

/// The measurements of one process.
#[derive(Clone, Copy)]
struct Cost {
    time: Duration,
    /// The time of all cores, in user and kernel mode.
    cpu: Duration,
    /// Bytes.
    memory: u64,
}

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(at) = arguments.iter().position(|argument| argument == "--parse") {
        let bytes = std::fs::read(&arguments[at + 1]).unwrap();
        std::mem::forget(serde_json::from_slice::<serde_json::Value>(&bytes).unwrap());
        return;
    }
    if let Some(at) = arguments.iter().position(|argument| argument == "--parse-lines") {
        let file = BufReader::new(std::fs::File::open(&arguments[at + 1]).unwrap());
        file.lines().for_each(|line| drop(serde_json::from_str::<serde_json::Value>(&line.unwrap()).unwrap()));
        return;
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let folder = tempfile::tempdir().unwrap();
    let (large, many) = if quick { (20_000, 100_000) } else { (200_000, 1_000_000) };
    println!("{:58} {:>9} {:>9} {:>7}", "", "deodar", "yardstick", "ratio");
    // First: the peak memory of a process begins with that of this one, which grows with the organisations.
    captures(folder.path(), if quick { 20_000 } else { 100_000 });
    let few = organisation(folder.path(), "few.json", Organisation::of(large));
    let tenth =
        organisation(folder.path(), "tenth.json", Organisation { share_failing: 0.1, ..Organisation::of(large) });
    let size = few.metadata().unwrap().len();
    let text = ["--max-findings", "10"];
    let (ours, theirs) = beside(|| deodar(&few, &text), || parse(&few));
    row(&format!("{large} members, {} MB, text, against a `Value`", size / 1_000_000), ours.time, theirs.time);
    let (found, theirs) = beside(|| deodar(&tenth, &["--format", "json"]), || parse(&tenth));
    row("the same, a failure for every tenth, JSON, against a `Value`", found.time, theirs.time);
    for format in deodar::render::FORMATS {
        let (written, checked) = beside(|| deodar(&tenth, &["--format", format.name]), || deodar(&tenth, &["-q"]));
        row(&format!("the same, {}, against the check alone", format.name), written.time, checked.time);
    }
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    println!(
        "{:58} {:>9} {:>9} {:>6.2}x",
        "peak memory, against the size of the snapshot",
        megabytes(ours.memory),
        megabytes(size),
        ours.memory as f64 / size as f64
    );
    fleet(folder.path(), if quick { 1_000 } else { 8_000 });
    teams(folder.path(), 40_000);
    let (two, one) = beside(
        || deodar(&few, &["--max-findings", "10", "--threads", "2"]),
        || deodar(&few, &["--max-findings", "10", "--threads", "1"]),
    );
    row("two threads, against one", two.time, one.time);
    let acme = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/acme/snapshot.json");
    let start = median((0..20).map(|_| deodar(&acme, &text)).collect());
    println!("{:58} {:>6} ms", "examples/acme, from the start of the process", start.time.as_millis());
    let cases = median((0..9).map(|_| test(&[])).collect());
    println!("{:58} {:>6} ms", "deodar test, all cases of the pack", cases.time.as_millis());
    let (changed, cases) = beside(|| test(&["--coverage", "--mutate"]), || test(&[]));
    row("the same with coverage and mutation, against without", changed.time, cases.time);
    let mut smaller: Option<Duration> = None;
    let mut members = 1_000;
    while members <= many {
        let file = organisation(folder.path(), "scale.json", Organisation::of(members));
        let cost = median((0..3).map(|_| deodar(&file, &text)).collect());
        match smaller {
            Some(smaller) => row(&format!("{members} members, against a tenth of them"), cost.time, smaller),
            None => println!("{:58} {:>6} ms", format!("{members} members"), cost.time.as_millis()),
        }
        smaller = Some(cost.time);
        members *= 10;
    }
}

/// Judges accounts with one member each, one in a line: of a file, and through a pipe.
fn fleet(folder: &Path, accounts: usize) {
    let file = folder.join("fleet.ndjson");
    let line = Organisation::of(1).to_json().replace('\n', " ") + "\n";
    std::fs::write(&file, line.repeat(accounts)).unwrap();
    let parse = || cost(Command::new(std::env::current_exe().unwrap()).arg("--parse-lines").arg(&file));
    let (ours, theirs) = beside(|| deodar(&file, &["--format", "ndjson"]), parse);
    row(&format!("{accounts} accounts, CPU time, against a `Value` for each line"), ours.cpu, theirs.cpu);
    let (piped, ours) = beside(|| piped(&file), || deodar(&file, &["--format", "ndjson"]));
    row("the same through a pipe, CPU time, against the file", piped.cpu, ours.cpu);
}

/// Counts the members of the teams of people. There are two teams.
fn teams(folder: &Path, people: usize) {
    let files = [
        (
            "teams.cedarschema",
            r#"@path("") entity Org = { name: String };
            @path("/people/*") @key("id") entity Person in [Org] = { id: String, team: String, @derived mates: Long };
            action audit appliesTo { principal: [Org], resource: [Person], context: {} };
            action derive appliesTo { principal: [Person], resource: [Person], context: {} };"#
                .to_owned(),
        ),
        (
            "teams.cedar",
            r#"@id("T-1") @title("People have a team") @severity("low")
            forbid (principal, action == Action::"audit", resource is Person) unless { resource.mates > 3 };
            @id("mates") @derives("mates")
            permit (principal is Person, action == Action::"derive", resource is Person)
            when { principal != resource && principal.team == resource.team };"#
                .to_owned(),
        ),
        ("teams.json", {
            let people = (0..people).map(|n| format!(r#"{{"id": "p{n}", "team": "t{}"}}"#, n % 2));
            format!(r#"{{"name": "Alder", "people": [{}]}}"#, people.collect::<Vec<_>>().join(","))
        }),
    ];
    let [schema, policies, snapshot] = files.map(|(name, text)| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path
    });
    let schema = schema.display().to_string();
    let policies = policies.display().to_string();
    let counted = || deodar(&snapshot, &["--schema", &schema, "--policies", &policies]);
    let time = median((0..7).map(|_| counted()).collect()).time;
    println!("{:58} {:>6} ms", format!("{people} people in two teams, joined and counted"), time.as_millis());
}

/// Captures members from two exports, and checks the snapshot. The memory of a capture of one member is subtracted.
fn captures(folder: &Path, members: usize) {
    let write = |name: &str, header: &str, last: &str, members: usize| -> PathBuf {
        let rows = (0..members).map(|n| format!("member.{n}@organisation.example{last}\n"));
        let path = folder.join(name);
        std::fs::write(&path, std::iter::once(header.to_owned()).chain(rows).collect::<String>()).unwrap();
        path
    };
    let exports = |prefix: &str, members: usize| {
        let list =
            write(&format!("{prefix}-members.csv"), "Email,Status,Role,Name\n", ",Joined,Analyst,A Member", members);
        let report = write(&format!("{prefix}-report.csv"), "Email,2FA Status\n", ",Enabled", members);
        (list, report)
    };
    let (list, report) = exports("many", members);
    let (one, its_report) = exports("one", 1);
    let snapshot = folder.join("captured.json");
    let capture = |list: &Path, report: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_deodar"));
        command.args(["capture", "moengage", "--captured-at", NOW, "--output"]).arg(&snapshot);
        command.arg("--members").arg(format!("WS1={}", list.display()));
        cost(command.arg("--two-step-report").arg(format!("WS1={}", report.display())))
    };
    let start = capture(&one, &its_report);
    let written = capture(&list, &report);
    let (captured, checked) = beside(|| capture(&list, &report), || deodar(&snapshot, &["-q"]));
    row(&format!("{members} members captured from CSV, against the check"), captured.time, checked.time);
    let size = list.metadata().unwrap().len() + report.metadata().unwrap().len();
    let memory = written.memory.max(captured.memory).saturating_sub(start.memory);
    let megabytes = |bytes: u64| format!("{} MB", bytes / 1_000_000);
    let ratio = memory as f64 / size as f64;
    let name = "peak memory of it, against the size of the exports";
    println!("{name:58} {:>9} {:>9} {ratio:>6.2}x", megabytes(memory), megabytes(size));
}

fn row(name: &str, ours: Duration, theirs: Duration) {
    let millis = |time: Duration| format!("{} ms", time.as_millis());
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    println!("{name:58} {:>9} {:>9} {ratio:>6.2}x", millis(ours), millis(theirs));
}

fn organisation(folder: &Path, name: &str, organisation: Organisation) -> PathBuf {
    let path = folder.join(name);
    std::fs::write(&path, organisation.to_json()).unwrap();
    path
}

/// Runs two processes in turns; the medians.
fn beside(mut ours: impl FnMut() -> Cost, mut theirs: impl FnMut() -> Cost) -> (Cost, Cost) {
    let pairs: Vec<(Cost, Cost)> = (0..7).map(|_| (ours(), theirs())).collect();
    let (ours, theirs) = pairs.into_iter().unzip();
    (median(ours), median(theirs))
}

fn median(mut costs: Vec<Cost>) -> Cost {
    costs.sort_by_key(|cost| cost.time);
    costs[costs.len() / 2]
}

fn deodar(snapshot: &Path, arguments: &[&str]) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deodar"));
    cost(command.args(["check", "--now", NOW]).arg(snapshot).args(arguments))
}

/// Judges the lines of a file through a pipe.
fn piped(lines: &Path) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deodar"));
    command.args(["check", "-", "--input", "ndjson", "--format", "ndjson", "--now", NOW]);
    let started = Instant::now();
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut file = std::fs::File::open(lines).unwrap();
    let writer = std::thread::spawn(move || std::io::copy(&mut file, &mut input));
    let used = child.wait4().unwrap();
    writer.join().unwrap().unwrap();
    measured(started, &used)
}

/// Runs the cases of the pack.
fn test(arguments: &[&str]) -> Cost {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deodar"));
    cost(command.current_dir(env!("CARGO_MANIFEST_DIR")).arg("test").args(arguments))
}

fn parse(snapshot: &Path) -> Cost {
    cost(Command::new(std::env::current_exe().unwrap()).arg("--parse").arg(snapshot))
}

fn cost(command: &mut Command) -> Cost {
    let started = Instant::now();
    let used = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap().wait4().unwrap();
    measured(started, &used)
}

fn measured(started: Instant, used: &ResUse) -> Cost {
    let cpu = used.rusage.utime + used.rusage.stime;
    Cost { time: started.elapsed(), cpu, memory: used.rusage.maxrss }
}
