//! Makes snapshots: exports, watch rounds, and the branches that follow them.

pub(in crate::ops) mod advance;
pub mod export;
pub(in crate::ops) mod full_read;
pub mod incremental;
pub(in crate::ops) mod main_relation;
pub(in crate::ops) mod message;
pub(in crate::ops) mod publish;
pub(in crate::ops) mod record;
pub mod resume;
pub mod round;
pub mod shrink;
pub mod sync;
pub mod watch;
