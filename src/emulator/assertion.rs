//! Judges the signed statements that applications sign in with: of their own certificate, or of an issuer that they trust.
//! <https://learn.microsoft.com/entra/identity-platform/certificate-credentials>,
//! <https://learn.microsoft.com/entra/workload-id/workload-identity-federation>

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::pki_types::CertificateDer;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::sign_in::{Pins, Refusal};
use super::store::{Properties, Row};
use super::tenant::Tenant;
use crate::kinds;

/// Audience of the tokens of other issuers.
const AUDIENCE: &str = "api://AzureADTokenExchange";

/// Accepts or refuses a statement for the application `client` at the token endpoint of `authority`.
pub fn judge(tenant: &Tenant, pins: &Pins, authority: &str, client: &str, statement: &str) -> Result<(), Refusal> {
    let malformed = || Refusal::new(401, "invalid_client", 50_027, "JWT token is invalid or malformed.");
    let parts: Vec<&str> = statement.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else { return Err(malformed()) };
    let decode = |text: &str| URL_SAFE_NO_PAD.decode(text).ok();
    let json = |text: &str| -> Option<Value> { serde_json::from_slice(&decode(text)?).ok() };
    let (header_of, claims_of) = json(header).zip(json(claims)).ok_or_else(malformed)?;
    let now = tenant.clock.now().as_second();
    // Clocks may differ by five minutes.
    let begun = claims_of["nbf"].as_i64().is_none_or(|begin| begin <= now + 300);
    if !begun || claims_of["exp"].as_i64().is_some_and(|end| end <= now) {
        let said =
            "Client assertion is not within its valid time range. Current time and expiry time are in the trace.";
        return Err(Refusal::new(401, "invalid_client", 700_024, said));
    }
    match header_of["x5t#S256"].as_str() {
        Some(thumbprint) => {
            own(authority, client, &claims_of)?;
            let signed = format!("{header}.{claims}");
            registered(pins, thumbprint, signed.as_bytes(), &decode(signature).ok_or_else(malformed)?)
        }
        None => trusted(tenant, client, &claims_of),
    }
}

/// Checks that an application speaks of itself, and to this endpoint.
fn own(authority: &str, client: &str, claims: &Value) -> Result<(), Refusal> {
    if claims["iss"] != client || claims["sub"] != client {
        let said = "Client assertion application identifier doesn't match 'client_id' parameter.";
        return Err(Refusal::new(401, "invalid_client", 700_021, said));
    }
    let audience = claims["aud"].as_str().unwrap_or_default();
    match audience.ends_with(&format!("/{authority}/oauth2/v2.0/token")) {
        true => Ok(()),
        false => {
            let said = "Client assertion audience claim does not match Realm issuer.";
            Err(Refusal::new(401, "invalid_client", 700_023, said))
        }
    }
}

/// Checks the signature with the certificate that is pinned; without one, any certificate is taken for a registered one.
fn registered(pins: &Pins, thumbprint: &str, signed: &[u8], signature: &[u8]) -> Result<(), Refusal> {
    let Some(known) = &pins.certificate else { return Ok(()) };
    let unknown = || {
        let said =
            "The certificate with identifier used to sign the client assertion is not registered on application.";
        Refusal::new(401, "invalid_client", 700_027, said)
    };
    if URL_SAFE_NO_PAD.encode(Sha256::digest(known)) != thumbprint {
        return Err(unknown());
    }
    let der = CertificateDer::from(known.as_slice());
    let certificate = webpki::EndEntityCert::try_from(&der).map_err(|_| unknown())?;
    let algorithm = webpki::ring::RSA_PSS_2048_8192_SHA256_LEGACY_KEY;
    certificate.verify_signature(algorithm, signed, signature).map_err(|_| unknown())
}

/// Compares another issuer's token with the federated credentials of the application. An application that the tenant does not
/// hold trusts every issuer.
fn trusted(tenant: &Tenant, client: &str, claims: &Value) -> Result<(), Refusal> {
    let refuse = |number: u32, what: &str, value: &str| {
        let said = format!("No matching federated identity record found for presented assertion {what} '{value}'.");
        Refusal::new(400, "invalid_client", number, said)
    };
    let text = |name: &str| claims[name].as_str().unwrap_or_default();
    if text("aud") != AUDIENCE {
        return Err(refuse(700_212, "audience", text("aud")));
    }
    let Some(kind) = kinds::by_name("application") else { return Ok(()) };
    let Some(application) = tenant.store.table(kind).holder("appId", client) else { return Ok(()) };
    let children = tenant.links.targets(application, "federatedIdentityCredentials").into_iter().flatten();
    let table = tenant.store.children("federatedIdentityCredentials");
    let records: Vec<Properties> = children.filter_map(|key| table?.live.get(key).map(Row::unpack)).collect();
    let has = |record: &Properties, name: &str, wanted: &str| record.get(name).and_then(Value::as_str) == Some(wanted);
    if !records.iter().any(|record| has(record, "issuer", text("iss"))) {
        return Err(refuse(700_211, "issuer", text("iss")));
    }
    match records.iter().any(|record| has(record, "issuer", text("iss")) && has(record, "subject", text("sub"))) {
        true => Ok(()),
        false => Err(refuse(700_213, "subject", text("sub"))),
    }
}
