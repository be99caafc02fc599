//! Represents the places that somebody can sign in from: addresses and countries as sets.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::Tenant;

/// Lists the countries and regions of ISO 3166-1 with a permanent population. Six of the 249 have none and are left out (AQ,
/// BV, GS, HM, TF, UM): nobody signs in from there.
/// <https://www.iso.org/iso-3166-country-codes.html>
const COUNTRIES: [&str; 243] = [
    "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AO", "AR", "AS", "AT", "AU", "AW", "AX", "AZ", "BA", "BB", "BD", "BE",
    "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR", "BS", "BT", "BW", "BY", "BZ", "CA", "CC", "CD",
    "CF", "CG", "CH", "CI", "CK", "CL", "CM", "CN", "CO", "CR", "CU", "CV", "CW", "CX", "CY", "CZ", "DE", "DJ", "DK",
    "DM", "DO", "DZ", "EC", "EE", "EG", "EH", "ER", "ES", "ET", "FI", "FJ", "FK", "FM", "FO", "FR", "GA", "GB", "GD",
    "GE", "GF", "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GT", "GU", "GW", "GY", "HK", "HN", "HR", "HT",
    "HU", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR", "IS", "IT", "JE", "JM", "JO", "JP", "KE", "KG", "KH", "KI",
    "KM", "KN", "KP", "KR", "KW", "KY", "KZ", "LA", "LB", "LC", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA",
    "MC", "MD", "ME", "MF", "MG", "MH", "MK", "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW",
    "MX", "MY", "MZ", "NA", "NC", "NE", "NF", "NG", "NI", "NL", "NO", "NP", "NR", "NU", "NZ", "OM", "PA", "PE", "PF",
    "PG", "PH", "PK", "PL", "PM", "PN", "PR", "PS", "PT", "PW", "PY", "QA", "RE", "RO", "RS", "RU", "RW", "SA", "SB",
    "SC", "SD", "SE", "SG", "SH", "SI", "SJ", "SK", "SL", "SM", "SN", "SO", "SR", "SS", "ST", "SV", "SX", "SY", "SZ",
    "TC", "TD", "TG", "TH", "TJ", "TK", "TL", "TM", "TN", "TO", "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "US", "UY",
    "UZ", "VA", "VC", "VE", "VG", "VI", "VN", "VU", "WF", "WS", "YE", "YT", "ZA", "ZM", "ZW",
];

/// Represents a set of countries, one bit for each of [`COUNTRIES`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Countries([u64; 4]);

impl Countries {
    fn insert(&mut self, code: &str) {
        if let Ok(number) = COUNTRIES.binary_search(&code) {
            self.0[number / 64] |= 1 << (number % 64);
        }
    }

    fn has(&self, number: usize) -> bool {
        self.0[number / 64] >> (number % 64) & 1 == 1
    }

    pub(super) fn add_all(&mut self, other: &Countries) {
        self.0.iter_mut().zip(other.0).for_each(|(own, other)| *own |= other);
    }

    fn all() -> Countries {
        let mut all = Countries::default();
        COUNTRIES.iter().for_each(|code| all.insert(code));
        all
    }

    fn first(&self) -> Option<usize> {
        let (word, bits) = self.0.iter().enumerate().find(|(_, bits)| **bits != 0)?;
        Some(word * 64 + bits.trailing_zeros() as usize)
    }

    /// Returns the countries that are in `other`, and those that are not.
    fn split_by(&self, other: &Countries) -> [Countries; 2] {
        let (mut inside, mut outside) = (self.clone(), self.clone());
        for word in 0..self.0.len() {
            inside.0[word] &= other.0[word];
            outside.0[word] &= !other.0[word];
        }
        [inside, outside]
    }

    fn count(&self) -> usize {
        self.0.iter().map(|bits| bits.count_ones() as usize).sum()
    }

    fn is_empty(&self) -> bool {
        self.count() == 0
    }
}

/// Represents a set of IPv4 addresses, as ranges that neither overlap nor touch: first address, and the one after the last.
///
/// IPv6 is left out: not everybody can get an IPv6 address, so a sign-in that works only from those cannot be relied on.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Addresses(Vec<(u64, u64)>);

/// Lists the ranges that no sign-in comes from: <https://www.rfc-editor.org/rfc/rfc6890>, multicast and reserved addresses.
const NOT_PUBLIC: [&str; 8] = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "224.0.0.0/3",
];

/// Holds the addresses that a sign-in can come from.
static PUBLIC: LazyLock<Addresses> = LazyLock::new(|| {
    Addresses::all().minus(&Addresses::merged(NOT_PUBLIC.iter().filter_map(|range| range_of(range)).collect()))
});

/// Tells how many addresses must be open before somebody is assumed to be able to use one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Room {
    /// A thousandth of all addresses: fewer are in certain networks, and nobody knows that the account can be there.
    Anywhere,
    /// A single address: somebody is assumed to be in that network.
    Somewhere,
}

impl Room {
    fn addresses(self) -> u64 {
        match self {
            Room::Anywhere => 1 << 22,
            Room::Somewhere => 1,
        }
    }
}

impl Addresses {
    /// Returns all addresses.
    fn all() -> Addresses {
        Addresses(vec![(0, 1 << 32)])
    }

    fn merged(mut ranges: Vec<(u64, u64)>) -> Addresses {
        ranges.sort_unstable();
        let mut merged: Vec<(u64, u64)> = Vec::new();
        for (start, end) in ranges {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        Addresses(merged)
    }

    /// Returns the addresses that are not in `other`.
    fn minus(&self, other: &Addresses) -> Addresses {
        let mut left = Vec::new();
        let mut holes = other.0.iter().peekable();
        for &(mut start, end) in &self.0 {
            while holes.next_if(|hole| hole.1 <= start).is_some() {}
            while let Some(hole) = holes.peek().filter(|hole| hole.0 < end) {
                if start < hole.0 {
                    left.push((start, hole.0));
                }
                start = hole.1;
                if hole.1 >= end {
                    break;
                }
                holes.next();
            }
            if start < end {
                left.push((start, end));
            }
        }
        Addresses(left)
    }

    /// Returns an address of the set, if the set has as many addresses as `room` demands.
    fn one_of(&self, room: Room) -> Option<Ipv4Addr> {
        let count: u64 = self.0.iter().map(|(start, end)| end - start).sum();
        let longest = self.0.iter().max_by_key(|(start, end)| end - start).filter(|_| count >= room.addresses())?;
        u32::try_from(longest.0).ok().map(Ipv4Addr::from)
    }
}

/// Returns the first address of a CIDR range, and the one after its last; `None` for IPv6.
fn range_of(cidr: &str) -> Option<(u64, u64)> {
    let (address, length) = cidr.trim().split_once('/').unwrap_or((cidr.trim(), "32"));
    let (address, length) = (address.parse::<Ipv4Addr>().ok()?, length.parse::<u32>().ok().filter(|bits| *bits <= 32)?);
    let size = 1_u64 << (32 - length);
    let start = u64::from(u32::from(address)) / size * size;
    Some((start, start + size))
}

/// Represents the area of named locations: a sign-in is in it by its address or by its country.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Zone {
    pub(super) everywhere: bool,
    addresses: Addresses,
    countries: Countries,
}

impl Zone {
    /// Returns the area of the named locations `ids` together. Unknown locations have no area.
    pub(super) fn of(tenant: &Tenant, ids: impl Iterator<Item = String>) -> Zone {
        let mut zone = Zone::default();
        let mut ranges = Vec::new();
        let mut add = |location: &Map<String, Value>| {
            let listed = location.get("ipRanges").and_then(Value::as_array).into_iter().flatten();
            let listed = listed.filter_map(|range| range.get("cidrAddress").and_then(Value::as_str));
            ranges.extend(listed.filter_map(range_of));
            let listed = location.get("countriesAndRegions").and_then(Value::as_array).into_iter().flatten();
            let (mut count, listed) = (0, listed.filter_map(Value::as_str));
            for code in listed {
                zone.countries.insert(&code.to_uppercase());
                count += 1;
            }
            let unknown = location.get("includeUnknownCountriesAndRegions") == Some(&Value::Bool(true));
            // Nearly every country is included, so that hardly any place is outside.
            zone.everywhere |= unknown && count >= 240;
        };
        let mut all = false;
        for id in ids {
            match id.as_str() {
                "all" => all = true,
                // Only ranges of addresses can be trusted: <https://learn.microsoft.com/graph/api/resources/ipnamedlocation>
                "alltrusted" => {
                    let trusted =
                        |location: &&Map<String, Value>| location.get("isTrusted") == Some(&Value::Bool(true));
                    tenant.locations.values().filter(trusted).for_each(&mut add);
                }
                id => tenant.locations.get(id).into_iter().for_each(&mut add),
            }
        }
        zone.addresses = Addresses::merged(ranges);
        zone.everywhere |= all;
        zone.everywhere = zone.everywhere || zone.covers_the_world();
        zone
    }

    /// Returns true if nobody can sign in from outside the zone.
    fn covers_the_world(&self) -> bool {
        PUBLIC.minus(&self.addresses).one_of(Room::Anywhere).is_none() || self.countries.count() == COUNTRIES.len()
    }

    /// Returns the addresses in the zone for somebody who is in a country.
    fn seen_from(&self, country: usize) -> Addresses {
        match self.everywhere || self.countries.has(country) {
            true => Addresses::all(),
            false => self.addresses.clone(),
        }
    }

    /// Returns the countries of the zone.
    pub(super) fn countries(&self) -> &Countries {
        &self.countries
    }
}

/// Describes where a policy applies: in one zone, except in another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) include: Zone,
    pub(super) exclude: Zone,
}

impl Places {
    /// Returns true if countries make no difference to whether the policy applies.
    fn is_blind_to_countries(&self) -> bool {
        self.include.countries.is_empty() && self.exclude.countries.is_empty()
    }

    fn seen_from(&self, country: usize) -> Addresses {
        self.include.seen_from(country).minus(&self.exclude.seen_from(country))
    }
}

/// Returns a place outside all of `closed`: an address, and the country if countries matter. `homes` are the only countries
/// that count, unless it is empty.
pub(super) fn open_place(
    closed: &[&Places],
    homes: &Countries,
    room: Room,
) -> Option<(Ipv4Addr, Option<&'static str>)> {
    let matters = !homes.is_empty() || closed.iter().any(|places| !places.is_blind_to_countries());
    // Countries that no policy distinguishes are one group: its first country stands for all of them.
    let mut alike = vec![if homes.is_empty() { Countries::all() } else { homes.clone() }];
    for zone in closed.iter().flat_map(|places| [&places.include, &places.exclude]) {
        if !zone.countries.is_empty() {
            let parts = alike.iter().flat_map(|part| part.split_by(&zone.countries));
            alike = parts.filter(|part| !part.is_empty()).collect();
        }
    }
    for number in alike.iter().filter_map(Countries::first) {
        let shut = closed.iter().flat_map(|places| places.seen_from(number).0).collect();
        if let Some(address) = PUBLIC.minus(&Addresses::merged(shut)).one_of(room) {
            return Some((address, matters.then_some(COUNTRIES[number])));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(ranges: &[&str]) -> Addresses {
        Addresses::merged(ranges.iter().filter_map(|range| range_of(range)).collect())
    }

    #[test]
    fn ranges_are_merged_and_cut() {
        assert_eq!(set(&["128.0.0.0/1", "0.0.0.0/1"]), Addresses::all());
        assert_eq!(set(&["10.1.2.3/8"]), Addresses(vec![(10 << 24, 11 << 24)]));
        assert_eq!(set(&["::/0", "300.0.0.0/8", "1.2.3.4/33", "x"]), Addresses::default());
        let left = set(&["8.0.0.0/7", "64.0.0.0/8"]).minus(&set(&["8.0.0.0/8", "9.128.0.0/9", "63.0.0.0/7"]));
        assert_eq!(left, set(&["9.0.0.0/9", "64.0.0.0/8"]));
        assert_eq!(Addresses::all().minus(&set(&["0.0.0.0/0"])), Addresses::default());
    }

    #[test]
    fn few_addresses_are_none_to_come_from() {
        assert_eq!(set(&["203.0.113.0/24"]).one_of(Room::Anywhere), None);
        assert_eq!(set(&["203.0.113.0/24"]).one_of(Room::Somewhere), Some(Ipv4Addr::new(203, 0, 113, 0)));
        assert_eq!(set(&[]).one_of(Room::Somewhere), None);
        assert_eq!(set(&["8.0.0.0/10"]).one_of(Room::Anywhere), Some(Ipv4Addr::new(8, 0, 0, 0)));
        assert_eq!(set(&["8.0.0.0/8"]).one_of(Room::Anywhere), Some(Ipv4Addr::new(8, 0, 0, 0)));
    }

    #[test]
    fn countries_are_listed_in_order_once() {
        assert!(COUNTRIES.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
