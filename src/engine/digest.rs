//! Computes digests, which bind a plan to the state that it was made from.

use sha2::{Digest, Sha256};

use crate::model::plan::Seen;
use crate::model::{Kind, Object};

/// Returns the digests of an object that a plan records.
pub fn seen(kind: &'static Kind, whole: &Object) -> Seen {
    let properties = whole.0.iter().filter(|(name, _)| kind.link(name).is_none());
    let properties = Object(properties.map(|(name, value)| (name.clone(), value.clone())).collect());
    Seen { whole: object(whole), properties: object(&properties) }
}

/// Returns the SHA-256 over an object's sorted JSON, in hex. Two objects have the same digest exactly if they are equal.
pub fn object(object: &Object) -> String {
    let bytes = serde_json::to_vec(&object.0).unwrap_or_default();
    hex(&Sha256::digest(&bytes))
}

/// Returns the SHA-256 over bytes, in hex.
pub fn bytes(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
