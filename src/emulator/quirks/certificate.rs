//! Describes certificates of authorities: the service reads these properties out of the certificate.
//! <https://learn.microsoft.com/graph/api/resources/certificateauthoritydetail>

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::checks::invalid;
use crate::emulator::error::Fault;
use crate::emulator::store::{Properties, text};
use crate::emulator::tenant::Tenant;

/// Adds what the certificate says of itself. Of the certificate only the digest is taken: its names and dates are made up.
pub(super) fn describe(tenant: &Tenant, child: &mut Properties) -> Result<(), Fault> {
    let certificate: String = text(child, "certificate").split_whitespace().collect();
    let bytes = STANDARD.decode(&certificate).map_err(|_| invalid("certificate", "CertificateAuthorityDetail"))?;
    let thumbprint: String = Sha1::digest(&bytes).iter().map(|byte| format!("{byte:02X}")).collect();
    let end = tenant.clock.now().saturating_add(jiff::SignedDuration::from_hours(24 * 365 * 10));
    let end = end.unwrap_or_else(|_| tenant.clock.now());
    let issuer = format!("CN={}", text(child, "displayName"));
    for (name, value) in [
        ("issuerSubjectKeyIdentifier", thumbprint[..16].to_owned()),
        ("thumbprint", thumbprint),
        ("issuer", issuer),
        ("expirationDateTime", end.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
        ("createdDateTime", tenant.clock.seconds()),
    ] {
        child.entry(name).or_insert_with(|| value.into());
    }
    Ok(())
}

/// Adds what the certificates of the older configuration say of themselves.
/// <https://learn.microsoft.com/graph/api/resources/certificateauthority>
pub(super) fn name_issuers(child: &mut Properties) {
    let authorities = child.get_mut("certificateAuthorities").and_then(serde_json::Value::as_array_mut);
    for authority in authorities.into_iter().flatten().filter_map(serde_json::Value::as_object_mut) {
        let digest: String =
            Sha1::digest(text(authority, "certificate")).iter().map(|byte| format!("{byte:02X}")).collect();
        authority.entry("issuer").or_insert_with(|| format!("CN={}", &digest[..8]).into());
        authority.entry("issuerSki").or_insert_with(|| digest[..16].into());
    }
}
