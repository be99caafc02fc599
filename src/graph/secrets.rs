//! Keeps the secrets of the sign-in out of a service's messages, in whichever encoding a reply repeats them.

use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

use super::urls::escape;

/// Text in place of a masked secret.
const MASK: &str = "***";

/// Length below which secrets are parts of ordinary words: these are masked only where no letter or digit is next to them.
const SHORT: usize = 8;

/// Number of leading characters of a secret that are masked although the rest does not follow: services cut what they repeat.
const BEGINNING: usize = 16;

/// Minimum length of a base64 text that is masked: shorter ones occur in any text.
const SHORTEST_BASE64: usize = 8;

/// Number of tokens that are remembered: a reply may belong to a request with the token before.
const TOKENS: usize = 8;

/// Holds the secrets that the texts of replies must not repeat.
#[derive(Default)]
pub(super) struct Secrets {
    given: Vec<Vec<u8>>,
    tokens: RwLock<VecDeque<Vec<Vec<u8>>>>,
}

impl Secrets {
    /// Returns the secrets of a credential. Tokens are added later.
    pub(super) fn of<'a>(given: impl Iterator<Item = &'a str>) -> Self {
        Secrets { given: given.flat_map(spellings).collect(), tokens: RwLock::default() }
    }

    /// Adds a token that is about to be sent.
    pub(super) fn remember(&self, token: &str) {
        let mut tokens = self.tokens.write().unwrap_or_else(PoisonError::into_inner);
        tokens.push_back(spellings(token));
        if tokens.len() > TOKENS {
            tokens.pop_front();
        }
    }

    /// Returns `text` with every secret, and everything shaped like a token, masked. The text must be whole: of a secret that is
    /// cut at its end, only a long beginning is recognized.
    pub(super) fn mask(&self, text: &str) -> String {
        let tokens = self.tokens.read().unwrap_or_else(PoisonError::into_inner);
        let known: Vec<&[u8]> = self.given.iter().chain(tokens.iter().flatten()).map(Vec::as_slice).collect();
        let bytes = text.as_bytes();
        let (mut masked, mut kept, mut at) = (String::with_capacity(text.len()), 0, 0);
        while at < bytes.len() {
            let end = known.iter().filter_map(|secret| end_of(bytes, at, secret)).chain(end_of_token(bytes, at)).max();
            match end.filter(|end| text.is_char_boundary(at) && text.is_char_boundary(*end)) {
                Some(end) => {
                    masked.push_str(&text[kept..at]);
                    masked.push_str(MASK);
                    (kept, at) = (end, end);
                }
                None => at += 1,
            }
        }
        masked.push_str(&text[kept..]);
        masked
    }
}

/// Returns a secret and its forms within base64, at any position in the encoded text.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    if secret.is_empty() {
        return Vec::new();
    }
    let mut found = vec![secret.as_bytes().to_vec()];
    // In `Authorization: Basic`, id and secret are percent-encoded before (RFC 6749, section 2.3.1).
    for text in [secret.to_owned(), escape(secret)] {
        for before in 0..3 {
            let bytes = [&vec![0; before], text.as_bytes()].concat();
            // Characters that hold bits of neighbouring bytes do not belong to the secret.
            let (from, to) = ((before * 8).div_ceil(6), bytes.len() * 8 / 6);
            for encoded in [STANDARD_NO_PAD.encode(&bytes), URL_SAFE_NO_PAD.encode(&bytes)] {
                found.extend(encoded.get(from..to).filter(|own| own.len() >= SHORTEST_BASE64).map(Into::into));
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// Returns the position where `secret` ends if it begins at `at`, each of its bytes plain or encoded.
fn end_of(text: &[u8], at: usize, secret: &[u8]) -> Option<usize> {
    let mut places = vec![at];
    let mut next = Vec::new();
    for (count, byte) in secret.iter().enumerate() {
        for place in &places {
            ends_of_byte(text, *place, *byte, &mut next);
        }
        next.sort_unstable();
        next.dedup();
        if next.is_empty() {
            return places.last().copied().filter(|_| count >= BEGINNING);
        }
        std::mem::swap(&mut places, &mut next);
        next.clear();
    }
    let stands_alone = |end: &usize| secret.len() >= SHORT || (!letter_before(text, at) && !letter_at(text, *end));
    places.into_iter().filter(stands_alone).max()
}

fn letter_at(text: &[u8], at: usize) -> bool {
    text.get(at).is_some_and(u8::is_ascii_alphanumeric)
}

/// Returns true if a letter or digit precedes `at`. The last digit of `%3D` does not count as one.
fn letter_before(text: &[u8], at: usize) -> bool {
    let encoded = at.checked_sub(3).filter(|start| text[*start] == b'%').and_then(|start| hex(&text[start + 1..at]));
    let before = encoded.or_else(|| Some(u32::from(text[at.checked_sub(1)?])));
    before.and_then(char::from_u32).is_some_and(|before| before.is_ascii_alphanumeric())
}

/// Adds to `ends` the positions where `byte` ends if it begins at `at`: plain, or encoded for a URL, a form, JSON or HTML.
fn ends_of_byte(text: &[u8], at: usize, byte: u8, ends: &mut Vec<usize>) {
    let rest = text.get(at..).unwrap_or_default();
    let is = |part: Option<&[u8]>| part.and_then(hex) == Some(u32::from(byte));
    match rest {
        [first, ..] if *first == byte => ends.push(at + 1),
        [b'+', ..] if byte == b' ' => ends.push(at + 1),
        _ => {}
    }
    match rest {
        [b'%', ..] => {
            // `%` itself becomes `%25` where a text was encoded more than once.
            let again = rest[1..].chunks(2).take_while(|pair| pair == b"25").count() * 2;
            let digits = (1..=again + 1).step_by(2).find(|from| is(rest.get(*from..from + 2)));
            ends.extend(digits.map(|from| at + from + 2));
        }
        [b'\\', ..] => {
            let signs = rest.iter().take_while(|sign| **sign == b'\\').count();
            match rest.get(signs) {
                Some(b'u') if is(rest.get(signs + 1..signs + 5)) => ends.push(at + signs + 5),
                Some(sign)
                    if [(b'n', b'\n'), (b'r', b'\r'), (b't', b'\t'), (*sign, *sign)].contains(&(*sign, byte)) =>
                {
                    ends.push(at + signs + 1);
                }
                _ => {}
            }
            if byte == b'\\' {
                ends.extend((2..=signs).map(|count| at + count));
            }
        }
        [b'&', ..] => {
            let Some(length) = rest.iter().take(10).position(|sign| *sign == b';') else { return };
            let named: [(&[u8], u8); 5] =
                [(b"amp", b'&'), (b"lt", b'<'), (b"gt", b'>'), (b"quot", b'"'), (b"apos", b'\'')];
            let number = match &rest[1..length] {
                [b'#', b'x' | b'X', digits @ ..] => hex(digits),
                [b'#', digits @ ..] => std::str::from_utf8(digits).ok().and_then(|digits| digits.parse().ok()),
                name => named.iter().find(|(known, _)| *known == name).map(|(_, byte)| u32::from(*byte)),
            };
            ends.extend((number == Some(u32::from(byte))).then_some(at + length + 1));
        }
        _ => {}
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

/// Returns the position where a JSON Web Token ends that begins at `at`: its header is a JSON object, so that it begins with
/// `eyJ` (RFC 7519, section 3.1). A token that was cut counts too.
fn end_of_token(text: &[u8], at: usize) -> Option<usize> {
    let rest = text[at..].strip_prefix(b"eyJ")?;
    let mut length = 0;
    loop {
        match &rest[length..] {
            [sign, ..] if sign.is_ascii_alphanumeric() || b"-_.=".contains(sign) => length += 1,
            [b'%', b'2', b'e' | b'E', ..] | [b'%', b'3', b'd' | b'D', ..] => length += 3,
            _ => break,
        }
    }
    // A full stop at the end of a sentence does not belong to the token.
    length -= rest[..length].iter().rev().take_while(|sign| **sign == b'.').count();
    (length >= 10).then_some(at + 3 + length)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::engine::general_purpose::STANDARD;

    fn of(secret: &str) -> Secrets {
        Secrets::of(std::iter::once(secret))
    }

    #[test]
    fn a_secret_is_masked_in_each_of_its_encodings() {
        let secret = "CNRY+/x y&%z~1\"\\q<é";
        let secrets = of(secret);
        let lower = secret.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>();
        for spelling in [
            secret.to_owned(),
            escape(secret),
            escape(secret).replace("%20", "+"),
            escape(&escape(secret)).replace("%2525", "%25"),
            lower,
            serde_json::to_string(secret).unwrap().trim_matches('"').to_owned(),
            r#"CNRY+\/x y\u0026%z~1\u0022\\q\u003Cé"#.to_owned(),
            secret.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&#34;"),
            STANDARD.encode(secret),
            URL_SAFE_NO_PAD.encode(secret),
            escape(&STANDARD.encode(secret)),
        ] {
            let said = secrets.mask(&format!("you sent client_secret={spelling}&scope=x"));
            assert!(said.starts_with("you sent client_secret=***") && said.ends_with("&scope=x"), "{spelling}: {said}");
            assert!(said.len() < 45, "{spelling}: {said}");
        }
        let basic = STANDARD.encode(format!("client:{secret}"));
        let said = secrets.mask(&basic);
        assert!(said.contains("***") && said.len() < 20, "{basic}: {said}");
        assert_eq!(secrets.mask("nothing is secret here: %zz \\u00 &#;"), "nothing is secret here: %zz \\u00 &#;");
    }

    #[test]
    fn a_secret_that_the_service_cut_is_masked() {
        let secrets = of("0123456789abcdefghij");
        assert_eq!(secrets.mask("sent 0123456789abcdefg…"), "sent ***…");
        assert_eq!(secrets.mask("sent 0123456789…"), "sent 0123456789…");
    }

    #[test]
    fn a_short_secret_is_no_part_of_words() {
        let secrets = of("demo");
        assert_eq!(
            secrets.mask("demonstration; client_secret=demo&x, client_secret%3Ddemo%26"),
            "demonstration; client_secret=***&x, client_secret%3D***%26"
        );
    }

    #[test]
    fn tokens_are_masked_in_use_or_not() {
        let secrets = of("a-secret-of-some-length");
        assert_eq!(secrets.mask("Bearer eyJhbGciOiJub25lIn0.eyJhIjoxfQ.sig_-1 was sent"), "Bearer *** was sent");
        assert_eq!(secrets.mask("cut: eyJhbGciOiJub25lIn0.eyJh."), "cut: ***.");
        assert_eq!(secrets.mask("eyJ is no token"), "eyJ is no token");
        assert_eq!(secrets.mask("opaque/token+1"), "opaque/token+1");
        secrets.remember("opaque/token+1");
        assert_eq!(secrets.mask("Bearer%20opaque%2ftoken%2b1."), "Bearer%20***.");
        for number in 0..TOKENS - 1 {
            secrets.remember(&format!("another-token-{number}"));
        }
        assert_eq!(secrets.mask("opaque/token+1"), "***");
    }
}
