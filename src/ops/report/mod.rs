//! Compares and reports; nothing is written.

pub(in crate::ops) mod accepted;
pub mod diff;
pub mod doctor;
pub mod drift;
pub mod status;
pub mod validate;
