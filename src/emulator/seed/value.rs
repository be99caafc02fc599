//! Makes the values that Graph generates, derived from their object's label, so that they never change.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::SeedObject;

/// Returns a seed object from a JSON object and its links.
pub(super) fn object(
    kind: &'static str,
    value: Value,
    links: impl IntoIterator<Item = (&'static str, Vec<Value>)>,
) -> SeedObject {
    SeedObject { kind, value: map(value), links: links.into_iter().collect::<BTreeMap<_, _>>() }
}

/// Returns the members of a JSON object; none of any other value.
pub(super) fn map(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

/// Returns the object id for `kind` and `label`.
pub(super) fn id(kind: &str, label: &str) -> String {
    guid(&digest(kind, label))
}

/// Returns an opaque id, as app role assignments and permission grants have: 32 bytes, 43 characters.
pub(super) fn opaque(label: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest("opaque", label))
}

/// Returns the anchor that directory synchronization uses.
pub(super) fn immutable_id(label: &str) -> String {
    STANDARD.encode(&digest("anchor", label)[..16])
}

/// Returns a number derived from `label`, below `limit`.
pub(super) fn number(label: &str, limit: u32) -> u32 {
    let bytes = digest("number", label);
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) % limit.max(1)
}

/// Returns a creation time: some second of a working day between 2019 and 2024.
pub(super) fn seconds(label: &str) -> String {
    let [year, month, day] = [number(&format!("{label}/y"), 6), number(&format!("{label}/m"), 12), number(label, 28)];
    let [hour, minute, second] =
        [number(&format!("{label}/h"), 10), number(&format!("{label}/n"), 60), number(label, 60)];
    format!("{}-{:02}-{:02}T{:02}:{minute:02}:{second:02}Z", 2019 + year, 1 + month, 1 + day, 7 + hour)
}

/// Returns the same time with the seven digits that policies have.
pub(super) fn ticks(label: &str) -> String {
    format!("{}.{:07}Z", seconds(label).trim_end_matches('Z'), number(&format!("{label}/t"), 10_000_000))
}

/// Returns the security identifier for an object id.
/// <https://learn.microsoft.com/entra/identity/devices/assign-local-admin#manage-administrator-privileges-using-microsoft-entra-groups-preview>
pub(super) fn security_identifier(id: &str) -> String {
    let bytes = uuid::Uuid::parse_str(id).unwrap_or_default().to_bytes_le();
    let parts = bytes.chunks_exact(4).map(|part| u32::from_le_bytes([part[0], part[1], part[2], part[3]]).to_string());
    format!("S-1-12-1-{}", parts.collect::<Vec<_>>().join("-"))
}

/// Returns a name in the form of an address: `Łukasz O'Neil-Müller` → `lukasz.oneilmuller`.
pub(super) fn alias(given: &str, surname: &str) -> String {
    let fold = |text: &str| -> String {
        text.nfd()
            .flat_map(|char| {
                match char {
                    'ł' | 'Ł' => "l".chars(),
                    'ø' | 'Ø' => "o".chars(),
                    'đ' | 'Đ' => "d".chars(),
                    'ß' => "ss".chars(),
                    'æ' | 'Æ' => "ae".chars(),
                    'ı' => "i".chars(),
                    _ => "".chars(),
                }
                .chain(char.is_ascii_alphanumeric().then(|| char.to_ascii_lowercase()))
            })
            .collect()
    };
    format!("{}.{}", fold(given), fold(surname))
}

/// Merges `over` into `base`, object by object.
pub(super) fn merge(base: &mut Value, over: Value) {
    match (base, over) {
        (Value::Object(base), Value::Object(over)) => {
            for (name, value) in over {
                merge(base.entry(name).or_insert(Value::Null), value);
            }
        }
        (base, over) => *base = over,
    }
}

/// Returns a list of strings as JSON.
pub(super) fn strings<T: Into<Value>>(list: impl IntoIterator<Item = T>) -> Vec<Value> {
    list.into_iter().map(Into::into).collect()
}

/// Returns sixteen bytes as a random GUID.
pub(super) fn guid(bytes: &[u8]) -> String {
    let mut own = [0; 16];
    own.copy_from_slice(&bytes[..16]);
    uuid::Builder::from_random_bytes(own).into_uuid().to_string()
}

fn digest(kind: &str, label: &str) -> [u8; 32] {
    Sha256::digest(format!("contoso/{kind}/{label}")).into()
}
