//! Runs the commands that bring a tenant to a commit: `plan`, `apply`, `restore`, `undo` and `sign`.

mod applied;
mod apply;
mod carry_out;
mod plan;
mod planned;
mod report;
mod restore;
mod session;
mod sign;
mod target;
mod undo;
mod verified;

pub use apply::{ApplyArgs, apply};
pub use plan::{PlanArgs, plan};
#[cfg(feature = "emulator")]
pub use report::report_apply;
pub use restore::{RestoreArgs, restore};
pub use sign::{SignArgs, sign};
pub use undo::{UndoArgs, undo};
