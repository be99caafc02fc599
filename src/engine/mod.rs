//! Decisions: pure, synchronous and total. No clock, no file, no network, no printing.

pub mod schema;
