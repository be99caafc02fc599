//! Snapshots: what is read, what is believed, and what is kept.

mod absence;
mod exporting;
mod scope;
mod shrink;
mod watch;
