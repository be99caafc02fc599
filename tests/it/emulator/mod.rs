//! The embedded tenant by itself: what it answers is what Graph's pages say.

mod answers;
mod changes;
mod faults;
mod foreign;
mod hidden;
mod metadata;
mod sdk;
mod speed;
