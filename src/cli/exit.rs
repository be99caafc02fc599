//! Exit codes, as documented in the help.

/// Done, or nothing to do.
pub const DONE: u8 = 0;
/// Error.
pub const ERROR: u8 = 1;
/// Differences or changes present.
pub const DIFFERS: u8 = 2;
/// Refused by a guard.
pub const REFUSED: u8 = 3;
/// Incomplete.
pub const INCOMPLETE: u8 = 4;
/// The target moved.
pub const STALE: u8 = 5;
/// Another run holds the lock.
pub const LOCKED: u8 = 6;
/// The repository is damaged.
pub const DAMAGED: u8 = 7;
