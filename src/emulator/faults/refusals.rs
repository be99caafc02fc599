//! Simulates refusals of writes that pass by themselves: a service has not learned yet what was written a moment ago.
//!
//! Terraform's providers wait each of them out: <https://github.com/hashicorp/terraform-provider-azuread>,
//! <https://github.com/microsoft/terraform-provider-microsoft365wp>.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use crate::emulator::error::Fault;
use crate::emulator::request::{Reply, Request};
use crate::emulator::routes::{Pick, Route, Target};
use crate::emulator::store::{Key, Properties, strings};
use crate::emulator::tenant::Tenant;

/// Represents a reason for which writes are refused for a while.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Refusal {
    /// A policy names a location that was just created: 400 with 1040, although a read by id finds it.
    /// <https://github.com/KelvinTegelaar/CIPP/issues/4655>
    NewLocation,
    /// A partner is created whose predecessor was just deleted: 409.
    DeletedPartner,
    /// The synchronization of a service principal that was just created is written: 409, or 403.
    NewSynchronization,
    /// A scope or a role of an application is removed that was just disabled: 400.
    /// <https://github.com/hashicorp/terraform-provider-azuread/blob/main/internal/services/applications/applications.go>
    DisabledPermission,
    /// A location is deleted that was just made untrusted: 400.
    UntrustedLocation,
    /// A location is deleted that a policy named which was just deleted: 400.
    UnnamedLocation,
    /// A resource is removed from a catalog that an access package had which was just deleted: 400.
    /// <https://github.com/hashicorp/terraform-provider-azuread/issues/1091>
    HeldResource,
    /// A rule of a policy is written just after another one: 412.
    ChangedRules,
}

impl Refusal {
    /// Lists all of them.
    pub const ALL: [Refusal; 8] = [
        Refusal::NewLocation,
        Refusal::DeletedPartner,
        Refusal::NewSynchronization,
        Refusal::DisabledPermission,
        Refusal::UntrustedLocation,
        Refusal::UnnamedLocation,
        Refusal::HeldResource,
        Refusal::ChangedRules,
    ];

    /// Returns the word that selects it.
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::NewLocation => "new-location",
            Refusal::DeletedPartner => "deleted-partner",
            Refusal::NewSynchronization => "new-synchronization",
            Refusal::DisabledPermission => "disabled-permission",
            Refusal::UntrustedLocation => "untrusted-location",
            Refusal::UnnamedLocation => "unnamed-location",
            Refusal::HeldResource => "held-resource",
            Refusal::ChangedRules => "changed-rules",
        }
    }

    fn fault(self, id: &str, dice: u64) -> Fault {
        match self {
            Refusal::NewLocation => {
                Fault::bad(format!("1040: NamedLocation with id {id} does not exist in the directory."))
            }
            Refusal::DeletedPartner => Fault::new(409, "Conflict", "The partner configuration already exists."),
            Refusal::NewSynchronization if dice.is_multiple_of(2) => {
                Fault::new(409, "Conflict", "The service principal is not ready.")
            }
            Refusal::NewSynchronization => Fault::denied(),
            Refusal::DisabledPermission => Fault::new(
                400,
                "CannotDeleteOrUpdateEnabledEntitlement",
                "Permission (scope or role) cannot be deleted or updated unless disabled first.",
            ),
            Refusal::UntrustedLocation => {
                Fault::bad("A trusted named location cannot be deleted. Mark it as not trusted first.")
            }
            Refusal::UnnamedLocation => {
                Fault::bad("The named location is referenced by a conditional access policy and cannot be deleted.")
            }
            Refusal::HeldResource => Fault::new(
                400,
                "InvalidDeleteResourceHasEntitlements",
                "The resource has entitlements and cannot be removed from the catalog.",
            ),
            Refusal::ChangedRules => Fault::new(412, "PreconditionFailed", "The policy was changed meanwhile."),
        }
    }
}

/// Describes a refusal that a write causes once it is carried out: the reason, and the id of the object. A created object has
/// no id yet.
pub type Cause = (Refusal, Option<String>);

/// Holds which refusals occur, and what is refused at present.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Refusals {
    longest: BTreeMap<Refusal, Duration>,
    until: BTreeMap<(Refusal, String), Instant>,
    counts: BTreeMap<&'static str, u64>,
}

impl Refusals {
    /// Lets a refusal occur, for at most so long each time.
    pub fn add(&mut self, refusal: Refusal, longest: Duration) {
        self.longest.insert(refusal, longest);
    }

    /// Returns how often each refusal occurred.
    pub fn counts(&self) -> &BTreeMap<&'static str, u64> {
        &self.counts
    }

    /// Counts a refusal.
    pub fn count(&mut self, word: &'static str) {
        *self.counts.entry(word).or_default() += 1;
    }

    /// Refuses a write that comes too soon, or returns what it will cause to be refused.
    pub fn admit(
        &mut self,
        tenant: &Tenant,
        route: &Route,
        request: &Request,
        dice: u64,
        now: Instant,
    ) -> Result<Vec<Cause>, Fault> {
        if self.longest.is_empty() {
            return Ok(Vec::new());
        }
        let write = WriteOf { tenant, route, method: &request.method, body: request.object().unwrap_or_default() };
        for (refusal, id) in write.waits_for() {
            if self.until.get(&(refusal, id.clone())).is_some_and(|until| *until > now) {
                self.count(refusal.as_str());
                return Err(refusal.fault(&id, dice));
            }
        }
        Ok(write.causes())
    }

    /// Notes what a write that was carried out causes to be refused.
    pub fn note(&mut self, causes: Vec<Cause>, reply: &Reply, dice: u64, now: Instant) {
        let made = || serde_json::from_str::<Value>(reply.body.as_deref()?).ok()?["id"].as_str().map(str::to_owned);
        let share = fastrand::Rng::with_seed(dice).f64();
        for (refusal, id) in causes {
            if let (Some(longest), Some(id)) = (self.longest.get(&refusal), id.or_else(made)) {
                self.until.insert((refusal, id.to_lowercase()), now + longest.mul_f64(share));
            }
        }
    }
}

/// A write before it is carried out.
struct WriteOf<'a> {
    tenant: &'a Tenant,
    route: &'a Route,
    method: &'a str,
    body: Properties,
}

impl WriteOf<'_> {
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
                let gone = self.permissions(|_, new| new.is_none());
                gone.map(|part| (Refusal::DisabledPermission, format!("{id}/{part}").to_lowercase())).collect()
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

/// Share of requests at which entitlement management asks for a pause.
pub const ENTITLEMENT_SHARE: f64 = 0.02;

/// Describes answers of the services as a whole, whatever the request is.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Moods {
    /// Share of requests that are answered with `UnknownError`, and not carried out.
    pub unknown: f64,
    /// Longest time that entitlement management asks a client to wait.
    pub entitlement_wait: Duration,
}

/// Returns true if entitlement management answers the request.
pub fn is_of_entitlements(request: &Request) -> bool {
    request.segments.get(1).is_some_and(|segment| segment == "entitlementManagement")
}

/// Returns a refusal that comes and goes: 403 with a page for browsers as its message, or 404 without a message.
pub fn unknown(dice: u64) -> Fault {
    match dice.is_multiple_of(2) {
        true => Fault::new(403, "UnknownError", "<html><head><title>403 Forbidden</title></head><body></body></html>"),
        false => Fault::new(404, "UnknownError", ""),
    }
}

/// Returns the longest wait of entitlement management as a refusal.
pub fn entitlement_wait(wait: Duration) -> Fault {
    let mut fault = Fault::new(429, "TooManyRequests", "Too many requests. Please wait and try again later.");
    fault.headers.push(("Retry-After", format!("{:.0}", wait.as_secs_f64().ceil().max(1.0))));
    fault
}
