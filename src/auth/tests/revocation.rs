//! Revoked tokens and keys, and what cannot be told of them.

use super::*;
use crate::model::{self, Model};
use crate::storage::{RemovedPolicy, Revocation, Revoked, Settings as Database, Storage};

fn some_model() -> Model {
    let sources = crate::sdl::read_folder("tests/schemas/library").unwrap();
    let definitions = crate::sdl::parse(&sources).unwrap_or_else(|problems| panic!("{problems}"));
    model::build(&definitions).unwrap()
}

async fn storage() -> Storage {
    let settings = Database { url: "sqlite::memory:".to_owned(), ..Database::default() };
    Storage::open(&settings, &some_model(), RemovedPolicy::Refuse).await.unwrap()
}

fn row(kind: Revoked, id: &str) -> Revocation {
    Revocation { kind, id: id.to_owned(), before: None, until: None }
}

fn code(authority: &Authority, token: &str) -> Option<&'static str> {
    let header = format!("Bearer {token}");
    authority.access([header.as_bytes()]).check("Mutation:Person:Create").err().map(|denial| denial.code())
}

fn mint_at(authority: &Authority, token_id: u128) -> String {
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    authority.mint(&order, &universe(), Uuid::from_u128(token_id)).unwrap().jwt
}

#[tokio::test]
async fn rows_are_taken_over_in_order_also_of_tokens_seen_before() {
    let (clock, storage) = (Clock::at(NOW), storage().await);
    let authority = authority(&clock);
    let (one, other) = (mint_at(&authority, 1), mint_at(&authority, 2));
    let revoke = async |revocation: Revocation| {
        storage.revoke(&revocation, NOW).await.unwrap();
        authority.read_revocations(&storage).await.unwrap();
        [code(&authority, &one), code(&authority, &other)]
    };
    assert_eq!([code(&authority, &one), code(&authority, &other)], [None, None]);
    let refused = Some("UNAUTHENTICATED");
    let id = Uuid::from_u128(1).to_string();
    assert_eq!(revoke(Revocation { until: Some(NOW + 9), ..row(Revoked::Token, &id) }).await, [refused, None]);
    assert_eq!(revoke(row(Revoked::Key, "people")).await, [refused, refused]);
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    assert_eq!(authority.mint(&order, &universe(), Uuid::nil()).unwrap_err(), MintError::WrongCredentials);
    assert_eq!(revoke(row(Revoked::Key, "all")).await, [refused, refused]);
    assert_eq!(revoke(row(Revoked::Restored, "people")).await, [refused, None]);
    let earlier = Revocation { before: Some(NOW - 1), ..row(Revoked::Minted, "people") };
    assert_eq!(revoke(earlier).await, [refused, None]);
    let now = Revocation { before: Some(NOW), ..row(Revoked::Minted, "people") };
    assert_eq!(revoke(now).await, [refused, refused]);
}

#[tokio::test]
async fn rows_that_say_nothing_any_more_are_deleted_and_forgotten() {
    let (clock, storage) = (Clock::at(NOW), storage().await);
    let authority = authority(&clock);
    for number in 0..2500 {
        let revocation = Revocation { until: Some(NOW + 1), ..row(Revoked::Token, &number.to_string()) };
        storage.revoke(&revocation, NOW).await.unwrap();
    }
    authority.read_revocations(&storage).await.unwrap();
    assert_eq!(authority.revoked.load().tokens.len(), 2500, "several answers");
    let last = Revocation { until: Some(NOW + 2), ..row(Revoked::Token, "last") };
    storage.revoke(&last, NOW + 1).await.unwrap();
    let Clock::Set(seconds) = &clock else { panic!() };
    seconds.store(NOW + 1, std::sync::atomic::Ordering::Relaxed);
    authority.read_revocations(&storage).await.unwrap();
    assert_eq!(authority.revoked.load().tokens.len(), 1);
    let count = crate::sql::Sql::new("select count(*) from clef_revocation");
    assert_eq!(storage.read(count).await.unwrap().as_deref(), Some("1"));
}

#[tokio::test]
async fn a_database_that_was_restored_is_read_from_the_start() {
    let (authority, before, after) = (authority(&Clock::at(NOW)), storage().await, storage().await);
    for id in ["people", "all"] {
        before.revoke(&row(Revoked::Key, id), NOW).await.unwrap();
    }
    authority.read_revocations(&before).await.unwrap();
    after.revoke(&row(Revoked::Key, "all"), NOW).await.unwrap();
    authority.read_revocations(&after).await.unwrap();
    assert_eq!(code(&authority, &mint_at(&authority, 1)), None);
    assert!(authority.revoked.load().has_key("all"));
}

#[test]
fn without_knowing_what_is_revoked_tokens_are_refused_and_not_called_invalid() {
    let authority = authority(&Clock::at(NOW));
    let token = mint_at(&authority, 1);
    authority.set_blind(true);
    assert_eq!(code(&authority, &token), Some("SERVICE_UNAVAILABLE"));
    assert!(matches!(*authority.access(std::iter::empty()), Access::Anonymous));
    authority.set_blind(false);
    assert_eq!(code(&authority, &token), None);
}
