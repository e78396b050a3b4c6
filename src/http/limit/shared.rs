//! The limits of minting. Where several servers share the database, what holds of one of them holds of all together: each asks its own
//! buckets first, then those of the database.

use std::net::IpAddr;

use super::{Guesses, Rate, TooOften, hex_digest};
use crate::http::Services;
use crate::storage::{Bucket, Error};

/// Why there is no going on.
#[derive(Debug)]
pub(in crate::http) enum Stopped {
    /// Asked too often.
    TooOften(TooOften),
    /// The database cannot tell.
    Unavailable,
}

impl From<TooOften> for Stopped {
    fn from(error: TooOften) -> Self {
        Self::TooOften(error)
    }
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        tracing::warn!(error = &error as &dyn std::error::Error, "rate limits of minting cannot be looked at");
        Self::Unavailable
    }
}

/// The buckets of wrong API keys: of any id from an address, and of one.
struct Guessing {
    of_any: (String, Rate),
    of_id: (String, Rate),
}

impl Services {
    /// Counts a token for a key.
    pub(in crate::http) async fn count_mint(&self, id: &str) -> Result<(), Stopped> {
        self.mints.count(&id.to_owned())?;
        let Some(rate) = self.limits.rates.mints.filter(|_| self.engine.storage().is_shared()) else { return Ok(()) };
        self.take(&["m:", &hex_digest(id)].concat(), rate).await
    }

    /// Whether there were too many wrong API keys, without counting one.
    pub(in crate::http) async fn look_at_guesses(&self, address: IpAddr, id: &str) -> Result<(), Stopped> {
        self.mint_failures.look(address, id)?;
        let Some(Guessing { of_any, of_id }) = self.guessing(address, id) else { return Ok(()) };
        let buckets = [bucket(&of_any.0, of_any.1), bucket(&of_id.0, of_id.1)];
        let wait = self.engine.storage().wait(&buckets).await?;
        if wait.is_zero() { Ok(()) } else { Err(TooOften::after(wait).into()) }
    }

    /// Counts a wrong API key.
    pub(in crate::http) async fn count_guess(&self, address: IpAddr, id: &str) -> Result<(), Stopped> {
        self.mint_failures.count(address, id)?;
        let Some(Guessing { of_any, of_id }) = self.guessing(address, id) else { return Ok(()) };
        self.take(&of_any.0, of_any.1).await?;
        self.take(&of_id.0, of_id.1).await
    }

    async fn take(&self, name: &str, rate: Rate) -> Result<(), Stopped> {
        let taken = self.engine.storage().take(bucket(name, rate)).await?;
        taken.map_err(|wait| TooOften::after(wait).into())
    }

    fn guessing(&self, address: IpAddr, id: &str) -> Option<Guessing> {
        let of_id = self.limits.rates.mint_failures.filter(|_| self.engine.storage().is_shared())?;
        let address = address.to_string();
        Some(Guessing {
            of_any: (["f:", &address].concat(), Guesses::of_any(of_id)),
            of_id: (["f:", &address, ":", &hex_digest(id)].concat(), of_id),
        })
    }
}

fn bucket(name: &str, rate: Rate) -> Bucket<'_> {
    Bucket { name, interval: rate.period / rate.requests.get(), burst: rate.burst.get() }
}
