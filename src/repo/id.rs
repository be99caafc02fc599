//! Defines [`ObjectId`]: the name that git gives to content.

use std::fmt;
use std::str::FromStr;

use sha1::{Digest, Sha1};

use super::RepoError;

/// Represents the SHA-1 name of a blob, a tree, a commit or a tag.
#[derive(Copy, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId([u8; 20]);

impl ObjectId {
    /// Returns the id made of these bytes.
    pub const fn from_bytes(bytes: [u8; 20]) -> ObjectId {
        ObjectId(bytes)
    }

    /// Returns the bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 20] {
        &self.0
    }

    pub(super) fn of(kind: &str, bytes: &[u8]) -> ObjectId {
        let mut hasher = Sha1::new();
        hasher.update(kind.as_bytes());
        hasher.update(format!(" {}\0", bytes.len()).as_bytes());
        hasher.update(bytes);
        ObjectId(hasher.finalize().into())
    }

    pub(super) fn from_slice(bytes: &[u8]) -> Option<ObjectId> {
        bytes.try_into().ok().map(ObjectId)
    }
}

/// Returns the id that git gives to a blob of these bytes. Pure: nothing is read or written.
pub fn blob_id(bytes: &[u8]) -> ObjectId {
    ObjectId::of("blob", bytes)
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut hex = [0u8; 40];
        for (at, byte) in self.0.iter().enumerate() {
            hex[2 * at] = b"0123456789abcdef"[usize::from(byte >> 4)];
            hex[2 * at + 1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        f.pad(std::str::from_utf8(&hex).unwrap_or_default())
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for ObjectId {
    type Err = RepoError;

    /// Parses exactly 40 hexadecimal digits; abbreviations are for [`super::Repo::resolve`].
    fn from_str(text: &str) -> Result<ObjectId, RepoError> {
        let wrong = || RepoError::Invalid(format!("`{}` is not a git object id of 40 digits", text.escape_debug()));
        let digits = text.as_bytes();
        if digits.len() != 40 {
            return Err(wrong());
        }
        let mut id = [0u8; 20];
        for (at, pair) in digits.chunks_exact(2).enumerate() {
            let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
            let (Some(high), Some(low)) = (digit(pair[0]), digit(pair[1])) else {
                return Err(wrong());
            };
            id[at] = high << 4 | low;
        }
        Ok(ObjectId(id))
    }
}

impl From<git2::Oid> for ObjectId {
    fn from(oid: git2::Oid) -> ObjectId {
        let mut id = [0u8; 20];
        for (to, from) in id.iter_mut().zip(oid.as_bytes()) {
            *to = *from;
        }
        ObjectId(id)
    }
}

impl From<ObjectId> for git2::Oid {
    fn from(id: ObjectId) -> git2::Oid {
        git2::Oid::from_bytes(&id.0).unwrap_or(git2::Oid::ZERO_SHA1)
    }
}
