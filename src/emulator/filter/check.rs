//! Checks filters against the metadata, and tells which the directory answers only as advanced queries.

use super::{Expr, Func, Literal, Op};
use crate::emulator::csdl::{Csdl, Type};
use crate::emulator::error::Fault;

impl Expr {
    /// Returns true if the directory answers this only as an advanced query.
    /// <https://learn.microsoft.com/graph/aad-advanced-queries>
    pub fn is_advanced(&self) -> bool {
        match self {
            Expr::And(a, b) | Expr::Or(a, b) => a.is_advanced() || b.is_advanced(),
            Expr::Not(_) | Expr::Call(Func::EndsWith, ..) => true,
            Expr::Compare(path, op, literal) => {
                path.last().is_some_and(|last| last == "$count")
                    || *op == Op::Ne
                    || (!matches!(op, Op::Eq) && matches!(literal, Literal::Text(_)))
            }
            Expr::In(..) | Expr::Call(..) | Expr::IsOf(_) => false,
            Expr::Any(_, _, inner) => inner.as_ref().is_some_and(|inner| inner.is_advanced()),
        }
    }

    /// Returns the names of the properties it uses.
    pub fn names(&self) -> Vec<&str> {
        match self {
            Expr::And(a, b) | Expr::Or(a, b) => [a.names(), b.names()].concat(),
            Expr::Not(inner) => inner.names(),
            Expr::IsOf(_) => vec!["@odata.type"],
            Expr::Compare(path, ..) | Expr::In(path, _) | Expr::Call(_, path, _) | Expr::Any(path, ..) => {
                path.first().map(String::as_str).into_iter().collect()
            }
        }
    }

    /// Refuses properties that the type does not have, and `contains` where the directory does not support it.
    pub fn check(&self, csdl: &Csdl, ty: &Type, directory: bool) -> Result<(), Fault> {
        match self {
            Expr::And(a, b) | Expr::Or(a, b) => {
                a.check(csdl, ty, directory).and_then(|()| b.check(csdl, ty, directory))
            }
            Expr::Not(inner) => inner.check(csdl, ty, directory),
            // "$filter=isof('microsoft.graph.ipNamedLocation')":
            // <https://learn.microsoft.com/graph/api/conditionalaccessroot-list-namedlocations>
            Expr::IsOf(name) if csdl.is_a(name, &ty.name) => Ok(()),
            Expr::IsOf(name) => Err(Fault::odata(format!(
                "Invalid filter clause: The type '{name}' is not found, or does not extend '{}'.",
                ty.name
            ))),
            Expr::Call(Func::Contains, path, _) if directory => Err(Fault::unsupported(format!(
                "Unsupported or invalid query filter clause specified for property '{}' of resource '{}'.",
                path.join("/"),
                ty.short()
            ))),
            Expr::Compare(path, ..) | Expr::In(path, _) | Expr::Call(_, path, _) | Expr::Any(path, ..) => {
                known(csdl, ty, path)
            }
        }
    }
}

fn known(csdl: &Csdl, ty: &Type, path: &[String]) -> Result<(), Fault> {
    let mut at = Some(ty);
    for name in path {
        let Some(ty) = at else { return Ok(()) };
        if name == "$count" {
            return Ok(());
        }
        if let Some(property) = ty.property(name) {
            at = csdl.ty(&property.ty);
        } else if ty.nav(name).is_some() {
            at = None;
        } else if ty.open && name.starts_with("extension_") {
            return Ok(());
        } else {
            return Err(Fault::odata(format!(
                "Invalid filter clause: Could not find a property named '{name}' on type '{}'.",
                ty.name
            )));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::parse;

    #[test]
    fn advanced_filters_are_told_apart() {
        let advanced = |text| parse(text).is_ok_and(|expr| expr.is_advanced());
        assert!(advanced("a ne 'x'") && advanced("endswith(a,'x')") && advanced("not(a eq 'x')"));
        assert!(!advanced("startswith(a,'x') or a in ('1')"));
    }
}
