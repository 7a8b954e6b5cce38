//! The files for platforms, and the README's section about pipelines: their commands run as the platform runs them.

use crate::support::{NOW, POLICIES, SCHEMA, SOUND, command, repository};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// The configuration of the protected branch.
const CONFIGURATION: &str = "schema = \"harbour.cedarschema\"\npolicies = [\"policies\"]\n";

/// A repository with the harbour on the branch `main` of its origin, and a change that weakens the gate.
struct Repository {
    scratch: TempDir,
}

impl Repository {
    fn new() -> Self {
        let scratch = tempfile::tempdir().expect("there is room");
        let it = Self { scratch };
        let origin = it.scratch.path().join("origin");
        std::fs::create_dir_all(origin.join("policies")).expect("it can be made");
        for (name, text) in [
            ("harbour.cedarschema", SCHEMA),
            ("policies/harbour.cedar", POLICIES),
            ("snapshot.json", SOUND),
            ("deodar.toml", CONFIGURATION),
        ] {
            std::fs::write(origin.join(name), text).expect("it can be written");
        }
        let own = it.folder().display().to_string();
        it.bash(
            it.scratch.path(),
            &format!(
                "git -C origin init -q -b main && git -C origin add . \
                 && git -C origin -c user.name=a -c user.email=a@example.org commit -q -m all && git clone -q origin '{own}'"
            ),
            &[],
        );
        // The change lowers the threshold, and lets a pier be crowded.
        let weak = format!("{CONFIGURATION}fail-on = \"critical\"\n[parameters]\nmax_boats = 99\n");
        std::fs::write(it.folder().join("deodar.toml"), weak).expect("it can be written");
        it
    }

    fn folder(&self) -> PathBuf {
        self.scratch.path().join("work tree")
    }

    fn temporary(&self) -> PathBuf {
        let folder = self.scratch.path().join("temp");
        std::fs::create_dir_all(&folder).expect("it can be made");
        folder
    }

    /// Adds boats to the pier, so that the rules of the protected branch fail.
    fn crowd(&self) {
        let boat =
            |name| format!(r#"{{ "name": "{name}", "owner": "bo@anse.example", "length": 9, "light": "green" }}"#);
        let crowded = SOUND.replacen("\"boats\": [", &format!("\"boats\": [{}, {},", boat("Auk"), boat("Tit")), 1);
        std::fs::write(self.folder().join("snapshot.json"), crowded).expect("it can be written");
    }

    /// Runs a script as a runner does, with the program on the path.
    fn run(&self, folder: &Path, script: &str, variables: &[(&str, &str)]) -> Output {
        let file = self.temporary().join("script.sh");
        std::fs::write(&file, script).expect("it can be written");
        let program = Path::new(env!("CARGO_BIN_EXE_deodar")).parent().expect("it is in a folder");
        let path = format!("{}:{}", program.display(), std::env::var("PATH").expect("it is text"));
        let mut bash = Command::new("bash");
        bash.args(["--noprofile", "--norc", "-e", "-o", "pipefail"]).arg(&file).current_dir(folder).env_clear();
        bash.env("PATH", path).env("HOME", self.temporary()).env("GIT_CONFIG_NOSYSTEM", "1");
        bash.envs(variables.iter().copied()).output().expect("bash runs")
    }

    fn bash(&self, folder: &Path, script: &str, variables: &[(&str, &str)]) -> String {
        let output = self.run(folder, script, variables);
        assert!(output.status.success(), "{script}: {output:?}");
        String::from_utf8(output.stdout).expect("it is text")
    }
}

fn text(path: &str) -> String {
    std::fs::read_to_string(repository().join(path)).expect("the file is in the repository")
}

/// Returns the value of a key of YAML at an indentation: the rest of its line, or a block with `|` or `>-`.
fn value(lines: &[&str], key: &str) -> Option<String> {
    let found = |line: &&str| line.trim_start().trim_start_matches("- ").starts_with(&format!("{key}:"));
    let at = lines.iter().position(found)?;
    let line = lines[at];
    let rest = line.split_once(':').expect("it has a colon").1.trim();
    if rest != "|" {
        return Some(rest.trim_matches('"').to_owned());
    }
    let indent = line.len() - line.trim_start().len();
    let block =
        lines[at + 1..].iter().take_while(|line| line.is_empty() || line.len() - line.trim_start().len() > indent);
    let block: Vec<&str> = block.copied().collect();
    let margin = block.iter().filter(|line| !line.is_empty()).map(|line| line.len() - line.trim_start().len()).min()?;
    Some(block.iter().map(|line| line.get(margin..).unwrap_or_default().to_owned() + "\n").collect())
}

/// Returns the elements of the list below a key: their lines.
fn elements<'t>(text: &'t str, key: &str) -> Vec<Vec<&'t str>> {
    let lines: Vec<&str> = text.lines().collect();
    let at = lines.iter().position(|line| line.trim_start() == format!("{key}:")).expect("the key is there");
    let indent = lines[at + 1].len() - lines[at + 1].trim_start().len();
    let mut found: Vec<Vec<&str>> = Vec::new();
    for line in &lines[at + 1..] {
        let own = line.len() - line.trim_start().len();
        if !line.is_empty() && own < indent {
            break;
        }
        if own == indent && line.trim_start().starts_with("- ") {
            found.push(Vec::new());
        }
        found.last_mut().expect("a list begins with an element").push(line);
    }
    found
}

/// Runs the action with inputs, and returns the outputs of the last step with the file of its outputs.
fn action(repository: &Repository, inputs: &[(&str, &str)]) -> (Output, String, String) {
    let text = text("action.yml");
    let mut values: BTreeMap<String, String> = BTreeMap::new();
    let declared = text.split("\noutputs:").next().expect("there are inputs");
    let mut name = String::new();
    for line in declared.lines() {
        if let Some(key) = line.strip_prefix("  ").filter(|line| !line.starts_with(' ')) {
            name = key.trim_end_matches(':').to_owned();
        } else if let Some(default) = line.trim().strip_prefix("default:") {
            values.insert(name.clone(), default.trim().trim_matches('"').to_owned());
        }
    }
    values.extend(inputs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let temporary = repository.temporary();
    let (outputs, summary) = (temporary.join("outputs"), temporary.join("summary"));
    std::fs::write(&outputs, "").expect("it can be written");
    std::fs::write(&summary, "").expect("it can be written");
    let mut last = None;
    for step in elements(&text, "steps") {
        assert_eq!(value(&step, "shell").as_deref(), Some("bash"), "{step:?}");
        let script = value(&step, "run").expect("a step runs something");
        assert!(!script.contains("${{"), "an expression in a script is an injection: {script}");
        if let Some(condition) = value(&step, "if") {
            let (name, is_empty) = match condition.strip_prefix("inputs.").expect("a condition is about an input") {
                other if other.contains("==") => (other.split(" == ").next().unwrap_or_default(), true),
                other => (other.split(" != ").next().unwrap_or_default(), false),
            };
            if values.get(name).is_none_or(String::is_empty) != is_empty {
                continue;
            }
        }
        let mut variables: Vec<(String, String)> = Vec::new();
        for line in &step {
            if let Some((name, expression)) = line.trim().split_once(": ${{ inputs.") {
                let input = expression.trim_end_matches(" }}");
                variables.push((name.to_owned(), values.get(input).cloned().unwrap_or_default()));
            }
        }
        for (name, path) in
            [("GITHUB_OUTPUT", &outputs), ("GITHUB_STEP_SUMMARY", &summary), ("RUNNER_TEMP", &temporary)]
        {
            variables.push((name.to_owned(), path.display().to_string()));
        }
        let variables: Vec<(&str, &str)> =
            variables.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let output = repository.run(&repository.folder(), &script, &variables);
        let is_done = output.status.success();
        last = Some(output);
        if !is_done {
            break;
        }
    }
    let read = |path: &Path| std::fs::read_to_string(path).expect("it is text");
    (last.expect("there are steps"), read(&outputs), read(&summary))
}

#[test]
fn the_action_judges_by_the_change_or_by_the_trusted_branch() {
    let program = env!("CARGO_BIN_EXE_deodar");
    let options = format!("--now\n{NOW}");
    let inputs = [("deodar", program), ("snapshots", "snapshot.json\n"), ("options", options.as_str())];
    let repository = Repository::new();
    repository.crowd();
    let (output, outputs, summary) = action(&repository, &inputs);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    assert_eq!(outputs, "exit-code=0\n");
    assert!(summary.contains("fail-on"), "the summary lists what weakens the gate: {summary}");
    assert!(repository.folder().join("deodar.sarif").is_file() && repository.folder().join("deodar.json").is_file());
    let trusted = [&inputs[..], &[("trusted-ref", "main")]].concat();
    let (output, outputs, summary) = action(&repository, &trusted);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(outputs, "exit-code=1\n");
    assert!(summary.contains("HB-PIER-01"), "{summary}");
    assert!(String::from_utf8_lossy(&output.stdout).contains("::warning "), "{output:?}");
}

#[test]
fn the_action_fails_without_the_trusted_branch_or_its_file() {
    let inputs = [("deodar", env!("CARGO_BIN_EXE_deodar")), ("snapshots", "snapshot.json")];
    fn other<'t>(inputs: &[(&'t str, &'t str)], reference: &'t str) -> Vec<(&'t str, &'t str)> {
        [inputs, &[("trusted-ref", reference)]].concat()
    }
    let repository = Repository::new();
    for reference in ["none", "--upload-pack=touch x"] {
        let (output, outputs, _) = action(&repository, &other(&inputs, reference));
        assert!(!output.status.success() && outputs.is_empty(), "{reference}: {output:?}");
    }
    let origin = repository.scratch.path().join("origin");
    repository.bash(
        &origin,
        "git rm -q deodar.toml && git -c user.name=a -c user.email=a@example.org commit -q -m none",
        &[],
    );
    let (output, outputs, _) = action(&repository, &other(&inputs, "main"));
    assert_eq!((output.status.code(), outputs.as_str()), (Some(5), "exit-code=5\n"), "{output:?}");
}

#[test]
fn the_gitlab_job_judges_a_merge_request_by_its_target_branch() {
    let template = text("templates/deodar.gitlab-ci.yml");
    let script: Vec<String> = elements(&template, "script")
        .iter()
        .map(|lines| match lines[0].trim() {
            "- |" => lines[1..].iter().map(|line| line.trim_start_matches("      ").to_owned() + "\n").collect(),
            line => line.trim_start_matches("- ").to_owned(),
        })
        .collect();
    assert_eq!(script.len(), 2, "{script:?}");
    let script = script.join("\n");
    let repository = Repository::new();
    repository.crowd();
    let job = |variables: &[(&str, &str)]| {
        let variables = [&[("DEODAR_SNAPSHOTS", "snapshot.json")], variables].concat();
        repository.run(&repository.folder(), &script, &variables)
    };
    let branch = job(&[]);
    // The snapshot of the test is old, and the check of its age is of the lowest severity.
    assert_eq!(branch.status.code(), Some(0), "{branch:?}");
    for file in ["gl-code-quality-report.json", "deodar.xml", "deodar.json"] {
        assert!(repository.folder().join(file).is_file() && template.contains(file), "{file}");
    }
    let request = [("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")];
    for _ in 0..2 {
        // A runner may keep the folder of the last job.
        let merge = job(&request);
        assert_eq!(merge.status.code(), Some(1), "{merge:?}");
    }
    assert_eq!(job(&[("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "none")]).status.code(), Some(128));
}

#[test]
fn the_hooks_run_on_the_files_of_a_commit() {
    let hooks = text(".pre-commit-hooks.yaml");
    let hooks: Vec<Vec<&str>> = hooks.split("\n- ").map(|hook| hook.lines().collect()).collect();
    assert_eq!(hooks.len(), 3);
    let repository = Repository::new();
    let entry = |at: usize, files: &str| {
        let script = format!("{} {files}", value(&hooks[at], "entry").expect("a hook has an entry"));
        repository.run(&repository.folder(), &script, &[]).status.code()
    };
    assert_eq!(value(&hooks[0], "files").as_deref(), Some(r"(^|/)snapshot[^/]*\.json$"));
    assert_eq!(entry(0, "snapshot.json"), Some(0));
    assert_eq!(entry(1, ""), Some(3), "the harbour has no cases");
    assert_eq!(entry(2, ""), Some(0));
    std::fs::write(repository.folder().join("deodar.toml"), "fail_on = 1").expect("it can be written");
    assert_eq!([entry(0, "snapshot.json"), entry(2, "")], [Some(5), Some(5)]);
}

#[test]
fn every_command_of_the_readme_about_pipelines_runs() {
    let readme = text("README.md");
    let section = readme.split("\n## Use it in a pipeline\n").nth(1).and_then(|rest| rest.split("\n## ").next());
    let commands: Vec<&str> =
        section.expect("there is a section").lines().filter_map(|line| line.strip_prefix("    ")).collect();
    assert!(commands.len() >= 7, "{commands:?}");
    let repository = Repository::new();
    let fleet = SOUND.split_whitespace().collect::<Vec<_>>().join(" ");
    std::fs::write(repository.folder().join("fleet.ndjson"), format!("{fleet}\n")).expect("it can be written");
    repository.bash(&repository.folder(), "gzip fleet.ndjson", &[]);
    for command in commands {
        let output = repository.run(&repository.folder(), command, &[]);
        // The snapshot of the test is old, which is a failure of the lowest severity.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{command}: {output:?}");
        assert!(output.status.success() || command.contains("trusted"), "{command}: {output:?}");
    }
    for file in
        ["report.json", "deodar.sarif", "deodar.xml", "summary.md", "gl-code-quality-report.json", "verdicts.ndjson"]
    {
        let length = std::fs::metadata(repository.folder().join(file)).map_or(0, |found| found.len());
        assert!(length > 0, "{file}");
    }
}

#[test]
fn man_pages_and_archives_are_written() {
    let folder = tempfile::tempdir().expect("there is room");
    let man = command(folder.path()).args(["man", "."]).output().expect("it runs");
    assert!(man.status.success(), "{man:?}");
    let page = std::fs::read_to_string(folder.path().join("deodar-check.1")).expect("there is a page");
    assert!(page.contains("max\\-snapshot\\-age"), "{page}");
    assert_eq!(command(folder.path()).args(["man", "none"]).output().expect("it runs").status.code(), Some(5));
    let archive = |to: &str| {
        let program = env!("CARGO_BIN_EXE_deodar");
        let mut script = Command::new(repository().join(".ci/release-musl"));
        script
            .arg(folder.path().join(to))
            .env("DEODAR_BUILT", program)
            .env("SOURCE_DATE_EPOCH", "1")
            .env("HOME", folder.path());
        let output = script.output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).expect("it is text")
    };
    let sums = archive("a");
    assert!(sums.contains("-x86_64-unknown-linux-musl.tar.gz"), "{sums}");
    assert_eq!(sums, archive("b"), "archives do not depend on the time");
}
