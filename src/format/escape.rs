//! Escapes ids for paths, and restores them.
//!
//! A lower-case GUID is kept unchanged. Any other id is written after `x-`: bytes `[a-z0-9]` are kept, everything else is
//! `-` and two hex digits, so that case and every character can be restored. If that is longer than a part of a path may be,
//! an id of words and GUIDs (`DirectoryRole_<tenant>_<policy>`) is written after `z-`: a hyphen before a hex digit is kept,
//! `-y` makes the next letter a capital, and `-z` is `_`. Any other long id is written after `y-` in base 32 (RFC 4648,
//! lower case, no padding), which has room for [`LONGEST_ID`] bytes. The path of a longer id is too long for
//! [`address_of`](super::path::address_of), which refuses it; Graph's ids are far shorter.

/// Maximum length of a part of a path, in bytes.
pub(super) const PART: usize = 100;

/// Maximum length of a file name without its extension: `.yaml` takes the rest of a part.
pub(super) const MAX_STEM_LEN: usize = PART - ".yaml".len();

/// Prefix of escaped ids.
const ESCAPED: &str = "x-";
/// Prefix of ids in base 32.
const BASE32: &str = "y-";
/// Prefix of long ids of words and GUIDs.
const COMPACT: &str = "z-";
const DIGITS32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Maximum length of an id that has a path, in bytes, whatever its characters.
pub const LONGEST_ID: usize = 58;

/// Returns the first hex digits of the id: those of a GUID, or all that an escaped id has.
pub(super) fn shard(id: &str, digits: usize) -> String {
    let hex = [ESCAPED, BASE32, COMPACT].iter().find_map(|prefix| id.strip_prefix(prefix)).unwrap_or(id);
    let mut shard: String = hex.chars().filter(|c| matches!(c, '0'..='9' | 'a'..='f')).take(digits).collect();
    while shard.len() < digits {
        shard.push('0');
    }
    shard
}

fn is_guid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}

/// Returns the id as a part of a path.
pub(super) fn escape(id: &str) -> String {
    if is_guid(id) {
        return id.to_owned();
    }
    let text = hyphened(id);
    if text.len() <= MAX_STEM_LEN {
        return text;
    }
    compact(id).filter(|text| text.len() <= MAX_STEM_LEN).unwrap_or_else(|| base32(id.as_bytes()))
}

fn compact(id: &str) -> Option<String> {
    let mut out = String::from(COMPACT);
    let mut rest = id.bytes().peekable();
    while let Some(byte) = rest.next() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'A'..=b'Z' => out.extend(['-', 'y', char::from(byte.to_ascii_lowercase())]),
            b'_' => out.push_str("-z"),
            b'-' if matches!(rest.peek(), Some(b'0'..=b'9' | b'a'..=b'f')) => out.push('-'),
            _ => return None,
        }
    }
    Some(out)
}

fn hyphened(id: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let mut out = String::from(ESCAPED);
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            _ => out.extend(['-', char::from(HEX[usize::from(byte >> 4)]), char::from(HEX[usize::from(byte & 15)])]),
        }
    }
    out
}

fn base32(bytes: &[u8]) -> String {
    let mut out = String::from(BASE32);
    for chunk in bytes.chunks(5) {
        let mut bits = [0; 8];
        bits[3..3 + chunk.len()].copy_from_slice(chunk);
        let bits = u64::from_be_bytes(bits);
        let digits = (chunk.len() * 8).div_ceil(5);
        out.extend((0..digits).map(|digit| char::from(DIGITS32[(bits >> (35 - 5 * digit) & 31) as usize])));
    }
    out
}

/// Returns the id that a part of a path stands for; `None` if it stands for none.
pub(super) fn unescape(text: &str) -> Option<String> {
    if is_guid(text) {
        return Some(text.to_owned());
    }
    let bytes = match text.get(..2)? {
        ESCAPED => unhyphened(&text.as_bytes()[2..])?,
        BASE32 => unbase32(&text.as_bytes()[2..])?,
        COMPACT => uncompact(&text.as_bytes()[2..])?,
        _ => return None,
    };
    let id = String::from_utf8(bytes).ok()?;
    // Each id has one path: a text that `escape` would not have written is no path.
    (!id.is_empty() && escape(&id) == text).then_some(id)
}

fn unhyphened(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(rest.len());
    while let Some((first, tail)) = rest.split_first() {
        if *first == b'-' {
            let digits = std::str::from_utf8(tail.get(..2)?).ok()?;
            bytes.push(u8::from_str_radix(digits, 16).ok()?);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    Some(bytes)
}

fn uncompact(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        match (byte, rest.as_slice().first()) {
            (b'-', Some(b'y')) => {
                rest.next();
                bytes.push(rest.next()?.to_ascii_uppercase());
            }
            (b'-', Some(b'z')) => {
                rest.next();
                bytes.push(b'_');
            }
            _ => bytes.push(*byte),
        }
    }
    Some(bytes)
}

fn unbase32(digits: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(digits.len());
    for chunk in digits.chunks(8) {
        let mut bits = 0_u64;
        for digit in chunk {
            let value = DIGITS32.iter().position(|known| known == digit)?;
            bits = bits << 5 | value as u64;
        }
        bits <<= 5 * (8 - chunk.len());
        bytes.extend_from_slice(&bits.to_be_bytes()[3..3 + chunk.len() * 5 / 8]);
    }
    Some(bytes)
}
