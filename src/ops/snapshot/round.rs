//! Describes a watch round: its options, and the commits it made.

use std::collections::BTreeMap;

use crate::repo::ObjectId;

/// Holds the options of a round.
#[derive(Debug, Clone, Copy)]
pub struct RoundOptions {
    /// Number of rounds after which everything is read.
    pub full_every: u32,
    /// True if the round is to be repeated later if it is not known yet who made a change.
    pub patient: bool,
    /// True if all changes become one commit, whoever made them.
    pub one_commit: bool,
}

/// Represents one commit of a round.
#[derive(Debug, Clone)]
pub struct Committed {
    /// Id of the commit.
    pub id: ObjectId,
    /// Name of the author.
    pub author: String,
    /// Number of objects changed in it.
    pub objects: usize,
}

/// Describes what a round did.
#[derive(Debug, Clone)]
#[must_use]
pub struct Round {
    /// True if everything was read.
    pub full: bool,
    /// Number of objects whose change has no known author yet: nothing was committed, and the round is to be repeated.
    pub waiting: usize,
    /// Commits made, oldest first.
    pub commits: Vec<Committed>,
    /// Number of objects added, changed and removed.
    pub changed: (usize, usize, usize),
    /// Present tip of `snapshots`.
    pub tip: ObjectId,
    /// Number of objects per kind or variant.
    pub counts: BTreeMap<&'static str, usize>,
    /// Number of objects in all.
    pub objects: usize,
    /// Number of properties that no schema knows, in all.
    pub unknown: usize,
    /// True if everything in scope is known completely.
    pub complete: bool,
    /// Objects with edits on `main` that are not applied yet.
    pub pending: Vec<String>,
}
