//! Talks to a remote through the user's own `git`, which has the credentials, proxies and keys for it.

use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{ObjectId, Repo, RepoError};

/// Time that a remote has for the list of its branches.
const PATIENCE: Duration = Duration::from_secs(30);
/// Time for a fetch or a push.
const LONG_PATIENCE: Duration = Duration::from_secs(3600);

/// Lists the ways in which a push ends without an error of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has what was pushed.
    Done,
    /// Somebody else pushed meanwhile, in git's words.
    Moved(String),
    /// The remote's rules refuse it; the reason in the remote's words.
    Refused(String),
    /// The remote cannot take several references at once.
    NotAtomic,
}

impl Repo {
    /// Asks a remote for its branches, and returns their number. Nobody is asked for a password.
    ///
    /// # Errors
    /// If git is not installed, or the remote does not answer; the error repeats what git says.
    pub fn reach(&self, remote: &str) -> Result<usize, String> {
        let (succeeded, out, err) = self.git_program(&["ls-remote", "--heads", "--", remote], PATIENCE)?;
        if succeeded { Ok(out.lines().count()) } else { Err(reason(&err)) }
    }

    /// Fetches references from a remote.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] with what git says.
    pub fn fetch(&self, remote: &str, refspecs: &[String]) -> Result<(), RepoError> {
        let mut arguments = vec!["fetch", "--quiet", "--no-tags", "--", remote];
        arguments.extend(refspecs.iter().map(String::as_str));
        let failed = |why: String| RepoError::Invalid(format!("fetching from {remote}: {why}"));
        match self.git_program(&arguments, LONG_PATIENCE).map_err(failed)? {
            (true, ..) => Ok(()),
            (false, _, err) => Err(failed(reason(&err))),
        }
    }

    /// Pushes references to a remote; with `atomic` all of them or none.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] with what git says, if the remote does not answer.
    pub fn push(&self, remote: &str, refspecs: &[String], atomic: bool) -> Result<Pushed, RepoError> {
        let together = if atomic { "--atomic" } else { "--no-atomic" };
        self.push_with(together, remote, refspecs)
    }

    /// Pushes a commit to a branch in place of what it has, if that is still `expected` (`None`: the remote has no such branch).
    ///
    /// # Errors
    /// [`RepoError::Invalid`] with what git says, if the remote does not answer.
    pub fn push_over(
        &self,
        remote: &str,
        commit: ObjectId,
        branch: &str,
        expected: Option<ObjectId>,
    ) -> Result<Pushed, RepoError> {
        let expected = expected.map(|id| id.to_string()).unwrap_or_default();
        let lease = format!("--force-with-lease=refs/heads/{branch}:{expected}");
        self.push_with(&lease, remote, &[format!("{commit}:refs/heads/{branch}")])
    }

    fn push_with(&self, option: &str, remote: &str, refspecs: &[String]) -> Result<Pushed, RepoError> {
        // What a person's settings would push besides is not of this push.
        let alone = ["--no-follow-tags", "--recurse-submodules=no"];
        let mut arguments = vec!["push", "--quiet", "--porcelain", option, alone[0], alone[1], "--", remote];
        arguments.extend(refspecs.iter().map(String::as_str));
        let failed = |why: String| RepoError::Invalid(format!("pushing to {remote}: {why}"));
        let (succeeded, out, err) = self.git_program(&arguments, LONG_PATIENCE).map_err(failed)?;
        if succeeded {
            return Ok(Pushed::Done);
        }
        // Two pushes at once: the remote noticed that its reference had moved.
        let moved = ["cannot lock ref", "incorrect old value", "failed to update ref"];
        if moved.iter().any(|words| out.contains(words) || err.contains(words)) {
            return Ok(Pushed::Moved(reason(&err)));
        }
        // <https://git-scm.com/docs/git-push#_output>; a reference that was held back by another's fate says "atomic".
        let refusals = || out.lines().chain(err.lines()).filter(|line| line.contains("rejected]"));
        if let Some(line) = refusals().find(|line| line.contains("[remote rejected]") && !line.contains("atomic")) {
            return Ok(Pushed::Refused(format!("{} {}", line.trim(), remote_says(&err)).trim().to_owned()));
        }
        if err.contains("does not support --atomic") {
            return Ok(Pushed::NotAtomic);
        }
        let overtaken = ["(fetch first)", "(non-fast-forward)", "(stale info)"];
        match refusals().find(|line| !line.contains("atomic")) {
            Some(line) if overtaken.iter().any(|words| line.contains(words)) => {
                Ok(Pushed::Moved(line.trim().to_owned()))
            }
            Some(line) => Ok(Pushed::Refused(line.trim().to_owned())),
            None => Err(failed(reason(&err))),
        }
    }

    /// Merges fetched notes into those of `notes_ref`. Where both have a note of the same commit, the fetched one stays: notes are
    /// documents, whose lines cannot be mixed. Nothing happens if none were fetched.
    ///
    /// # Errors
    /// [`RepoError::Invalid`] with what git says.
    pub fn merge_notes(&self, notes_ref: &str, fetched: &str) -> Result<(), RepoError> {
        let Some(theirs) = self.reference(fetched)? else { return Ok(()) };
        let Some(ours) = self.reference(notes_ref)? else {
            return self.move_ref(notes_ref, theirs, None, "entragit: fetched");
        };
        if ours == theirs || self.is_ancestor(theirs, ours)? {
            return Ok(());
        }
        if self.is_ancestor(ours, theirs)? {
            return self.move_ref(notes_ref, theirs, Some(ours), "entragit: fetched");
        }
        let failed = |why: String| RepoError::Invalid(format!("merging the notes {notes_ref}: {why}"));
        let reference = format!("--ref={notes_ref}");
        let arguments = ["notes", &reference, "merge", "--quiet", "--strategy=theirs", fetched];
        match self.git_program(&arguments, PATIENCE).map_err(failed)? {
            (true, ..) => Ok(()),
            (false, _, err) => Err(failed(reason(&err))),
        }
    }

    /// Runs git in this repository, and returns whether it succeeded, and what it printed.
    fn git_program(&self, arguments: &[&str], patience: Duration) -> Result<(bool, String, String), String> {
        let author = self.author();
        let mut command = Command::new("git");
        command
            .arg("--git-dir")
            .arg(self.git_dir())
            .args(arguments)
            .env("GIT_TERMINAL_PROMPT", "0")
            .env("GCM_INTERACTIVE", "never")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let own = ["GIT_SSH_COMMAND", "GIT_SSH"].iter().any(|name| std::env::var_os(name).is_some());
        if !own && self.configured("core.sshCommand").ok().flatten().is_none() {
            command.env("GIT_SSH_COMMAND", "ssh -o BatchMode=yes");
        }
        // Where nobody is configured, git would refuse to merge notes.
        for (name, value) in [("NAME", &author.name), ("EMAIL", &author.email)] {
            command.env(format!("GIT_AUTHOR_{name}"), value).env(format!("GIT_COMMITTER_{name}"), value);
        }
        let mut child = command.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => "`git` is not installed".to_owned(),
            _ => format!("`git` does not run: {error}"),
        })?;
        let out = drained(child.stdout.take());
        let err = drained(child.stderr.take());
        let succeeded = ended(&mut child, patience)?;
        Ok((succeeded, out.join().unwrap_or_default(), err.join().unwrap_or_default()))
    }
}

/// Reads a pipe to its end, so that the program never waits for a reader.
fn drained(pipe: Option<impl Read + Send + 'static>) -> std::thread::JoinHandle<String> {
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.map(|mut pipe| pipe.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

fn ended(child: &mut Child, patience: Duration) -> Result<bool, String> {
    let started = Instant::now();
    loop {
        match child.try_wait().map_err(|error| error.to_string())? {
            Some(status) => return Ok(status.success()),
            None if started.elapsed() > patience => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(format!("no answer within {} s", patience.as_secs()));
            }
            None => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

/// Returns the lines that give the reason, without warnings and hints.
fn reason(text: &str) -> String {
    let is_aside = |line: &str| ["warning:", "hint:"].iter().any(|word| line.to_lowercase().starts_with(word));
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !is_aside(line));
    let lines: Vec<&str> = lines.take(3).collect();
    if lines.is_empty() { "git says nothing".to_owned() } else { lines.join("; ") }
}

/// Returns the lines that the remote itself printed.
fn remote_says(text: &str) -> String {
    let lines = text.lines().filter_map(|line| line.strip_prefix("remote:")).map(str::trim);
    lines.filter(|line| !line.is_empty()).take(3).collect::<Vec<_>>().join(" ")
}
