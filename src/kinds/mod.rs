//! The registry: one file and one word per kind.
//!
//! A new kind is a schema under `schemas/`, a file here that says how Graph serves it, one word in the list below, and a
//! documented reply as a fixture. Nothing else changes.

#![warn(clippy::disallowed_types, clippy::disallowed_methods)]

use crate::model::Kind;

macro_rules! kinds {
    ($($module:ident),* $(,)?) => {
        $(mod $module;)*
        /// Every kind, in the order in which people would read a tenant.
        pub const ALL: &[&Kind] = &[$(&$module::KIND),*];
    };
}

kinds! {
    user,
    group,
    application,
    service_principal,
    named_location,
    authentication_strength_policy,
    conditional_access_policy,
    authorization_policy,
    authentication_methods_policy,
    role_definition,
    role_assignment,
    role_management_policy,
}

/// The kind called `name` (`group`), if there is one.
pub fn by_name(name: &str) -> Option<&'static Kind> {
    ALL.iter().copied().find(|kind| kind.name == name)
}

/// The kind that `word` means: its name, its folder, its plural in the path, or a variant's name; case does not count.
pub fn by_word(word: &str) -> Option<&'static Kind> {
    let word = word.trim_matches('/');
    ALL.iter().copied().find(|kind| {
        kind.name.eq_ignore_ascii_case(word)
            || kind.folder.eq_ignore_ascii_case(word)
            || kind.title.eq_ignore_ascii_case(word)
            || kind.path.trim_start_matches('/').eq_ignore_ascii_case(word)
    })
}
