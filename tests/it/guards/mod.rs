//! What nobody may do by accident or by intent, and who may allow it.

mod approving;
mod authority;
mod escalation;
mod lockout;
mod protected;
mod safety;
mod secrets;
mod weakens;
