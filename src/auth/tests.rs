use std::time::Duration;

use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::*;
use crate::scope::ScopeSet;

mod lifecycle;
mod revocation;

const NOW: u64 = 1_700_000_000;
const SECRET: &str = "a secret of the tests, of more than 32 bytes";
const ISSUER: &str = "https://trompamusic.eu";

fn settings(audience: &[&str]) -> Settings {
    let key = |id: &str, api_key: &str, scopes: &[&str]| Key::new(id, api_key, ScopeSet::compile(scopes).unwrap());
    Settings {
        secrets: vec![Secret::unnamed(SECRET)],
        lifetime: Duration::from_hours(24),
        issuer: ISSUER.into(),
        audience: audience.iter().map(ToString::to_string).collect(),
        keys: vec![
            key("all", "key of all", &["*"]),
            key("people", "key of people", &["Mutation:Person:*"]),
            key("queries", "key of queries", &["Query:*"]),
            key("literal", "key of literal", &["Query:ControlAction"]),
        ],
        ..Settings::default()
    }
}

fn authority(clock: &Clock) -> Authority {
    Authority::new(settings(&[]), clock.clone()).unwrap()
}

fn universe() -> Vec<Scope> {
    ["Mutation:Person:Create", "Mutation:Place:Create"].map(|scope| scope.parse().unwrap()).into()
}

fn mint(request: &Value) -> Result<Minted, MintError> {
    authority(&Clock::at(NOW)).mint(request, &universe(), Uuid::nil())
}

fn claims() -> Value {
    json!({"id": "people", "scopes": ["Mutation:*:Create"], "iat": NOW, "exp": NOW + 60, "iss": ISSUER})
}

fn sign(header: &Header, claims: &Value, secret: &str) -> String {
    let key = EncodingKey::from_secret(secret.as_bytes());
    jsonwebtoken::encode(header, claims, &key).unwrap()
}

/// What the token's bearer is told when creating a person at `NOW`; None if it is done.
fn refusal_of(settings: Settings, token: &str) -> Option<(&'static str, &'static str)> {
    let authority = Authority::new(settings, Clock::at(NOW)).unwrap();
    let header = format!("Bearer {token}");
    let access = authority.access([header.as_bytes()]);
    let denial = access.check("Mutation:Person:Create").err()?;
    Some((denial.message(), denial.code()))
}

const INVALID: Option<(&str, &str)> = Some(("You are not authorized for this resource", "UNAUTHENTICATED"));
const FORBIDDEN: Option<(&str, &str)> = Some(("You are not authorized for this resource", "FORBIDDEN"));
const EXPIRED: Option<(&str, &str)> = Some(("Your token is expired", "UNAUTHENTICATED"));

#[test]
fn minting_answers_as_the_original() {
    let credentials = "The `apiKey` or `id` property is missing in the request body";
    let scopes = "The `scopes` property is missing or not an Array with at least one scope";
    let combination = "The apiKey and id combination is not correct";
    let cases = [
        (json!({}), credentials),
        (json!([]), credentials),
        (json!({"id": "all"}), credentials),
        (json!({"id": "", "apiKey": "key of all"}), credentials),
        (json!({"id": "all", "apiKey": null}), credentials),
        (json!({"id": "all", "apiKey": 0}), credentials),
        (json!({"id": "all", "apiKey": "wrong"}), scopes),
        (json!({"id": "all", "apiKey": "x", "scopes": []}), scopes),
        (json!({"id": "all", "apiKey": "x", "scopes": "*"}), scopes),
        (json!({"id": "all", "apiKey": "x", "scopes": ["*"]}), combination),
        (json!({"id": "none", "apiKey": "key of all", "scopes": ["*"]}), combination),
        (json!({"id": "people", "apiKey": "key of all", "scopes": ["*"]}), combination),
        (json!({"id": 1, "apiKey": ["key of all"], "scopes": [1]}), combination),
        (json!({"id": "all", "apiKey": "key of all", "scopes": [1]}), "Expected input to be a string"),
        (json!({"id": "all", "apiKey": "key of all", "scopes": ["*", null]}), "Expected input to be a string"),
    ];
    for (request, message) in cases {
        let refusal = mint(&request).err().map(|error| error.to_string());
        assert_eq!(refusal.as_deref(), Some(message), "{request}");
    }
}

#[test]
fn a_scope_that_the_key_does_not_cover_is_named_with_what_it_would_allow() {
    let cases = [
        (json!(["Mutation:*:Create"]), "Mutation:*:Create", Some("Mutation:Place:Create")),
        (json!(["Mutation:Person:Create", "*", 1]), "*", Some("Mutation:Place:Create")),
        (json!(["Mutation:Person:(|**"]), "Mutation:Person:(|**", None),
        (json!([""]), "", None),
    ];
    for (scopes, offending, example) in cases {
        let error = mint(&json!({"id": "people", "apiKey": "key of people", "scopes": scopes}));
        let Err(MintError::NotAllowed { requested, counter_example, reason }) = error else {
            panic!("{scopes}: {error:?}");
        };
        assert_eq!((requested.as_str(), counter_example.as_deref()), (offending, example));
        assert_eq!(reason.is_some(), example.is_none(), "{scopes}");
    }
}

#[test]
fn a_scope_of_two_parts_is_minted_if_covered() {
    for id in ["all", "queries", "literal"] {
        let request = json!({"id": id, "apiKey": format!("key of {id}"), "scopes": ["Query:ControlAction"]});
        assert!(mint(&request).is_ok(), "{id}");
    }
    let request = json!({"id": "people", "apiKey": "key of people", "scopes": ["Query:ControlAction"]});
    assert!(mint(&request).is_err());
}

#[test]
fn a_minted_token_has_the_claims_of_the_original_and_more() {
    let authority = Authority::new(settings(&["ce"]), Clock::at(NOW)).unwrap();
    let request = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    let minted = authority.mint(&request, &[], Uuid::nil()).unwrap();
    assert_eq!((minted.expires_in_seconds, minted.scope.as_str()), (86_400, "Mutation:Person:*"));
    let header = jsonwebtoken::decode_header(&minted.jwt).unwrap();
    assert_eq!(serde_json::to_value(header).unwrap(), json!({"typ": "JWT", "alg": "HS256"}));
    let mut validation = jsonwebtoken::Validation::new(Algorithm::HS256);
    (validation.validate_exp, validation.validate_aud) = (false, false);
    let key = jsonwebtoken::DecodingKey::from_secret(SECRET.as_bytes());
    let claims = jsonwebtoken::decode::<Value>(&minted.jwt, &key, &validation).unwrap().claims;
    assert_eq!(
        claims,
        json!({
            "id": "people", "scopes": ["Mutation:Person:*"], "iat": NOW, "exp": NOW + 86_400,
            "iss": ISSUER, "sub": "people", "jti": "00000000-0000-0000-0000-000000000000",
            "aud": "ce",
        })
    );
}

#[test]
fn a_token_is_good_only_if_all_its_claims_are() {
    let cases = [
        (json!({}), None),
        (json!({"sub": "people", "nbf": NOW}), None),
        (json!({"iat": null}), None),
        (json!({"exp": NOW + 1}), None),
        (json!({"exp": NOW}), EXPIRED),
        (json!({"exp": NOW - 1}), EXPIRED),
        (json!({"exp": -1}), INVALID),
        (json!({"exp": NOW - 1, "iss": "https://example.org"}), INVALID),
        (json!({"exp": null}), INVALID),
        (json!({"exp": "1800000000"}), INVALID),
        (json!({"nbf": NOW + 6}), INVALID),
        (json!({"nbf": "now"}), INVALID),
        (json!({"iat": NOW + 6}), INVALID),
        (json!({"iss": null}), INVALID),
        (json!({"iss": [ISSUER]}), INVALID),
        (json!({"iss": "https://trompamusic.eu/"}), INVALID),
        (json!({"aud": "ce"}), INVALID),
        (json!({"sub": "all"}), INVALID),
        (json!({"id": "gone"}), INVALID),
        (json!({"id": null}), INVALID),
        (json!({"id": 1}), INVALID),
        (json!({"scopes": null}), INVALID),
        (json!({"scopes": "*"}), INVALID),
        (json!({"scopes": ["*", 1]}), INVALID),
        (json!({"exp": 1_900_000_000_000_u64}), INVALID),
        (json!({"scopes": [""]}), FORBIDDEN),
        (json!({"scopes": ["!a:b:c"]}), FORBIDDEN),
        (json!({"scopes": ["Mutation:Person:Create", "!Mutation:Person:Create"]}), FORBIDDEN),
        (json!({"scopes": []}), FORBIDDEN),
        (json!({"scopes": ["Mutation:Place:*"]}), FORBIDDEN),
        (json!({"id": "queries", "scopes": ["*"]}), FORBIDDEN),
    ];
    for (changes, expected) in cases {
        let mut claims = claims();
        for (name, value) in changes.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let token = sign(&Header::new(Algorithm::HS256), &claims, SECRET);
        assert_eq!(refusal_of(settings(&[]), &token), expected, "{changes}");
    }
}

#[test]
fn a_claim_left_out_is_not_taken_for_granted() {
    for name in ["id", "scopes", "exp", "iss"] {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        let token = sign(&Header::default(), &claims, SECRET);
        assert_eq!(refusal_of(settings(&[]), &token), INVALID, "{name}");
    }
}

#[test]
fn an_audience_is_required_once_configured() {
    let cases = [
        (json!(null), INVALID),
        (json!("other"), INVALID),
        (json!([]), INVALID),
        (json!("ce"), None),
        (json!(["other", "ce"]), None),
    ];
    for (audience, expected) in cases {
        let mut claims = claims();
        claims["aud"] = audience.clone();
        let token = sign(&Header::default(), &claims, SECRET);
        assert_eq!(refusal_of(settings(&["ce", "test"]), &token), expected, "{audience}");
    }
}

#[test]
fn only_hs256_with_our_secret_is_verified() {
    let typ = |typ: Option<&str>| Header { typ: typ.map(str::to_owned), ..Header::default() };
    let nested = Header { cty: Some("JWT".to_owned()), ..Header::default() };
    let critical = Header { crit: Some(vec!["b64".to_owned()]), ..Header::default() };
    let cases = [
        (sign(&Header::default(), &claims(), SECRET), None),
        (sign(&typ(None), &claims(), SECRET), None),
        (sign(&typ(Some("jwt")), &claims(), SECRET), None),
        (sign(&typ(Some("rt+jwt")), &claims(), SECRET), INVALID),
        (sign(&critical, &claims(), SECRET), INVALID),
        (sign(&nested, &claims(), SECRET), INVALID),
        (sign(&Header::new(Algorithm::HS384), &claims(), SECRET), INVALID),
        (sign(&Header::new(Algorithm::HS512), &claims(), SECRET), INVALID),
        (sign(&Header::default(), &claims(), "not-so-secret"), INVALID),
        (String::new(), INVALID),
        ("a.b.c".to_owned(), INVALID),
        ("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.e30.".to_owned(), INVALID),
    ];
    for (token, expected) in cases {
        assert_eq!(refusal_of(settings(&[]), &token), expected, "{token}");
    }
    let mut long = claims();
    long["padding"] = json!("x".repeat(token::TOKEN_BYTES_MAX));
    assert_eq!(refusal_of(settings(&[]), &sign(&Header::default(), &long, SECRET)), INVALID);
    let (twice, good) = (r#"{"alg":"HS256","alg":"HS256"}"#, sign(&Header::default(), &claims(), SECRET));
    assert_eq!(refusal_of(settings(&[]), &good.replacen("eyJ", twice, 1)), INVALID);
}

#[test]
fn a_token_that_was_verified_once_still_expires() {
    let clock = Clock::at(NOW);
    let Clock::Set(seconds) = &clock else { unreachable!() };
    let authority = authority(&clock);
    let token = format!("Bearer {}", sign(&Header::default(), &claims(), SECRET));
    let access = || authority.access([token.as_bytes()]);
    assert!(Arc::ptr_eq(&access(), &access()), "verified once");
    seconds.store(NOW + 59, std::sync::atomic::Ordering::Relaxed);
    assert!(access().check("Mutation:Person:Create").is_ok());
    seconds.store(NOW + 60, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(*access(), Access::Refused(TokenError::Expired)));
}

#[test]
fn no_token_is_told_from_a_bad_one() {
    let authority = authority(&Clock::at(NOW));
    let message = |values: &[&[u8]]| {
        let access = authority.access(values.iter().copied());
        let denial = access.check("Mutation:Person:Create").unwrap_err();
        (denial.message(), denial.code())
    };
    let none = ("No authorization token.", "UNAUTHENTICATED");
    assert_eq!(message(&[]), none);
    assert_eq!(message(&[b""]), none);
    assert_eq!(message(&[b"  "]), none);
    assert_eq!(Some(message(&[b"Bearer x", b"Bearer x"])), INVALID);
    let bare = sign(&Header::default(), &claims(), SECRET);
    assert_eq!(Some(message(&[bare.as_bytes()])), INVALID);
}

#[test]
fn secrets_are_not_printed() {
    let settings = settings(&[]);
    let printed = format!("{settings:?} {:?}", authority(&Clock::at(NOW)));
    assert!(!printed.contains(SECRET) && !printed.contains("key of"), "{printed}");
}
