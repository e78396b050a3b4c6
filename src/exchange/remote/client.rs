//! Requests to the server: never to another one, repeated as long as that may help.

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, LOCATION, RETRY_AFTER};
use reqwest::{Response, StatusCode, Url, redirect};
use rustls::{ClientConfig, RootCertStore};
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::Source;
use crate::exchange::Error;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Of a request, from its start to the last byte of the answer.
const TIMEOUT: Duration = Duration::from_mins(2);
/// Of an answer.
const BYTES_MAX: usize = 256 << 20;
/// How often a request is sent, and after which pause again: each time twice as long.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);
const PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often, if less can be asked for instead.
const ATTEMPTS_OF_MORE: u32 = 2;

/// A server.
pub(super) struct Client {
    http: reqwest::Client,
    url: Url,
    headers: HeaderMap,
}

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It may answer if it is asked for less.
    TooMuch(String),
    /// It does not know what it is asked for.
    Refused(String),
    /// It is of no use to go on.
    Ended(Error),
}

/// Whether less could be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Amount {
    Least,
    More,
}

/// A GraphQL answer.
#[derive(Debug, Deserialize)]
pub(super) struct Answer<D> {
    pub(super) data: Option<D>,
    errors: Option<Vec<Problem>>,
}

impl<D> Answer<D> {
    /// Data and errors.
    pub(super) fn into_parts(self) -> (Option<D>, Vec<Problem>) {
        (self.data, self.errors.unwrap_or_default())
    }
}

/// A GraphQL error.
#[derive(Debug, Deserialize)]
pub(super) struct Problem {
    #[serde(default)]
    pub(super) message: String,
    path: Option<Vec<Segment>>,
    extensions: Option<serde_json::Value>,
}

impl Problem {
    /// Position of the node that it is about.
    pub(super) fn position(&self) -> Option<usize> {
        match self.path.as_ref()?.get(1)? {
            Segment::Index(position) => Some(*position),
            Segment::Field(_) => None,
        }
    }

    /// The field of the node that it is about.
    pub(super) fn field(&self) -> Option<&str> {
        match self.path.as_ref()?.get(2)? {
            Segment::Field(field) => Some(field),
            Segment::Index(_) => None,
        }
    }

    /// Whether it says that a value is missing, no more.
    pub(super) fn is_of_null(&self) -> bool {
        self.message.starts_with("Cannot return null for non-nullable field")
    }

    fn code(&self) -> &str {
        let code = self.extensions.as_ref().and_then(|extensions| extensions.get("code"));
        code.and_then(serde_json::Value::as_str).unwrap_or_default()
    }
}

/// A step of a path.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
enum Segment {
    Index(usize),
    Field(String),
}

#[derive(Serialize)]
struct Request<'a, V> {
    query: &'a str,
    variables: V,
}

/// Why one request failed.
enum Failure {
    /// Another attempt may succeed, after this pause at least.
    Passing(String, Option<Duration>),
    /// Another attempt may succeed, or less has to be asked for.
    Large(String),
    Ended(Error),
}

impl Client {
    pub(super) fn new(source: &Source) -> Result<Self, Error> {
        let failed = |reason: &str| Error::Server { url: shown(&source.url), reason: reason.to_owned() };
        let url =
            Url::parse(&source.url).ok().filter(|url| ["http", "https"].contains(&url.scheme()) && url.has_host());
        let url = url.ok_or_else(|| failed("is no address of a server: write https://HOST/PATH"))?;
        let mut headers = HeaderMap::new();
        for (name, value) in &source.headers {
            let wrong = || failed("is not asked: a header is written as 'Name: value'");
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| wrong())?;
            value.set_sensitive(true);
            headers.append(name, value);
        }
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls().ok_or_else(|| failed("cannot be asked: TLS does not start"))?)
            // What is sent along is for this server alone.
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("clef/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| failed("cannot be asked: the HTTP client does not start"))?;
        Ok(Self { http, url, headers })
    }

    /// The address without a password.
    pub(super) fn address(&self) -> String {
        shown(self.url.as_str())
    }

    /// An error with the address.
    pub(super) fn error(&self, reason: impl Into<String>) -> Error {
        Error::Server { url: self.address(), reason: reason.into() }
    }

    /// Asks as often as may help.
    pub(super) async fn ask<D: DeserializeOwned>(
        &self,
        query: &str,
        variables: impl Serialize,
        amount: Amount,
    ) -> Result<Answer<D>, Trouble> {
        let body = serde_json::to_vec(&Request { query, variables });
        let body = body.map_err(|error| Trouble::Ended(self.error(error.to_string())))?;
        let mut attempt = 1;
        loop {
            let (reason, pause, is_large) = match self.send(body.clone()).await {
                Ok(bytes) => return self.read(&bytes),
                Err(Failure::Ended(error)) => return Err(Trouble::Ended(error)),
                Err(Failure::Passing(reason, pause)) => (reason, pause, false),
                Err(Failure::Large(reason)) => (reason, None, true),
            };
            if is_large && amount == Amount::More && attempt >= ATTEMPTS_OF_MORE {
                return Err(Trouble::TooMuch(reason));
            }
            if attempt >= ATTEMPTS {
                let reason =
                    format!("{reason}, {ATTEMPTS} times: run the command again later, it goes on where it stopped");
                return Err(Trouble::Ended(self.error(reason)));
            }
            let jitter = rand::random_range(0.75..1.25);
            let wait = (PAUSE * 2_u32.pow(attempt - 1)).mul_f64(jitter).max(pause.unwrap_or_default());
            tokio::time::sleep(wait.min(PAUSE_MAX)).await;
            attempt += 1;
        }
    }

    async fn send(&self, body: Vec<u8>) -> Result<Vec<u8>, Failure> {
        let request = self.http.post(self.url.clone()).headers(self.headers.clone());
        let request = request.header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json").body(body);
        let mut response = request.send().await.map_err(|error| failure(&error))?;
        let status = response.status();
        if let Some(failure) = self.refusal(&response) {
            return Err(failure);
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| failure(&error))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > BYTES_MAX {
                return Err(Failure::Large("answers with too many bytes".to_owned()));
            }
        }
        // GraphQL errors come with 400 as well.
        if status.is_success() || status == StatusCode::BAD_REQUEST {
            return Ok(bytes);
        }
        Err(Failure::Ended(self.error(format!("answers {status}"))))
    }

    fn refusal(&self, response: &Response) -> Option<Failure> {
        let status = response.status();
        let header = |name| response.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
        if status.is_redirection() {
            let to = header(LOCATION).unwrap_or("another address");
            return Some(Failure::Ended(self.error(format!("redirects to {to}: name that address, if you trust it"))));
        }
        let reason = format!("answers {status}");
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                let pause = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok()).map(Duration::from_secs);
                Some(Failure::Passing(reason, pause))
            }
            StatusCode::PAYLOAD_TOO_LARGE => Some(Failure::Large(reason)),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(Failure::Ended(
                self.error(format!("{reason}: give what it asks for, such as --header 'Authorization: Bearer …'")),
            )),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Some(Failure::Ended(self.error(format!(
                "{reason}: name the address of its GraphQL queries, such as https://HOST/ or https://HOST/graphql"
            )))),
            status if status.is_server_error() => Some(Failure::Large(reason)),
            _ => None,
        }
    }

    fn read<D: DeserializeOwned>(&self, bytes: &[u8]) -> Result<Answer<D>, Trouble> {
        let answer: Answer<D> = serde_json::from_slice(bytes).map_err(|_| {
            Trouble::Ended(self.error("answers something that is no GraphQL answer: name the address of its queries"))
        })?;
        if answer.data.is_some() {
            return Ok(answer);
        }
        let Some(problem) = answer.errors.into_iter().flatten().next() else {
            return Err(Trouble::TooMuch("answers without data".to_owned()));
        };
        let reason = format!("answers: {}", problem.message);
        Err(match problem.code() {
            "GRAPHQL_VALIDATION_FAILED" | "GRAPHQL_PARSE_FAILED" | "BAD_USER_INPUT" => Trouble::Refused(reason),
            "UNAUTHENTICATED" | "FORBIDDEN" => Trouble::Ended(self.error(reason)),
            _ => Trouble::TooMuch(reason),
        })
    }
}

fn failure(error: &reqwest::Error) -> Failure {
    if error.is_timeout() && !error.is_connect() {
        return Failure::Large(format!("does not answer within {} seconds", TIMEOUT.as_secs()));
    }
    if error.is_connect() {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        return Failure::Passing(format!("cannot be reached ({cause})"), None);
    }
    Failure::Large("breaks off".to_owned())
}

/// With the certificates that the system trusts.
fn tls() -> Option<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().ok()?;
    Some(config.with_root_certificates(roots).with_no_client_auth())
}

/// Without user, password and query.
fn shown(url: &str) -> String {
    let Ok(mut url) = Url::parse(url) else { return "the server".to_owned() };
    // Fails where there is no place for them.
    let _ = url.set_username("").and_then(|()| url.set_password(None));
    url.set_query(None);
    url.to_string()
}
