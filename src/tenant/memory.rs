//! The tenant in memory.
