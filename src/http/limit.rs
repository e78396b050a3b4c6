//! How often one may ask: the generic cell rate algorithm of governor, for each key a bucket of its own.
//!
//! Not `tower_governor`, whose layer knows a request's head only: here the outcome counts, and the key id in the body.

mod shared;

use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultDirectRateLimiter, Quota};
use quick_cache::sync::Cache;
use sha2::{Digest, Sha256};

pub(super) use shared::Stopped;

/// Buckets that are kept; of more, those go that were used least. Each takes some hundred bytes.
const BUCKETS_MAX: usize = 65_536;

/// So many requests in a time, and so many at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// In each period.
    pub requests: NonZeroU32,
    /// One second, minute or hour.
    pub period: Duration,
    /// At once, after a time without any.
    pub burst: NonZeroU32,
}

/// Why a text is no rate.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("is no rate: write `off`, or one such as `10/s`, `600/m` or, with a burst of 20, `10/s,20`")]
pub struct RateError;

impl Rate {
    /// `off` is none.
    ///
    /// # Errors
    ///
    /// The text has another form.
    pub fn parse(text: &str) -> Result<Option<Self>, RateError> {
        if text.trim() == "off" { Ok(None) } else { text.parse().map(Some) }
    }
}

impl FromStr for Rate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let (rate, burst) = text.split_once(',').map_or((text, None), |(rate, burst)| (rate, Some(burst)));
        let (requests, unit) = rate.split_once('/').ok_or(RateError)?;
        let requests: NonZeroU32 = requests.trim().parse().map_err(|_| RateError)?;
        let period = match unit.trim() {
            "s" => Duration::from_secs(1),
            "m" => Duration::from_mins(1),
            "h" => Duration::from_hours(1),
            _ => return Err(RateError),
        };
        let burst = burst.map_or(Ok(requests), |burst| burst.trim().parse().map_err(|_| RateError))?;
        Ok(Self { requests, period, burst })
    }
}

/// How often is asked at most.
#[derive(Clone, Copy, Debug)]
pub struct Rates {
    /// Tokens minted for one key.
    pub mints: Option<Rate>,
    /// Wrong API keys for one id from one address; ten times as many for all ids together.
    pub mint_failures: Option<Rate>,
    /// GraphQL requests without a good token from one address.
    pub anonymous: Option<Rate>,
}

impl Default for Rates {
    /// What no honest client meets: a backend mints a token once in its life, and knows its key.
    fn default() -> Self {
        Self { mints: "100/s,200".parse().ok(), mint_failures: "10/s,20".parse().ok(), anonymous: None }
    }
}

/// Asked too often; once more after this time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TooOften {
    pub(super) retry_after_seconds: u64,
}

/// Wrong pairs of `id` and `apiKey`: of one id from one address, and ten times as often of any. So whoever guesses one key does not lock
/// out the others behind its address, and cannot try them all either.
pub(super) struct Guesses {
    of_id: Limiter<(IpAddr, [u8; 8])>,
    of_any: Limiter<IpAddr>,
}

impl Guesses {
    const IDS: NonZeroU32 = NonZeroU32::new(10).unwrap();

    pub(super) fn new(rate: Option<Rate>) -> Self {
        Self { of_id: Limiter::new(rate), of_any: Limiter::new(rate.map(Self::of_any)) }
    }

    /// From the rate for one id, that for all of an address.
    fn of_any(rate: Rate) -> Rate {
        Rate { requests: rate.requests.saturating_mul(Self::IDS), burst: rate.burst.saturating_mul(Self::IDS), ..rate }
    }

    /// Whether too many were counted, without counting this one.
    pub(super) fn look(&self, address: IpAddr, id: &str) -> Result<(), TooOften> {
        self.of_any.look(&address)?;
        self.of_id.look(&(address, short_digest(id)))
    }

    /// Counts one.
    pub(super) fn count(&self, address: IpAddr, id: &str) -> Result<(), TooOften> {
        self.of_any.count(&address)?;
        self.of_id.count(&(address, short_digest(id)))
    }
}

/// An id may be of any length, and a secret by mistake.
fn short_digest(id: &str) -> [u8; 8] {
    let digest: [u8; 32] = Sha256::digest(id).into();
    digest.first_chunk().copied().unwrap_or_default()
}

/// The same for who shares a database.
fn hex_digest(id: &str) -> String {
    format!("{:016x}", u64::from_be_bytes(short_digest(id)))
}

impl fmt::Debug for Guesses {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.of_id.fmt(formatter)
    }
}

/// A bucket for each key. Without a rate, there is no limit.
pub(super) struct Limiter<K> {
    quota: Option<Quota>,
    buckets: Cache<K, Arc<Bucket>>,
    clock: DefaultClock,
}

struct Bucket {
    limiter: DefaultDirectRateLimiter,
    empty_until: Mutex<Option<Instant>>,
}

impl<K: Hash + Eq + Clone> Limiter<K> {
    pub(super) fn new(rate: Option<Rate>) -> Self {
        let quota = rate.and_then(|rate| {
            Quota::with_period(rate.period / rate.requests.get()).map(|quota| quota.allow_burst(rate.burst))
        });
        Self {
            quota,
            buckets: Cache::new(if quota.is_some() { BUCKETS_MAX } else { 0 }),
            clock: DefaultClock::default(),
        }
    }

    pub(super) fn is_on(&self) -> bool {
        self.quota.is_some()
    }

    /// Counts one.
    pub(super) fn count(&self, key: &K) -> Result<(), TooOften> {
        let Some(quota) = self.quota else {
            return Ok(());
        };
        let bucket = self.buckets.get(key).unwrap_or_else(|| {
            let bucket =
                Arc::new(Bucket { limiter: DefaultDirectRateLimiter::direct(quota), empty_until: Mutex::new(None) });
            self.buckets.insert(key.clone(), Arc::clone(&bucket));
            bucket
        });
        bucket.limiter.check().map_err(|refused| {
            let wait = refused.wait_time_from(self.clock.now());
            bucket.set_empty_until(Instant::now() + wait);
            TooOften::after(wait)
        })
    }

    /// Whether so many were counted that the last one was refused, without counting this one.
    pub(super) fn look(&self, key: &K) -> Result<(), TooOften> {
        let bucket = self.buckets.get(key);
        let wait = bucket.and_then(|bucket| bucket.empty_until()?.checked_duration_since(Instant::now()));
        wait.map_or(Ok(()), |wait| Err(TooOften::after(wait)))
    }
}

impl Bucket {
    fn set_empty_until(&self, time: Instant) {
        *self.empty_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(time);
    }

    fn empty_until(&self) -> Option<Instant> {
        *self.empty_until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TooOften {
    pub(super) fn after(wait: Duration) -> Self {
        Self { retry_after_seconds: wait.as_secs() + 1 }
    }
}

/// Who has one address of IPv6 has its network of 64 bits.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}

impl<K> fmt::Debug for Limiter<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Limiter").field("quota", &self.quota).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_read() {
        let rate =
            |text| Rate::parse(text).map(|rate| rate.map(|rate| (rate.requests.get(), rate.period, rate.burst.get())));
        assert_eq!(rate("10/s"), Ok(Some((10, Duration::from_secs(1), 10))));
        assert_eq!(rate(" 600 / m , 20 "), Ok(Some((600, Duration::from_mins(1), 20))));
        assert_eq!(rate("off"), Ok(None));
        for text in ["", "10", "10/", "10/d", "0/s", "10/s,0", "10/s,", "-1/s", "1.5/s", "10 per s"] {
            assert_eq!(rate(text), Err(RateError), "{text}");
        }
    }

    #[test]
    fn each_key_has_its_burst_and_then_its_rate() {
        let limiter = Limiter::new("2/s,3".parse().ok());
        let allowed = |key: &str| (0..10).filter(|_| limiter.count(&key.to_owned()).is_ok()).count();
        assert_eq!(limiter.look(&"a".to_owned()), Ok(()));
        assert_eq!((allowed("a"), allowed("b")), (3, 3));
        assert_eq!(limiter.look(&"a".to_owned()), Err(TooOften { retry_after_seconds: 1 }));
        assert_eq!(limiter.look(&"c".to_owned()), Ok(()));
        std::thread::sleep(Duration::from_millis(550));
        assert_eq!(limiter.look(&"a".to_owned()), Ok(()));
        assert_eq!(allowed("a"), 1);
    }

    #[test]
    fn buckets_are_bounded() {
        let limiter = Limiter::new("1/h".parse().ok());
        for key in 0..3 * BUCKETS_MAX {
            limiter.count(&key).ok();
        }
        assert!(limiter.buckets.len() <= BUCKETS_MAX + BUCKETS_MAX / 8, "{}", limiter.buckets.len());
    }

    #[test]
    fn an_address_of_ipv6_counts_for_its_network() {
        let network = |text: &str| network(text.parse().unwrap()).to_string();
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(network("192.0.2.1"), "192.0.2.1");
    }
}
