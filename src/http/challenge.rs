//! The header `WWW-Authenticate` (RFC 6750, section 3), also on answers whose status is 200, as GraphQL's are.

use axum::http::HeaderValue;
use axum::http::header::{ACCESS_CONTROL_EXPOSE_HEADERS, WWW_AUTHENTICATE};
use axum::response::Response;

use super::error::set;
use crate::graphql::Challenge;

/// Longest list of scopes, in bytes: a header has to pass proxies. The answer's errors have all of them.
const SCOPE_BYTES_MAX: usize = 2048;

/// Adds the header.
pub(super) fn challenge(response: &mut Response, challenge: &Challenge) {
    let text = match challenge {
        // Section 3.1: without credentials, no error is told.
        Challenge::NoToken => "Bearer".to_owned(),
        Challenge::InvalidToken { is_expired: true } => {
            r#"Bearer error="invalid_token", error_description="The token is expired""#.to_owned()
        }
        Challenge::InvalidToken { is_expired: false } => r#"Bearer error="invalid_token""#.to_owned(),
        Challenge::MissingScopes(scopes) => {
            let scopes = listed(scopes.iter().map(AsRef::as_ref));
            format!(r#"Bearer error="insufficient_scope", scope="{scopes}""#)
        }
    };
    if let Ok(value) = HeaderValue::try_from(text) {
        response.headers_mut().insert(WWW_AUTHENTICATE, value);
        set(response, ACCESS_CONTROL_EXPOSE_HEADERS, "www-authenticate");
    }
}

/// Scopes separated by blanks. What could end the quotes or the header is left out: no scope of a schema has it.
fn listed<'scope>(scopes: impl Iterator<Item = &'scope str>) -> String {
    let mut list = String::new();
    let is_token = |scope: &&str| scope.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\');
    for scope in scopes.filter(is_token) {
        if list.len() + scope.len() > SCOPE_BYTES_MAX {
            break;
        }
        if !list.is_empty() {
            list.push(' ');
        }
        list.push_str(scope);
    }
    list
}

/// One for several answers in a batch: what the first lacks, and the scopes of all.
pub(super) fn merged(challenges: impl IntoIterator<Item = Challenge>) -> Option<Challenge> {
    challenges.into_iter().reduce(|first, next| match (first, next) {
        (Challenge::MissingScopes(mut scopes), Challenge::MissingScopes(more)) => {
            scopes.extend(more);
            scopes.sort_unstable();
            scopes.dedup();
            Challenge::MissingScopes(scopes)
        }
        (first, _) => first,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn header(given: &Challenge) -> String {
        let mut response = Response::default();
        challenge(&mut response, given);
        response.headers()[WWW_AUTHENTICATE].to_str().unwrap().to_owned()
    }

    #[test]
    fn the_header_says_what_is_lacking_and_nothing_in_it_can_end_its_quotes() {
        assert_eq!(header(&Challenge::NoToken), "Bearer");
        assert_eq!(header(&Challenge::InvalidToken { is_expired: false }), r#"Bearer error="invalid_token""#);
        let scopes = ["Mutation:A:Create", "x\"y", "x\\y", "x y", "x\r\ny", "é", "Mutation:B:Create"];
        let missing = Challenge::MissingScopes(scopes.map(Arc::from).to_vec());
        let expected = r#"Bearer error="insufficient_scope", scope="Mutation:A:Create Mutation:B:Create""#;
        assert_eq!(header(&missing), expected);
        let many = (0..1000).map(|number| Arc::from(format!("Mutation:Type{number}:Create"))).collect();
        assert!(header(&Challenge::MissingScopes(many)).len() < 2200);
    }
}
