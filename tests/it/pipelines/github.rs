//! Runs jobs of GitHub Actions on this machine: their steps with a real shell, their expressions, outputs and artifacts.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::{Desk, text_at};
use crate::support::command_line::Ran;

pub(super) const ACTION: &str = include_str!("../../../.github/actions/entragit/action.yml");

/// A job that ran.
pub(super) struct Job {
    pub(super) passed: bool,
    /// Text that its steps printed.
    pub(super) log: String,
    pub(super) summary: String,
    pub(super) outputs: BTreeMap<String, String>,
}

/// A job while it runs.
struct Running<'a> {
    desk: &'a Desk,
    folder: &'a Path,
    /// Values of expressions such as `vars.AZURE_TENANT_ID`.
    known: BTreeMap<String, String>,
    env: BTreeMap<String, String>,
    failed: bool,
    log: String,
    /// Where the files of the runner are: outputs, environment, summary.
    files: PathBuf,
}

/// Runs one job of a workflow in a clone. What `known` does not have is an error of the test.
pub(super) fn run(desk: &Desk, workflow: &str, job: &str, folder: &Path, known: &[(&str, &str)]) -> Job {
    let workflow: Value = serde_yaml::from_str(workflow).unwrap();
    let job = &workflow["jobs"][job];
    let files = tempfile::tempdir().unwrap();
    for name in ["output", "env", "path", "summary"] {
        std::fs::write(files.path().join(name), "").unwrap();
    }
    let mut running = Running {
        desk,
        folder,
        known: known.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        env: BTreeMap::new(),
        failed: false,
        log: String::new(),
        files: files.path().to_owned(),
    };
    assert!(running.holds(job["if"].as_str().unwrap_or("success()")), "the job is not run");
    // A runner has no way to ask for a token unless the job may.
    if job["permissions"]["id-token"] == "write" {
        running.env.extend(desk.id_token(known));
    }
    for step in job["steps"].as_sequence().unwrap() {
        running.step(step);
    }
    let outputs = job["outputs"].as_mapping().into_iter().flatten();
    let outputs = outputs
        .map(|(name, value)| (name.as_str().unwrap().to_owned(), running.filled(value.as_str().unwrap())))
        .collect();
    let summary = std::fs::read_to_string(files.path().join("summary")).unwrap();
    Job { passed: !running.failed, log: running.log, summary, outputs }
}

impl Running<'_> {
    fn step(&mut self, step: &Value) {
        let id = step["id"].as_str().unwrap_or_default().to_owned();
        if !self.holds(step["if"].as_str().unwrap_or("success()")) {
            self.known.insert(format!("steps.{id}.outcome"), "skipped".to_owned());
            return;
        }
        let with = |name: &str| step["with"][name].as_str().unwrap_or_default();
        let artifact = || self.desk.folder.path().join("artifacts").join(with("name"));
        let passed = match step["uses"].as_str() {
            None => self.shell(step, &id),
            Some(action) if action.starts_with("actions/checkout@") => true,
            Some(action) if action.starts_with("actions/upload-artifact@") => {
                std::fs::create_dir_all(artifact()).unwrap();
                std::fs::copy(self.folder.join(with("path")), artifact().join(with("path"))).is_ok()
            }
            Some(action) if action.starts_with("actions/download-artifact@") => {
                crate::support::files::copy(&artifact(), self.folder);
                true
            }
            Some(action) if action.starts_with("OWNER/entragit/.github/actions/entragit@") => self.composite(step, &id),
            Some(action) => panic!("{action} has no stand-in"),
        };
        self.failed |= !passed;
        self.known.insert(format!("steps.{id}.outcome"), if passed { "success" } else { "failure" }.to_owned());
    }

    /// Runs the steps of the project's own action; its program is the one under test.
    fn composite(&mut self, step: &Value, id: &str) -> bool {
        let action: Value = serde_yaml::from_str(ACTION).unwrap();
        let inputs = action["inputs"].as_mapping().unwrap();
        let given = step["with"].as_mapping().cloned().unwrap_or_default();
        for name in given.keys() {
            assert!(inputs.contains_key(name), "the action has no input {name:?}");
        }
        let mut inner = self.known.clone();
        for (name, input) in inputs {
            let value =
                given.get(name).map_or_else(|| text_at(input, "default"), |value| self.filled(value.as_str().unwrap()));
            inner.insert(format!("inputs.{}", name.as_str().unwrap()), value);
        }
        if inner["inputs.path"].is_empty() && inner["inputs.version"].is_empty() {
            inner.insert("inputs.path".to_owned(), env!("CARGO_BIN_EXE_entragit").to_owned());
        }
        let outer = std::mem::replace(&mut self.known, inner);
        let failed = std::mem::take(&mut self.failed);
        let env = self.env.clone();
        for (name, value) in step["env"].as_mapping().into_iter().flatten() {
            let value = self.filled(value.as_str().unwrap());
            self.env.insert(name.as_str().unwrap().to_owned(), value);
        }
        let own = |name: &String| !env.contains_key(name) && step["env"].get(name.as_str()).is_some();
        for step in action["runs"]["steps"].as_sequence().unwrap() {
            self.step(step);
        }
        self.env.retain(|name, _| !own(name));
        let mut outputs = BTreeMap::new();
        for (name, output) in action["outputs"].as_mapping().unwrap() {
            if self.known["steps.run.outcome"] != "skipped" {
                let value = self.filled(output["value"].as_str().unwrap());
                outputs.insert(format!("steps.{id}.outputs.{}", name.as_str().unwrap()), value);
            }
        }
        let passed = !std::mem::replace(&mut self.failed, failed);
        self.known = outer;
        self.known.extend(outputs);
        passed
    }

    fn shell(&mut self, step: &Value, id: &str) -> bool {
        let script = step["run"].as_str().unwrap();
        assert!(!script.contains("${{"), "an expression in a script: {script}");
        let mut shell = self.desk.shell(self.folder);
        shell
            .envs(&self.env)
            .env("RUNNER_TEMP", &self.files)
            .env("ENTRAGIT", env!("CARGO_BIN_EXE_entragit"))
            .env("GITHUB_ACTION_PATH", "/nowhere/.github/actions/entragit");
        for name in ["output", "env", "path", "summary"] {
            let variable = if name == "summary" { "STEP_SUMMARY".to_owned() } else { name.to_uppercase() };
            shell.env(format!("GITHUB_{variable}"), self.files.join(name));
        }
        for (name, value) in step["env"].as_mapping().into_iter().flatten() {
            shell.env(name.as_str().unwrap(), self.filled(value.as_str().unwrap()));
        }
        let paths = std::fs::read_to_string(self.files.join("path")).unwrap();
        let path = paths.lines().rev().fold(String::new(), |path, folder| format!("{path}{folder}:"));
        shell.env("PATH", format!("{path}{}", self.desk.path()));
        // As the runner starts it: without `shell:` it is `bash -e`.
        let flags: &[&str] =
            if step["shell"] == "bash" { &["--noprofile", "--norc", "-eo", "pipefail"] } else { &["-e"] };
        let ran = Ran::of(&shell.args(flags).args(["-c", script]).output().unwrap());
        self.log.push_str(&format!("$ {script}\n{}{}", ran.out, ran.err));
        for line in self.taken("output").lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.known.insert(format!("steps.{id}.outputs.{name}"), value.to_owned());
        }
        for line in self.taken("env").lines() {
            let (name, value) = line.split_once('=').unwrap();
            self.env.insert(name.to_owned(), value.to_owned());
        }
        ran.code == 0
    }

    /// Returns what a step wrote for the runner, once.
    fn taken(&self, name: &str) -> String {
        let path = self.files.join(name);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, "").unwrap();
        text
    }

    /// Returns a text with the values of its expressions.
    fn filled(&self, text: &str) -> String {
        match text.split_once("${{") {
            None => text.to_owned(),
            Some((before, rest)) => {
                let (name, after) = rest.split_once("}}").unwrap();
                format!("{before}{}{}", self.value(name), self.filled(after))
            }
        }
    }

    fn value(&self, name: &str) -> String {
        let name = name.trim();
        if let Some(text) = name.strip_prefix('\'') {
            return text.trim_end_matches('\'').to_owned();
        }
        // A step that wrote no output has an empty one.
        let known = self.known.get(name).cloned();
        known.unwrap_or_else(|| {
            assert!(name.starts_with("steps."), "{name} is not known");
            String::new()
        })
    }

    /// Evaluates a condition: comparisons with `&&` between.
    fn holds(&self, condition: &str) -> bool {
        let always = condition.contains("always()");
        let terms = condition.split("&&").map(str::trim);
        (always || !self.failed)
            && terms.filter(|term| !matches!(*term, "always()" | "success()")).all(|term| match term.split_once("!=") {
                Some((left, right)) => self.value(left) != self.value(right),
                None => {
                    let (left, right) = term.split_once("==").unwrap();
                    self.value(left) == self.value(right)
                }
            })
    }
}
