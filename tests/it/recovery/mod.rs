//! The way back to what a commit says: plan, apply, undo, drill.

mod adopting;
mod applying;
mod authoring;
mod changes;
mod drill;
mod each_kind;
mod end_to_end;
mod group_settings;
mod killed;
mod preconditions;
mod restoring;
mod roles;
mod schedules;
mod translating;
mod undo;
mod verdict;
