//! Applies Microsoft's published limits, as token buckets.
//! <https://learn.microsoft.com/graph/throttling-limits#identity-and-access-service-limits>

use std::time::Duration;

use tokio::time::Instant;

use crate::emulator::error::Fault;
use crate::emulator::request::Request;

/// Represents a token bucket that is refilled at an even rate.
#[derive(Debug)]
struct Bucket {
    most: f64,
    rate: f64,
    left: f64,
    at: Instant,
}

impl Bucket {
    fn new(most: f64, seconds: f64, factor: f64, drained: bool, now: Instant) -> Self {
        let most = most * factor;
        Self { most: most.max(1.0), rate: most / seconds, left: if drained { 0.0 } else { most.max(1.0) }, at: now }
    }

    fn fill(&mut self, now: Instant) {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.rate).min(self.most);
        self.at = now;
    }

    /// Takes one token, or returns the time until the next second's tokens are there. A refused request counts as well:
    /// "Microsoft Graph continues to log resource usage while a client is being throttled".
    /// <https://learn.microsoft.com/graph/throttling#best-practices-to-handle-throttling>
    fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.fill(now);
        if self.left >= 1.0 {
            self.left -= 1.0;
            return Ok(());
        }
        self.left = (self.left - 1.0).max(-self.rate);
        Err(Duration::from_secs_f64((self.rate.max(1.0) - self.left) / self.rate))
    }
}

/// Holds all limits that one application meets in one tenant.
#[derive(Debug)]
pub struct Limits {
    writes: Bucket,
    units: Bucket,
    access: Bucket,
    reports: Bucket,
}

impl Limits {
    /// Returns the limits for a tenant with so many users: small below 50, large from 500 on. `factor` raises all of them alike.
    pub fn new(users: usize, factor: f64, drained: bool, now: Instant) -> Self {
        let units = match users {
            0..50 => 3_500.0,
            50..=500 => 5_000.0,
            _ => 8_000.0,
        };
        Self {
            // The limit is "3,000 requests per 2 minutes and 30 seconds" for application and tenant.
            writes: Bucket::new(3_000.0, 150.0, factor, drained, now),
            // The limit is "per 10 seconds" for application and tenant.
            units: Bucket::new(units, 10.0, factor, false, now),
            // The limit is "1 request per second per tenant, all applications".
            access: Bucket::new(1.0, 1.0, factor, false, now),
            // The limit is "5 requests per 10 seconds".
            reports: Bucket::new(5.0, 10.0, factor, false, now),
        }
    }

    /// Refuses a request above the limits.
    pub fn admit(&mut self, request: &Request, now: Instant) -> Result<(), Fault> {
        let writes = request.method != "GET";
        match service(request) {
            // Microsoft's page says: "The Retry-After header isn't returned".
            Service::Access => {
                self.access.take(now).map_err(|_| throttled(None, "Tenant/ReadWrite", "WriteLimitExceeded"))
            }
            Service::Reports => self
                .reports
                .take(now)
                .map_err(|wait| throttled(Some(wait), "Tenant_Application/Read", "CPULimitExceeded")),
            Service::Directory => {
                self.units.fill(now);
                if self.units.left < 0.0 {
                    let wait = Duration::from_secs_f64(1.0 - self.units.left / self.units.rate);
                    return Err(throttled(Some(wait), "Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded"));
                }
                if !writes {
                    return Ok(());
                }
                let refused = |wait| throttled(Some(wait), "Tenant_Application/Write", "WriteLimitExceeded");
                self.writes.take(now).map_err(refused)
            }
        }
    }

    /// Charges the cost of a reply.
    pub fn charge(&mut self, request: &Request, units: u32, now: Instant) {
        if let Some(units) = units_of(request, units) {
            self.units.fill(now);
            self.units.left -= f64::from(units);
        }
    }
}

/// Returns the cost of a reply of so many units, if its service counts them.
pub fn units_of(request: &Request, units: u32) -> Option<u32> {
    matches!(service(request), Service::Directory).then_some(units.max(1))
}

/// Returns true for requests that are limited to one a second.
pub fn is_access(request: &Request) -> bool {
    matches!(service(request), Service::Access)
}

enum Service {
    Directory,
    Access,
    Reports,
}

fn service(request: &Request) -> Service {
    let segment = |at: usize| request.segments.get(at).map_or("", String::as_str);
    match (segment(0), segment(1)) {
        ("identity", "conditionalAccess") => Service::Access,
        ("auditLogs", _) => Service::Reports,
        _ => Service::Directory,
    }
}

/// Returns a 429 with status, code and headers of Graph: <https://learn.microsoft.com/graph/throttling#sample-response>
fn throttled(wait: Option<Duration>, scope: &str, why: &str) -> Fault {
    let mut fault = Fault::new(429, "TooManyRequests", "Too many requests. Please wait and try again later.");
    fault.headers.extend(wait.map(|wait| ("Retry-After", format!("{:.0}", wait.as_secs_f64().ceil().max(1.0)))));
    fault.headers.push(("x-ms-throttle-scope", scope.to_owned()));
    fault.headers.push(("x-ms-throttle-information", why.to_owned()));
    fault
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_gives_what_it_has_and_then_its_rate() {
        let start = Instant::now();
        let mut bucket = Bucket::new(3_000.0, 150.0, 1.0, false, start);
        assert!((0..3_000).all(|_| bucket.take(start).is_ok()));
        assert!(bucket.take(start).is_err_and(|wait| wait < Duration::from_secs(2)));
        let later = start + Duration::from_secs(2);
        assert_eq!((0..100).filter(|_| bucket.take(later).is_ok()).count(), 39);
        let much_later = start + Duration::from_secs(1_000);
        assert_eq!((0..4_000).filter(|_| bucket.take(much_later).is_ok()).count(), 3_000);
    }
}
