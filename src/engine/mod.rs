//! Decisions: pure, synchronous and total. No clock, no file, no network, no printing.

pub mod diff;
pub mod digest;
pub mod normalize;
pub mod refs;
pub mod schema;
pub mod scope;
