//! The law of the watch: after any file operations its last report equals that of a fresh `check`.

use crate::support::{NOW, POLICIES, Run, SCHEMA, command, edited, folder, replaced};
use serde_json::Value;
use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest time that a report may take on a busy machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Rounds of operations, after each of which the reports are compared.
const ROUNDS: usize = 60;

/// `top/named.json` is a link to a file, `top/state/linked` one to a folder, and `top/mounted` has the form in which
/// Kubernetes mounts a ConfigMap: a link to a file below a link to a folder that is replaced as a whole.
const SELECTION: [&str; 5] = ["check", "top/state", "top/mounted", "top/named.json", "plain.json"];

const PACK: [&str; 8] =
    ["--schema", "top/harbour.cedarschema", "--policies", "top/policies", "--now", NOW, "--format", "json"];

/// Random numbers from a fixed seed (xorshift).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }

    fn one<'t, T: ?Sized>(&mut self, of: &[&'t T]) -> &'t T {
        of[self.below(of.len())]
    }
}

/// Files to be operated on.
struct Disk {
    root: TempDir,
    random: Random,
    /// The number of folders made so far, for new names.
    made: usize,
}

const FILES: [&str; 8] = [
    "top/state/a.json",
    "top/state/below/b.json",
    "top/state/below/c.ndjson",
    "top/other/x.json",
    "top/another/x.json",
    "top/targets/1.json",
    "top/targets/2.json",
    "plain.json",
];

const FOLDERS: [&str; 7] =
    ["top/state/below", "top/state", "top/other", "top/another", "top/targets", "top/policies", "top"];

impl Disk {
    fn new(seed: u64) -> Self {
        let root = folder(&[]);
        let mut disk = Self { root, random: Random(seed), made: 0 };
        disk.build().expect("the files can be written");
        disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Writes the missing files.
    fn build(&mut self) -> io::Result<()> {
        for name in FILES {
            if !self.path(name).exists() {
                let text = self.snapshot();
                self.write(name, &text)?;
            }
        }
        for (name, text) in [("top/harbour.cedarschema", SCHEMA), ("top/policies/harbour.cedar", POLICIES)] {
            if !self.path(name).exists() {
                self.write(name, text)?;
            }
        }
        for (target, link) in [("targets/1.json", "top/named.json"), ("../other", "top/state/linked")] {
            if !self.path(link).is_symlink() {
                symlink(target, self.path(link))?;
            }
        }
        if !self.path("top/mounted/..data").is_symlink() {
            self.mount()?;
        }
        if !self.path("top/mounted/d.json").is_symlink() {
            symlink("..data/d.json", self.path("top/mounted/d.json"))?;
        }
        Ok(())
    }

    fn write(&self, name: &str, text: &str) -> io::Result<()> {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("it is in the folder"))?;
        fs::write(path, text)
    }

    /// A snapshot, of one line, which rarely equals another.
    fn snapshot(&mut self) -> String {
        let length = format!("\"length\": {}", self.random.below(60) + 10);
        let text = match self.random.below(8) {
            0 => edited("\"piers\"", "piers"),
            1 => edited("\"active\": true", "\"active\": false"),
            _ => edited("\"length\": 12", &length),
        };
        text.replace('\n', " ")
    }

    /// Puts a new folder in place of the mounted one, as Kubernetes does.
    fn mount(&mut self) -> io::Result<()> {
        self.made += 1;
        let (text, version) = (self.snapshot(), format!("..version{}", self.made));
        self.write(&format!("top/mounted/{version}/d.json"), &text)?;
        let old = fs::read_link(self.path("top/mounted/..data"));
        self.link(&version, "top/mounted/..data")?;
        old.map_or(Ok(()), |old| fs::remove_dir_all(self.path("top/mounted").join(old)))
    }

    /// Replaces a link by another.
    fn link(&self, target: &str, link: &str) -> io::Result<()> {
        let new = self.path(&format!("{link}.tmp"));
        symlink(target, &new)?;
        fs::rename(new, self.path(link))
    }

    fn copy(from: &Path, to: &Path) -> io::Result<()> {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let (entry, kind) = entry.and_then(|entry| entry.file_type().map(|kind| (entry, kind)))?;
            let to = to.join(entry.file_name());
            match kind.is_symlink() {
                true => symlink(fs::read_link(entry.path())?, to)?,
                false if kind.is_dir() => Self::copy(&entry.path(), &to)?,
                false => fs::copy(entry.path(), to).map(|_| ())?,
            }
        }
        Ok(())
    }

    /// Does one operation and returns its name.
    fn operate(&mut self) -> io::Result<String> {
        let (file, folder) = (self.random.one(&FILES), self.random.one(&FOLDERS));
        let (path, tree) = (self.path(file), self.path(folder));
        let text = self.snapshot();
        self.made += 1;
        match self.random.below(15) {
            0..3 => self.write(file, &text).map(|()| format!("write {file}")),
            3..5 => {
                let new = path.with_extension("tmp");
                fs::write(&new, text)?;
                fs::rename(new, path).map(|()| format!("rename over {file}"))
            }
            5 => fs::remove_file(path).map(|()| format!("remove {file}")),
            6 => {
                let name = format!("top/state/new{}/e.json", self.made);
                self.write(&name, &text).map(|()| format!("make {name}"))
            }
            7 => {
                fs::remove_dir_all(&tree)?;
                fs::create_dir(tree)?;
                self.build().map(|()| format!("make {folder} anew"))
            }
            8 => {
                let old = self.path(&format!("old{}", self.made));
                fs::rename(&tree, &old)?;
                Self::copy(&old, &tree).map(|()| format!("rename {folder} and copy it back"))
            }
            9 => {
                let old = self.path(&format!("old{}", self.made));
                fs::rename(&tree, &old)?;
                fs::create_dir(tree)?;
                self.build().map(|()| format!("rename {folder} and make it anew"))
            }
            10 => self.mount().map(|()| "mount another version".to_owned()),
            11 => {
                let target = self.random.one(&["../other", "../another", "below", "none"]);
                self.link(target, "top/state/linked").map(|()| format!("link top/state/linked to {target}"))
            }
            12 => {
                let target = self.random.one(&["targets/1.json", "targets/2.json", "state/a.json"]);
                self.link(target, "top/named.json").map(|()| format!("link top/named.json to {target}"))
            }
            13 => {
                let ignored = self.random.one(&["top/state/.a.json", "top/state/a.json~", "top/state/.git/HEAD"]);
                self.write(ignored, &text).map(|()| format!("write {ignored}"))
            }
            _ => {
                let limit = format!("@default(\"{}\")", self.random.below(3));
                let file = "top/harbour.cedarschema";
                self.write(file, &replaced(SCHEMA, "@default(\"2\")", &limit)).map(|()| format!("write {file}"))
            }
        }
    }

    /// Does some operations, all of which succeed, and returns their names.
    fn round(&mut self) -> Vec<String> {
        let operations = 1 + self.random.below(4);
        let names = (0..operations).map(|_| {
            self.build().expect("the files can be written");
            self.operate().expect("the operation succeeds")
        });
        names.collect()
    }

    /// Returns the report of a fresh run.
    fn check(&self) -> Value {
        Run::from(command(self.root.path()).args(SELECTION).args(PACK).output().expect("it runs")).json()
    }
}

/// `check --watch` and the reports that it writes.
struct Watching {
    child: Child,
    reports: Receiver<Value>,
    last: Value,
}

impl Watching {
    fn start(disk: &Disk) -> Self {
        let mut command = command(disk.root.path());
        let command = command.args(SELECTION).args(PACK).arg("--watch").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("the binary is built");
        let out = serde_json::Deserializer::from_reader(child.stdout.take().expect("it is piped"));
        let (send, reports) = channel();
        std::thread::spawn(move || out.into_iter().map_while(Result::ok).try_for_each(|report| send.send(report)));
        Self { child, reports, last: Value::Null }
    }

    /// Waits until the last report is the expected one.
    fn expect(&mut self, expected: &Value, history: &[String]) {
        let until = Instant::now() + DEADLINE;
        loop {
            self.last = self.reports.try_iter().last().unwrap_or_else(|| std::mem::take(&mut self.last));
            if self.last == *expected {
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.reports.recv_timeout(left) {
                Ok(report) => self.last = report,
                Err(error) => panic!("{error} after {history:#?}\nlast {:#}\nexpected {expected:#}", self.last),
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn after_any_file_operations_the_last_report_is_that_of_a_fresh_check() {
    let mut disk = Disk::new(0x5EED_0FDE_0DA2);
    let mut watching = Watching::start(&disk);
    let mut history = Vec::new();
    let mut different = 0;
    for _ in 0..ROUNDS {
        history.extend(disk.round());
        let expected = disk.check();
        different += usize::from(watching.last != expected);
        watching.expect(&expected, &history);
    }
    assert!(different > ROUNDS / 2, "most rounds change the report: {different}");
}
