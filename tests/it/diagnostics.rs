//! The pages of the diagnostics: `tests/diagnostics/CODE.md`. A page is documentation, and its cases hold the messages to it.
//!
//! A page has a heading, prose, and a section for each case. The blocks of a case are its input, and the last one is
//! the expected output: `UPDATE_EXPECT=1` rewrites it.
//!
//! * A `diff` block with a path edits a file of the pack that the page links to. `@@` separates hunks.
//! * Any other block with a path is a file. `escaped` decodes the escapes of JSON; `crlf`, `bom` and `latin-1` state how
//!   the file is encoded; `absent` removes it.
//! * An `options` block adds arguments to `deodar check`; an `sh` block is a whole command. Commands run in process,
//!   through the library. A command that depends on the working directory or on streams says so: `sh process`.
//! * A `text` block without a path is the expected output.

use crate::support::{NOW, command, deodar, repository, written};
use deodar::cases::{self, CaseFile, Outcome, Suite, SurvivorList, TestOptions};
use deodar::diagnostic::{Code, Diagnostic, DiagnosticLevel, has_errors};
use deodar::pack::Pack;
use deodar::parameters::Setting;
use deodar::project::{InputFormat, Loader, PackOrigin, Selection};
use deodar::render::{Detail, Style};
use deodar::report::{Engine, Report, WaiverUse};
use deodar::source::Source;
use deodar::value::{parse_datetime, parse_duration};
use deodar::{Inputs, Limits, Options, Session};
use expect_test::expect;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How the binary writes where the output is not a terminal.
const STYLE: Style = Style { width: 80, color: false, detail: Detail::Quiet };

/// Codes that no known input leads to.
const WITHOUT_A_CASE: [&str; 1] = ["reference-engine"];

/// The files of a case by their paths.
type Files = BTreeMap<String, Vec<u8>>;

struct Page {
    path: PathBuf,
    text: String,
    cases: Vec<PageCase>,
}

struct PageCase {
    heading: String,
    blocks: Vec<Block>,
}

/// A fenced block: the words after the fence, and where its content is.
struct Block {
    info: Vec<String>,
    content: Range<usize>,
}

impl Page {
    fn read(path: PathBuf) -> Self {
        let text = std::fs::read_to_string(&path).expect("a page is text");
        let (mut cases, mut open, mut at) = (Vec::<PageCase>::new(), None::<Block>, 0);
        for line in text.split_inclusive('\n') {
            let start = at;
            at += line.len();
            match (line.strip_prefix("```"), &mut open) {
                (Some(info), None) => {
                    let info = info.split_whitespace().map(str::to_owned).collect();
                    open = Some(Block { info, content: at..at });
                }
                (Some(_), Some(_)) => {
                    let case = cases.last_mut().unwrap_or_else(|| panic!("{}: a block precedes `##`", path.display()));
                    case.blocks.extend(open.take().map(|block| Block { content: block.content.start..start, ..block }));
                }
                (None, None) => {
                    if let Some(heading) = line.strip_prefix("## ") {
                        cases.push(PageCase { heading: heading.trim().to_owned(), blocks: Vec::new() });
                    }
                }
                (None, Some(_)) => {}
            }
        }
        assert!(open.is_none(), "{}: a block is not closed", path.display());
        Self { path, text, cases }
    }

    /// Returns the files of the pack that the page links to.
    fn pack(&self) -> Files {
        let Some((_, rest)) = self.text.split_once("](../data/") else { return Files::new() };
        let folder = repository().join("tests/data").join(rest.split(')').next().unwrap_or_default());
        let entries = walkdir::WalkDir::new(&folder).into_iter().map(|entry| entry.expect("it can be listed"));
        let files = entries.filter(|entry| entry.file_type().is_file()).map(|entry| {
            let name = entry.path().strip_prefix(&folder).expect("it is in the folder");
            let content = std::fs::read(entry.path()).expect("it can be read");
            (name.to_string_lossy().replace('\\', "/"), content)
        });
        files.collect()
    }

    /// Runs all cases, and returns what differs. If asked to, it writes the actual outputs into the page.
    fn check(&self) -> Vec<String> {
        let (mut wrong, mut updated) = (Vec::new(), self.text.clone());
        for case in self.cases.iter().rev() {
            let place = format!("{}: {}", self.path.display(), case.heading);
            let expected = case.blocks.last().filter(|block| block.info == ["text"]);
            let expected = expected.unwrap_or_else(|| panic!("{place}: the last block is not the expected output"));
            let actual = self.run(case, &place);
            if actual != self.text[expected.content.clone()] {
                wrong.push(format!("{place}\n{actual}"));
                updated.replace_range(expected.content.clone(), &actual);
            }
        }
        if !wrong.is_empty() && std::env::var_os("UPDATE_EXPECT").is_some() {
            std::fs::write(&self.path, updated).expect("a page can be written");
            return Vec::new();
        }
        wrong
    }

    fn run(&self, case: &PageCase, place: &str) -> String {
        let mut files = self.pack();
        let mut arguments =
            words(&format!("check snapshot.json --schema harbour.cedarschema --policies policies --now {NOW} --quiet"));
        let mut is_process = false;
        for Block { info, content } in &case.blocks {
            let content = &self.text[content.clone()];
            match info.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["text"] => {}
                ["options"] => arguments.extend(words(content)),
                ["sh", ref more @ ..] => {
                    is_process = more == ["process"];
                    arguments = words(content.trim().strip_prefix("deodar ").expect("a command starts with `deodar`"));
                }
                [_, path, "absent"] => assert!(files.remove(path).is_some(), "{place}: there is no `{path}`"),
                ["diff", path, ref flags @ ..] => {
                    let old = files.get(path).unwrap_or_else(|| panic!("{place}: there is no `{path}` to edit"));
                    let new = patched(std::str::from_utf8(old).expect("a file of a pack is text"), content, place);
                    files.insert(path.to_owned(), encoded(&new, flags));
                }
                [_, path, ref flags @ ..] => {
                    files.insert(path.to_owned(), encoded(content, flags));
                }
                _ => panic!("{place}: a block has no kind"),
            }
        }
        let folder = Folder::with(&files);
        let written = match &arguments[..] {
            _ if is_process => folder.process(&arguments),
            [name, rest @ ..] if name == "check" => folder.check(rest),
            [name, rest @ ..] if name == "test" => folder.test(rest, &files),
            other => panic!("{place}: {other:?} does not run in process"),
        };
        without_margin(&written)
    }
}

/// Splits a command into words; single quotes keep blanks.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    for (at, part) in line.split('\'').enumerate() {
        if at % 2 == 1 {
            words.push(part.to_owned());
        } else {
            words.extend(part.split_whitespace().map(str::to_owned));
        }
    }
    words
}

/// Applies the hunks of a diff.
fn patched(text: &str, diff: &str, place: &str) -> String {
    diff.split("@@\n").filter(|hunk| !hunk.is_empty()).fold(text.to_owned(), |text, hunk| {
        let lines = |sign: char| -> String {
            let line = |line: &str| match line.strip_prefix(sign) {
                Some(line) => Some(format!("{line}\n")),
                None if line.starts_with(['+', '-']) => None,
                None => Some(format!("{}\n", line.strip_prefix(' ').unwrap_or(line))),
            };
            hunk.lines().filter_map(line).collect()
        };
        let old = format!("\n{}", lines('-'));
        let text = format!("\n{text}");
        assert!(text.contains(&old), "{place}: the file does not have the lines{old}");
        text.replacen(&old, &format!("\n{}", lines('+')), 1)[1..].to_owned()
    })
}

/// Returns the bytes of a file whose block has these flags.
fn encoded(text: &str, flags: &[&str]) -> Vec<u8> {
    let mut text = text.to_owned();
    for flag in flags {
        text = match *flag {
            "escaped" => {
                let quoted = text.trim_end_matches('\n').replace('\n', "\\n").replace('"', "\\\"");
                serde_json::from_str(&format!("\"{quoted}\"")).expect("escapes are those of JSON")
            }
            "crlf" => text.replace('\n', "\r\n"),
            "bom" => format!("\u{feff}{text}"),
            "latin-1" => return text.chars().map(|c| u8::try_from(u32::from(c)).expect("it is Latin-1")).collect(),
            other => panic!("`{other}` is not a flag of a file"),
        }
    }
    text.into_bytes()
}

/// Removes the margin of the lines after the diagnostics.
fn without_margin(written: &str) -> String {
    let (diagnostics, totals) = match written.rsplit_once("\n\n") {
        Some((diagnostics, totals)) => (format!("{diagnostics}\n\n"), totals),
        None => (String::new(), written),
    };
    diagnostics + &totals.lines().map(|line| line.trim_start().to_owned() + "\n").collect::<String>()
}

/// A scratch folder with the files of a case. Messages show paths as if the command had run in it.
struct Folder {
    folder: tempfile::TempDir,
    prefix: String,
}

impl Folder {
    fn with(files: &Files) -> Self {
        let files: Vec<(&str, &[u8])> = files.iter().map(|(path, content)| (path.as_str(), &content[..])).collect();
        let folder = crate::support::folder(&files);
        let prefix = format!("{}{}", folder.path().display(), std::path::MAIN_SEPARATOR);
        Self { folder, prefix }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn shown(&self, text: &str) -> String {
        text.replace(&self.prefix, "")
    }

    fn renamed(&self, source: &Arc<Source>) -> Arc<Source> {
        Source::part(self.shown(source.name()), source.text(), 0, source.bytes_before()).expect("it is small")
    }

    fn rename(&self, diagnostics: &mut [Diagnostic]) {
        for found in diagnostics {
            found.message = self.shown(&found.message);
            found.help = found.help.as_ref().map(|help| self.shown(help));
            for label in &mut found.labels {
                label.place = deodar::source::Place::new(&self.renamed(&label.place.source), label.place.span);
            }
        }
    }

    /// Loads what a command names.
    fn load(&self, selection: &Selection, limits: &Limits) -> Result<Inputs, Vec<Diagnostic>> {
        let renamed = |sources: Vec<Arc<Source>>| sources.iter().map(|source| self.renamed(source)).collect();
        match Loader::default().load(selection, limits) {
            Err(mut diagnostics) => {
                self.rename(&mut diagnostics);
                Err(diagnostics)
            }
            Ok(mut inputs) => {
                self.rename(&mut inputs.diagnostics);
                inputs.unread.iter_mut().for_each(|(_, name)| *name = self.shown(name));
                Ok(Inputs {
                    schema: self.renamed(&inputs.schema),
                    policies: renamed(inputs.policies),
                    waivers: renamed(inputs.waivers),
                    snapshots: renamed(inputs.snapshots),
                    ..inputs
                })
            }
        }
    }

    /// Runs `deodar check`.
    fn check(&self, arguments: &[String]) -> String {
        let mut options = Options::at(0);
        options.needs.not_applicable = false;
        let mut selection = Selection::default();
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            if !argument.starts_with("--") {
                selection.snapshots.push(self.path(argument));
                continue;
            }
            if argument == "--quiet" {
                continue;
            }
            if argument == "--no-waivers" {
                options.waivers = WaiverUse::Ignored;
                continue;
            }
            let value = arguments.next().expect("an option has a value");
            let number = || value.parse().expect("a limit is a number");
            match argument {
                "--schema" => selection.schema = Some(self.path(value)),
                "--policies" => selection.policies.push(self.path(value)),
                "--waivers" => selection.waivers.push(self.path(value)),
                "--pack" => selection.pack = Some(value.to_owned()),
                "--now" => options.now = parse_datetime(value).expect("it is a time"),
                "--param" => options.parameters.push(Setting::parse(value).expect("it is a setting")),
                "--only" => options.only.push(value.to_owned()),
                "--skip" => options.skip.push(value.to_owned()),
                "--max-snapshot-age" => {
                    options.max_snapshot_age = Some(parse_duration(value).expect("it is a duration"));
                }
                "--engine" => options.engine = Engine::Reference,
                "--max-bytes" => options.limits.bytes = number(),
                "--max-depth" => options.limits.depth = number(),
                "--max-entities" => options.limits.entities = number(),
                "--max-pairs" => options.limits.pairs = number(),
                other => panic!("`{other}` does not run in process"),
            }
        }
        let report = match self.load(&selection, &options.limits) {
            Ok(inputs) => Session::default().run(&inputs, &options),
            Err(diagnostics) => Report::new(&options, diagnostics),
        };
        written(&report, "text", STYLE)
    }

    /// Runs `deodar test` on the case files of the pack.
    fn test(&self, arguments: &[String], files: &Files) -> String {
        let mut choice = TestOptions { complete: true, ..TestOptions::default() };
        let mut selection = Selection { packs: PackOrigin::Folder, form: InputFormat::ByName, ..Selection::default() };
        let mut arguments = arguments.iter().map(String::as_str);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().expect("an option has a value");
            let percent = |text: &str| text.parse().expect("a share is a number");
            match argument {
                "--schema" => selection.schema = Some(self.path(value())),
                "--policies" => selection.policies.push(self.path(value())),
                "--strict" => choice.strict = true,
                "--coverage" => choice.coverage = true,
                "--mutate" => choice.mutate = true,
                "--min-coverage" => (choice.coverage, choice.min_coverage) = (true, Some(percent(value()))),
                "--min-score" => (choice.mutate, choice.min_score) = (true, Some(percent(value()))),
                other => panic!("`{other}` does not run in process"),
            }
        }
        let outcome = match self.load(&selection, &Limits::default()) {
            Ok(inputs) => tested(&inputs, files, choice),
            Err(diagnostics) => Outcome::unread(diagnostics),
        };
        let mut out = Vec::new();
        cases::text::write(&outcome, STYLE, &mut out).expect("memory takes everything");
        String::from_utf8(out).expect("Deodar writes UTF-8")
    }

    /// Runs the binary.
    fn process(&self, arguments: &[String]) -> String {
        let mut command = command(self.folder.path());
        let mut arguments = arguments.to_vec();
        let to = arguments.iter().position(|word| word == ">").map(|at| arguments.split_off(at).split_off(1).remove(0));
        if let Some(to) = &to {
            command.stdout(std::fs::File::create(self.path(to)).expect("files can be made"));
        }
        let output = command.args(&arguments).output().expect("the binary is built");
        let written = to.map(|to| std::fs::read(self.path(&to)).expect("it was made")).unwrap_or(output.stdout);
        let written = if written.is_empty() { output.stderr } else { written };
        String::from_utf8(written).expect("Deodar writes UTF-8")
    }
}

/// Runs the case files among `files`.
fn tested(inputs: &Inputs, files: &Files, mut choice: TestOptions) -> Outcome {
    let (pack, mut diagnostics) = Pack::compile(inputs.sources());
    diagnostics.extend(inputs.diagnostics.iter().cloned());
    let text = |path: &str| files.get(path).map(|bytes| String::from_utf8(bytes.clone()).expect("it is text"));
    let source = |path: &str| text(path).map(|text| Source::new(path, text).expect("it is small"));
    let mut found = Vec::new();
    for path in files.keys().filter(|path| path.ends_with(".test.toml")) {
        let file = source(path).expect("it is there");
        let mut open = |base: &str| {
            let base = base.trim_start_matches("../");
            source(base).ok_or_else(|| Diagnostic::error(Code::Unreadable, format!("cannot read `{base}`")))
        };
        let (file, wrong) = CaseFile::parse(&file, &mut open);
        diagnostics.extend(wrong);
        found.push(file);
    }
    if let Some(list) = source("policies/survivors.toml").filter(|_| choice.mutate) {
        let (list, wrong) = SurvivorList::parse(&list);
        diagnostics.extend(wrong);
        choice.survivors.push(list);
    }
    let mut outcome = match pack.filter(|_| !has_errors(&diagnostics)) {
        Some(pack) => Suite::new(pack).run(&found, &choice),
        None => Outcome::unread(Vec::new()),
    };
    outcome.diagnostics.splice(..0, diagnostics);
    outcome
}

fn pages() -> Vec<Page> {
    let entries = std::fs::read_dir(repository().join("tests/diagnostics")).expect("there are pages");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("it can be listed").path()).collect();
    paths.sort();
    paths.into_iter().map(Page::read).collect()
}

fn code_of(path: &Path) -> String {
    path.file_stem().expect("it is a file").to_string_lossy().into_owned()
}

#[test]
fn the_cases_of_the_pages_hold() {
    let wrong: Vec<String> = pages().par_iter().flat_map(Page::check).collect();
    assert!(wrong.is_empty(), "UPDATE_EXPECT=1 rewrites the pages\n\n{}", wrong.join("\n\n"));
}

#[test]
fn every_code_has_a_page_with_a_case_and_every_page_has_a_code() {
    let pages = pages();
    let of_pages: BTreeSet<String> = pages.iter().map(|page| code_of(&page.path)).collect();
    let codes: BTreeSet<String> = Code::ALL.iter().map(|code| code.name().to_owned()).collect();
    let missing: Vec<&String> = codes.difference(&of_pages).collect();
    assert!(missing.is_empty(), "codes without a page: {missing:?}");
    let unknown: Vec<&String> = of_pages.difference(&codes).collect();
    assert!(unknown.is_empty(), "pages without a code: {unknown:?}");
    for page in &pages {
        let code = code_of(&page.path);
        assert!(page.text.starts_with(&format!("# {code}\n\n")), "{code}: the heading is the code");
        if WITHOUT_A_CASE.contains(&code.as_str()) {
            continue;
        }
        let shown = page.cases.iter().filter_map(|case| case.blocks.last());
        let mark = match Code::of_name(&code).expect("it has a page").severity() {
            DiagnosticLevel::Error => '×',
            DiagnosticLevel::Warning => '⚠',
        };
        let headed = format!("\n{code}\n\n  {mark} ");
        let mut shown = shown.map(|block| format!("\n{}", &page.text[block.content.clone()]));
        assert!(shown.any(|output| output.contains(&headed)), "{code}: no case shows it with its severity");
    }
}

#[test]
fn explain_without_a_subject_lists_the_codes() {
    let run = deodar(&[], &["explain"]);
    assert_eq!((run.code, run.stdout.lines().count()), (0, Code::ALL.len()), "{run:?}");
    let line = run.stdout.lines().find(|line| line.starts_with("snapshot-empty "));
    assert_eq!(line, Some("snapshot-empty          error    A snapshot is empty."));
}

#[test]
fn explain_prints_the_page_of_a_code() {
    let run = deodar(&[], &["explain", "no-snapshot"]);
    expect![[r#"
        no-snapshot · warning

        A folder contains no snapshot. This is an error if the run has other inputs,
        because their verdicts are not all that were asked for. The name of a snapshot
        ends in `.json`, `.ndjson`, `.jsonl`, `.jsonc`, `.yaml`, `.yml` or `.toml`,
        optionally followed by `.gz` or `.zst`.

        Correct the path, or rename the files.

        Example: A folder without snapshots

          snapshot.json/notes.md
          │ none yet

          no-snapshot

            ⚠ folder `snapshot.json` holds no snapshot
            help: snapshots are files whose name ends in `.json`, `.ndjson`, `.jsonl`,
                  `.jsonc`, `.yaml`, `.yml` or `.toml`, and perhaps in `.gz` or `.zst`
    "#]]
    .assert_eq(&run.stdout);
    assert_eq!((run.code, run.stderr.as_str()), (0, ""));
    for (misspelt, meant) in [("no-snapshots", "`no-snapshot`"), ("MOE-AUTH-022", "`MOE-AUTH-02`")] {
        let run = deodar(&[], &["explain", misspelt]);
        assert!(run.code == 2 && run.stderr.contains(&format!("did you mean {meant}?")), "{run:?}");
    }
}
