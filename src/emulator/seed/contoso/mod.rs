//! Defines Contoso: the company of the embedded tenant.

mod access;
mod applications;
mod authentication;
mod data;
mod first_party;
mod groups;
pub mod names;
mod people;
mod policies;
mod principals;
mod roles;
mod roster;
mod software;

use super::SeedObject;

/// Returns all objects, people first.
pub(super) fn objects() -> Vec<SeedObject> {
    let people = people::people();
    let mut all: Vec<SeedObject> = people.iter().map(people::Person::object).collect();
    all.extend(groups::objects(&people));
    all.extend(applications::objects(&people));
    all.extend(principals::objects(&people));
    all.extend(access::locations());
    all.extend(authentication::strengths());
    all.extend(access::policies());
    all.extend(policies::objects());
    all.extend(roles::objects());
    all.extend(data::objects());
    all
}
