//! Secrets and keys that come and go.

use std::sync::atomic::Ordering;

use super::*;
use crate::auth::TokenType::{AccessToken, Jwt};
use crate::auth::{ApiKey, ApiKeyHash, ApiKeySecret};

type Change = fn(&mut Key);

const OLD: &str = "the old secret of the tests, of more than 32 bytes";

// Of `key of people`: `printf %s … | sha256sum`, and argon2id with 64 KiB and one pass.
fn hashes() -> [String; 2] {
    use argon2::password_hash::{PasswordHasher, SaltString};
    let salt = SaltString::encode_b64(b"salt of the test").unwrap();
    let parameters = argon2::Params::new(64, 1, 1, None).unwrap();
    let argon2 = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, parameters);
    let hash = argon2.hash_password(b"key of people", &salt).unwrap().to_string();
    [format!("sha256:{}", crate::auth::Digest::of("key of people")), hash]
}

fn with_secrets(secrets: &[(Option<&str>, &str)]) -> Settings {
    let secret =
        |(key_id, secret): &(Option<&str>, &str)| Secret { key_id: key_id.map(Into::into), secret: (*secret).into() };
    Settings { secrets: secrets.iter().map(secret).collect(), ..settings(&[]) }
}

fn kid(settings: Settings) -> Option<String> {
    let authority = Authority::new(settings, Clock::at(NOW)).unwrap();
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    let minted = authority.mint(&order, &[], Uuid::nil()).unwrap();
    jsonwebtoken::decode_header(&minted.jwt).unwrap().kid
}

fn people(change: impl FnOnce(&mut Key)) -> Settings {
    let mut settings = settings(&[]);
    change(&mut settings.keys[1]);
    settings
}

fn header(kid: Option<&str>) -> Header {
    Header { kid: kid.map(str::to_owned), ..Header::default() }
}

#[test]
fn a_token_names_its_secret_only_where_there_is_a_choice() {
    let of_old = Secret::unnamed(OLD).key_id().to_string();
    assert_eq!(kid(with_secrets(&[(None, SECRET)])), None);
    assert_eq!(kid(with_secrets(&[(Some("2027"), SECRET)])).as_deref(), Some("2027"));
    assert_eq!(kid(with_secrets(&[(None, OLD), (None, SECRET)])), Some(of_old.clone()));
    assert_eq!(kid(with_secrets(&[(None, OLD), (Some("2027"), SECRET)])), Some(of_old.clone()));
    assert!(!of_old.contains("old") && of_old.len() == 16, "{of_old}");
}

#[test]
fn a_token_is_verified_by_the_secret_that_it_names_and_no_other() {
    let both = || with_secrets(&[(Some("new"), SECRET), (None, OLD)]);
    let of_old = Secret::unnamed(OLD).key_id();
    let cases = [
        (header(None), SECRET, None),
        (header(None), OLD, None),
        (header(None), "a third secret, of nobody, of more than 32 bytes", INVALID),
        (header(Some("new")), SECRET, None),
        (header(Some("new")), OLD, INVALID),
        (header(Some(&of_old)), OLD, None),
        (header(Some(&of_old)), SECRET, INVALID),
        (header(Some("NEW")), SECRET, INVALID),
        (header(Some("")), SECRET, INVALID),
        (header(Some("../../../../dev/null")), "", INVALID),
        (header(Some("x' UNION SELECT 'secret'-- -")), "secret", INVALID),
    ];
    for (header, secret, expected) in cases {
        assert_eq!(refusal_of(both(), &sign(&header, &claims(), secret)), expected, "{header:?}");
    }
    let alone = sign(&header(Some(&of_old)), &claims(), OLD);
    assert_eq!(refusal_of(with_secrets(&[(None, OLD)]), &alone), None, "the name of a secret does not change");
}

#[test]
fn no_other_algorithm_is_verified_by_a_named_secret() {
    let both = || with_secrets(&[(Some("new"), SECRET), (None, OLD)]);
    for algorithm in [Algorithm::HS384, Algorithm::HS512] {
        let header = Header { kid: Some("new".into()), ..Header::new(algorithm) };
        assert_eq!(refusal_of(both(), &sign(&header, &claims(), SECRET)), INVALID);
    }
    // {"alg":"RS256","typ":"JWT","kid":"new"}, {"alg":"none","kid":"new"}
    for head in ["eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Im5ldyJ9", "eyJhbGciOiJub25lIiwia2lkIjoibmV3In0"] {
        let good = sign(&header(None), &claims(), SECRET);
        let (_, rest) = good.split_once('.').unwrap();
        assert_eq!(refusal_of(both(), &format!("{head}.{rest}")), INVALID);
    }
}

#[test]
fn a_rotation_goes_without_a_refusal_and_ends_the_old_secret() {
    let authority = Authority::new(with_secrets(&[(None, OLD)]), Clock::at(NOW)).unwrap();
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    let mint = || authority.mint(&order, &[], Uuid::nil()).unwrap().jwt;
    let is_good =
        |token: &str| authority.access([format!("Bearer {token}").as_bytes()]).check("Mutation:Person:Create").is_ok();
    let old = mint();
    authority.replace(with_secrets(&[(None, SECRET), (None, OLD)])).unwrap();
    let new = mint();
    assert!(is_good(&old) && is_good(&new));
    assert_ne!(jsonwebtoken::decode_header(&new).unwrap().kid, None, "a retired secret does not sign");
    authority.replace(with_secrets(&[(None, SECRET)])).unwrap();
    assert!(!is_good(&old) && is_good(&new));
    assert!(authority.replace(with_secrets(&[])).is_err());
    assert!(is_good(&new), "what cannot be used changes nothing");
}

#[test]
fn a_key_that_goes_takes_its_tokens_with_it() {
    let token = sign(&Header::default(), &claims(), SECRET);
    let cases: &[(Change, Option<(&str, &str)>)] = &[
        (|_| {}, None),
        (|key| key.is_disabled = true, INVALID),
        (|key| key.expires_at = Some(NOW), INVALID),
        (|key| key.expires_at = Some(NOW + 1), None),
        (|key| key.id = "renamed".into(), INVALID),
        (|key| key.scopes = ScopeSet::compile(&["Mutation:Person:Delete"]).unwrap(), FORBIDDEN),
        (|key| key.lifetime_seconds_max = Some(1), None),
    ];
    for (position, (change, expected)) in cases.iter().enumerate() {
        assert_eq!(refusal_of(people(change), &token), *expected, "{position}");
        let authority = Authority::new(settings(&[]), Clock::at(NOW)).unwrap();
        let check = || authority.access([format!("Bearer {token}").as_bytes()]).check("Mutation:Person:Create");
        assert!(check().is_ok(), "it is verified once");
        authority.replace(people(change)).unwrap();
        let refusal = check().err().map(|denial| (denial.message(), denial.code()));
        assert_eq!(refusal, *expected, "{position}, after a reload");
    }
}

#[test]
fn a_key_that_expires_ends_its_verified_tokens() {
    let clock = Clock::at(NOW);
    let Clock::Set(seconds) = &clock else { unreachable!() };
    let authority = Authority::new(people(|key| key.expires_at = Some(NOW + 10)), clock.clone()).unwrap();
    let token = format!("Bearer {}", sign(&Header::default(), &claims(), SECRET));
    let is_good = || authority.access([token.as_bytes()]).check("Mutation:Person:Create").is_ok();
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    assert!(is_good() && authority.mint(&order, &[], Uuid::nil()).is_ok());
    seconds.store(NOW + 10, Ordering::Relaxed);
    assert!(!is_good());
    assert_eq!(authority.mint(&order, &[], Uuid::nil()).unwrap_err(), MintError::WrongCredentials);
}

#[test]
fn a_key_limits_the_life_of_its_tokens() {
    let hour = || people(|key| key.lifetime_seconds_max = Some(3600));
    let authority = Authority::new(hour(), Clock::at(NOW)).unwrap();
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    assert_eq!(authority.mint(&order, &[], Uuid::nil()).unwrap().expires_in_seconds, 3600);
    let minted = |ago: u64| json!({"iat": NOW - ago, "exp": NOW + 80_000});
    for (changes, expected) in
        [(minted(3599), None), (minted(3600), EXPIRED), (json!({"iat": null, "exp": NOW + 9}), INVALID)]
    {
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        assert_eq!(refusal_of(hour(), &sign(&Header::default(), &claims, SECRET)), expected, "{changes}");
    }
}

#[test]
fn an_api_key_may_be_kept_as_a_hash() {
    for hash in hashes() {
        let secret = ApiKeySecret::Hashed(ApiKeyHash::parse(&hash).unwrap());
        let with_hash = people(|key| key.api_keys = vec![ApiKey { secret: secret.clone(), expires_at: None }]);
        assert!(!format!("{with_hash:?}").contains(&hash[20..]), "hashes are not printed");
        let authority = Authority::new(with_hash, Clock::at(NOW)).unwrap();
        assert_eq!(authority.is_slow_to_mint(), hash.starts_with('$'));
        for (id, api_key, is_right) in [
            ("people", "key of people", true),
            ("people", "key of peoplE", false),
            ("people", &hash, false),
            ("nobody", "key of people", false),
            ("all", "key of people", false),
            ("all", "key of all", true),
        ] {
            let order = json!({"id": id, "apiKey": api_key, "scopes": ["Mutation:Person:Create"]});
            assert_eq!(authority.mint(&order, &[], Uuid::nil()).is_ok(), is_right, "{hash}: {id}");
        }
    }
}

#[test]
fn two_api_keys_live_until_one_expires() {
    let two = people(|key| {
        let plain = |text: &str, expires_at| ApiKey { secret: ApiKeySecret::Plain(text.into()), expires_at };
        key.api_keys = vec![plain("old key", Some(NOW + 5)), plain("new key", None)];
    });
    let clock = Clock::at(NOW);
    let Clock::Set(seconds) = &clock else { unreachable!() };
    let authority = Authority::new(two, clock.clone()).unwrap();
    let mint = |api_key: &str| {
        let order = json!({"id": "people", "apiKey": api_key, "scopes": ["Mutation:Person:*"]});
        authority.mint(&order, &[], Uuid::nil()).is_ok()
    };
    assert_eq!((mint("old key"), mint("new key"), mint("key of people")), (true, true, false));
    seconds.store(NOW + 5, Ordering::Relaxed);
    assert_eq!((mint("old key"), mint("new key")), (false, true));
}

#[test]
fn leeway_is_exact() {
    let minute = Leeway { before: Duration::from_mins(1), after: Duration::from_mins(1) };
    let cases = [
        (json!({"exp": NOW - 59}), None),
        (json!({"exp": NOW - 60}), EXPIRED),
        (json!({"exp": NOW - 61}), EXPIRED),
        (json!({"iat": NOW + 60}), None),
        (json!({"iat": NOW + 61}), INVALID),
        (json!({"nbf": NOW + 60}), None),
        (json!({"nbf": NOW + 61}), INVALID),
    ];
    for (changes, expected) in cases {
        let mut claims = claims();
        claims.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let settings = Settings { leeway: minute, ..settings(&[]) };
        assert_eq!(refusal_of(settings, &sign(&Header::default(), &claims, SECRET)), expected, "{changes}");
    }
}

#[test]
fn each_kind_of_token_is_accepted_only_where_it_is_configured() {
    let typed = |typ: &str| Header { typ: Some(typ.to_owned()), ..Header::default() };
    let mut claims = claims();
    claims["aud"] = json!("ce");
    let cases: &[(&[TokenType], &str, bool)] = &[
        (&[], "JWT", true),
        (&[], "at+jwt", false),
        (&[AccessToken], "at+jwt", true),
        (&[AccessToken], "application/at+jwt", true),
        (&[AccessToken], "JWT", false),
        (&[AccessToken, Jwt], "JWT", true),
        (&[AccessToken, Jwt], "rt+jwt", false),
    ];
    for (types, typ, is_good) in cases {
        let settings = Settings { token_types: types.to_vec(), ..settings(&["ce"]) };
        let refusal = refusal_of(settings, &sign(&typed(typ), &claims, SECRET));
        assert_eq!(refusal.is_none(), *is_good, "{types:?} {typ}");
    }
    let authority =
        Authority::new(Settings { token_types: vec![AccessToken], ..settings(&["ce"]) }, Clock::at(NOW)).unwrap();
    let order = json!({"id": "people", "apiKey": "key of people", "scopes": ["Mutation:Person:*"]});
    let minted = authority.mint(&order, &[], Uuid::nil()).unwrap();
    assert_eq!(jsonwebtoken::decode_header(&minted.jwt).unwrap().typ.as_deref(), Some("at+jwt"));
    let access = authority.access([format!("Bearer {}", minted.jwt).as_bytes()]);
    assert!(access.check("Mutation:Person:Create").is_ok());
}

#[test]
fn thousands_of_unknown_names_cost_no_more_than_a_look() {
    let authority = Authority::new(with_secrets(&[(Some("new"), SECRET), (None, OLD)]), Clock::at(NOW)).unwrap();
    let start = std::time::Instant::now();
    for name in 0..10_000 {
        let token = format!("Bearer {}", sign(&header(Some(&name.to_string())), &claims(), SECRET));
        assert!(matches!(*authority.access([token.as_bytes()]), Access::Refused(TokenError::Invalid)));
    }
    // Signing them is most of it: half a millisecond each would be a slow path.
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
}
