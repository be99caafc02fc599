//! Provides the one way to read a file of the work tree, or one that a person names.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read as _};
use std::path::Path;

use super::names::shown;
use super::{MAX_BLOB, RepoError};

/// Maximum size of a settings file, an allowed-signers file or a list of faults, in bytes.
pub const MAX_SETTINGS: u64 = 1024 * 1024;
/// Maximum size of a map from one tenant to another, in bytes: as large as any file of a snapshot.
pub const MAX_MAP: u64 = MAX_BLOB;
/// Maximum size of a plan file or a saved report, in bytes. A plan of 200,000 steps has about 60 MiB.
pub const MAX_PLAN: u64 = 64 * 1024 * 1024;
/// Maximum size of a signature file, in bytes. One of `ssh-keygen` has less than 10 KiB, whatever the key.
pub const MAX_SIGNATURE: u64 = 64 * 1024;

/// Tells who chose the name of a file, and so whether it may be a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NamedBy {
    /// The person who runs the command: a link leads where they want.
    Person,
    /// The repository, or the person who filled a folder: a link may lead where somebody else wants.
    Repository,
}

/// Reads a regular file of at most `limit` bytes. Other files are not opened, so that no pipe or device can block or go on for
/// ever.
///
/// # Errors
/// [`RepoError::File`] if it is something else than a regular file or too large, [`RepoError::Io`] if it cannot be read.
pub fn read_file(path: &Path, named_by: NamedBy, limit: u64) -> Result<Vec<u8>, RepoError> {
    let refuse = |why: String| RepoError::File { path: shown(path.as_os_str().as_encoded_bytes()), why };
    let data = match named_by {
        NamedBy::Person => std::fs::metadata(path),
        NamedBy::Repository => std::fs::symlink_metadata(path),
    };
    check(&data.map_err(RepoError::io("read", path))?, limit).map_err(refuse)?;
    let file = open(path).map_err(RepoError::io("open", path))?;
    // The file may have been replaced since it was checked, so the opened one is checked again.
    let data = file.metadata().map_err(RepoError::io("read", path))?;
    check(&data, limit).map_err(refuse)?;
    let mut bytes = Vec::with_capacity(usize::try_from(data.len()).unwrap_or_default());
    file.take(limit + 1).read_to_end(&mut bytes).map_err(RepoError::io("read", path))?;
    match bytes.len() as u64 > limit {
        true => Err(refuse(too_large(bytes.len() as u64, limit))),
        false => Ok(bytes),
    }
}

/// Reads a file of the work tree as [`read_file`] does; `None` if no file has this name.
///
/// # Errors
/// The same as those of [`read_file`].
pub fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, RepoError> {
    match read_file(path, NamedBy::Repository, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(RepoError::Io { source, .. })
            if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) =>
        {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

fn open(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// Returns why a file is not read, and what to do, if it must not be.
fn check(data: &Metadata, limit: u64) -> Result<(), String> {
    if data.is_symlink() {
        return Err("it is a symbolic link, which is not followed; replace it by the file itself".to_owned());
    }
    if data.is_dir() {
        return Err("it is a folder; name a file".to_owned());
    }
    if !data.is_file() {
        return Err("it is a pipe, a socket or a device; copy what is meant into an ordinary file".to_owned());
    }
    match data.len() > limit {
        true => Err(too_large(data.len(), limit)),
        false => Ok(()),
    }
}

fn too_large(size: u64, limit: u64) -> String {
    format!("it has {size} bytes, more than the {limit} that are accepted; see whether it is the right file")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(path: &Path, named_by: NamedBy, limit: u64) -> String {
        read_file(path, named_by, limit)
            .map_or_else(|error| error.to_string(), |bytes| format!("{} bytes", bytes.len()))
    }

    /// Opening a pipe would block the thread of the test.
    #[test]
    #[cfg(unix)]
    fn only_regular_files_of_a_known_size_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "12345").unwrap();
        std::os::unix::fs::symlink("file", path("link")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", path("zero")).unwrap();
        std::os::unix::fs::symlink("nowhere", path("dangling")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(path("pipe")).status();
        assert!(made.is_ok_and(|status| status.success()));
        assert_eq!(why(&path("file"), NamedBy::Repository, 5), "5 bytes");
        assert_eq!(why(&path("link"), NamedBy::Person, 5), "5 bytes");
        assert!(why(&path("file"), NamedBy::Person, 4).contains("has 5 bytes, more than the 4"));
        for name in ["link", "zero", "dangling"] {
            assert!(
                why(&path(name), NamedBy::Repository, 5).contains("symbolic link, which is not followed"),
                "{name}"
            );
        }
        for (name, named_by) in [("zero", NamedBy::Person), ("pipe", NamedBy::Person), ("pipe", NamedBy::Repository)] {
            assert!(why(&path(name), named_by, 5).contains("copy what is meant into an ordinary file"), "{name}");
        }
        assert!(why(folder.path(), NamedBy::Person, 5).contains("it is a folder"));
        assert!(read_if_there(&path("none"), 5).unwrap().is_none());
        assert!(read_if_there(&path("dangling"), 5).is_err(), "a link is no file that is missing");
    }
}
