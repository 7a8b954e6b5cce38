//! Conventions that nothing else holds: module order, complete metadata, embedded files, names that documents use.

use crate::support::repository;
use deodar::engine::Verdict;
use deodar::policy::{FRAMEWORKS, Policies};
use deodar::project::EMBEDDED;
use deodar::schema::{Reader, Schema};
use deodar::source::Source;
use std::collections::BTreeSet;
use std::path::Path;

/// Returns the files below a folder of the repository with an extension, by their paths from its root, in order.
fn files(folder: &str, extension: &str) -> Vec<(String, String)> {
    let entries = walkdir::WalkDir::new(repository().join(folder)).sort_by_file_name();
    let wanted = |path: &Path| path.is_file() && path.extension().is_some_and(|found| found == extension);
    let paths =
        entries.into_iter().map(|entry| entry.expect("it can be listed").into_path()).filter(|path| wanted(path));
    let read = paths.map(|path| {
        let name =
            path.strip_prefix(repository()).expect("it lies in the repository").to_string_lossy().replace('\\', "/");
        (name, std::fs::read_to_string(&path).expect("it is text"))
    });
    read.collect()
}

/// Modules in the order `lib.rs` declares them.
fn modules() -> Vec<String> {
    let lib = std::fs::read_to_string(repository().join("src/lib.rs")).expect("there is a library");
    let declared = |line: &str| {
        let name = line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod ")?;
        Some(name.strip_suffix(';')?.to_owned())
    };
    lib.lines().filter_map(declared).collect()
}

/// Returns the modules that follow `crate::` in code, alone or in a list.
fn used(code: &str) -> BTreeSet<String> {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut found = BTreeSet::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            None => {
                found.insert(name(rest));
            }
            Some(list) => {
                let mut depth = 0;
                let top_level = |c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0
                };
                let end = list.find("};").unwrap_or(list.len());
                found
                    .extend(list[..end].split(top_level).map(|item| name(item.trim())).filter(|item| !item.is_empty()));
            }
        }
    }
    found
}

fn without_comments(text: &str) -> String {
    text.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .fold(String::new(), |text, line| text + line + "\n")
}

#[test]
fn a_module_uses_only_modules_declared_above_it() {
    let modules = modules();
    assert!(modules.len() > 5, "{modules:?}");
    let place = |name: &str| modules.iter().position(|module| module == name);
    let mut wrong = Vec::new();
    for (path, text) in files("src", "rs") {
        let inside = path.strip_prefix("src/").expect("it is in src");
        let Some(here) = place(inside.split(['/', '.']).next().unwrap_or_default()) else { continue };
        for name in used(&without_comments(&text)) {
            match place(&name) {
                Some(there) if there <= here => {}
                Some(_) => wrong.push(format!("{path} uses `{name}`, which lib.rs declares below it")),
                None => wrong.push(format!("{path} uses `crate::{name}`, which lib.rs does not declare")),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The items of the library that its documentation shows.
const FACADE: [&str; 18] = [
    "CheckVerdict",
    "Diagnostic",
    "Finding",
    "Format",
    "Inputs",
    "Limits",
    "Options",
    "Output",
    "Pack",
    "PackSources",
    "Presentation",
    "Report",
    "Run",
    "Session",
    "Setting",
    "Snapshot",
    "Source",
    "Verdict",
];

#[test]
fn the_documented_interface_of_the_library_is_listed_here() {
    let lib = std::fs::read_to_string(repository().join("src/lib.rs")).expect("there is a library");
    let mut names = Vec::new();
    for exported in lib.split("\npub use ").skip(1) {
        let path = exported.split(';').next().unwrap_or_default();
        let items = path.rsplit_once("::").map_or(path, |(_, items)| items).trim_matches(['{', '}']);
        names.extend(items.split(',').map(|name| name.trim().to_owned()));
    }
    names.sort();
    assert_eq!(names, FACADE);
    let lines: Vec<&str> =
        lib.lines().filter(|line| !line.starts_with("#[cfg") && !line.starts_with("#[allow")).collect();
    let shown = lines.windows(2).filter(|pair| pair[1].starts_with("pub mod ") && pair[0] != "#[doc(hidden)]");
    assert_eq!(shown.collect::<Vec<_>>(), Vec::<&[&str]>::new(), "modules of the library are hidden");
}

#[test]
fn outputs_neither_lower_nor_evaluate_and_reports_are_not_written_where_they_are_made() {
    let mut wrong = Vec::new();
    for (path, text) in files("src", "rs") {
        let code = without_comments(&text);
        let forbidden: &[&str] = match path.split('/').nth(1).unwrap_or_default().trim_end_matches(".rs") {
            "render" => &["crate::program", "Evaluator", "Evaluation", "::lower(", "::bind("],
            "report" => &["std::io", "serde_json::to_writer", "writeln!"],
            _ => continue,
        };
        let found = forbidden.iter().filter(|word| code.contains(**word));
        wrong.extend(found.map(|word| format!("{path} has `{word}`")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The modules of a folder that use each other: the folder and the two modules.
const MUTUAL: [(&str, &str, &str); 1] = [("cli", "check", "watch")];

/// Returns the names after `super::`, as many levels up as a file is below its folder.
fn used_of_parent(text: &str, levels: usize) -> BTreeSet<String> {
    let prefix = "super::".repeat(levels);
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices(&prefix).filter(|(at, _)| !text[..*at].ends_with("super::")) {
        let rest = &text[at + prefix.len()..];
        let list = rest.strip_prefix('{').map_or_else(
            || vec![rest],
            |list| list.split_once('}').map(|(list, _)| list.split(',').collect()).unwrap_or_default(),
        );
        let name = |item: &str| item.trim().split(|c: char| !c.is_alphanumeric() && c != '_').next().map(str::to_owned);
        found.extend(list.into_iter().filter_map(name));
    }
    found
}

#[test]
fn a_module_of_a_folder_uses_only_modules_declared_above_it() {
    let all = files("src", "rs");
    let mut wrong = Vec::new();
    for (parent, text) in &all {
        let folder = parent.trim_end_matches(".rs");
        let mods = text.lines().filter_map(|line| line.strip_prefix("pub ").unwrap_or(line).strip_prefix("mod "));
        let mods: Vec<&str> = mods.filter_map(|line| line.strip_suffix(';')).collect();
        for (path, text) in &all {
            let Some(inside) = path.strip_prefix(&format!("{folder}/")) else { continue };
            let Some(here) = mods.iter().position(|name| inside.split(['/', '.']).next() == Some(name)) else {
                continue;
            };
            let text = without_comments(text);
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for name in used_of_parent(code, inside.matches('/').count() + 1) {
                let is_below = mods.iter().position(|module| *module == name).is_some_and(|there| there > here);
                let mutual = (folder.trim_start_matches("src/"), mods[here], name.as_str());
                if is_below && !MUTUAL.contains(&mutual) {
                    wrong.push(format!("{path} uses `{name}`, which {parent} declares below it"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_use_of_a_module_is_seen() {
    let seen = used("use crate::a::{x, y};\nuse crate::{b, c::{self, d}, e};\nlet z = crate::f::g();");
    assert_eq!(seen.iter().map(String::as_str).collect::<Vec<_>>(), ["a", "b", "c", "e", "f"]);
}

#[test]
fn every_check_of_an_embedded_pack_says_what_why_and_what_to_do() {
    for pack in EMBEDDED {
        let source = |(name, text): (&str, &str)| Source::new(name, text).expect("it is small");
        let (schema, diagnostics) = Schema::parse(&source(pack.schema));
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        let schema = schema.expect("a schema without diagnostics is there");
        let sources: Vec<_> = pack.policies.iter().copied().map(source).collect();
        let (policies, diagnostics) = Policies::parse(&schema, &sources);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
        assert!(!policies.checks.is_empty(), "pack {} has checks", pack.name);
        // The program does not let Cedar validate these texts again.
        let checks = policies.checks.iter().map(|check| &check.statement);
        for statement in checks.chain(policies.derivations.iter().map(|derivation| &derivation.statement)) {
            assert!(statement.valid && !statement.idle, "{} is valid and has an effect", statement.id);
        }
        for check in &policies.checks {
            let id = &check.statement.id;
            assert!(!check.title.is_empty(), "{id} has a title");
            assert!(check.remediation.as_ref().is_some_and(|text| !text.is_empty()), "{id} says what to do");
            assert!(check.reference.as_ref().is_some_and(|url| url.starts_with("https://")), "{id} names its source");
            let written = check.statement.source.slice(check.statement.span);
            assert!(written.contains("@severity("), "{id} has a severity");
        }
    }
}

#[test]
fn embedded_packs_are_what_lies_in_the_folders() {
    let embedded: BTreeSet<(String, String)> = EMBEDDED
        .iter()
        .flat_map(|pack| pack.policies.iter().chain([&pack.schema, &pack.capture]))
        .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
        .collect();
    let captures = files("policies", "toml").into_iter().filter(|(path, _)| path.ends_with("/capture.toml"));
    let on_disk = files("schemas", "cedarschema").into_iter().chain(files("policies", "cedar"));
    let on_disk: BTreeSet<_> = on_disk.chain(captures).collect();
    let names = |set: &BTreeSet<(String, String)>| set.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&embedded), names(&on_disk));
    assert!(embedded == on_disk, "the binary was built from other texts than those in the folders");
}

#[test]
fn capture_descriptions_of_embedded_packs_are_valid() {
    for pack in EMBEDDED {
        let source = |(name, text): (&str, &str)| Source::new(name, text).expect("it is small");
        let (schema, _) = Schema::parse(&source(pack.schema));
        let model = schema.expect("the schema is valid").model;
        let (_, diagnostics) = deodar::capture::description::Description::read(&source(pack.capture), &model);
        assert!(diagnostics.is_empty(), "{diagnostics:?}");
    }
}

#[test]
fn the_engine_knows_no_account() {
    let mut wrong = Vec::new();
    for (path, text) in files("src", "rs").into_iter().filter(|(path, _)| path != "src/project/packs.rs") {
        for (at, line) in text.lines().enumerate() {
            let comment = line.trim_start().starts_with("///") || line.trim_start().starts_with("//!");
            let line = if comment { line.replace("MoEngage::", "") } else { line.to_owned() };
            if line.to_lowercase().contains("moengage") {
                wrong.push(format!("{path}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the pages that are written by hand: README.md, ARCHITECTURE.md and those in `docs`.
fn documents() -> Vec<(String, String)> {
    let read = |path: &str| {
        (path.to_owned(), std::fs::read_to_string(repository().join(path)).expect("the page is in the repository"))
    };
    let pages = files("docs", "md").into_iter().filter(|(path, _)| path != "docs/moengage-catalogue.md");
    ["README.md", "ARCHITECTURE.md"].map(read).into_iter().chain(pages).collect()
}

/// The string literals of a slice constant, `const NAME: ... = &[...]`.
fn listed(code: &str, constant: &str) -> Vec<String> {
    let declared = code.split_once(&format!("const {constant}: ")).map(|(_, rest)| rest);
    let list = declared.and_then(|rest| rest.split_once('=')?.1.split_once(';')).map(|(list, _)| list);
    let list = list.unwrap_or_else(|| panic!("there is a constant {constant}"));
    list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn annotations_and_exit_codes_of_the_documents_exist() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).unwrap_or_default();
    let (schema, policy) = (read("src/schema/read/annotations.rs"), read("src/policy/annotations.rs"));
    let mut known: BTreeSet<String> = BTreeSet::new();
    for constant in ["ON_ENTITY", "ON_ATTRIBUTE", "ON_PARAMETER", "ON_OTHER"] {
        known.extend(listed(&schema, constant));
    }
    for constant in ["ON_CHECK", "ON_DERIVATION", "ON_WAIVER"] {
        known.extend(listed(&policy, constant));
    }
    let run = crate::support::deodar(&[], &["--help"]);
    let lines = run.stdout.lines().skip_while(|line| !line.starts_with("Exit codes")).skip(1);
    let words = lines.flat_map(|line| line.split_whitespace().take(3).map(str::to_owned).collect::<Vec<_>>());
    let codes: BTreeSet<String> = words.filter(|word| word.parse::<u8>().is_ok()).collect();
    assert!(codes.contains("5") && codes.contains("130"), "{codes:?}");
    let mut wrong = Vec::new();
    for (document, text) in documents() {
        for (at, line) in text.lines().enumerate() {
            for (before, rest) in line.match_indices('@').map(|(at, _)| line.split_at(at)) {
                let name: String = rest[1..]
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_' || c.is_ascii_digit())
                    .collect();
                // An e-mail address has an `@` too.
                let starts = !before.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '.' | '+' | '-' | '*'));
                if starts && !name.is_empty() && !known.contains(&name) {
                    wrong.push(format!("{document}:{}: there is no annotation `@{name}`", at + 1));
                }
            }
            let lower = line.to_lowercase();
            let mentions = ["exit code ", "exits with ", "exit with ", "exit status "]
                .iter()
                .flat_map(|word| lower.split(word).skip(1));
            for rest in mentions.map(str::to_owned).collect::<Vec<_>>() {
                let code: String = rest.trim_start_matches('`').chars().take_while(char::is_ascii_digit).collect();
                if !code.is_empty() && !codes.contains(&code) {
                    wrong.push(format!("{document}:{}: there is no exit code {code}", at + 1));
                }
            }
        }
        let table = text
            .lines()
            .skip_while(|line| !line.starts_with("| exit"))
            .skip(2)
            .take_while(|line| line.starts_with('|'));
        for cell in table.filter_map(|line| line.split('|').nth(1)) {
            for code in cell.split([' ', '/', '`']).filter(|word| word.parse::<u8>().is_ok()) {
                if !codes.contains(code) {
                    wrong.push(format!("{document}: there is no exit code {code}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Asserts that a page mentions each of these words in code.
#[track_caller]
fn check_mentions(page: &str, words: &[String], written: impl Fn(&str) -> Vec<String>) {
    let text = std::fs::read_to_string(repository().join(page)).expect("the page is in the repository");
    let lacking: Vec<&String> = words.iter().filter(|word| !written(word).iter().any(|it| text.contains(it))).collect();
    assert!(lacking.is_empty(), "{page} does not mention {lacking:?}");
}

#[test]
fn reference_pages_are_complete() {
    let read = |path: &str| std::fs::read_to_string(repository().join(path)).expect("the source is in the repository");
    let annotation = |name: &str| vec![format!("`@{name}`"), format!("`@{name}(")];
    for constant in ["ON_ENTITY", "ON_ATTRIBUTE", "ON_PARAMETER", "ON_OTHER"] {
        check_mentions("docs/schema.md", &listed(&read("src/schema/read/annotations.rs"), constant), annotation);
    }
    for constant in ["ON_CHECK", "ON_DERIVATION", "ON_WAIVER"] {
        check_mentions("docs/policies.md", &listed(&read("src/policy/annotations.rs"), constant), annotation);
    }
    let readers = Reader::ALL.map(|(name, _)| name.to_owned());
    check_mentions("docs/schema.md", &readers, |name| vec![format!("`{name}`"), format!("`{name}(")]);
    let key = |name: &str| vec![format!("`{name}`"), format!("{name} = "), format!("[{name}]")];
    for constant in ["IN_FILE", "IN_CASE", "IN_EACH", "IN_EXPECTATION"] {
        check_mentions("docs/testing.md", &listed(&read("src/cases/read.rs"), constant), key);
    }
    let verdicts = Verdict::ALL.map(|verdict| verdict.name().to_owned());
    check_mentions("docs/reports.md", &verdicts, |name| vec![format!("`{name}`")]);
    let frameworks = FRAMEWORKS.map(|framework| framework.name.to_owned());
    check_mentions("docs/reports.md", &frameworks, |name| vec![format!("`{name}`"), format!("={name}`")]);
}

/// Returns the anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_')).collect::<String>().replace(' ', "-")
}

#[test]
fn links_between_documents_have_targets() {
    let mut wrong = Vec::new();
    for (document, text) in documents() {
        let folder = repository().join(&document).parent().expect("a file has a folder").to_owned();
        for (at, line) in text.lines().enumerate() {
            let targets = line.split("](").skip(1).filter_map(|rest| rest.split_once(')').map(|(target, _)| target));
            for target in targets.filter(|target| !target.starts_with("http")) {
                let (path, place) = target.split_once('#').unwrap_or((target, ""));
                let path = if path.is_empty() { repository().join(&document) } else { folder.join(path) };
                let headings = std::fs::read_to_string(&path).unwrap_or_default();
                let mut headings = headings.lines().filter_map(|line| line.strip_prefix('#'));
                let is_known = |heading: &str| anchor(heading.trim_start_matches('#')) == place;
                if !path.exists() || !place.is_empty() && !headings.any(is_known) {
                    wrong.push(format!("{document}:{}: {target}", at + 1));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_undone() {
    // Put together here, so that this file does not hold what it looks for.
    let marks = [["TO", "DO"], ["FIX", "ME"], ["db", "g!("], ["to", "do!("], ["unimple", "mented!("], ["#[ig", "nore"]];
    let marks = marks.map(|parts| parts.concat());
    let mut wrong = Vec::new();
    for (path, text) in ["src", "tests", "benches"].into_iter().flat_map(|folder| files(folder, "rs")) {
        for (at, line) in text.lines().enumerate() {
            if let Some(mark) = marks.iter().find(|mark| line.contains(mark.as_str())) {
                wrong.push(format!("{path}:{}: {mark}", at + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn messages_of_the_program_pass_through_one_function_that_escapes_them() {
    // Functions of the library escape their texts; clap gets arguments that are escaped.
    let renderers = ["diagnostics::write(", "outputs.aside(", "notes(", "write_diff(", "out.write_all(text("];
    for (path, text) in files("src", "rs") {
        if !path.starts_with("src/cli") || path == "src/cli/output.rs" {
            continue;
        }
        let code = without_comments(&text).replace(char::is_whitespace, "");
        assert!(!code.contains("writeln!(io::stderr()"), "{path} writes a text itself");
        for (at, call) in code.match_indices("to_stderr(|out|") {
            let called = &code[at + call.len()..];
            assert!(renderers.iter().any(|one| called.starts_with(one)), "{path} writes a text itself: {called:.80}");
        }
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    let silent = ["src", "tests", "benches"].into_iter().flat_map(|folder| files(folder, "rs"));
    let silent: Vec<String> = silent.filter(|(_, text)| !text.starts_with("//! ")).map(|(path, _)| path).collect();
    assert!(silent.is_empty(), "{}", silent.join("\n"));
}
