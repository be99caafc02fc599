//! Compares files with blobs in spite of the line ends that git writes on some machines.

use super::{ObjectId, blob_id};

/// Returns true if the bytes are the content of `blob`, also with the CR LF line ends that git may have written.
pub(super) fn same(blob: ObjectId, bytes: &[u8]) -> bool {
    if blob_id(bytes) == blob {
        return true;
    }
    let unix = with_unix_lines(bytes.to_vec());
    unix.len() != bytes.len() && blob_id(&unix) == blob
}

/// Replaces line ends CR LF by LF, to undo what `core.autocrlf` and `eol` have git write.
pub(super) fn with_unix_lines(mut bytes: Vec<u8>) -> Vec<u8> {
    let mut at = 0;
    let mut kept = 0;
    while at < bytes.len() {
        if !(bytes[at] == b'\r' && bytes.get(at + 1) == Some(&b'\n')) {
            bytes[kept] = bytes[at];
            kept += 1;
        }
        at += 1;
    }
    bytes.truncate(kept);
    bytes
}
