//! What is taken for a secret by its name.

/// Parts of names of properties and of parameters in URLs that hold secrets, in lower case and without signs between words.
const PARTS: &[&str] = &[
    "accesskey",
    "accountkey",
    "apikey",
    "authkey",
    "bearer",
    "clientassertion",
    "connectionstring",
    "cookie",
    "credential",
    "encryptionkey",
    "functionkey",
    "functionskey",
    "hostkey",
    "masterkey",
    "passcode",
    "passphrase",
    "passwd",
    "password",
    "pfx",
    "pkcs12",
    "privatekey",
    "pwd",
    "secret",
    "sharedkey",
    "signingkey",
    "storagekey",
    "subscriptionkey",
    "symmetrickey",
    "token",
];

/// Words of names that hold secrets, too short to be looked for within other words (`sas` is in `isAssigned`).
const WORDS: &[&str] = &["jwt", "otp", "sas"];

/// Names that hold secrets if they are nothing but this. `countryCode` and `sortKey` are names of something else.
const NAMES: &[&str] = &["code", "key", "keys", "sig", "signature"];

/// Returns whether something of this name is a secret as far as a name can tell. It is asked of what no schema knows.
pub fn sounds_secret(name: &str) -> bool {
    let letters = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let whole = letters(name);
    NAMES.contains(&whole.as_str())
        || PARTS.iter().any(|part| whole.contains(part))
        || words(name).any(|word| WORDS.contains(&letters(word).as_str()))
}

/// The words of a name: `sasUrl`, `SASUrl`, `sas_url` and `sas-url` have two.
fn words(name: &str) -> impl Iterator<Item = &str> {
    name.split(|sign: char| !sign.is_ascii_alphanumeric()).flat_map(|part| {
        let bytes = part.as_bytes();
        let upper = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_uppercase);
        let begins = move |at: &usize| upper(*at) && (!upper(at - 1) || (*at + 1 < bytes.len() && !upper(at + 1)));
        let starts: Vec<usize> =
            std::iter::once(0).chain((1..bytes.len()).filter(begins)).chain([bytes.len()]).collect();
        (1..starts.len()).map(move |at| &part[starts[at - 1]..starts[at]]).collect::<Vec<_>>()
    })
}

/// Returns whether all that stands below a property of this name is dropped unless a schema knows it: `passwordCredentials`.
pub fn holds_credentials(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("credentials")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_sound_secret_are_known() {
        for name in [
            "token",
            "sasToken",
            "sas",
            "SASUrl",
            "blob_sas",
            "apiKey",
            "api-key",
            "x-functions-key",
            "connectionString",
            "credential",
            "pfx",
            "preSharedKey",
            "passphrase",
            "key",
            "code",
            "CLIENT_SECRET",
            "proxyPwd",
            "subscription-key",
        ] {
            assert!(sounds_secret(name), "{name}");
        }
        for name in ["isAssigned", "disaster", "countryCode", "sortKey", "displayName", "keyId", "signInAudience", ""] {
            assert!(!sounds_secret(name), "{name}");
        }
    }
}
