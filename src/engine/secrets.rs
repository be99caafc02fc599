//! Recognizes secrets by their names, masks them, and recognizes the masks.

/// Replaces a secret within a URL. Graph itself returns asterisks for secrets.
const MASK: &str = "****";

/// Lists parts of names of properties and URL parameters that hold secrets, in lower case and without separators.
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

/// Lists words of names that hold secrets, too short to be searched for within other words (`sas` is in `isAssigned`).
const WORDS: &[&str] = &["jwt", "otp", "sas"];

/// Lists names that hold secrets as a whole. `countryCode` and `sortKey` are names of something else.
const NAMES: &[&str] = &["code", "key", "keys", "sig", "signature"];

/// Returns true if a name sounds like that of a secret. It is used for properties that the schema does not know.
pub fn sounds_secret(name: &str) -> bool {
    let letters = |name: &str| -> String {
        name.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_lowercase()).collect()
    };
    let whole = letters(name);
    NAMES.contains(&whole.as_str())
        || PARTS.iter().any(|part| whole.contains(part))
        || words(name).any(|word| WORDS.contains(&letters(word).as_str()))
}

/// Returns the words of a name: `sasUrl`, `SASUrl`, `sas_url` and `sas-url` have two.
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

/// Returns true if everything below a property of this name is dropped unless a schema knows it: `passwordCredentials`.
pub fn holds_credentials(name: &str) -> bool {
    name.to_ascii_lowercase().ends_with("credentials")
}

/// Returns a URL with its secrets masked: values of parameters whose names sound like secrets, and a password before the
/// host. Returns `None` if `text` is no http(s) URL or has no secret. Azure takes the keys of functions (`code`) and the
/// signatures of shared access (`sig`) in the query:
/// <https://learn.microsoft.com/azure/azure-functions/function-keys-how-to>,
/// <https://learn.microsoft.com/rest/api/storageservices/create-service-sas>.
pub fn mask_url(text: &str) -> Option<String> {
    let mut masked = String::new();
    let mut kept = 0;
    for (from, to) in secrets_of_url(text) {
        masked.push_str(&text[kept..from]);
        masked.push_str(MASK);
        kept = to;
    }
    masked.push_str(&text[kept..]);
    (masked != text).then_some(masked)
}

/// Returns true if `text` holds a mask in place of a secret: it consists of asterisks, or is a URL with a masked secret.
pub fn is_masked(text: &str) -> bool {
    is_mask(text) || has_masked_secret(text)
}

/// Returns true if `text` is a URL with a mask in place of a secret.
pub fn has_masked_secret(text: &str) -> bool {
    secrets_of_url(text).into_iter().any(|(from, to)| is_mask(&text[from..to]))
}

/// Returns true if `text` is nothing but a mask.
pub fn is_mask(text: &str) -> bool {
    text.len() >= MASK.len() && text.bytes().all(|byte| byte == b'*')
}

/// Returns the start and end of each secret in a URL, in order.
fn secrets_of_url(text: &str) -> Vec<(usize, usize)> {
    let has_scheme = |scheme: &&str| text.get(..scheme.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(scheme));
    let Some(host) = ["https://", "http://"].iter().find(|scheme| has_scheme(scheme)).map(|scheme| scheme.len()) else {
        return Vec::new();
    };
    let mut found = Vec::new();
    let path = text[host..].find(['/', '?', '#']).map_or(text.len(), |length| host + length);
    if let Some(length) = text[host..path].rfind('@')
        && let Some(name) = text[host..host + length].find(':')
    {
        found.push((host + name + 1, host + length));
    }
    let Some(query) = text[path..].find(['?', '#']).map(|length| path + length) else { return found };
    let mut at = query;
    while at < text.len() {
        let from = at + 1;
        let to = text[from..].find(['&', ';', '?', '#']).map_or(text.len(), |length| from + length);
        let parameter = &text[from..to];
        if let Some((name, value)) = parameter.split_once('=')
            && sounds_secret(name)
        {
            let begin = from + name.len() + 1;
            let end = value.find(char::is_whitespace).map_or(to, |length| begin + length);
            found.push((begin, end));
        }
        at = to;
    }
    found.retain(|(from, to)| from < to);
    found
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

    #[test]
    fn secrets_in_urls_are_masked_once() {
        let masked = |text: &str| mask_url(text).unwrap_or_else(|| "-".to_owned());
        insta::assert_snapshot!(masked("https://fn.test/api/x?code=S%2Fa+b==&name=n#sig=1"), @"https://fn.test/api/x?code=****&name=n#sig=****");
        insta::assert_snapshot!(masked("HTTPS://fn.test?api-version=1;Subscription-Key=***"), @"HTTPS://fn.test?api-version=1;Subscription-Key=****");
        insta::assert_snapshot!(masked("http://name:word@fn.test/a@b:c?x=1"), @"http://name:****@fn.test/a@b:c?x=1");
        insta::assert_snapshot!(masked("https://fn.test?token=a b"), @"https://fn.test?token=**** b");
        for same in [
            "https://fn.test/api?code=****",
            "https://fn.test/api?code=&x=1",
            "https://fn.test/code=1",
            "https://fn.test/api?countryCode=49&é=ü",
            "see https://fn.test?code=1",
            "",
        ] {
            assert_eq!(mask_url(same), None, "{same}");
        }
        assert!(is_masked("https://fn.test/api?code=****") && is_masked("****"));
        assert!(
            !is_masked("https://fn.test/api?code=abc") && !is_masked("***") && !is_masked("https://fn.test?x=****")
        );
    }
}
