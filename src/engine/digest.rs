//! Digests: what a plan is bound to.

use sha2::{Digest, Sha256};

use crate::model::Object;

/// SHA-256 over an object's sorted JSON, in hex. Two objects have one digest exactly if they are equal.
pub fn object(object: &Object) -> String {
    let bytes = serde_json::to_vec(&object.0).unwrap_or_default();
    hex(&Sha256::digest(&bytes))
}

/// SHA-256 over bytes, in hex.
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
