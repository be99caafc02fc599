//! Reads PFX (PKCS #12) files by way of the program `openssl`: their old ciphers are no part of this program.

use std::path::Path;
use std::process::{Command, Stdio};

use super::Certificate;
use crate::graph::fault::one_line;
use crate::model::Secret;

/// Variable that hands the password to `openssl`, and to nobody else: arguments can be seen by every account of the machine.
const PASSWORD: &str = "ENTRAGIT_PFX_PASSWORD";

impl Certificate {
    /// Reads a PFX file with a private key and its certificates.
    ///
    /// # Errors
    /// If `openssl` is not installed, the password is wrong, or the file holds no RSA key with its certificate.
    pub fn from_pfx(path: &Path, password: Option<&Secret<String>>) -> Result<Certificate, String> {
        let mut said = String::new();
        // Files of older tools use ciphers that OpenSSL 3 reads only when told to.
        for more in [&[][..], &["-legacy"][..]] {
            let mut command = Command::new("openssl");
            command.arg("pkcs12").args(more).arg("-nodes").arg("-in").arg(path);
            command.args(["-passin", &format!("env:{PASSWORD}")]);
            command.env(PASSWORD, password.map_or("", |password| password.expose())).stdin(Stdio::null());
            let output = command.output().map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => {
                    "it is no PEM file, and `openssl`, which reads PFX files, is not installed; make a PEM file of it on a \
                     machine that has it: `openssl pkcs12 -in FILE.pfx -nodes -out FILE.pem`"
                        .to_owned()
                }
                _ => format!("`openssl` does not run: {error}"),
            })?;
            if output.status.success() {
                return Certificate::from_pem(&output.stdout);
            }
            if said.is_empty() {
                said = String::from_utf8_lossy(&output.stderr).lines().next().unwrap_or_default().to_owned();
            }
        }
        Err(format!(
            "it is neither PEM nor a PFX file that AZURE_CLIENT_CERTIFICATE_PASSWORD opens (openssl: {})",
            one_line(&said)
        ))
    }
}
