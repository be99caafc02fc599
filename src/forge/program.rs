//! Runs a host's command-line program.

use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::ForgeError;

/// Time that a program has for one act.
const PATIENCE: Duration = Duration::from_secs(120);

/// Describes a host's program.
pub(super) struct Program {
    /// Name of the program.
    pub name: &'static str,
    /// Name of the host.
    pub host: &'static str,
}

impl Program {
    /// Runs the program in a folder, and returns what it printed. It asks nobody anything.
    pub(super) fn run(&self, folder: &Path, arguments: &[&str], input: &str) -> Result<String, ForgeError> {
        let refused = |why: String| ForgeError::Refused { program: self.name, act: act(arguments), why };
        let mut command = Command::new(self.name);
        command
            .args(arguments)
            .current_dir(folder)
            .env("GH_PROMPT_DISABLED", "1")
            .env("NO_PROMPT", "1")
            .env("NO_COLOR", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => ForgeError::NoProgram(self.name, self.host),
            _ => refused(error.to_string()),
        })?;
        let (out, err) = (drained(child.stdout.take()), drained(child.stderr.take()));
        // A program that ends without reading says why itself.
        if let Some(mut pipe) = child.stdin.take() {
            let _ = pipe.write_all(input.as_bytes());
        }
        let started = Instant::now();
        let status = loop {
            match child.try_wait().map_err(|error| refused(error.to_string()))? {
                Some(status) => break status,
                None if started.elapsed() > PATIENCE => {
                    let _ = child.kill();
                    let _ = child.wait();
                    return Err(refused(format!("no answer within {} s", PATIENCE.as_secs())));
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let (out, err) = (out.join().unwrap_or_default(), err.join().unwrap_or_default());
        match status.success() {
            true => Ok(out),
            false => Err(refused(reason(&err, &out))),
        }
    }

    /// Runs the program, and parses the JSON that it printed.
    pub(super) fn json(&self, folder: &Path, arguments: &[&str], input: &str) -> Result<Value, ForgeError> {
        let out = self.run(folder, arguments, input)?;
        serde_json::from_str(&out).map_err(|error| self.answer(arguments, error.to_string()))
    }

    /// Runs the program, and parses the list that it printed.
    pub(super) fn list(&self, folder: &Path, arguments: &[&str]) -> Result<Vec<Value>, ForgeError> {
        match self.json(folder, arguments, "")? {
            Value::Array(list) => Ok(list),
            _ => Err(self.answer(arguments, "it is no list".to_owned())),
        }
    }

    /// Returns the number of a pull request.
    pub(super) fn number(&self, arguments: &[&str], value: &Value, name: &str) -> Result<u64, ForgeError> {
        value.get(name).and_then(Value::as_u64).ok_or_else(|| self.answer(arguments, format!("it has no {name}")))
    }

    fn answer(&self, arguments: &[&str], why: String) -> ForgeError {
        ForgeError::Answer { program: self.name, act: act(arguments), why }
    }
}

/// Returns the arguments up to the first option: what comes then may be long.
fn act(arguments: &[&str]) -> String {
    let words: Vec<&str> = arguments.iter().copied().take_while(|argument| !argument.starts_with('-')).collect();
    words.join(" ")
}

fn reason(err: &str, out: &str) -> String {
    let text = if err.trim().is_empty() { out } else { err };
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).take(3).collect();
    if lines.is_empty() { "it says nothing".to_owned() } else { lines.join("; ") }
}

/// Reads a pipe to its end, so that the program never waits for a reader.
fn drained(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}
