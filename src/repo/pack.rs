//! One pack for many new objects. Entries are deflated to a file of their own as they come; at the end libgit2's
//! indexer reads the whole pack, inflates and hashes every object and writes the index, in a folder of its own. Only
//! when both files are on the disk are they moved to where git looks.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::Path;

use flate2::{Compress, Compression, FlushCompress, Status};
use git2::{Indexer, ObjectType};
use sha1::{Digest, Sha1};
use tempfile::TempDir;

use super::{ObjectId, RepoError};

/// How the folders of unfinished packs begin; [`super::Repo::lock`] clears what killed runs left.
pub(super) const UNFINISHED: &str = "entragit-";

/// A pack in the making. Dropping it leaves nothing behind.
pub(super) struct PackWriter {
    folder: TempDir,
    entries: BufWriter<File>,
    ids: Vec<ObjectId>,
    deflate: Compress,
    buffer: Vec<u8>,
}

impl PackWriter {
    pub(super) fn create(objects: &Path) -> Result<PackWriter, RepoError> {
        let pack = objects.join("pack");
        std::fs::create_dir_all(&pack).map_err(RepoError::io("create", &pack))?;
        let folder =
            tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&pack).map_err(RepoError::io("write to", &pack))?;
        let path = folder.path().join("entries");
        let entries = File::options().read(true).write(true).create_new(true).open(&path);
        let entries = entries.map_err(RepoError::io("create", &path))?;
        Ok(PackWriter {
            folder,
            entries: BufWriter::with_capacity(1 << 18, entries),
            ids: Vec::new(),
            deflate: Compress::new(Compression::new(6), true),
            buffer: Vec::new(),
        })
    }

    /// Adds an object. The caller sees to it that none is added twice.
    pub(super) fn add(&mut self, kind: ObjectType, id: ObjectId, bytes: &[u8]) -> Result<(), RepoError> {
        self.buffer.clear();
        header(kind, bytes.len(), &mut self.buffer);
        self.deflate.reset();
        let failed = |source| RepoError::Io { doing: "compress into", path: self.folder.path().to_owned(), source };
        loop {
            let done = usize::try_from(self.deflate.total_in()).unwrap_or(usize::MAX).min(bytes.len());
            self.buffer.reserve(128 + (bytes.len() - done) / 2);
            let status = self.deflate.compress_vec(&bytes[done..], &mut self.buffer, FlushCompress::Finish);
            match status.map_err(|error| failed(error.into()))? {
                Status::StreamEnd => break,
                Status::Ok | Status::BufError => {}
            }
        }
        self.entries.write_all(&self.buffer).map_err(failed)?;
        self.ids.push(id);
        Ok(())
    }

    /// Verifies every object, flushes pack and index to the disk, and only then gives them to git.
    pub(super) fn finish(self, objects: &Path) -> Result<(), RepoError> {
        let PackWriter { folder, entries, mut ids, .. } = self;
        let io = |doing| RepoError::io(doing, folder.path());
        let mut entries = entries.into_inner().map_err(|error| io("write to")(error.into_error()))?;
        entries.seek(SeekFrom::Start(0)).map_err(io("read"))?;
        let checksum = index(&mut entries, ids.len(), folder.path())?;
        drop(entries);

        let name = format!("pack-{checksum}");
        let made = |extension: &str| folder.path().join(format!("{name}.{extension}"));
        ids.sort_unstable();
        holds(&made("idx"), &ids)?;
        let target = objects.join("pack");
        // The index goes last: a pack without one is not looked at.
        for extension in ["pack", "idx"] {
            flush_file(&made(extension))?;
        }
        for extension in ["pack", "idx"] {
            let to = target.join(format!("{name}.{extension}"));
            // The name is the checksum: one that is there already is the same.
            if !to.exists() {
                std::fs::rename(made(extension), &to).map_err(RepoError::io("write", &to))?;
            }
        }
        flush_folder(&target)
    }
}

/// The indexer copies what it is given, so the entries become a pack on the way to it: header, entries, checksum.
fn index(entries: &mut File, count: usize, folder: &Path) -> Result<String, RepoError> {
    let failed =
        |error: std::io::Error| RepoError::Io { doing: "index a pack in", path: folder.to_owned(), source: error };
    let count = u32::try_from(count).map_err(|_| RepoError::Invalid("too many objects for one pack".into()))?;
    let mut indexer = Indexer::new(None, folder, 0, false).map_err(|error| RepoError::git("index a pack", &error))?;
    let mut hasher = Sha1::new();
    let mut head = [0u8; 12];
    head[..4].copy_from_slice(b"PACK");
    head[4..8].copy_from_slice(&2u32.to_be_bytes());
    head[8..].copy_from_slice(&count.to_be_bytes());
    hasher.update(head);
    indexer.write_all(&head).map_err(failed)?;
    let mut buffer = vec![0u8; 1 << 18];
    loop {
        let read = match entries.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(failed(error)),
        };
        hasher.update(&buffer[..read]);
        indexer.write_all(&buffer[..read]).map_err(failed)?;
    }
    indexer.write_all(&hasher.finalize()).map_err(failed)?;
    indexer.commit().map_err(|error| RepoError::git("index a pack", &error))
}

/// Whether the index names exactly these objects: the indexer computed its names from the inflated content.
fn holds(idx: &Path, sorted: &[ObjectId]) -> Result<(), RepoError> {
    let bytes = std::fs::read(idx).map_err(RepoError::io("read", idx))?;
    let names = bytes.get(8 + 256 * 4..).and_then(|rest| rest.get(..20 * sorted.len()));
    let count = bytes.get(8 + 255 * 4..8 + 256 * 4);
    let same = count == u32::try_from(sorted.len()).ok().map(u32::to_be_bytes).as_ref().map(<[u8; 4]>::as_slice)
        && names.is_some_and(|names| names.chunks_exact(20).eq(sorted.iter().map(|id| id.as_bytes().as_slice())));
    match same {
        true => Ok(()),
        false => Err(RepoError::Damaged("what was written to a new pack is not what is read from it".into())),
    }
}

/// The head of a pack entry: kind and size, seven bits a byte after the first four.
fn header(kind: ObjectType, size: usize, out: &mut Vec<u8>) {
    let kind: u8 = match kind {
        ObjectType::Commit => 1,
        ObjectType::Tree => 2,
        ObjectType::Tag => 4,
        _ => 3,
    };
    let mut byte = kind << 4 | (size & 15) as u8;
    let mut rest = size >> 4;
    while rest > 0 {
        out.push(byte | 0x80);
        byte = (rest & 0x7f) as u8;
        rest >>= 7;
    }
    out.push(byte);
}

fn flush_file(path: &Path) -> Result<(), RepoError> {
    let flushed = File::open(path).and_then(|file| file.sync_all());
    match flushed {
        // Windows flushes only what is open for writing, and packs are read-only.
        Err(error) if cfg!(windows) && error.kind() == ErrorKind::PermissionDenied => Ok(()),
        other => other.map_err(RepoError::io("flush", path)),
    }
}

/// Makes the names in a folder durable.
pub(super) fn flush_folder(path: &Path) -> Result<(), RepoError> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path).and_then(|folder| folder.sync_all()).map_err(RepoError::io("flush", path))
}
