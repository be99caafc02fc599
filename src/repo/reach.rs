//! Asks a remote through the user's own `git`, which has the credentials, proxies and keys for it.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use super::Repo;

/// Time that a remote has for its answer.
const PATIENCE: Duration = Duration::from_secs(30);

impl Repo {
    /// Asks a remote for its branches. Nobody is asked for a password.
    ///
    /// # Errors
    /// If git is not installed, or the remote does not answer; the error repeats what git says.
    pub fn reach(&self, remote: &str) -> Result<usize, String> {
        let mut command = Command::new("git");
        command
            .arg("--git-dir")
            .arg(self.git_dir())
            .args(["ls-remote", "--heads", "--", remote])
            .env("GIT_TERMINAL_PROMPT", "0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().map_err(|error| format!("`git` does not run: {error}"))?;
        let started = Instant::now();
        while child.try_wait().map_err(|error| error.to_string())?.is_none() {
            if started.elapsed() > PATIENCE {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("no answer within {} s", PATIENCE.as_secs()));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        let output = child.wait_with_output().map_err(|error| error.to_string())?;
        match output.status.success() {
            true => Ok(String::from_utf8_lossy(&output.stdout).lines().count()),
            false => {
                let said = String::from_utf8_lossy(&output.stderr);
                Err(said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("git says nothing").to_owned())
            }
        }
    }
}
