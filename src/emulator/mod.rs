//! emulator

pub mod seed;
