//! Signs in with a certificate: a short-lived statement (JWT) that its private key signs.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::Timestamp;
use ring::rand::SystemRandom;
use ring::signature::{RSA_PSS_SHA256, RsaKeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::model::Secret;

/// Number of seconds for which a statement holds.
const LIFE: i64 = 600;

/// Represents a certificate with its private key.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// The certificate, then those of its chain, in DER.
    chain: Vec<Vec<u8>>,
    /// Private key in PEM's own DER form.
    key: Secret<Vec<u8>>,
    is_pkcs8: bool,
}

impl Certificate {
    /// Reads a PEM file with a private key and one or more certificates, in any order.
    ///
    /// # Errors
    /// If the key or the certificate is missing, is encrypted, or is no RSA key: Entra accepts no other for applications.
    pub fn from_pem(pem: &[u8]) -> Result<Certificate, String> {
        if pem.windows(9).any(|part| part == b"ENCRYPTED") {
            return Err(
                "its private key is encrypted; `openssl pkey -in KEY.pem -out PLAIN.pem` decrypts it".to_owned()
            );
        }
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| "it holds no private key in PEM".to_owned())?;
        let (key, is_pkcs8) = match &key {
            PrivateKeyDer::Pkcs8(key) => (key.secret_pkcs8_der().to_vec(), true),
            PrivateKeyDer::Pkcs1(key) => (key.secret_pkcs1_der().to_vec(), false),
            _ => return Err("its private key is no RSA key".to_owned()),
        };
        let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
        let chain: Vec<Vec<u8>> =
            chain.map_err(|_| "a certificate in it is damaged".to_owned())?.iter().map(|der| der.to_vec()).collect();
        if chain.is_empty() {
            return Err("it holds no certificate in PEM".to_owned());
        }
        let mut certificate = Certificate { chain, key: Secret::new(key), is_pkcs8 };
        // A certificate holds its public key as it is; PFX files keep their certificates in any order.
        let own = certificate.pair()?.public().as_ref().to_vec();
        let at = certificate.chain.iter().position(|der| der.windows(own.len()).any(|part| part == own));
        let at = at.ok_or_else(|| "none of its certificates is that of its private key".to_owned())?;
        certificate.chain[..=at].rotate_right(1);
        Ok(certificate)
    }

    fn pair(&self) -> Result<RsaKeyPair, String> {
        let key = self.key.expose();
        let pair = if self.is_pkcs8 { RsaKeyPair::from_pkcs8(key) } else { RsaKeyPair::from_der(key) };
        pair.map_err(|error| format!("its private key is no RSA key of 2,048 bits or more ({error})"))
    }

    /// Returns the certificate in DER.
    pub fn der(&self) -> &[u8] {
        &self.chain[0]
    }

    /// Returns the statement of an application to the token endpoint `audience`.
    ///
    /// # Errors
    /// If the key cannot sign.
    pub(super) fn statement(&self, client_id: &str, audience: &str, send_chain: bool) -> Result<String, String> {
        let mut header = json!({
            "alg": "PS256", "typ": "JWT", "x5t#S256": URL_SAFE_NO_PAD.encode(Sha256::digest(self.der())),
        });
        if send_chain {
            header["x5c"] = self.chain.iter().map(|der| STANDARD.encode(der)).collect();
        }
        // Clocks differ by a few minutes.
        let now = Timestamp::now().as_second();
        let claims = json!({
            "aud": audience, "iss": client_id, "sub": client_id, "jti": uuid::Uuid::new_v4().to_string(),
            "nbf": now - 120, "iat": now, "exp": now + LIFE,
        });
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let pair = self.pair()?;
        let mut signature = vec![0; pair.public().modulus_len()];
        pair.sign(&RSA_PSS_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature)
            .map_err(|_| "its private key cannot sign".to_owned())?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}
