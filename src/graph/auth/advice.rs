//! Says what to do about a refused sign-in.
//! <https://learn.microsoft.com/entra/identity-platform/reference-error-codes>

/// Lists the numbers of refusals, each with one way forward.
const ADVICE: &[(u32, &str)] = &[
    (50_034, "Check the user name and the tenant."),
    (50_057, "Enable the account, or sign in with another."),
    (50_076, "The account must prove itself with a second factor: use `--auth browser` or `--auth device-code`."),
    (50_126, "Check the user name and the password."),
    (
        53_003,
        "A Conditional Access policy blocks this sign-in: exclude the application, or sign in from an allowed place.",
    ),
    (65_001, "An administrator must consent to the application once: `entragit kinds --permissions read --format az`."),
    (70_016, "Type the code in the browser, then run the command again."),
    (90_002, "Check the tenant id, and the cloud: `--cloud usgov`, `usgov-dod` or `china` for a national cloud."),
    (700_003, "The device is not known to the tenant: sign in from one that is, or use an application."),
    (
        700_016,
        "Check the client id and the tenant: the application must be registered, or have a service principal, there.",
    ),
    (700_024, "The token of the other issuer is over or not valid yet: fetch it anew, and check this machine's clock."),
    (
        700_027,
        "Upload the certificate to the application (`az ad app credential reset --id CLIENT_ID --cert @cert.pem --append`).",
    ),
    (
        700_030,
        "The application does not trust the subject or the issuer of this certificate: check the certificate and the cloud (--cloud).",
    ),
    (700_211, "Add a federated credential with this issuer to the application."),
    (700_212, "The federated credential of the application must have the audience api://AzureADTokenExchange."),
    (
        700_213,
        "Add a federated credential with exactly this subject to the application; the subject names repository and branch or environment.",
    ),
    (900_382, "This tenant is of another cloud: `--cloud usgov`, `usgov-dod` or `china`."),
    (7_000_215, "Use the value of the secret, not its id; it is shown once, when it is made."),
    (7_000_216, "Give a secret, a certificate or a federated token: see `entragit doctor`."),
    (
        7_000_222,
        "The secret or certificate is over: make another for the application, or use workload identity federation, which has none.",
    ),
    (7_000_112, "Enable the application: its service principal is disabled."),
    (7_000_218, "Allow public client flows for the application (Authentication), or name another with --client-id."),
];

/// Returns what to do about a refusal that begins with `AADSTS` and its number.
pub(super) fn on(description: &str) -> Option<&'static str> {
    let digits = description.trim_start().strip_prefix("AADSTS")?;
    let digits = &digits[..digits.find(|char: char| !char.is_ascii_digit()).unwrap_or(digits.len())];
    let number: u32 = digits.parse().ok()?;
    ADVICE.iter().find(|(known, _)| *known == number).map(|(_, advice)| *advice)
}

#[cfg(test)]
mod tests {
    use super::on;

    #[test]
    fn a_number_leads_to_advice() {
        assert!(
            on("AADSTS7000222: The provided client secret keys are expired.").is_some_and(|text| text.contains("over"))
        );
        assert_eq!(on("AADSTS1: never heard of"), None);
        assert_eq!(on("nothing"), None);
    }
}
