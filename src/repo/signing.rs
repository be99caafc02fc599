//! Signs commits as git does where `commit.gpgSign` says so: with the user's own `ssh-keygen`, `gpg` or `gpgsm`
//! (<https://git-scm.com/docs/git-config#Documentation/git-config.txt-gpgformat>).

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use git2::{Config, Repository};

use super::sshsig::{self, SignatureError};
use super::{Repo, RepoError, identity};

/// Represents the program and the key that git signs commits with.
enum Signing {
    /// An OpenPGP or X.509 key, used by a program that takes gpg's arguments.
    Gpg { program: String, key: String },
    /// An SSH key in a file.
    Ssh { program: String, key: PathBuf },
    /// An SSH key that an agent holds, given by its public half.
    SshAgent { program: String, key: String },
}

impl Repo {
    /// Signs something, so that a signature that cannot be made is known before work begins.
    /// Makes a test signature, so that an error is known before work begins.
    /// # Errors
    /// If commits are to be signed and cannot be.
    pub fn check_signing(&self) -> Result<(), RepoError> {
        signature(&self.git(), "nothing is committed yet\n").map(drop)
    }
}

/// Returns the signature of a commit's text; `None` if commits are not signed.
pub(super) fn signature(git: &Repository, text: &str) -> Result<Option<String>, RepoError> {
    let config = git.config().map_err(|error| RepoError::git("read the configuration", &error))?;
    if !config.get_bool("commit.gpgSign").unwrap_or(false) {
        return Ok(None);
    }
    let refused = |why: String| {
        RepoError::Invalid(format!(
            "commits are to be signed (`commit.gpgSign`), which failed: {why}; mend that, or run `git config commit.gpgSign false`"
        ))
    };
    let signing = find_signing(git, &config).map_err(refused)?;
    match sign(&signing, text) {
        Ok(signature) => Ok(Some(signature)),
        Err(error) => Err(refused(error.to_string())),
    }
}

fn find_signing(git: &Repository, config: &Config) -> Result<Signing, String> {
    let setting = |name: &str| config.get_string(name).ok().filter(|value| !value.is_empty());
    let key = setting("user.signingKey");
    match setting("gpg.format").as_deref().unwrap_or("openpgp") {
        format @ ("openpgp" | "x509") => {
            let (own, default) =
                if format == "x509" { ("gpg.x509.program", "gpgsm") } else { ("gpg.openpgp.program", "gpg") };
            let general = setting("gpg.program").filter(|_| format == "openpgp");
            let program = setting(own).or(general).unwrap_or_else(|| default.to_owned());
            // Without a configured key git signs with the committer's.
            let committer = || {
                let committer = identity::committer(git);
                format!("{} <{}>", committer.name, committer.email)
            };
            Ok(Signing::Gpg { program, key: key.unwrap_or_else(committer) })
        }
        "ssh" => {
            let program = setting("gpg.ssh.program").unwrap_or_else(|| "ssh-keygen".to_owned());
            let key = match (key, setting("gpg.ssh.defaultKeyCommand")) {
                (Some(key), _) => key,
                (None, Some(command)) => default_key(&command)?,
                (None, None) => return Err("`user.signingKey` names no key".to_owned()),
            };
            if let Some(literal) = key.strip_prefix("key::").or(key.starts_with("ssh-").then_some(key.as_str())) {
                return Ok(Signing::SshAgent { program, key: literal.to_owned() });
            }
            let path = config.get_path("user.signingKey").ok().filter(|path| !path.as_os_str().is_empty());
            Ok(Signing::Ssh { program, key: path.unwrap_or_else(|| PathBuf::from(key)) })
        }
        other => Err(format!("`gpg.format` is `{}`, which git does not know", other.escape_debug())),
    }
}

/// Returns the first line of the command's output, which may be a literal key.
fn default_key(command: &str) -> Result<String, String> {
    let failed = |why: String| format!("`gpg.ssh.defaultKeyCommand` names no key ({why})");
    let output = Command::new("sh").args(["-c", command]).output().map_err(|error| failed(error.to_string()))?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let first = said.lines().next().filter(|line| output.status.success() && !line.is_empty());
    first.map(str::to_owned).ok_or_else(|| failed(output.status.to_string()))
}

fn sign(signing: &Signing, text: &str) -> Result<String, SignatureError> {
    match signing {
        Signing::Gpg { program, key } => with_gpg(program, key, text),
        Signing::Ssh { program, key } => {
            let signature = sshsig::sign_with(program, key, false, "git", text.as_bytes())?;
            Ok(String::from_utf8_lossy(&signature).into_owned())
        }
        Signing::SshAgent { program, key } => {
            let mut file = tempfile::NamedTempFile::new()?;
            file.write_all(format!("{}\n", key.trim_end()).as_bytes())?;
            let signature = sshsig::sign_with(program, file.path(), true, "git", text.as_bytes())?;
            Ok(String::from_utf8_lossy(&signature).into_owned())
        }
    }
}

/// Signs with gpg. The arguments and the status line are git's own (`gpg-interface.c`).
fn with_gpg(program: &str, key: &str, text: &str) -> Result<String, SignatureError> {
    let mut command = Command::new(program);
    command.args(["--status-fd=2", "-bsau", key]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let refused = |why: String| SignatureError::Refused(format!("{program}: {why}"));
    let mut child = command.spawn().map_err(|error| refused(error.to_string()))?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that refuses before the end closes the pipe, and reports the reason.
        let _ = pipe.write_all(text.as_bytes());
    }
    let output = child.wait_with_output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && said.lines().any(|line| line.starts_with("[GNUPG:] SIG_CREATED ")) {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let why = said.lines().rfind(|line| !line.starts_with("[GNUPG:]") && !line.trim().is_empty());
    let why = why.unwrap_or("it made no signature");
    Err(refused(why.chars().filter(|c| !c.is_control()).take(300).collect()))
}
