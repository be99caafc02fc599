//! Contoso's authentication strengths: Microsoft's three and two of its own.

use serde_json::json;

use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, object, ticks};

/// Microsoft's phishing-resistant strength.
pub(super) const PHISHING_RESISTANT: &str = "00000000-0000-0000-0000-000000000004";

/// <https://learn.microsoft.com/graph/api/authenticationstrengthroot-list-policies>
const BUILT_IN: &[(&str, &str, &str, &[&str])] = &[
    (
        "00000000-0000-0000-0000-000000000002",
        "Multifactor authentication",
        "Combinations of methods that satisfy strong authentication, such as a password + SMS",
        &[
            "windowsHelloForBusiness",
            "fido2",
            "x509CertificateMultiFactor",
            "deviceBasedPush",
            "temporaryAccessPassOneTime",
            "temporaryAccessPassMultiUse",
            "password,microsoftAuthenticatorPush",
            "password,softwareOath",
            "password,hardwareOath",
            "password,sms",
            "password,voice",
            "federatedMultiFactor",
            "federatedSingleFactor,microsoftAuthenticatorPush",
            "federatedSingleFactor,softwareOath",
            "federatedSingleFactor,hardwareOath",
            "federatedSingleFactor,sms",
            "federatedSingleFactor,voice",
        ],
    ),
    (
        "00000000-0000-0000-0000-000000000003",
        "Passwordless MFA",
        "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator",
        &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor", "deviceBasedPush"],
    ),
    (
        PHISHING_RESISTANT,
        "Phishing-resistant MFA",
        "Phishing-resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key",
        &["windowsHelloForBusiness", "fido2", "x509CertificateMultiFactor"],
    ),
];

const CUSTOM: &[(&str, &str, &str, &[&str])] = &[
    (
        "passkey-or-pass",
        "Passkey or one-time pass",
        "Passkeys, and a Temporary Access Pass for the day on which one is registered.",
        &["fido2", "windowsHelloForBusiness", "temporaryAccessPassOneTime"],
    ),
    (
        "partners",
        "Partners",
        "What guests can do without a device of ours.",
        &["fido2", "password,microsoftAuthenticatorPush", "password,softwareOath", "federatedMultiFactor"],
    ),
];

/// The strengths as the tenant starts with them.
pub(super) fn strengths() -> Vec<SeedObject> {
    let built_in = BUILT_IN.iter().map(|(id, name, text, methods)| {
        strength((*id).to_owned(), name, text, methods, "builtIn", "2021-12-01T00:00:00Z".to_owned())
    });
    let custom = CUSTOM.iter().map(|(label, name, text, methods)| {
        strength(id("strength", label), name, text, methods, "custom", ticks(label))
    });
    built_in.chain(custom).collect()
}

fn strength(id: String, name: &str, text: &str, methods: &[&str], sort: &str, made: String) -> SeedObject {
    let value = json!({
        "id": id, "displayName": name, "description": text, "policyType": sort, "requirementsSatisfied": "mfa",
        "allowedCombinations": methods, "createdDateTime": made, "modifiedDateTime": made,
    });
    object("authenticationStrengthPolicy", value, [])
}
