//! Writes one pack for many new objects. Threads deflate the objects as they come, inflate the result again as a check, and write
//! them one behind the other; at the end come header, checksum and index, all in a temporary folder. Only when pack and index are
//! on the disk are they moved to where git looks.
//!
//! The format is git's: <https://git-scm.com/docs/gitformat-pack>.

mod index;
mod worker;

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use git2::ObjectType;
use sha1::{Digest, Sha1};
use tempfile::TempDir;

use self::index::Entry;
use self::worker::Job;
use super::{ObjectId, RepoError};

/// Prefix of the folders of unfinished packs; [`super::Repo::lock`] removes those that killed runs left.
pub(super) const UNFINISHED: &str = "entragit-";

/// Length of the header: `PACK`, version 2, and the number of objects.
const HEADER: u64 = 12;
/// Number of bytes in a batch of objects for a thread: enough that the hand-over costs nothing beside the work.
const BATCH: usize = 256 * 1024;
/// Maximum number of threads: more would wait for the one that makes the objects.
const MOST_THREADS: usize = 8;

/// Represents a pack being written. Dropping it leaves nothing behind.
pub(super) struct PackWriter {
    batch: Vec<Job>,
    batch_bytes: usize,
    jobs: Option<SyncSender<Vec<Job>>>,
    workers: Vec<JoinHandle<()>>,
    made: Arc<Mutex<Made>>,
    /// Temporary folder; the last field, so that it is removed after all writing has ended.
    folder: TempDir,
}

/// Holds what has been written so far.
struct Made {
    file: BufWriter<File>,
    path: PathBuf,
    at: u64,
    entries: Vec<Entry>,
    failed: Option<RepoError>,
}

impl PackWriter {
    pub(super) fn create(objects: &Path) -> Result<PackWriter, RepoError> {
        let pack = objects.join("pack");
        std::fs::create_dir_all(&pack).map_err(RepoError::io("create", &pack))?;
        let folder =
            tempfile::Builder::new().prefix(UNFINISHED).tempdir_in(&pack).map_err(RepoError::io("write to", &pack))?;
        let path = folder.path().join("new.pack");
        let file = File::options().read(true).write(true).create_new(true).open(&path);
        let mut file = BufWriter::with_capacity(1 << 18, file.map_err(RepoError::io("create", &path))?);
        // The number of objects is not known yet.
        file.write_all(&[0; HEADER as usize]).map_err(RepoError::io("write to", &path))?;
        let made = Arc::new(Mutex::new(Made { file, path, at: HEADER, entries: Vec::new(), failed: None }));
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS);
        let (jobs, queue) = sync_channel::<Vec<Job>>(2 * threads);
        let queue = Arc::new(Mutex::new(queue));
        let workers = (0..threads).map(|_| {
            let (queue, made) = (Arc::clone(&queue), Arc::clone(&made));
            std::thread::spawn(move || worker::run(&queue, &made))
        });
        let workers = workers.collect();
        Ok(PackWriter { batch: Vec::new(), batch_bytes: 0, jobs: Some(jobs), workers, made, folder })
    }

    /// Adds an object. The caller ensures that none is added twice.
    pub(super) fn add(&mut self, kind: ObjectType, id: ObjectId, bytes: Vec<u8>) -> Result<(), RepoError> {
        self.batch_bytes += bytes.len();
        self.batch.push(Job { kind, id, bytes });
        if self.batch_bytes >= BATCH { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), RepoError> {
        self.batch_bytes = 0;
        let batch = std::mem::take(&mut self.batch);
        let sent = self.jobs.as_ref().is_some_and(|jobs| jobs.send(batch).is_ok());
        match lock(&self.made).failed.take() {
            Some(error) => Err(error),
            None if !sent => Err(RepoError::Invalid("the threads that write a pack have ended".into())),
            None => Ok(()),
        }
    }

    /// Flushes pack and index to the disk, and then moves them to git's objects.
    pub(super) fn finish(mut self, objects: &Path) -> Result<(), RepoError> {
        if !self.batch.is_empty() {
            self.send()?;
        }
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // A panic of the thread is resumed here, as if this thread had done the work itself.
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
        let mut made = lock(&self.made);
        if let Some(error) = made.failed.take() {
            return Err(error);
        }
        let mut entries = std::mem::take(&mut made.entries);
        let checksum = complete(&mut made, entries.len())?;
        let pack = made.path.clone();
        drop(made);
        entries.sort_unstable_by_key(|entry| entry.id);
        let index = self.folder.path().join("new.idx");
        std::fs::write(&index, index::bytes(&entries, &checksum)?).map_err(RepoError::io("write", &index))?;
        let name = checksum.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let target = objects.join("pack");
        for made in [&pack, &index] {
            flush_file(made)?;
            read_only(made)?;
        }
        // The index is moved last: git ignores a pack without one.
        for (made, extension) in [(&pack, "pack"), (&index, "idx")] {
            let to = target.join(format!("pack-{name}.{extension}"));
            // The name is the checksum, so a file with this name has the same content.
            if !to.exists() {
                std::fs::rename(made, &to).map_err(RepoError::io("write", &to))?;
            }
        }
        flush_folder(&target)
    }
}

impl Drop for PackWriter {
    fn drop(&mut self) {
        self.jobs = None;
        for worker in self.workers.drain(..) {
            // The result of the thread does not matter, as the pack is discarded.
            let _ = worker.join();
        }
    }
}

impl Made {
    /// Appends a deflated object.
    fn append(&mut self, id: ObjectId, bytes: &[u8]) {
        if self.failed.is_some() {
            return;
        }
        if let Err(error) = self.file.write_all(bytes) {
            self.failed = Some(RepoError::io("write to", &self.path)(error));
            return;
        }
        self.entries.push(Entry { id, crc: crc32fast::hash(bytes), offset: self.at });
        self.at += bytes.len() as u64;
    }
}

fn lock(made: &Mutex<Made>) -> std::sync::MutexGuard<'_, Made> {
    made.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes the number of objects into the header, and appends the checksum of the whole file.
fn complete(made: &mut Made, count: usize) -> Result<[u8; 20], RepoError> {
    let path = made.path.clone();
    let count = u32::try_from(count).map_err(|_| RepoError::Invalid("too many objects for one pack".into()))?;
    let mut head = [0u8; HEADER as usize];
    head[..4].copy_from_slice(b"PACK");
    head[4..8].copy_from_slice(&2u32.to_be_bytes());
    head[8..].copy_from_slice(&count.to_be_bytes());
    made.file.flush().map_err(RepoError::io("write to", &path))?;
    let file = made.file.get_mut();
    let mut write = || {
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&head)?;
        file.seek(SeekFrom::Start(0))?;
        let mut hasher = Sha1::new();
        let mut buffer = vec![0u8; 1 << 20];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                read => hasher.update(&buffer[..read]),
            }
        }
        let checksum: [u8; 20] = hasher.finalize().into();
        file.write_all(&checksum)?;
        Ok(checksum)
    };
    write().map_err(RepoError::io("write to", &path))
}

/// Makes a file read-only, as git does with its own packs.
fn read_only(path: &Path) -> Result<(), RepoError> {
    let io = |error| RepoError::io("protect", path)(error);
    let mut permissions = std::fs::metadata(path).map_err(io)?.permissions();
    permissions.set_readonly(true);
    std::fs::set_permissions(path, permissions).map_err(io)
}

fn flush_file(path: &Path) -> Result<(), RepoError> {
    // Windows flushes only files that are open for writing.
    let flushed = File::options().write(true).open(path).and_then(|file| file.sync_all());
    flushed.map_err(RepoError::io("flush", path))
}

/// Flushes a folder, so that the names in it are durable.
pub(super) fn flush_folder(path: &Path) -> Result<(), RepoError> {
    if cfg!(windows) {
        return Ok(());
    }
    File::open(path).and_then(|folder| folder.sync_all()).map_err(RepoError::io("flush", path))
}
