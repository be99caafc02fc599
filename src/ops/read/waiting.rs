//! Holds objects that were read and wait until all names are known: in memory as long as they are few, else in a file that has no
//! name and is gone with the process. Memory does not grow with the tenant.

use std::io::{BufReader, BufWriter, Seek as _, Write as _};

use anyhow::{Context as _, Result};
use tempfile::SpooledTempFile;

use crate::kinds;
use crate::model::{Kind, Object};

/// Size up to which the objects stay in memory, in bytes.
const IN_MEMORY: usize = 16 * 1024 * 1024;

/// Number of objects that are read back at the same time.
const AT_ONCE: usize = 512;

/// Holds objects in the order in which they came, as compact JSON.
pub struct Spool {
    file: BufWriter<SpooledTempFile>,
    count: usize,
}

impl Default for Spool {
    fn default() -> Spool {
        Spool { file: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), count: 0 }
    }
}

impl Spool {
    /// Adds an object as JSON.
    ///
    /// # Errors
    /// If the temporary folder has no room.
    pub fn push(&mut self, kind: &'static Kind, json: &[u8]) -> Result<()> {
        let place = kinds::ALL.iter().position(|one| *one == kind).context("a kind that is not listed")?;
        let sizes = [u64::try_from(place)?, u64::try_from(json.len())?];
        self.count += 1;
        let mut write = || {
            sizes.iter().try_for_each(|size| self.file.write_all(&size.to_le_bytes()))?;
            self.file.write_all(json)
        };
        write().with_context(full)
    }

    /// Returns true if no object waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Goes through all objects, in batches that are large enough to be worth handing to another core.
    ///
    /// # Errors
    /// If they cannot be read back; the iteration ends after an error.
    pub fn all(&mut self) -> Result<impl Iterator<Item = Result<Vec<SpooledObject>>>> {
        self.file.flush().with_context(full)?;
        let file = self.file.get_mut();
        file.rewind()?;
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        let mut left = self.count;
        Ok(std::iter::from_fn(move || {
            let batch = left.min(AT_ONCE);
            left -= batch;
            let read: Result<Vec<SpooledObject>> = (0..batch).map(|_| SpooledObject::read(&mut reader)).collect();
            if read.is_err() {
                left = 0;
            }
            (batch > 0).then_some(read)
        }))
    }
}

/// Represents an object that waited.
pub struct SpooledObject {
    /// Kind of the object.
    pub kind: &'static Kind,
    json: Vec<u8>,
}

impl SpooledObject {
    fn read(from: &mut impl std::io::Read) -> Result<SpooledObject> {
        let mut number = || -> Result<usize> {
            let mut bytes = [0; 8];
            from.read_exact(&mut bytes)?;
            Ok(usize::try_from(u64::from_le_bytes(bytes))?)
        };
        let (place, length) = (number()?, number()?);
        let mut json = vec![0; length];
        from.read_exact(&mut json)?;
        let kind = kinds::ALL.get(place).copied().context("a kind that is not listed")?;
        Ok(SpooledObject { kind, json })
    }

    /// Returns the object as it came.
    ///
    /// # Errors
    /// If the bytes are not those that were written.
    pub fn object(&self) -> Result<Object> {
        Ok(Object(serde_json::from_slice(&self.json)?))
    }
}

fn full() -> String {
    format!(
        "keeping what was read in the temporary folder {}; make room there, or set TMPDIR to another one",
        std::env::temp_dir().display()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_comes_back_as_it_was_however_much_it_is() -> Result<()> {
        let kind = kinds::by_name("group").context("groups")?;
        let mut spool = Spool::default();
        assert!(spool.is_empty());
        let object = |number: usize| {
            let value = serde_json::json!({"id": number.to_string(), "description": "x".repeat(2_000)});
            Object(value.as_object().cloned().unwrap_or_default())
        };
        let count = IN_MEMORY / 1_000;
        for number in 0..count {
            spool.push(kind, &serde_json::to_vec(&object(number).0)?)?;
        }
        for _ in 0..2 {
            let mut next = 0;
            for batch in spool.all()? {
                for found in batch? {
                    assert_eq!((found.kind.name, &found.object()?), ("group", &object(next)));
                    next += 1;
                }
            }
            assert_eq!(next, count);
        }
        Ok(())
    }
}
