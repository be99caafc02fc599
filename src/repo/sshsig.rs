//! Makes and checks signatures by SSH keys with the user's own `ssh-keygen`, as git does: agents, hardware keys and passphrases
//! work as they are set up. <https://man.openbsd.org/ssh-keygen.1#CERTIFICATES>

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

/// Names a signer and the key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Signer {
    /// Name of the signer in the allowed-signers file.
    pub principal: String,
    /// Fingerprint of the key: `SHA256:…`.
    pub key: String,
}

/// Represents the reason why a signature could not be made, or is not valid.
#[derive(Debug, thiserror::Error)]
pub enum SignatureError {
    /// `ssh-keygen` is missing, or cannot be started.
    #[error("`ssh-keygen` cannot be started ({0}); install OpenSSH 8.2 or later")]
    Missing(std::io::Error),
    /// The temporary files of a signature could not be written.
    #[error("a signature's files cannot be written: {0}")]
    Io(#[from] std::io::Error),
    /// Message of `ssh-keygen`.
    #[error("{0}")]
    Refused(String),
}

/// Signs bytes with a private key (or the public key of one that an agent holds). Returns an armoured signature.
///
/// # Errors
/// If there is no `ssh-keygen`, or it refuses.
pub fn sign(key: &Path, namespace: &str, bytes: &[u8]) -> Result<Vec<u8>, SignatureError> {
    sign_with("ssh-keygen", key, false, namespace, bytes)
}

/// Signs like [`sign`], with another program that takes the same arguments; `in_agent` is true if the key is public and an agent
/// holds its private half.
pub(super) fn sign_with(
    program: &str,
    key: &Path,
    in_agent: bool,
    namespace: &str,
    bytes: &[u8],
) -> Result<Vec<u8>, SignatureError> {
    let mut command = Command::new(program);
    command.args(["-Y", "sign", "-n", namespace, "-f"]).arg(key).args(in_agent.then_some("-U"));
    run(command, bytes)
}

/// Returns the signer of bytes, by the allowed-signers file; the options of that file (times, namespaces) are applied.
///
/// # Errors
/// If there is no `ssh-keygen`, or the signature is not good, or its signer is not allowed.
pub fn verify(allowed: &[u8], namespace: &str, signature: &[u8], bytes: &[u8]) -> Result<Signer, SignatureError> {
    let folder = tempfile::tempdir()?;
    let (signers, file) = (folder.path().join("allowed"), folder.path().join("signature"));
    std::fs::write(&signers, allowed)?;
    std::fs::write(&file, signature)?;
    let mut command = Command::new("ssh-keygen");
    command.args(["-Y", "find-principals", "-f"]).arg(&signers).arg("-s").arg(&file);
    let found = String::from_utf8_lossy(&run(command, &[])?).into_owned();
    let mut why = SignatureError::Refused("it is nobody's who may sign".to_owned());
    for principal in found.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('-')) {
        let mut command = Command::new("ssh-keygen");
        command.args(["-Y", "verify", "-n", namespace, "-I", principal, "-f"]).arg(&signers).arg("-s").arg(&file);
        match run(command, bytes) {
            // The line is `Good "namespace" signature for who with ED25519 key SHA256:…`.
            Ok(said) => {
                match String::from_utf8_lossy(&said).split_whitespace().find(|word| word.starts_with("SHA256:")) {
                    Some(key) => return Ok(Signer { principal: principal.to_owned(), key: key.to_owned() }),
                    None => why = SignatureError::Refused("ssh-keygen does not say whose key it is".to_owned()),
                }
            }
            Err(error) => why = error,
        }
    }
    Err(why)
}

fn run(mut command: Command, input: &[u8]) -> Result<Vec<u8>, SignatureError> {
    // The messages are parsed, so they must be in English.
    command.env("LC_ALL", "C").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(SignatureError::Missing)?;
    if let Some(mut pipe) = child.stdin.take() {
        // A program that refuses before the end closes the pipe, and reports the reason.
        match pipe.write_all(input) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => return Err(error.into()),
            _ => {}
        }
    }
    let output = child.wait_with_output()?;
    if output.status.success() {
        return Ok(output.stdout);
    }
    let said = [output.stderr, output.stdout].concat();
    let said = String::from_utf8_lossy(&said);
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or("ssh-keygen refused it");
    Err(SignatureError::Refused(line.chars().filter(|c| !c.is_control()).take(300).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Makes a key pair; returns its private file and the line that allows it.
    fn key(folder: &Path, who: &str) -> (std::path::PathBuf, String) {
        let path = folder.join(who);
        let made = Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-f"]).arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()), "this test needs OpenSSH's ssh-keygen");
        let public = std::fs::read_to_string(path.with_extension("pub")).unwrap_or_default();
        (path, format!("{who}@contoso.com {}", public.trim()))
    }

    #[test]
    fn only_who_is_allowed_signs_only_these_bytes_only_for_this() -> Result<(), SignatureError> {
        let folder = tempfile::tempdir()?;
        let (ada, allowed) = key(folder.path(), "ada");
        let (eve, _) = key(folder.path(), "eve");
        let good = sign(&ada, "entragit-plan", b"plan")?;
        let signer = verify(allowed.as_bytes(), "entragit-plan", &good, b"plan")?;
        assert_eq!(signer.principal, "ada@contoso.com");
        assert!(signer.key.starts_with("SHA256:"), "{}", signer.key);
        let refused = |allowed: &str, signature: &[u8], bytes: &[u8]| {
            verify(allowed.as_bytes(), "entragit-plan", signature, bytes).is_err()
        };
        assert!(refused(&allowed, &good, b"plan "), "other bytes");
        assert!(refused(&allowed, &sign(&ada, "git", b"plan")?, b"plan"), "for something else");
        assert!(refused(&allowed, &sign(&eve, "entragit-plan", b"plan")?, b"plan"), "by somebody else");
        assert!(refused(&allowed, b"nonsense", b"plan") && refused("", &good, b"plan"));
        let expired = allowed.replacen(' ', " valid-before=\"20200101\" ", 1);
        assert!(refused(&expired, &good, b"plan"), "by a key that has ended");
        let other = allowed.replacen(' ', " namespaces=\"git\" ", 1);
        assert!(refused(&other, &good, b"plan"), "by a key for something else");
        Ok(())
    }
}
