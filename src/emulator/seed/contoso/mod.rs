//! c
pub mod names;
