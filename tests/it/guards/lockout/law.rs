//! What all policies together leave open is what trying every sign-in finds, whatever the policies.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use entragit::engine::access::Tenant;
use entragit::engine::access::sign_in::{SignIn, open_sign_ins};
use entragit::engine::access::subject::Subject;
use entragit::kinds;
use entragit::model::Object;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::support::long::cases;
use crate::support::scene::{AZURE, GRAPH, id};

/// An application as policies name it, and as messages do.
const APPLICATIONS: [(&str, &str); 3] = [
    ("MicrosoftAdminPortals", "the administration portals"),
    (GRAPH, "Microsoft Graph"),
    (AZURE, "the Azure service management API"),
];
const PLATFORMS: [(&str, &str); 5] =
    [("windows", "Windows"), ("macOS", "macOS"), ("linux", "Linux"), ("iOS", "iOS"), ("android", "Android")];
const CLIENTS: [(&str, &str); 2] =
    [("browser", "in a browser"), ("mobileAppsAndDesktopClients", "in a desktop application")];
const NAMED_COUNTRIES: [&str; 2] = ["DE", "FR"];
const CONTROLS: [&[&str]; 4] = [&["block"], &["mfa"], &["compliantDevice"], &["mfa", "compliantDevice"]];

static OTHER_COUNTRIES: LazyLock<Vec<Value>> = LazyLock::new(|| {
    let all = ('A'..='Z').flat_map(|one| ('A'..='Z').map(move |two| format!("{one}{two}")));
    all.filter(|code| !NAMED_COUNTRIES.contains(&code.as_str())).map(Value::String).collect()
});

/// A named location: eighths of the address space as bits, or countries: two by name, all others at once.
#[derive(Debug, Clone)]
struct Location {
    by_country: bool,
    bits: u8,
    trusted: bool,
    /// A network too small to come from on purpose.
    office: bool,
}

#[derive(Debug, Clone)]
struct Policy {
    enforced: bool,
    include: u8,
    exclude: u8,
    applications: u8,
    spared_applications: u8,
    clients: u8,
    platforms: u8,
    spared_platforms: u8,
    /// Named locations by number; 3 is all, 4 all that are trusted.
    places: u8,
    spared_places: u8,
    risky: bool,
    controls: usize,
    every_control: bool,
}

#[derive(Debug, Clone)]
struct Small {
    locations: Vec<Location>,
    policies: Vec<Policy>,
    person: bool,
}

fn bit(bits: u8, number: usize) -> bool {
    bits >> number & 1 == 1
}

impl Location {
    fn has(&self, address: Ipv4Addr, country: &str) -> bool {
        match self.by_country {
            true => bit(self.bits, NAMED_COUNTRIES.iter().position(|named| *named == country).unwrap_or(2)),
            false => {
                bit(self.bits, usize::from(address.octets()[0] >> 5))
                    || (self.office && address.octets()[..3] == [8, 8, 4])
            }
        }
    }

    fn json(&self, number: usize) -> Value {
        let id = id(&format!("location {number}"));
        if self.by_country {
            let named =
                NAMED_COUNTRIES.iter().filter(|code| self.has(Ipv4Addr::UNSPECIFIED, code)).map(|code| json!(code));
            let others = OTHER_COUNTRIES.iter().filter(|_| bit(self.bits, 2)).cloned();
            return json!({"id": id, "countriesAndRegions": named.chain(others).collect::<Vec<_>>()});
        }
        let eighths = (0..8_usize).filter(|eighth| bit(self.bits, *eighth));
        let mut ranges: Vec<Value> =
            eighths.map(|eighth| json!({"cidrAddress": format!("{}.0.0.0/3", eighth * 32)})).collect();
        ranges.extend(self.office.then(|| json!({"cidrAddress": "8.8.4.0/24"})));
        json!({"id": id, "ipRanges": ranges, "isTrusted": self.trusted})
    }
}

impl Small {
    /// Returns true if a place is among those that `bits` name.
    fn named(&self, bits: u8, address: Ipv4Addr, country: &str) -> bool {
        let has = |number: usize| self.locations.get(number).is_some_and(|at| at.has(address, country));
        let trusted = |at: &Location| at.trusted && !at.by_country && at.has(address, country);
        (0..3).any(|number| bit(bits, number) && has(number))
            || bit(bits, 3)
            || (bit(bits, 4) && self.locations.iter().any(trusted))
    }

    fn is_about(&self, policy: &Policy) -> bool {
        // Everybody, the account, its group, another group.
        let (include, exclude) = (policy.include & 0b1111, policy.exclude & 0b1110);
        let hit = |bits: u8| bits & 0b0111 != 0;
        match self.person {
            true => hit(include) && !hit(exclude),
            false => bit(include, 0) && !bit(exclude, 1),
        }
    }

    /// Returns true if the account cannot do what the policy asks for.
    fn shuts(&self, policy: &Policy) -> bool {
        match CONTROLS[policy.controls] {
            ["block"] => true,
            ["mfa"] => false,
            ["compliantDevice"] => self.person,
            _ => self.person && policy.every_control,
        }
    }

    fn shuts_the_account_out(&self, policy: &Policy) -> bool {
        policy.enforced && !policy.risky && self.is_about(policy) && self.shuts(policy)
    }

    /// Returns true if the policy's conditions are met.
    fn covers(&self, policy: &Policy, with: &Concrete) -> bool {
        let (application, client, platform, address, country) = *with;
        let covers = |bits: u8, number: usize| bits == 0 || bit(bits, number);
        covers(policy.applications & 0b111, application)
            && !bit(policy.spared_applications, application)
            && covers(policy.clients & 0b11, client)
            && covers(policy.platforms & 0b11111, platform)
            && !(policy.platforms & 0b11111 != 0 && bit(policy.spared_platforms, platform))
            && (policy.places & 0b11111 == 0 || self.named(policy.places, address, country))
            && !self.named(policy.spared_places & 0b10111, address, country)
    }

    /// Countries from which alone everybody is let in.
    fn homes(&self) -> Vec<&'static str> {
        let of_policy = |policy: &&Policy| {
            let anywhere = policy.places & 0b11111 == 0
                || bit(policy.places, 3)
                || addresses().all(|address| self.named_by_address(policy.places, address))
                || countries().all(|country| self.named_by_country(policy.places, country));
            let some_application = (0..3).any(|number| {
                (policy.applications & 0b111 == 0 || bit(policy.applications, number))
                    && !bit(policy.spared_applications, number)
            });
            let everybody = self.person && bit(policy.include, 0);
            policy.enforced && !policy.risky && policy.controls == 0 && anywhere && some_application && everybody
        };
        let policies: Vec<&Policy> = self.policies.iter().filter(of_policy).collect();
        let spared = |country: &&str| {
            policies.iter().any(|policy| self.named_by_country(policy.spared_places & 0b00111, country))
        };
        countries().filter(spared).collect()
    }

    fn named_by_address(&self, bits: u8, address: Ipv4Addr) -> bool {
        let trusted = |at: &Location| bit(bits, 4) && at.trusted;
        let named = self.locations.iter().enumerate().filter(|(number, at)| bit(bits, *number) || trusted(at));
        named.into_iter().any(|(_, at)| !at.by_country && at.has(address, ""))
    }

    fn named_by_country(&self, bits: u8, country: &str) -> bool {
        let mut named = self.locations.iter().enumerate().filter(|(number, _)| bit(bits, *number));
        named.any(|(_, at)| at.by_country && at.has(Ipv4Addr::UNSPECIFIED, country))
    }

    fn tenant(&self) -> Tenant {
        let mut tenant = Tenant::default();
        let mut take = |kind: &str, value: Value| {
            tenant.take(kinds::by_name(kind).unwrap(), &Object(value.as_object().unwrap().clone()));
        };
        for (number, location) in self.locations.iter().enumerate() {
            take("namedLocation", location.json(number));
        }
        take("user", json!({"id": id("account"), "accountEnabled": true}));
        take("servicePrincipal", json!({"id": id("runner"), "accountEnabled": true}));
        take("group", json!({"id": id("group"), "members": [id("nested")]}));
        take("group", json!({"id": id("nested"), "members": [id("account")]}));
        take("group", json!({"id": id("other"), "members": [id("nobody")]}));
        for (number, policy) in self.policies.iter().enumerate() {
            take("conditionalAccessPolicy", self.json(policy, number));
        }
        tenant
    }

    fn json(&self, policy: &Policy, number: usize) -> Value {
        let pick = |bits: u8, words: &[&str]| -> Vec<String> {
            let picked = words.iter().enumerate().filter(|(number, _)| bit(bits, *number));
            picked.map(|(_, word)| (*word).to_owned()).collect()
        };
        let or = |list: Vec<String>, word: &str| if list.is_empty() { vec![word.to_owned()] } else { list };
        let users = |bits: u8| {
            let groups = pick(bits >> 2, &[&id("group"), &id("other")]);
            (pick(bits, &["All", &id("account")]), groups)
        };
        let (include, exclude) = (users(policy.include), users(policy.exclude & 0b1110));
        let applications = APPLICATIONS.map(|(word, _)| word);
        let places = |bits: u8| {
            let ids: Vec<String> = (0..3).map(|number| id(&format!("location {number}"))).collect();
            pick(bits, &[&ids[0], &ids[1], &ids[2], "All", "AllTrusted"])
        };
        let mut conditions = json!({
            "users": {"includeUsers": include.0, "includeGroups": include.1, "excludeUsers": exclude.0,
                "excludeGroups": exclude.1},
            "applications": {"includeApplications": or(pick(policy.applications, &applications), "All"),
                "excludeApplications": pick(policy.spared_applications, &applications)},
            "clientAppTypes": or(pick(policy.clients, &CLIENTS.map(|(word, _)| word)), "all"),
        });
        if !self.person {
            conditions["users"] = json!({"includeUsers": ["None"]});
            let include = pick(policy.include & 1, &["ServicePrincipalsInMyTenant"]);
            let exclude = pick(policy.exclude >> 1 & 1, &[&id("runner")]);
            conditions["clientApplications"] =
                json!({"includeServicePrincipals": include, "excludeServicePrincipals": exclude});
        }
        let words = PLATFORMS.map(|(word, _)| word);
        if policy.platforms & 0b11111 != 0 {
            conditions["platforms"] = json!({"includePlatforms": pick(policy.platforms, &words),
                "excludePlatforms": pick(policy.spared_platforms, &words)});
        }
        let (include, exclude) = (or(places(policy.places), "All"), places(policy.spared_places & 0b10111));
        conditions["locations"] = json!({"includeLocations": include, "excludeLocations": exclude});
        if policy.risky {
            conditions["signInRiskLevels"] = json!(["high"]);
        }
        let operator = if policy.every_control { "AND" } else { "OR" };
        json!({"id": id(&format!("policy {number}")), "conditions": conditions,
            "state": if policy.enforced { "enabled" } else { "disabled" },
            "grantControls": {"operator": operator, "builtInControls": CONTROLS[policy.controls]}})
    }
}

/// Application, client and platform by number, an address, a country.
type Concrete = (usize, usize, usize, Ipv4Addr, &'static str);

/// One address of each eighth of the address space that sign-ins come from.
fn addresses() -> impl Iterator<Item = Ipv4Addr> {
    [8, 40, 70, 110, 130, 170, 200].into_iter().map(|first| Ipv4Addr::new(first, 1, 1, 1))
}

fn countries() -> impl Iterator<Item = &'static str> {
    ["DE", "FR", "US"].into_iter()
}

fn concrete(application: usize) -> impl Iterator<Item = Concrete> {
    let clients = if application == 0 { 1 } else { 2 };
    (0..clients).flat_map(move |client| {
        (0..PLATFORMS.len()).flat_map(move |platform| {
            addresses().flat_map(move |address| {
                countries().map(move |country| (application, client, platform, address, country))
            })
        })
    })
}

/// A sign-in in the numbers of [`Concrete`]; any country where it makes no difference.
fn numbers(found: &SignIn) -> Concrete {
    let place = |list: &[(&str, &str)], name: &str| list.iter().position(|(_, own)| *own == name).unwrap();
    let (client, platform) = found.client.unwrap_or((CLIENTS[0].1, PLATFORMS[0].1));
    let country = countries().find(|country| found.country.is_some_and(|own| own == *country)).unwrap_or("US");
    let application = place(&APPLICATIONS, found.application);
    (application, place(&CLIENTS, client), place(&PLATFORMS, platform), found.address, country)
}

/// Mostly nothing, sometimes any bits.
fn seldom() -> impl Strategy<Value = u8> {
    prop_oneof![2 => Just(0_u8), 1 => any::<u8>()]
}

fn location() -> impl Strategy<Value = Location> {
    (0..4_u8, any::<u8>(), any::<bool>(), any::<bool>()).prop_map(|(by_country, bits, trusted, office)| Location {
        by_country: by_country == 3,
        bits,
        trusted,
        office,
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    let who = (prop_oneof![3 => Just(true), 1 => Just(false)], any::<u8>(), seldom());
    let what = (seldom(), seldom(), seldom(), any::<u8>(), seldom());
    let how = (any::<u8>(), seldom(), prop_oneof![5 => Just(false), 1 => Just(true)], 0..6_usize, any::<bool>());
    (who, what, how).prop_map(|((enforced, include, exclude), what, how)| Policy {
        enforced,
        include,
        exclude,
        applications: what.0,
        spared_applications: what.1,
        clients: what.2,
        platforms: what.3,
        spared_platforms: what.4,
        places: how.0,
        spared_places: how.1,
        risky: how.2,
        controls: how.3.saturating_sub(2),
        every_control: how.4,
    })
}

fn small() -> impl Strategy<Value = Small> {
    let locations = proptest::collection::vec(location(), 3);
    let policies = proptest::collection::vec(policy(), 1..8);
    (locations, policies, prop_oneof![3 => Just(true), 1 => Just(false)]).prop_map(
        |(locations, mut policies, person)| {
            // Policies for workload identities know neither clients nor platforms.
            for policy in policies.iter_mut().filter(|_| !person) {
                (policy.clients, policy.platforms) = (0, 0);
            }
            Small { locations, policies, person }
        },
    )
}

/// Returns how many tenants the law is held against: 800, each time others; 4,000 in the long form; or as many as
/// `ENTRAGIT_LAWS` says.
fn config() -> ProptestConfig {
    ProptestConfig { cases: cases(800, 4_000), failure_persistence: None, ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_left_open_is_what_trying_finds(small in small()) {
        let tenant = small.tenant();
        let subject = if small.person { Subject::User(id("account")) } else { Subject::Principal(id("runner")) };
        let homes = small.homes();
        let closing: Vec<&Policy> = small.policies.iter().filter(|policy| small.shuts_the_account_out(policy)).collect();
        let works = |with: &Concrete| !closing.iter().any(|policy| small.covers(policy, with));
        let open = open_sign_ins(&tenant, &subject);
        for (application, (_, name)) in APPLICATIONS.iter().enumerate() {
            let found = open.iter().find(|found| found.application == *name);
            let mut tried = concrete(application).filter(|with| homes.is_empty() || homes.contains(&with.4));
            let left = tried.find(works);
            prop_assert_eq!(found.is_some(), left.is_some(), "{}: {:?}, but {:?}", name, found, left);
            if let Some(found) = found {
                prop_assert!(works(&numbers(found)), "{found} does not work");
            }
        }
    }
}
