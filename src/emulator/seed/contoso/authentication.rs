//! Defines Contoso's authentication strengths: Microsoft's three and two of its own.

use serde_json::{Value, json};

use crate::emulator::seed::SeedObject;
use crate::emulator::seed::value::{id, map, object, ticks};

/// Id of Microsoft's phishing-resistant strength.
pub(super) const PHISHING_RESISTANT: &str = "00000000-0000-0000-0000-000000000004";

/// Lists Microsoft's strengths: id, name, description, combinations.
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
        &[
            "fido2",
            "x509CertificateMultiFactor",
            "password,microsoftAuthenticatorPush",
            "password,softwareOath",
            "federatedMultiFactor",
        ],
    ),
];

/// Returns the configurations that restrict a custom strength's combinations: to two models of security keys, and to one
/// partner's authority. <https://learn.microsoft.com/graph/api/authenticationstrengthpolicy-list-combinationconfigurations>,
/// <https://learn.microsoft.com/graph/api/resources/x509certificatecombinationconfiguration>
fn configurations(label: &str) -> Vec<Value> {
    let configuration = match label {
        "passkey-or-pass" => json!({
            "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
            "allowedAAGUIDs": ["2fc0579f-8113-47ea-b116-bb5a8db9202a", "fa2b99dc-9e39-4257-8f92-4a30d23c4118"],
            "appliesToCombinations": ["fido2"],
        }),
        "partners" => json!({
            "@odata.type": "#microsoft.graph.x509CertificateCombinationConfiguration",
            "allowedIssuerSkis": ["9A4248C6AC8C2931AB2A86537818E92E7B6C97B6"],
            "allowedPolicyOIDs": ["1.3.6.1.4.1.311.21.8.1.4"],
            "appliesToCombinations": ["x509CertificateMultiFactor"],
        }),
        _ => return Vec::new(),
    };
    let mut configuration = map(configuration);
    configuration.insert("id".to_owned(), id("combinationConfiguration", label).into());
    vec![Value::Object(configuration)]
}

/// Returns the strengths that the tenant starts with.
pub(super) fn strengths() -> Vec<SeedObject> {
    let built_in = BUILT_IN.iter().map(|(id, name, text, methods)| {
        let made = "2021-12-01T00:00:00Z".to_owned();
        object("authenticationStrengthPolicy", strength((*id).to_owned(), name, text, methods, "builtIn", made), [])
    });
    let custom = CUSTOM.iter().map(|(label, name, text, methods)| {
        let value = strength(id("strength", label), name, text, methods, "custom", ticks(label));
        object("authenticationStrengthPolicy", value, [("combinationConfigurations", configurations(label))])
    });
    built_in.chain(custom).collect()
}

fn strength(id: String, name: &str, text: &str, methods: &[&str], sort: &str, made: String) -> Value {
    json!({
        "id": id, "displayName": name, "description": text, "policyType": sort, "requirementsSatisfied": "mfa",
        "allowedCombinations": methods, "createdDateTime": made, "modifiedDateTime": made,
    })
}
