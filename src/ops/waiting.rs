//! Objects that were read and wait until all names are known: in memory as long as they are few, else in a file that has no
//! name and is gone with the process. Memory does not grow with the tenant.

use std::io::{BufReader, BufWriter, Read as _, Seek as _, Write as _};

use anyhow::{Context as _, Result};
use tempfile::SpooledTempFile;

use crate::kinds;
use crate::model::{Kind, Object};

/// Up to here they stay in memory, in bytes.
const IN_MEMORY: usize = 16 * 1024 * 1024;

/// Objects in the order in which they came, as compact JSON.
pub struct Waiting {
    file: BufWriter<SpooledTempFile>,
    buffer: Vec<u8>,
    count: usize,
}

impl Default for Waiting {
    fn default() -> Waiting {
        Waiting { file: BufWriter::new(SpooledTempFile::new(IN_MEMORY)), buffer: Vec::new(), count: 0 }
    }
}

impl Waiting {
    /// Takes in an object.
    ///
    /// # Errors
    /// If the temporary folder has no room.
    pub fn push(&mut self, kind: &'static Kind, object: &Object) -> Result<()> {
        let place = kinds::ALL.iter().position(|one| *one == kind).context("a kind that is not listed")?;
        self.buffer.clear();
        serde_json::to_writer(&mut self.buffer, &object.0)?;
        let sizes = [u64::try_from(place)?, u64::try_from(self.buffer.len())?];
        self.count += 1;
        let mut write = || {
            sizes.iter().try_for_each(|size| self.file.write_all(&size.to_le_bytes()))?;
            self.file.write_all(&self.buffer)
        };
        write().with_context(full)
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Goes through all of them.
    ///
    /// # Errors
    /// If they cannot be read back, or `each` fails.
    pub fn each(&mut self, mut each: impl FnMut(&'static Kind, Object) -> Result<()>) -> Result<()> {
        self.file.flush().with_context(full)?;
        let file = self.file.get_mut();
        file.rewind()?;
        let mut reader = BufReader::with_capacity(256 * 1024, file);
        for _ in 0..self.count {
            let mut size = || -> Result<usize> {
                let mut bytes = [0; 8];
                reader.read_exact(&mut bytes)?;
                Ok(usize::try_from(u64::from_le_bytes(bytes))?)
            };
            let (place, length) = (size()?, size()?);
            self.buffer.resize(length, 0);
            reader.read_exact(&mut self.buffer)?;
            let kind = kinds::ALL.get(place).context("a kind that is not listed")?;
            each(kind, Object(serde_json::from_slice(&self.buffer)?))?;
        }
        Ok(())
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
        let mut waiting = Waiting::default();
        assert!(waiting.is_empty());
        let object = |number: usize| {
            let value = serde_json::json!({"id": number.to_string(), "description": "x".repeat(2_000)});
            Object(value.as_object().cloned().unwrap_or_default())
        };
        let count = IN_MEMORY / 1_000;
        for number in 0..count {
            waiting.push(kind, &object(number))?;
        }
        for _ in 0..2 {
            let mut next = 0;
            waiting.each(|found, read| {
                assert_eq!((found.name, &read), ("group", &object(next)));
                next += 1;
                Ok(())
            })?;
            assert_eq!(next, count);
        }
        Ok(())
    }
}
