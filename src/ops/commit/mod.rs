//! Reads commits: their files, objects and names.

pub mod base;
pub mod covered;
pub mod find;
pub(in crate::ops) mod identities;
pub mod lookup;
pub mod selectors;
pub mod snapshots_branch;
pub mod source;
pub mod when;
