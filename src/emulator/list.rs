//! Answers requests for a list: filters, orders and pages the objects, and selects their properties.

use serde_json::{Value, json};

use super::csdl::{Csdl, Type};
use super::error::Fault;
use super::evaluate;
use super::expand::expanded;
use super::odata::{Options, Shape};
use super::page;
use super::request::{Reply, Request, encode};
use super::store::{Key, Properties};
use super::tenant::Tenant;
use crate::model::Kind;

/// Describes a request for a list of objects.
pub struct List<'a> {
    /// The tenant.
    pub tenant: &'a Tenant,
    /// Metadata of the Graph version that the request names.
    pub csdl: &'static Csdl,
    /// Type of the items.
    pub ty: &'static Type,
    /// The request.
    pub request: &'a Request,
    /// Options of the request.
    pub options: Options,
    /// Value of `@odata.context`, without the selected properties at its end.
    pub context: String,
    /// Kind of the items, if all are of one kind; without it `$expand` is ignored.
    pub kind: Option<&'static Kind>,
}

/// Keys and properties of objects, in the order of the keys.
type Rows<'a> = Box<dyn Iterator<Item = (Key, Properties)> + 'a>;

impl<'a> List<'a> {
    /// Answers with one page. `source` returns the rows after a key, or all rows without one.
    pub fn answer(self, source: impl Fn(Option<Key>) -> Rows<'a>) -> Result<Reply, Fault> {
        let mut shape = Shape::new(self.csdl, self.ty, self.options.select.as_deref(), true)?.for_request(self.request);
        let state = self
            .options
            .token
            .as_deref()
            .map(|token| page::open(&self.tenant.secret, token).ok_or_else(Fault::page_token))
            .transpose()?;
        let after = state.as_ref().and_then(|state| state.get("after")).and_then(Value::as_str).map(Key::of);
        let size = self.options.top.unwrap_or(100).clamp(1, 999);
        let (mut page, more) = match &self.options.order {
            Some((name, descends)) => self.page_by_property(source(None), name, *descends, after.as_ref(), size),
            None => self.page_by_key(source(after), size),
        };
        let skip = if state.is_none() { self.options.skip } else { 0 };
        page.drain(..skip.min(page.len()));
        let mut body = Properties::new();
        body.insert("@odata.context".to_owned(), format!("{}{}", self.context, shape.context()).into());
        if self.options.count && state.is_none() {
            let count = source(None).filter(|(_, object)| self.fits(object)).count();
            body.insert("@odata.count".to_owned(), count.into());
        }
        if let (true, Some((last, _))) = (more, page.last()) {
            let token = page::seal(&self.tenant.secret, &json!({"after": last.id.as_ref()}));
            body.insert("@odata.nextLink".to_owned(), self.next(&token).into());
        }
        let mut value = Vec::with_capacity(page.len());
        for (key, object) in page {
            let mut item = shape.apply(object);
            for expand in &self.options.expand {
                if let Some(kind) = self.kind {
                    expanded(self.tenant, self.csdl, kind, &key, expand, &mut item)?;
                }
            }
            value.push(Value::Object(item));
        }
        body.insert("value".to_owned(), Value::Array(value));
        Ok(Reply { units: self.units(), ..Reply::json(200, &body) })
    }

    /// Returns true if an object matches `$filter` and `$search`.
    pub fn fits(&self, object: &Properties) -> bool {
        if self.options.filter.is_none() && self.options.search.is_none() {
            return true;
        }
        let object = Value::Object(object.clone());
        self.options.filter.as_ref().is_none_or(|filter| evaluate::matches(filter, &object))
            && self.options.search.as_ref().is_none_or(|search| evaluate::found(search, &object))
    }

    /// Returns the first `size` matching rows, and true if other rows follow.
    fn page_by_key(&self, rows: Rows<'a>, size: usize) -> (Vec<(Key, Properties)>, bool) {
        let mut page = Vec::new();
        for (key, object) in rows {
            // The other rows are not searched for a match: the next page may be empty, as it may be in Graph.
            if page.len() == size {
                return (page, true);
            }
            if self.fits(&object) {
                page.push((key, object));
            }
        }
        (page, false)
    }

    /// Sorts the matching rows by a property. Returns the `size` rows after the key `after`, and true if others follow.
    fn page_by_property(
        &self,
        rows: Rows<'a>,
        name: &str,
        descends: bool,
        after: Option<&Key>,
        size: usize,
    ) -> (Vec<(Key, Properties)>, bool) {
        let mut all: Vec<_> = rows.filter(|(_, object)| self.fits(object)).collect();
        all.sort_by(|(a, left), (b, right)| {
            let order = evaluate::order(left.get(name), right.get(name));
            if descends { order.reverse() } else { order }.then_with(|| a.cmp(b))
        });
        let start = after.and_then(|after| all.iter().position(|(key, _)| key == after)).map_or(0, |at| at + 1);
        let more = all.len() > start + size;
        (all.into_iter().skip(start).take(size).collect(), more)
    }

    /// Returns the absolute URL of the page with this skip token.
    pub fn next(&self, token: &str) -> String {
        let mut query: Vec<String> = self
            .request
            .query
            .iter()
            .filter(|(name, _)| name != "$skiptoken" && name != "$skip")
            .map(|(name, value)| format!("{}={}", encode(name), encode(value)))
            .collect();
        query.push(format!("$skiptoken={token}"));
        self.request.url(&query.join("&"))
    }

    /// Returns the cost of the request in resource units, by which Graph throttles.
    /// <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>
    pub fn units(&self) -> u32 {
        let base: u32 = match self.request.segments.as_slice() {
            [only] if matches!(only.as_str(), "users" | "applications" | "oauth2PermissionGrants") => 2,
            [first, _, link] if first == "groups" && link == "members" => 3,
            _ => 1,
        };
        let base = base + u32::from(!self.options.expand.is_empty());
        let less = u32::from(self.options.select.is_some()) + u32::from(self.options.top.is_some_and(|top| top < 20));
        base.saturating_sub(less).max(1)
    }
}
