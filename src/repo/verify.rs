//! Verifies the checksums of pack indexes: libgit2 reads outside its memory when an index is damaged, so a damaged one must not
//! reach it. The indexes (about 3 % of the packs' size) are read once, the packs not at all.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use sha1::{Digest, Sha1};

use super::RepoError;

/// Refuses a damaged index, multi-pack index or commit graph, and a pack that is cut off.
pub(super) fn indexes(objects: &Path) -> Result<(), RepoError> {
    let pack = objects.join("pack");
    let entries = match std::fs::read_dir(&pack) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(RepoError::io("list", &pack)(error)),
    };
    for entry in entries {
        let path = entry.map_err(RepoError::io("list", &pack))?.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("idx") => {
                let Some(pack_checksum) = checked(&path)? else { continue };
                ends_with(&path.with_extension("pack"), &pack_checksum)?;
            }
            None if path.file_name().is_some_and(|name| name == "multi-pack-index") => {
                checked(&path)?;
            }
            _ => {}
        }
    }
    checked(&objects.join("info").join("commit-graph"))?;
    Ok(())
}

/// Returns the 20 bytes before the checksum, once the checksum is found right; `None` if the file is not (or no longer) there.
fn checked(path: &Path) -> Result<Option<[u8; 20]>, RepoError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(RepoError::io("open", path)(error)),
    };
    let length = file.metadata().map_err(RepoError::io("read", path))?.len();
    let damaged = || RepoError::Damaged(format!("{} does not fit its checksum", path.display()));
    let mut left = length.checked_sub(20).filter(|rest| *rest >= 20).ok_or_else(damaged)?;
    let mut hasher = Sha1::new();
    let mut buffer = vec![0u8; 256 * 1024];
    let mut tail = [0u8; 20];
    while left > 0 {
        let part = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        file.read_exact(&mut buffer[..part]).map_err(RepoError::io("read", path))?;
        hasher.update(&buffer[..part]);
        left -= part as u64;
        if left == 0 {
            // The last part may be too short to hold all of these bytes, so they are read separately.
            file.seek(SeekFrom::Start(length - 40)).map_err(RepoError::io("read", path))?;
            file.read_exact(&mut tail).map_err(RepoError::io("read", path))?;
        }
    }
    let mut sum = [0u8; 20];
    file.read_exact(&mut sum).map_err(RepoError::io("read", path))?;
    match hasher.finalize().as_slice() == sum {
        true => Ok(Some(tail)),
        false => Err(damaged()),
    }
}

fn ends_with(pack: &Path, checksum: &[u8; 20]) -> Result<(), RepoError> {
    let mut file = match File::open(pack) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(RepoError::io("open", pack)(error)),
    };
    let mut end = [0u8; 20];
    let found = file.seek(SeekFrom::End(-20)).and_then(|_| file.read_exact(&mut end));
    match found.is_ok() && end == *checksum {
        true => Ok(()),
        false => Err(RepoError::Damaged(format!("{} is cut off or was replaced", pack.display()))),
    }
}
