//! Reads the live tenant.

pub mod absence;
pub mod facts;
pub mod live;
pub mod waiting;
