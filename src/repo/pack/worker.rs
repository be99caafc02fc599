//! Deflates objects in a thread.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::mpsc::Receiver;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};
use git2::ObjectType;

use super::{Made, lock};
use crate::repo::{ObjectId, RepoError};

/// Represents an object to be written.
pub(super) struct Job {
    pub(super) kind: ObjectType,
    pub(super) id: ObjectId,
    pub(super) bytes: Vec<u8>,
}

/// Deflates the objects of the queue until the sender closes it.
pub(super) fn run(queue: &Mutex<Receiver<Vec<Job>>>, made: &Mutex<Made>) {
    let mut deflate = Compress::new(Compression::new(6), true);
    let mut inflate = Decompress::new(true);
    let (mut out, mut back) = (Vec::new(), Vec::new());
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(batch) = next else { return };
        out.clear();
        let mut ends = Vec::with_capacity(batch.len());
        for job in &batch {
            let start = out.len();
            header(job.kind, job.bytes.len(), &mut out);
            let body = out.len();
            let same = compress(&mut deflate, &job.bytes, &mut out)
                .and_then(|()| expand(&mut inflate, &out[body..], job.bytes.len(), &mut back))
                .map(|()| back == job.bytes);
            match same {
                Ok(true) => ends.push((job.id, start, out.len())),
                Ok(false) | Err(_) => {
                    let what =
                        format!("{} {} is not what was to be compressed, once it is read back", job.kind, job.id);
                    lock(made).failed = Some(RepoError::Damaged(what));
                    return;
                }
            }
        }
        let mut made = lock(made);
        for (id, start, end) in ends {
            made.append(id, &out[start..end]);
        }
    }
}

fn compress(deflate: &mut Compress, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ()> {
    deflate.reset();
    loop {
        let done = usize::try_from(deflate.total_in()).unwrap_or(usize::MAX).min(bytes.len());
        out.reserve(128 + (bytes.len() - done) / 2);
        match deflate.compress_vec(&bytes[done..], out, FlushCompress::Finish).map_err(drop)? {
            Status::StreamEnd => return Ok(()),
            Status::Ok | Status::BufError => {}
        }
    }
}

fn expand(inflate: &mut Decompress, bytes: &[u8], size: usize, out: &mut Vec<u8>) -> Result<(), ()> {
    inflate.reset(true);
    out.clear();
    out.reserve(size + 1);
    match inflate.decompress_vec(bytes, out, FlushDecompress::Finish).map_err(drop)? {
        Status::StreamEnd => Ok(()),
        Status::Ok | Status::BufError => Err(()),
    }
}

/// Appends the head of a pack entry: kind and size, seven bits a byte after the first four.
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
