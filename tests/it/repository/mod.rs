//! Git repositories as people and machines have them.

mod clones;
mod hostile;
mod ordinary;
mod syncing;
