//! Keeps the journal of an apply: what was sent and how it ended, on disk before anything is sent.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::model::{Action, Address, IdMap, Plan, StepId};

/// Represents a write-ahead journal with one JSON line per event, each on disk before the work goes on.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
    /// State left by earlier runs of the same plan.
    pub past: Past,
    /// True if an earlier run of the same plan came to its end.
    pub ended_before: bool,
}

/// Holds what a journal records of earlier runs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Past {
    /// Ids of the steps that are done.
    pub done: BTreeSet<StepId>,
    /// Ids of the steps that were sent and whose answer was not recorded: they may have happened.
    pub unknown: BTreeSet<StepId>,
    /// Digests of objects' properties as they were after the step.
    pub seen: BTreeMap<StepId, String>,
    /// Ids learned from creations.
    pub learned: IdMap,
    /// Time at which the first run began (RFC 3339, UTC); empty if it was not recorded.
    pub begun: String,
    /// True if an earlier run came to its end.
    pub ended: bool,
    /// True if an earlier run came to its end, except that the tenant did not show all writes yet.
    pub waiting: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
enum Line {
    Begun {
        at: String,
    },
    Sent {
        step: StepId,
        title: String,
    },
    Done {
        step: StepId,
        #[serde(default)]
        learned: BTreeMap<String, String>,
    },
    Seen {
        step: StepId,
        properties: String,
    },
    Failed {
        step: StepId,
        error: String,
    },
    Ended {
        verified: bool,
    },
    Waiting {
        objects: usize,
    },
}

impl Past {
    /// Returns the digests that the properties of objects must have whose steps have begun, and not all ended; `None` if the
    /// digest is not known, because the run was cut off between a write and the look at its result.
    pub fn expected<'a>(&'a self, plan: &'a Plan) -> BTreeMap<&'a Address, Option<&'a str>> {
        let mut expected = BTreeMap::new();
        for id in self.done.union(&self.unknown) {
            let Some(step) = plan.steps.get(*id) else { continue };
            let planned = || plan.seen.get(&step.address).map(|seen| seen.properties.as_str());
            let digest = expected.entry(&step.address).or_insert_with(planned);
            // A step on a link does not change properties, except for credentials.
            let of_link = match &step.action {
                Action::Link { .. } | Action::Relink { .. } => true,
                Action::Unlink { link, .. } => step.address.kind.credential(link).is_none(),
                _ => false,
            };
            if !of_link {
                *digest = self.seen.get(id).filter(|_| self.done.contains(id)).map(String::as_str);
            }
        }
        let left: BTreeSet<&Address> = plan
            .steps
            .iter()
            .enumerate()
            .filter(|(id, _)| !self.done.contains(id))
            .map(|(_, step)| &step.address)
            .collect();
        expected.retain(|address, _| left.contains(address));
        expected
    }
}

impl Journal {
    /// Opens the journal of the plan with this digest, below the git directory; that of an earlier run is read first.
    ///
    /// # Errors
    /// If the journal cannot be read or written.
    pub fn open(git_dir: &Path, digest: &str) -> Result<Journal> {
        let folder = git_dir.join("entragit").join("journal");
        std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        let path = folder.join(format!("{digest}.jsonl"));
        let mut torn = false;
        let past = match std::fs::read_to_string(&path) {
            Ok(text) => {
                torn = !text.is_empty() && !text.ends_with('\n');
                replay(&text)
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Past::default(),
            Err(error) => return Err(error).with_context(|| format!("reading the journal {}", path.display())),
        };
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(&path)
            .with_context(|| format!("opening the journal {}", path.display()))?;
        if torn {
            // A newline keeps the next line from becoming part of one that was cut off.
            file.write_all(b"\n").with_context(|| format!("writing the journal {}", path.display()))?;
        }
        // The time has nanoseconds, because the order of the runs counts when several were cut off.
        if past.begun.is_empty() || past.ended {
            let line = Line::Begun { at: format!("{:.9}", jiff::Timestamp::now()) };
            let mut bytes = serde_json::to_vec(&line)?;
            bytes.push(b'\n');
            file.write_all(&bytes).with_context(|| format!("writing the journal {}", path.display()))?;
        }
        // A run that came to its end is history: the same plan starts anew, where it may.
        let ended_before = past.ended;
        let past = if ended_before { Past::default() } else { past };
        Ok(Journal { path, file, past, ended_before })
    }

    /// Returns the digests of plans whose run has begun and not come to its end, oldest first.
    ///
    /// # Errors
    /// If the journals cannot be read.
    pub fn unended(git_dir: &Path) -> Result<Vec<String>> {
        let folder = git_dir.join("entragit").join("journal");
        let entries = match std::fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error).with_context(|| format!("reading {}", folder.display())),
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
            let Some(digest) = path.file_stem().and_then(|stem| stem.to_str()) else { continue };
            let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let past = replay(&text);
            if !past.ended && (!past.done.is_empty() || !past.unknown.is_empty()) {
                found.push((past.begun, digest.to_owned()));
            }
        }
        found.sort();
        Ok(found.into_iter().map(|(_, digest)| digest).collect())
    }

    /// Returns the ids that cut-off runs have learned, and which no receipt records yet.
    ///
    /// # Errors
    /// If the journals cannot be read.
    pub fn pending_ids(git_dir: &Path) -> Result<IdMap> {
        let mut ids = IdMap::default();
        for digest in Journal::unended(git_dir)? {
            ids.extend(&Journal::open(git_dir, &digest)?.past.learned);
        }
        Ok(ids)
    }

    /// Forgets a run that came to its end except for writes that did not show, since the same plan is carried out again.
    pub fn begin_anew(&mut self) {
        if self.past.waiting {
            self.past = Past::default();
            self.ended_before = true;
        }
    }

    /// Returns the path of the journal.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Records that a step is about to be sent.
    ///
    /// # Errors
    /// If the line cannot be put on disk; nothing must be sent then.
    pub fn record_sent(&mut self, step: StepId, title: &str) -> Result<()> {
        self.line(&Line::Sent { step, title: title.to_owned() })
    }

    /// Records that a step is done, and that these ids were learned.
    ///
    /// # Errors
    /// If the line cannot be put on disk.
    pub fn record_done(&mut self, step: StepId, learned: &IdMap) -> Result<()> {
        let learned = learned.iter().map(|(old, new)| (old.to_owned(), new.to_owned())).collect();
        self.line(&Line::Done { step, learned })
    }

    /// Records the digest of the object's properties after a step that is done.
    ///
    /// # Errors
    /// If the line cannot be put on disk.
    pub fn record_digest(&mut self, step: StepId, properties: &str) -> Result<()> {
        self.line(&Line::Seen { step, properties: properties.to_owned() })
    }

    /// Records that a step failed for certain.
    ///
    /// # Errors
    /// If the line cannot be put on disk.
    pub fn record_failure(&mut self, step: StepId, error: &str) -> Result<()> {
        self.line(&Line::Failed { step, error: error.to_owned() })
    }

    /// Records that the run is over.
    ///
    /// # Errors
    /// If the line cannot be put on disk.
    pub fn record_end(&mut self, verified: bool) -> Result<()> {
        self.line(&Line::Ended { verified })
    }

    /// Records that the run is over, and that this number of objects do not show yet what was written to them. There is nothing
    /// to take up, but the objects that the run created must not be created again.
    ///
    /// # Errors
    /// If the line cannot be put on disk.
    pub fn record_waiting(&mut self, objects: usize) -> Result<()> {
        self.line(&Line::Waiting { objects })
    }

    fn line(&mut self, line: &Line) -> Result<()> {
        let mut bytes = serde_json::to_vec(line)?;
        bytes.push(b'\n');
        self.file
            .write_all(&bytes)
            .and_then(|()| self.file.sync_data())
            .with_context(|| format!("writing the journal {}", self.path.display()))
    }
}

/// Reads a journal; a last line that was cut off by a crash is ignored.
fn replay(text: &str) -> Past {
    let mut past = Past::default();
    for line in text.lines() {
        let line = serde_json::from_str::<Line>(line);
        if (past.ended || past.waiting)
            && matches!(line, Ok(Line::Sent { .. } | Line::Done { .. } | Line::Failed { .. }))
        {
            past = Past { begun: past.begun, ..Past::default() };
        }
        match line {
            // The last beginning counts if the plan ran again after its end; it does not reset the state by itself.
            Ok(Line::Begun { at }) => past.begun = at,
            Ok(Line::Sent { step, .. }) => {
                past.unknown.insert(step);
            }
            Ok(Line::Done { step, learned }) => {
                past.unknown.remove(&step);
                past.done.insert(step);
                for (old, new) in learned {
                    past.learned.learn(&old, &new);
                }
            }
            Ok(Line::Seen { step, properties }) => {
                past.seen.insert(step, properties);
            }
            Ok(Line::Failed { step, .. }) => {
                past.unknown.remove(&step);
            }
            Ok(Line::Ended { .. }) => past.ended = true,
            Ok(Line::Waiting { .. }) => past.waiting = true,
            Err(_) => {}
        }
    }
    past
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_run_is_taken_up() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mut journal = Journal::open(dir.path(), "d1")?;
        journal.record_sent(0, "create group")?;
        let mut learned = IdMap::default();
        learned.learn("old", "new");
        journal.record_done(0, &learned)?;
        journal.record_sent(1, "update group")?;
        drop(journal);
        let journal = Journal::open(dir.path(), "d1")?;
        assert_eq!(journal.past.done, BTreeSet::from([0]));
        assert_eq!(journal.past.unknown, BTreeSet::from([1]));
        assert_eq!(journal.past.learned.current("old"), "new");
        Ok(())
    }

    #[test]
    fn a_line_that_was_cut_off_spoils_no_other() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let path = Journal::open(dir.path(), "d1")?.path().to_owned();
        std::fs::write(&path, b"{\"state\":\"sent\",\"step\":0,\"title\":\"x\"}\n{\"state\":\"do")?;
        Journal::open(dir.path(), "d1")?.record_sent(1, "y")?;
        assert_eq!(Journal::open(dir.path(), "d1")?.past.unknown, BTreeSet::from([0, 1]));
        Ok(())
    }

    #[test]
    fn runs_that_were_cut_off_are_taken_in_by_age() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let folder = Journal::open(dir.path(), "z")?.path().parent().map(Path::to_owned).unwrap_or_default();
        let write = |digest: &str, at: &str, old: &str, new: &str| {
            let begun = serde_json::json!({"state": "begun", "at": at});
            let done = serde_json::json!({"state": "done", "step": 0, "learned": {old: new}});
            std::fs::write(folder.join(format!("{digest}.jsonl")), format!("{begun}\n{done}\n"))
        };
        write("older", "2026-01-01T00:00:00.000000000Z", "a", "b")?;
        write("newer", "2026-01-01T00:00:00.500000000Z", "b", "c")?;
        assert_eq!(Journal::unended(dir.path())?, ["older", "newer"]);
        assert_eq!(Journal::pending_ids(dir.path())?.current("a"), "c");
        Ok(())
    }

    #[test]
    fn a_run_that_ended_is_history() -> Result<()> {
        let dir = tempfile::tempdir()?;
        let mut journal = Journal::open(dir.path(), "d1")?;
        journal.record_sent(0, "x")?;
        journal.record_end(true)?;
        drop(journal);
        let mut journal = Journal::open(dir.path(), "d1")?;
        assert_eq!((&journal.past, journal.ended_before), (&Past::default(), true));
        assert!(Journal::open(dir.path(), "d1")?.ended_before, "looking does not make it forget");
        journal.record_sent(1, "y")?;
        let journal = Journal::open(dir.path(), "d1")?;
        assert_eq!((journal.past.unknown, journal.ended_before), (BTreeSet::from([1]), false));
        Ok(())
    }
}
