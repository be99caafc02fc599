//! Decides on strings without quotes: when the writer may omit the quotes, and when the reader must insist on them.

/// Tells where a byte may be in a plain string.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    /// Nowhere: the string needs quotes.
    Refused,
    /// Anywhere but at the beginning.
    Inside,
    /// Anywhere.
    Anywhere,
    /// Anywhere, as a part of a character that is judged as a whole.
    Wide,
    /// Between words: one at a time, neither first nor last.
    Space,
    /// Inside a word, as in a URI.
    Colon,
}

const CLASSES: [Class; 256] = {
    let mut classes = [Class::Refused; 256];
    let mut byte = 0;
    while byte < 256 {
        classes[byte] = match byte as u8 {
            b'a'..=b'z' | b'A'..=b'Z' | b'/' => Class::Anywhere,
            b'0'..=b'9' | b'-' | b'_' | b'.' | b'@' | b'+' | b'(' | b')' | b'\'' => Class::Inside,
            b'=' | b';' | b'$' | b'~' | b'^' | b'?' | b'!' | b'<' | b'>' => Class::Inside,
            b' ' => Class::Space,
            b':' => Class::Colon,
            0x80.. => Class::Wide,
            _ => Class::Refused,
        };
        byte += 1;
    }
    classes
};

/// Returns true if every parser reads `text` as this string when it has no quotes.
///
/// A plain string begins with a letter or a slash; a GUID may begin with a digit. So no parser takes a plain string for a
/// number, a date or a time.
pub(super) fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let (Some(first), Some(last)) = (bytes.first(), bytes.last()) else { return false };
    if bytes.len() > 400 || matches!(last, b' ' | b':') {
        return false;
    }
    match CLASSES[usize::from(*first)] {
        Class::Anywhere if is_word_of_yaml(text) => return false,
        Class::Anywhere | Class::Wide => {}
        Class::Inside => return is_guid(bytes),
        Class::Refused | Class::Space | Class::Colon => return false,
    }
    let mut wide = false;
    for (index, byte) in bytes.iter().enumerate() {
        match CLASSES[usize::from(*byte)] {
            Class::Anywhere | Class::Inside => {}
            Class::Wide => wide = true,
            Class::Space if bytes[index - 1] != b' ' => {}
            Class::Colon if index > 1 && bytes[index + 1] != b' ' => {}
            Class::Refused | Class::Space | Class::Colon => return false,
        }
    }
    !wide || text.chars().all(printable)
}

fn is_guid(bytes: &[u8]) -> bool {
    bytes.len() == 36
        && bytes.iter().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => *byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// Returns true for words that some parser takes for a boolean, null or a number.
fn is_word_of_yaml(text: &str) -> bool {
    const WORDS: &[&str] =
        &["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nil", "none", "nan", "inf", "infinity"];
    text.len() <= 8 && WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Returns true if a reader sees the character and every parser accepts it unescaped: no control, direction, invisible or
/// private-use characters.
pub(super) fn printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        && !matches!(c, '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{fdd0}'..='\u{fdef}' | '\u{feff}')
        && !matches!(c, '\u{fff9}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{e0000}'..='\u{e0fff}' | '\u{f0000}'..)
}

/// Returns true if a character may not be unescaped in a file that a person edited: it could hide what the file says.
pub(super) fn hidden(c: char) -> bool {
    // Joiners, soft hyphens and private-use characters hide nothing and occur in names that people paste.
    !printable(c) && !matches!(c, '\t' | '\u{ad}' | '\u{200c}' | '\u{200d}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

/// Returns true if parsers of YAML 1.1 and 1.2 differ on the meaning of the plain scalar `word`.
pub(super) fn is_ambiguous(word: &str) -> bool {
    const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "=", "<<"];
    if word.len() <= 3 && WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) {
        return true;
    }
    let unsigned = word.strip_prefix(['-', '+']).unwrap_or(word);
    if !unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return false;
    }
    let all = |allowed: fn(u8) -> bool| unsigned.bytes().all(allowed) && unsigned.bytes().any(|b| b.is_ascii_digit());
    let dots = unsigned.bytes().filter(|b| *b == b'.').count();
    let octal = unsigned.len() > 1 && unsigned.starts_with('0') && !unsigned.starts_with("0.") && dots <= 1;
    let leading_zero = octal && all(|b| matches!(b, b'0'..=b'9' | b'_' | b'.'));
    let grouped = unsigned.contains('_') && all(|b| matches!(b, b'0'..=b'9' | b'_' | b'.' | b'e' | b'E'));
    let clock = unsigned.contains(':') && all(|b| matches!(b, b'0'..=b'9' | b':' | b'_' | b'.'));
    let based = unsigned.strip_prefix('0').is_some_and(|rest| match rest.as_bytes().split_first() {
        None | Some((_, [])) => false,
        Some((b'b', digits)) => digits.iter().all(|b| matches!(b, b'0' | b'1' | b'_')),
        Some((b'o', digits)) => digits.iter().all(|b| matches!(b, b'0'..=b'7' | b'_')),
        Some((b'x', digits)) => digits.iter().all(|b| b.is_ascii_hexdigit() || *b == b'_'),
        Some(_) => false,
    });
    // YAML 1.1 requires a point before and a sign after the `e`.
    let exponent = unsigned.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        let digits = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
        mantissa.bytes().all(|b| matches!(b, b'0'..=b'9' | b'.'))
            && !digits.is_empty()
            && digits.bytes().all(|b| b.is_ascii_digit())
            && (!mantissa.contains('.') || digits.len() == exponent.len())
    });
    leading_zero || grouped || clock || based || exponent || is_date(word)
}

/// Returns true for a date as `2024-1-31`, with or without a time.
fn is_date(word: &str) -> bool {
    let mut parts = word.splitn(3, '-');
    let digits = |part: Option<&str>, length: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| length.contains(&part.len()) && part.bytes().all(|b| b.is_ascii_digit()))
    };
    digits(parts.next(), 4..=4)
        && digits(parts.next(), 1..=2)
        && parts.next().is_some_and(|day| {
            let (day, time) = day.split_at(day.find(['T', 't', ' ']).unwrap_or(day.len()));
            digits(Some(day), 1..=2)
                && time.bytes().skip(1).all(|b| matches!(b, b'0'..=b'9' | b':' | b'.' | b'+' | b'-' | b'Z' | b' '))
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parsers_differ_on_these() {
        for word in [
            "no",
            "Yes",
            "ON",
            "y",
            "=",
            "<<",
            "0123",
            "-007",
            "00",
            "01.5",
            "1_000",
            "1_0.5",
            "12:30",
            "1:2:3.4",
            "0b11",
            "0o17",
            "0x1F",
            "1e3",
            "1.5e3",
            "-1E+3",
            "2024-01-01",
            "2024-1-1",
            "2024-01-01T00:00:00Z",
            "2024-01-01 00:00:00",
        ] {
            assert!(is_ambiguous(word), "{word}");
        }
        for word in [
            "0",
            "-0",
            "1",
            "-12",
            "0.5",
            "1.5",
            "1.0e+21",
            "1.5e-7",
            "true",
            "null",
            "~",
            "1.2.3.4",
            "10.0.0.0/8",
            "01.2.3",
            "0b1c2d3e-0000-4000-8000-000000000001",
            "1234567e-1234-1234-1234-123456789012",
            "2001:db8::/32",
            "::1",
            "north",
            "1st",
            "P90D",
            "2024-01",
            "2024-01-01-x",
            "0",
            "-",
            "+",
            ".",
            "...",
        ] {
            assert!(!is_ambiguous(word), "{word}");
        }
    }

    #[test]
    fn these_need_quotes() {
        for text in [
            "",
            " a",
            "a ",
            "a  b",
            "y",
            "No",
            "ON",
            "off",
            "true",
            "NULL",
            "None",
            "NaN",
            "inf",
            "~",
            "=",
            "<<",
            "-",
            "- a",
            "-a",
            "1",
            "1a",
            ".5",
            "2024-01-01",
            "a:",
            "a: b",
            "a #b",
            "#a",
            "a, b",
            "[a",
            "a]",
            "{",
            "&a",
            "*a",
            "!a",
            "|",
            ">",
            "%a",
            "@a",
            "`a",
            "'a",
            "\"a",
            "a\\b",
            "a\nb",
            "a\tb",
            "\u{202e}a",
            "a\u{200b}",
            "\u{feff}",
            "\u{e0041}a",
        ] {
            assert!(!is_plain(text), "{text:?}");
        }
        for text in [
            "a",
            "All",
            "it's",
            "a b",
            "a-b_c.d/e@f",
            "http://a/b?c=d",
            "Ångström",
            "日本語",
            "/a",
            "north",
            "yesterday",
            "0b1c2d3e-0000-4000-8000-000000000001",
        ] {
            assert!(is_plain(text), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_plain_is_ambiguous_to_nobody(word in "[-+.0-9:_a-fA-FxoTZyn ~=<]{0,12}|\\PC{0,8}") {
            prop_assert!(!is_plain(&word) || !is_ambiguous(&word));
        }
    }
}
