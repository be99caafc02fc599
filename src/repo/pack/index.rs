//! Writes the index of a pack, version 2:
//! <https://git-scm.com/docs/gitformat-pack#_version_2_pack_idx_files_support_packs_larger_than_4_gib_and>

use sha1::{Digest, Sha1};

use crate::repo::{ObjectId, RepoError};

/// Holds the location of an object in the pack.
pub(super) struct Entry {
    pub(super) id: ObjectId,
    /// CRC-32 of the object's bytes in the pack.
    pub(super) crc: u32,
    pub(super) offset: u64,
}

/// Offset from which on offsets are kept in a table of their own.
const LARGE: u64 = 1 << 31;

/// Returns the index's bytes. `entries` are sorted by id.
pub(super) fn bytes(entries: &[Entry], pack: &[u8; 20]) -> Result<Vec<u8>, RepoError> {
    let invalid = |what: &str| RepoError::Invalid(what.into());
    let mut out = Vec::with_capacity(8 + 1024 + entries.len() * 28 + 40);
    out.extend_from_slice(b"\xfftOc");
    out.extend_from_slice(&2u32.to_be_bytes());
    let mut at = 0;
    for first in 0..=u8::MAX {
        while entries.get(at).is_some_and(|entry| entry.id.as_bytes()[0] <= first) {
            at += 1;
        }
        let below = u32::try_from(at).map_err(|_| invalid("too many objects for one pack"))?;
        out.extend_from_slice(&below.to_be_bytes());
    }
    entries.iter().for_each(|entry| out.extend_from_slice(entry.id.as_bytes()));
    entries.iter().for_each(|entry| out.extend_from_slice(&entry.crc.to_be_bytes()));
    let mut large = Vec::new();
    for entry in entries {
        let short = match u32::try_from(entry.offset).ok().filter(|_| entry.offset < LARGE) {
            Some(short) => short,
            None => {
                let place = u32::try_from(large.len()).map_err(|_| invalid("a pack that is too large"))?;
                large.push(entry.offset);
                place | 1 << 31
            }
        };
        out.extend_from_slice(&short.to_be_bytes());
    }
    large.iter().for_each(|offset| out.extend_from_slice(&offset.to_be_bytes()));
    out.extend_from_slice(pack);
    let checksum = Sha1::digest(&out);
    out.extend_from_slice(&checksum);
    Ok(out)
}
