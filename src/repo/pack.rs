//! One pack for many objects: deflated as they come, verified and indexed by libgit2 at the end.

use std::fs::File;
use std::io::{BufWriter, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use flate2::Compression;
use flate2::write::ZlibEncoder;
use git2::{ObjectType, Odb};
use sha1::{Digest as _, Sha1};

use super::{RepoError, Result};

/// What temporary packs are called; ours are cleared under our lock.
pub(super) const PREFIX: &str = "tmp_entragit_";

/// A pack that is being written.
#[derive(Debug)]
pub(super) struct Pack {
    file: BufWriter<File>,
    path: PathBuf,
    objects: u32,
    scratch: Vec<u8>,
}

impl Pack {
    pub(super) fn new(git_dir: &Path) -> Result<Pack> {
        let folder = git_dir.join("objects").join("pack");
        std::fs::create_dir_all(&folder).map_err(|e| RepoError::io("making", &folder, e))?;
        let file = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempfile_in(&folder)
            .map_err(|e| RepoError::io("making a file in", &folder, e))?;
        let (file, path) = file.keep().map_err(|e| RepoError::io("making a file in", &folder, e.error))?;
        let mut pack = Pack { file: BufWriter::with_capacity(1 << 20, file), path, objects: 0, scratch: Vec::new() };
        // The count is not known yet; it is written over at the end.
        pack.write(b"PACK\0\0\0\x02\0\0\0\0")?;
        Ok(pack)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file.write_all(bytes).map_err(|e| RepoError::io("writing", &self.path, e))
    }

    pub(super) fn add(&mut self, kind: ObjectType, bytes: &[u8]) -> Result<()> {
        let code: u8 = match kind {
            ObjectType::Commit => 1,
            ObjectType::Tree => 2,
            ObjectType::Tag => 4,
            ObjectType::Blob | ObjectType::Any => 3,
        };
        let mut scratch = std::mem::take(&mut self.scratch);
        scratch.clear();
        let mut size = bytes.len();
        // Four bits of the size in the first byte, seven in each that follows.
        let mut byte = (code << 4) | u8::try_from(size & 0x0f).unwrap_or_default();
        size >>= 4;
        while size > 0 {
            scratch.push(byte | 0x80);
            byte = u8::try_from(size & 0x7f).unwrap_or_default();
            size >>= 7;
        }
        scratch.push(byte);
        let mut encoder = ZlibEncoder::new(scratch, Compression::new(6));
        let deflated = encoder.write_all(bytes).and_then(|()| encoder.finish());
        let scratch = deflated.map_err(|e| RepoError::io("deflating for", &self.path, e))?;
        self.write(&scratch)?;
        self.scratch = scratch;
        self.objects += 1;
        Ok(())
    }

    /// Completes the pack and hands it to libgit2, which verifies every object while it indexes them.
    pub(super) fn finish(mut self, odb: &Odb<'_>) -> Result<()> {
        let path = self.path.clone();
        let io = |act: &'static str| {
            let path = path.clone();
            move |error| RepoError::io(act, path, error)
        };
        self.file.flush().map_err(io("writing"))?;
        let mut file = self.file.into_inner().map_err(|e| io("writing")(e.into_error()))?;
        file.seek(SeekFrom::Start(8)).map_err(io("writing"))?;
        file.write_all(&self.objects.to_be_bytes()).map_err(io("writing"))?;
        drop(file);

        let mut file = File::open(&path).map_err(io("reading"))?;
        let mut writer = odb.packwriter().map_err(|e| RepoError::git("storing a pack", &e))?;
        let mut hash = Sha1::new();
        let mut buffer = vec![0; 1 << 20];
        loop {
            let count = file.read(&mut buffer).map_err(io("reading"))?;
            if count == 0 {
                break;
            }
            hash.update(&buffer[..count]);
            writer.write_all(&buffer[..count]).map_err(io("storing"))?;
        }
        let trailer: [u8; 20] = hash.finalize().into();
        writer.write_all(&trailer).map_err(io("storing"))?;
        writer.commit().map_err(|e| RepoError::git("indexing a pack", &e))?;
        std::fs::remove_file(&path).map_err(io("removing"))?;
        Ok(())
    }
}
