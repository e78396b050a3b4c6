//! Automatic persisted queries, as Apollo's clients send them: a document is sent once, then named by its SHA-256.
//!
//! Kept in memory and by this process alone: whoever names a document that is not here is told so, and sends it again.

use std::fmt::Write as _;
use std::sync::Arc;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::error::GraphqlError;

/// Longest document kept, in bytes.
const DOCUMENT_BYTES_MAX: usize = 64 * 1024;
/// What an entry takes besides its text, about.
const ENTRY_BYTES: usize = 128;

type Hash = [u8; 32];

/// Documents by their hashes.
#[derive(Debug)]
pub(super) struct PersistedQueries {
    /// None: switched off.
    kept: Option<Cache<Hash, Arc<str>, ByBytes>>,
}

/// `extensions.persistedQuery`.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub(super) struct Reference {
    version: u32,
    sha256_hash: String,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Hash, Arc<str>> for ByBytes {
    fn weight(&self, _hash: &Hash, text: &Arc<str>) -> u64 {
        u64::try_from(text.len() + ENTRY_BYTES).unwrap_or(u64::MAX)
    }
}

/// A document that is kept if it turns out to be good.
#[derive(Debug)]
pub(super) struct Candidate {
    hash: Hash,
    text: Arc<str>,
}

impl PersistedQueries {
    /// `bytes_max`: of all documents together; 0: none are kept.
    pub(super) fn new(bytes_max: usize) -> Self {
        let capacity = u64::try_from(bytes_max).unwrap_or(u64::MAX);
        let kept = (bytes_max > 0).then(|| Cache::with_weighter(bytes_max / 1024 + 1, capacity, ByBytes));
        Self { kept }
    }

    /// Puts the named document where none was sent; else says what to keep if the one that was sent is good.
    pub(super) fn resolve(
        &self,
        reference: Option<&Reference>,
        query: &mut String,
    ) -> Result<Option<Candidate>, GraphqlError> {
        let Some(reference) = reference else { return Ok(None) };
        let Some(kept) = &self.kept else {
            return if query.is_empty() { Err(GraphqlError::PersistedOff) } else { Ok(None) };
        };
        if reference.version != 1 {
            return Err(GraphqlError::PersistedVersion);
        }
        if query.is_empty() {
            let found = parsed(&reference.sha256_hash).and_then(|hash| kept.get(&hash));
            *query = found.ok_or(GraphqlError::PersistedNotFound)?.to_string();
            return Ok(None);
        }
        let hash: Hash = Sha256::digest(query.as_bytes()).into();
        if parsed(&reference.sha256_hash) != Some(hash) {
            return Err(GraphqlError::PersistedMismatch);
        }
        let is_new = query.len() <= DOCUMENT_BYTES_MAX && kept.peek(&hash).is_none();
        Ok(is_new.then(|| Candidate { hash, text: query.as_str().into() }))
    }

    /// Keeps a document that was parsed and validated.
    pub(super) fn keep(&self, candidate: Option<Candidate>) {
        if let (Some(kept), Some(Candidate { hash, text })) = (&self.kept, candidate) {
            kept.insert(hash, text);
        }
    }
}

/// 64 hexadecimal digits, as Apollo writes them: in lower case.
fn parsed(text: &str) -> Option<Hash> {
    let mut hash = [0; 32];
    let bytes = text.as_bytes();
    if bytes.len() != 64 {
        return None;
    }
    for (byte, pair) in hash.iter_mut().zip(bytes.chunks(2)) {
        *byte = u8::from_str_radix(str::from_utf8(pair).ok()?, 16).ok()?;
    }
    let mut written = String::with_capacity(64);
    for byte in hash {
        // Writing into a string does not fail.
        let _ = write!(written, "{byte:02x}");
    }
    (written == text).then_some(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reference(text: &str) -> Reference {
        Reference { version: 1, sha256_hash: format!("{:x}", Sha256::digest(text)) }
    }

    fn keep(queries: &PersistedQueries, text: &str) {
        let mut query = text.to_owned();
        let candidate = queries.resolve(Some(&reference(text)), &mut query).unwrap();
        queries.keep(candidate);
    }

    fn is_kept(queries: &PersistedQueries, text: &str) -> bool {
        let mut query = String::new();
        queries.resolve(Some(&reference(text)), &mut query).is_ok() && query == text
    }

    #[test]
    fn documents_take_no_more_than_they_may() {
        let queries = PersistedQueries::new(100_000);
        let texts: Vec<_> = (0..500).map(|number| format!("{{ a{number} }}{}", " ".repeat(1000))).collect();
        for text in &texts {
            keep(&queries, text);
        }
        let kept = texts.iter().filter(|text| is_kept(&queries, text)).count();
        assert!((20..=88).contains(&kept), "{kept}");
        let long = format!("{{ a }}{}", " ".repeat(DOCUMENT_BYTES_MAX));
        keep(&queries, &long);
        assert!(!is_kept(&queries, &long));
    }

    #[test]
    fn a_hash_is_64_lower_case_digits() {
        let good = format!("{:x}", Sha256::digest("{a}"));
        assert!(parsed(&good).is_some());
        for bad in ["", "+1", &good[1..], &good.to_uppercase(), &format!("{good}0"), &"é".repeat(32), &"+f".repeat(32)]
        {
            assert_eq!(parsed(bad), None, "{bad}");
        }
    }
}
