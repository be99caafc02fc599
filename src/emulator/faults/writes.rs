//! Tells by which earlier writes a write is refused for a while, and which later ones it causes to be refused.

use serde_json::Value;

use super::refusals::{Cause, Effects, Refusal};
use crate::emulator::quirks::is_same_permission;
use crate::emulator::request::Request;
use crate::emulator::routes::{Pick, Route, Target};
use crate::emulator::store::{Key, Properties, strings};
use crate::emulator::tenant::Tenant;

/// Represents a write before it is carried out.
#[derive(Debug)]
pub struct WriteOf<'a> {
    tenant: &'a Tenant,
    route: &'a Route,
    method: &'a str,
    body: Properties,
}

impl<'a> WriteOf<'a> {
    /// Returns the write that `request` asks for.
    pub fn new(tenant: &'a Tenant, route: &'a Route, request: &'a Request) -> Self {
        Self { tenant, route, method: &request.method, body: request.object().unwrap_or_default() }
    }

    /// Returns what refuses the write, and what the write causes to be refused.
    pub fn effects(&self) -> Effects {
        Effects { waits: self.waits_for(), causes: self.causes() }
    }

    /// Returns what must be over before this write is taken, with ids in lower case.
    fn waits_for(&self) -> Vec<(Refusal, String)> {
        let text = |path: &str| self.at(path).and_then(Value::as_str).map(str::to_lowercase);
        match (self.method, &self.route.target) {
            ("POST", Target::Kind(kind)) | ("PATCH", Target::Object(kind, _))
                if kind.name == "conditionalAccessPolicy" =>
            {
                locations_of(&self.body).map(|id| (Refusal::NewLocation, id)).collect()
            }
            ("POST", Target::Kind(kind)) if kind.name == "crossTenantPartner" => {
                text("/tenantId").map(|id| (Refusal::DeletedPartner, id)).into_iter().collect()
            }
            ("PATCH", Target::Object(kind, Pick::Id(id))) if kind.name == "application" => {
                let touched = self.permissions(|old, new| !new.is_some_and(|new| is_same_permission(new, old)));
                touched.map(|part| (Refusal::DisabledPermission, format!("{id}/{part}").to_lowercase())).collect()
            }
            ("DELETE", Target::Object(kind, Pick::Id(id))) if kind.name == "namedLocation" => {
                [Refusal::UntrustedLocation, Refusal::UnnamedLocation].map(|it| (it, id.to_lowercase())).into()
            }
            ("POST", Target::Children { .. }) if text("/requestType").as_deref() == Some("adminremove") => {
                text("/resource/id").map(|id| (Refusal::HeldResource, id)).into_iter().collect()
            }
            _ => self.of_part().into_iter().collect(),
        }
    }

    /// Returns what is refused from this write on.
    fn causes(&self) -> Vec<Cause> {
        match (self.method, &self.route.target) {
            ("POST", Target::Kind(kind)) => match kind.name {
                "namedLocation" => vec![(Refusal::NewLocation, None)],
                "servicePrincipal" => vec![(Refusal::NewSynchronization, None)],
                _ => Vec::new(),
            },
            ("PATCH", Target::Object(kind, Pick::Id(id))) if kind.name == "application" => {
                let enabled = |entry: &Value| entry["isEnabled"] == true;
                let disabled = self.permissions(|old, new| enabled(old) && new.is_some_and(|new| !enabled(new)));
                disabled.map(|part| (Refusal::DisabledPermission, Some(format!("{id}/{part}")))).collect()
            }
            ("PATCH", Target::Object(kind, Pick::Id(id)))
                if kind.name == "namedLocation" && self.at("/isTrusted") == Some(&Value::Bool(false)) =>
            {
                vec![(Refusal::UntrustedLocation, Some(id.clone()))]
            }
            ("DELETE", Target::Object(kind, Pick::Id(id))) => match kind.name {
                "crossTenantPartner" => vec![(Refusal::DeletedPartner, Some(id.clone()))],
                "conditionalAccessPolicy" => {
                    let policy = self.tenant.store.table(kind).get(id).unwrap_or_default();
                    locations_of(&policy).map(|id| (Refusal::UnnamedLocation, Some(id))).collect()
                }
                "accessPackage" => self.resources_of(id).map(|id| (Refusal::HeldResource, Some(id))).collect(),
                _ => Vec::new(),
            },
            _ => self
                .of_part()
                .into_iter()
                .filter(|(it, _)| *it == Refusal::ChangedRules)
                .map(|(it, id)| (it, Some(id)))
                .collect(),
        }
    }

    fn at(&self, path: &str) -> Option<&Value> {
        let (name, rest) = path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), ""));
        self.body.get(name)?.pointer(&if rest.is_empty() { String::new() } else { format!("/{rest}") })
    }

    /// Returns the reason that concerns parts of one object, where the target is such a part.
    fn of_part(&self) -> Option<(Refusal, String)> {
        let (Target::Link { of: Pick::Id(of), link, .. } | Target::Child { of: Some(Pick::Id(of)), link, .. }) =
            &self.route.target
        else {
            return None;
        };
        let refusal = match link.name {
            "policyRules" => Refusal::ChangedRules,
            "synchronization" => Refusal::NewSynchronization,
            _ => return None,
        };
        Some((refusal, of.to_lowercase()))
    }

    /// Returns the ids of the application's scopes and roles for which `is` holds, given the old and the new entry.
    fn permissions(&self, is: impl Fn(&Value, Option<&Value>) -> bool) -> impl Iterator<Item = String> {
        let old = match &self.route.target {
            Target::Object(kind, pick) => self.tenant.find(kind, pick).map(|(_, object)| object).unwrap_or_default(),
            _ => Properties::new(),
        };
        let old = Value::Object(old);
        let mut found = Vec::new();
        for path in ["/appRoles", "/api/oauth2PermissionScopes"] {
            // Without the list in the body, it stays as it is.
            let Some(new) = self.at(path).and_then(Value::as_array) else { continue };
            for entry in old.pointer(path).and_then(Value::as_array).into_iter().flatten() {
                if is(entry, new.iter().find(|new| new["id"] == entry["id"])) {
                    found.extend(entry["id"].as_str().map(str::to_owned));
                }
            }
        }
        found.into_iter()
    }

    /// Returns the ids of the resources of which an access package grants roles.
    fn resources_of(&self, package: &str) -> impl Iterator<Item = String> {
        let table = self.tenant.store.children("resourceRoleScopes");
        let children = self.tenant.links.targets(&Key::of(package), "resourceRoleScopes").into_iter().flatten();
        let granted = children.filter_map(move |key| {
            let child = table?.live.get(key)?.unpack();
            child.get("role")?.pointer("/resource/id")?.as_str().map(str::to_owned)
        });
        granted.collect::<Vec<_>>().into_iter()
    }
}

/// Returns the ids of the locations that a policy names, in lower case.
fn locations_of(policy: &Properties) -> impl Iterator<Item = String> {
    let locations = policy.get("conditions").and_then(|conditions| conditions.get("locations"));
    let of = |list: &str| strings(locations.and_then(|locations| locations.get(list))).map(str::to_lowercase);
    let all: Vec<String> = of("includeLocations").chain(of("excludeLocations")).collect();
    all.into_iter()
}
