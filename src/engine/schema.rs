//! Compiles schemas: the rules for each property of a kind, from the annotations that `schemas/README.md` lists.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use serde_json::{Map, Value};

use super::canonical::Form;
use super::risk_rule::RiskRule;
use crate::kinds;
use crate::model::Kind;

/// Holds a kind's schema, compiled once.
#[derive(Debug)]
pub struct Schema {
    /// Rule of the object, with the rules of its properties.
    pub root: Rule,
    /// The schema as JSON, for a validator.
    pub document: Value,
    selected: Vec<String>,
    guarded: Vec<(String, String)>,
    identities: Vec<String>,
    natural_key: String,
}

/// Holds the rules for one property.
#[derive(Debug, Clone, Default)]
pub struct Rule {
    /// True if Graph owns the value.
    pub read_only: bool,
    /// True if a `read_only` value stays in the file.
    pub keep: bool,
    /// True if the value is a secret.
    pub write_only: bool,
    /// True if the property is known and left out on purpose.
    pub left_out: bool,
    /// True if the value is fixed after creation.
    pub create_only: bool,
    /// True if the property is a list whose order means nothing.
    pub set: bool,
    /// True if the name of the referenced object is shown as a comment.
    pub comment: bool,
    /// True if the property is a relation that Graph keeps apart from properties.
    pub link: bool,
    /// True if elements must be disabled by a separate write before they are changed in, or removed from, the list.
    pub disable_first: bool,
    /// Value that must be written before the object can be deleted.
    pub before_delete: Option<Value>,
    /// Value that is written for an absent value that cannot be null.
    pub default: Option<Value>,
    /// True if this part of an object is written by a separate PATCH: it names other parts, which must be stored before.
    pub write_apart: bool,
    /// Sibling list whose elements get their positions from this list of `{uri, index}`: an element without a position is in
    /// the sibling alone, and is added when writing.
    pub index_of: Option<String>,
    /// List of certificates of which the value names one by its thumbprint.
    pub thumbprint_of: Option<String>,
    /// Values that a change may lead to; empty: any.
    pub changes_to: Vec<Value>,
    /// True if Graph never lets the value be null, and its default is not documented.
    pub not_null: bool,
    /// Permission that reading the property takes, besides that of the kind.
    pub permission: Option<String>,
    /// Interpretation of the string.
    pub form: Form,
    /// Words that the string may be, as far as this version knows: Graph's enumeration may get others. Empty: any.
    pub words: Vec<String>,
    /// Property in which the elements of the list must differ.
    pub unique_element: Option<String>,
    /// True if the part behind the `@` must be one of the tenant's domains.
    pub domain: bool,
    /// True if Graph lets no two objects of the kind have the value.
    pub unique: bool,
    /// True if Graph lets no two live objects have the value: one in the recycle bin gives it up.
    pub unique_live: bool,
    /// Targets that the string may refer to.
    pub refs: Vec<Ref>,
    /// Treatment of a reference in a list to an object that is gone; `None` if it is written all the same.
    pub gone: Option<GoneTarget>,
    /// Rules for risks in changes of the property.
    pub risks: Vec<RiskRule>,
    /// Contents of the property.
    pub shape: Shape,
}

/// Describes the contents of a property.
#[derive(Debug, Clone, Default)]
pub enum Shape {
    /// A string, number or boolean.
    #[default]
    Scalar,
    /// An object: the rules of its properties, and true if it may have others as well.
    Object(BTreeMap<String, Rule>, bool),
    /// A list, with the rule of its elements.
    List(Box<Rule>),
}

/// Tells what happens to a reference in a list whose object is gone for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GoneTarget {
    /// It is left out.
    LeaveOut,
    /// It is left out, unless nothing of the list would remain: then the object is not written.
    LeaveSome,
    /// The object is not written.
    Stop,
}

/// Represents the target of a reference: an object by id, or by another property.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ref {
    /// Name of the target's kind.
    pub kind: &'static str,
    /// Property of the target; `id` in most cases.
    pub property: String,
}

impl Schema {
    /// Returns the kinds that objects refer to.
    pub fn refers_to(&self) -> BTreeSet<&'static str> {
        let mut found = BTreeSet::new();
        self.root.each_ref(false, &mut |reference, _| {
            found.insert(reference.kind);
        });
        found
    }

    /// Returns the names of the properties that an export reads, for `$select`: everything except links, secrets, properties
    /// that Graph owns and nobody keeps, and those left out on purpose. Sorted.
    pub fn selected(&self) -> &[String] {
        &self.selected
    }

    /// Returns the properties that take a separate permission to read, with that permission.
    pub fn guarded(&self) -> &[(String, String)] {
        &self.guarded
    }

    /// Returns the properties, besides the id, by which other objects refer to objects of this kind (an application's
    /// `appId`).
    pub fn identities(&self) -> &[String] {
        &self.identities
    }

    /// Returns the property by which people identify an object whose id changed: two objects with the same value are
    /// considered one that was created again.
    pub fn natural_key(&self) -> &str {
        &self.natural_key
    }

    /// Returns true if a property must have a certain value before an object can be deleted.
    pub fn prepares_deletion(&self) -> bool {
        match &self.root.shape {
            Shape::Object(properties, _) => properties.values().any(|rule| rule.before_delete.is_some()),
            Shape::List(_) | Shape::Scalar => false,
        }
    }

    /// Returns the rule of a top-level property.
    pub fn property(&self, name: &str) -> Option<&Rule> {
        self.root.property(name)
    }

    /// Returns the rules along a path of a change, outermost first, each with the part of the path that leads to it: those
    /// of `conditions`, `users` and `excludeUsers` for `conditions.users.excludeUsers`, those of `rules` and
    /// `maximumDuration` for `rules[Expiration].maximumDuration`.
    pub fn along<'a>(&self, path: &'a str) -> Vec<(&Rule, &'a str)> {
        let mut nodes = Vec::new();
        let mut at = &self.root;
        let mut done = 0;
        while done < path.len() {
            let rest = &path[done..];
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let Some(next) = at.property(&rest[..end]) else { break };
            nodes.push((next, &path[..done + end]));
            at = next;
            done += end;
            if path[done..].starts_with('[') {
                // A key may hold dots and brackets of its own; what follows it is a property of the element.
                done = path.rfind("].").filter(|last| *last >= done).map_or(path.len(), |last| last + 1);
            }
            done += usize::from(path[done..].starts_with('.'));
        }
        nodes
    }
}

impl Rule {
    /// Returns true if the value appears in a file.
    pub fn exported(&self) -> bool {
        !self.write_only && !self.left_out && (!self.read_only || self.keep)
    }

    /// Returns true if the value may be written at creation (`true`) or afterwards (`false`).
    pub fn writable(&self, creating: bool) -> bool {
        !self.read_only && !self.left_out && (creating || !self.create_only)
    }

    /// Returns true if a risk rule of the property, or of one within it, is as `is` says.
    pub fn any_risk(&self, is: &dyn Fn(&RiskRule) -> bool) -> bool {
        let inside = match &self.shape {
            Shape::Object(properties, _) => properties.values().any(|rule| rule.any_risk(is)),
            Shape::List(items) => items.any_risk(is),
            Shape::Scalar => false,
        };
        inside || self.risks.iter().any(is)
    }

    /// Returns the rule of a property of this object, or of this list's elements.
    pub fn property(&self, name: &str) -> Option<&Rule> {
        match &self.shape {
            Shape::Object(properties, _) => properties.get(name),
            Shape::List(items) => items.property(name),
            Shape::Scalar => None,
        }
    }

    /// Returns true if Graph lets an existing value change to `wanted`.
    pub fn may_become(&self, wanted: Option<&Value>) -> bool {
        self.changes_to.is_empty() || wanted.is_some_and(|wanted| self.changes_to.contains(wanted))
    }

    /// Returns true if an absent value stays as the tenant has it: it can neither be null nor be written as a default.
    pub fn must_have_a_value(&self) -> bool {
        self.not_null && self.default.is_none()
    }

    /// Returns true if references of this property, or of one within it, are left out when their objects are gone.
    pub fn leaves_out_gone(&self) -> bool {
        self.gone.is_some()
            || match &self.shape {
                Shape::Object(properties, _) => properties.values().any(Rule::leaves_out_gone),
                Shape::List(items) => items.leaves_out_gone(),
                Shape::Scalar => false,
            }
    }

    fn each_ref(&self, create_only: bool, see: &mut dyn FnMut(&Ref, bool)) {
        if self.link {
            return;
        }
        let create_only = create_only || self.create_only;
        for reference in &self.refs {
            see(reference, create_only);
        }
        match &self.shape {
            Shape::Scalar => {}
            Shape::List(items) => items.each_ref(create_only, see),
            Shape::Object(properties, _) => {
                for rule in properties.values() {
                    rule.each_ref(create_only, see);
                }
            }
        }
    }
}

/// Returns the compiled schema of a kind.
pub fn of(kind: &'static Kind) -> &'static Schema {
    static SCHEMAS: OnceLock<BTreeMap<&'static str, Schema>> = OnceLock::new();
    let schemas = SCHEMAS.get_or_init(compile_all);
    &schemas[kind.name]
}

/// Returns the tier of each kind, by which kinds are created in order: a kind's tier is above those of all kinds that its
/// properties refer to. Where kinds refer to each other in a circle, only references that are fixed at creation count; the
/// others follow in a separate write. Links do not count: they are separate steps after all objects exist.
pub fn tiers() -> &'static BTreeMap<&'static str, usize> {
    static TIERS: OnceLock<BTreeMap<&'static str, usize>> = OnceLock::new();
    TIERS.get_or_init(|| {
        let mut edges: BTreeSet<(&str, &str, bool)> = BTreeSet::new();
        for kind in kinds::ALL {
            of(kind).root.each_ref(false, &mut |reference, hard| {
                if reference.kind != kind.name {
                    edges.insert((kind.name, reference.kind, hard));
                }
            });
        }
        let pairs: BTreeSet<(&str, &str)> = edges.iter().map(|(from, to, _)| (*from, *to)).collect();
        let reaches = |from: &str, to: &str| -> bool {
            let mut seen = BTreeSet::from([from]);
            let mut open = vec![from];
            while let Some(here) = open.pop() {
                for (_, next) in pairs.iter().filter(|(a, _)| *a == here) {
                    if *next == to {
                        return true;
                    }
                    if seen.insert(next) {
                        open.push(next);
                    }
                }
            }
            false
        };
        let hard: Vec<(&str, &str)> = edges
            .iter()
            .filter(|(from, to, hard)| *hard || !reaches(to, from))
            .map(|(from, to, _)| (*from, *to))
            .collect();
        let mut tiers: BTreeMap<&'static str, usize> = kinds::ALL.iter().map(|kind| (kind.name, 0)).collect();
        for _ in 0..kinds::ALL.len() {
            for (from, to) in &hard {
                let above = tiers[to] + 1;
                if let Some(tier) = tiers.get_mut(from)
                    && *tier < above
                {
                    *tier = above;
                }
            }
        }
        tiers
    })
}

fn compile_all() -> BTreeMap<&'static str, Schema> {
    let mut schemas = BTreeMap::new();
    let mut wanted: BTreeMap<&'static str, BTreeSet<String>> = BTreeMap::new();
    for kind in kinds::ALL {
        // The documents are part of the program, and a test compiles every one, so that this cannot fail in a build that
        // passed.
        let document: Value = serde_json::from_str(kind.schema).unwrap_or(Value::Null);
        let root = compile(&document, &document, 0);
        root.each_ref(false, &mut |reference, _| {
            if reference.property != "id" {
                wanted.entry(reference.kind).or_default().insert(reference.property.clone());
            }
        });
        let mut selected: Vec<String> = match &root.shape {
            Shape::Object(properties, _) => properties
                .iter()
                .filter(|(name, rule)| rule.exported() && !rule.link && !name.starts_with('@'))
                .map(|(name, _)| name.clone())
                .collect(),
            Shape::List(_) | Shape::Scalar => Vec::new(),
        };
        selected.sort();
        let guarded = match &root.shape {
            Shape::Object(properties, _) => {
                properties.iter().filter_map(|(name, rule)| Some((name.clone(), rule.permission.clone()?))).collect()
            }
            Shape::List(_) | Shape::Scalar => Vec::new(),
        };
        let natural_key =
            document.get("x-entra-natural-key").and_then(Value::as_str).unwrap_or("displayName").to_owned();
        schemas.insert(kind.name, Schema { root, document, selected, guarded, identities: Vec::new(), natural_key });
    }
    for (kind, properties) in wanted {
        if let Some(schema) = schemas.get_mut(kind) {
            schema.identities = properties.into_iter().collect();
        }
    }
    schemas
}

fn compile(document: &Value, node: &Value, depth: usize) -> Rule {
    let Some(node) = node.as_object() else {
        return Rule::default();
    };
    // The depth is limited for a type that refers to itself; no schema of the registry needs more.
    let mut rule = match node.get("$ref").and_then(Value::as_str) {
        Some(target) if depth < 24 => {
            let target = target.strip_prefix('#').and_then(|pointer| document.pointer(pointer));
            target.map(|target| compile(document, target, depth + 1)).unwrap_or_default()
        }
        _ => Rule::default(),
    };
    raise_flags(&mut rule, node);
    if let Some(list) = node.get("x-entra-index-of").and_then(Value::as_str) {
        rule.index_of = Some(list.to_owned());
    }
    if let Some(list) = node.get("x-entra-thumbprint-of").and_then(Value::as_str) {
        rule.thumbprint_of = Some(list.to_owned());
    }
    if let Some(Value::Array(values)) = node.get("x-entra-changes-to") {
        rule.changes_to.clone_from(values);
    }
    if let Some(value) = node.get("x-entra-before-delete") {
        rule.before_delete = Some(value.clone());
    }
    if let Some(value) = node.get("x-entra-default") {
        rule.default = Some(value.clone());
    }
    if let Some(permission) = node.get("x-entra-permission").and_then(Value::as_str) {
        rule.permission = Some(permission.to_owned());
    }
    let word = |name: &str| node.get(name).and_then(Value::as_str);
    if let Some(name) = word("x-entra-unique-element") {
        rule.unique_element = Some(name.to_owned());
    }
    rule.domain |= node.get("x-entra-domain") == Some(&Value::Bool(true));
    if let Some(form) = Form::of(word("format"), word("x-entra-words")) {
        rule.form = form;
    }
    match word("x-entra-gone") {
        Some("leave-out") => rule.gone = Some(GoneTarget::LeaveOut),
        Some("leave-some") => rule.gone = Some(GoneTarget::LeaveSome),
        Some("stop") => rule.gone = Some(GoneTarget::Stop),
        _ => {}
    }
    if node.get("x-entra-open-enum") == Some(&Value::Bool(true)) {
        let words = node.get("examples").and_then(Value::as_array).into_iter().flatten();
        rule.words = words.filter_map(Value::as_str).map(str::to_owned).collect();
    }
    if let Some(rules) = node.get("x-entra-risk") {
        rule.risks.extend(RiskRule::compile(rules));
    }
    if let Some(refs) = node.get("x-entra-ref") {
        rule.refs = refs_of(refs);
    }
    if let Some(properties) = node.get("properties").and_then(Value::as_object) {
        let open = node.get("additionalProperties").is_some_and(|extra| extra != &Value::Bool(false));
        rule.shape = Shape::Object(children(document, properties, depth), open);
    } else if let Some(items) = node.get("items") {
        rule.shape = Shape::List(Box::new(compile(document, items, depth + 1)));
    }
    rule
}

/// Raises the flags of a rule that a node of its schema has; none is lowered.
fn raise_flags(rule: &mut Rule, node: &Map<String, Value>) {
    let flag = |name: &str| node.get(name).and_then(Value::as_bool).unwrap_or(false);
    rule.read_only |= flag("readOnly");
    rule.keep |= flag("x-entra-keep");
    rule.write_only |= flag("writeOnly");
    rule.left_out |= node.contains_key("x-entra-not-exported");
    rule.create_only |= flag("x-entra-create-only");
    rule.set |= flag("x-entra-set");
    rule.comment |= flag("x-entra-comment");
    rule.link |= flag("x-entra-link");
    rule.disable_first |= flag("x-entra-disable-first");
    rule.not_null |= flag("x-entra-not-null");
    rule.unique |= flag("x-entra-unique");
    rule.unique_live |= flag("x-entra-unique-live");
    rule.write_apart |= flag("x-entra-write-apart");
}

/// Reads the references of a rule: one word or several, as `user` or `application.appId`.
fn refs_of(refs: &Value) -> Vec<Ref> {
    let words = match refs {
        Value::Array(words) => words.iter().filter_map(Value::as_str).collect(),
        Value::String(word) => vec![word.as_str()],
        _ => Vec::new(),
    };
    let one = |word: &str| {
        let (kind, property) = word.split_once('.').unwrap_or((word, "id"));
        Some(Ref { kind: kinds::by_name(kind)?.name, property: property.to_owned() })
    };
    words.into_iter().filter_map(one).collect()
}

fn children(document: &Value, properties: &Map<String, Value>, depth: usize) -> BTreeMap<String, Rule> {
    properties.iter().map(|(name, node)| (name.clone(), compile(document, node, depth + 1))).collect()
}
