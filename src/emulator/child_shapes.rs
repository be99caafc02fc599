//! Finds the types of children, and adds what they show besides their own properties.

use serde_json::Value;

use super::csdl::{Csdl, Type};
use super::error::Fault;
use super::quirks;
use super::request::Request;
use super::store::Properties;
use crate::model::Kind;
use crate::model::kind::Link;

/// Returns the metadata's type of the children of a link.
pub fn type_of(csdl: &'static Csdl, kind: &Kind, link: &Link) -> Result<&'static Type, Fault> {
    type_at(csdl, kind, link).ok_or_else(|| Fault::no_segment(link.name))
}

fn type_at(csdl: &'static Csdl, kind: &Kind, link: &Link) -> Option<&'static Type> {
    let mut names = link.segment().split('/');
    names.try_fold(csdl.ty(kind.entity)?, |ty, name| csdl.ty(&ty.nav(name)?.ty))
}

/// Adds the annotations that a child of that link shows besides its own properties.
pub fn decorate(link: &Link, child: Properties, request: &Request) -> Properties {
    if link.name != "authenticationMethodConfigurations" {
        return child;
    }
    match quirks::configuration(Value::Object(child), &request.root()) {
        Value::Object(child) => child,
        _ => Properties::new(),
    }
}
