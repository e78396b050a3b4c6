//! GraphQL over HTTP, on `/` and `/graphql`: POST for all, GET for queries.

pub(super) mod parse;

use std::pin::pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::Services;
use super::accept::{EventStream, MediaType, is_json};
use super::challenge::{challenge, merged};
use super::compression::compressed;
use super::cors::preflight;
use super::error::{GRAPHQL_METHODS, GraphqlError, retry_after, set};
use super::explorer::Explorer;
use super::request_body::{self, Unread};
use super::{event_stream, explorer, landing, recency, websocket};
use crate::auth::{Access, TOKEN_BYTES_MAX};
use crate::graphql::{Answer, Challenge, Mailbox, Outcome, Started, Visible};

use parse::{Parsed, Sent};

/// A database that is busy or away is asked again after this.
const RETRY_AFTER_SECONDS: u64 = 1;
/// Of a path with its query.
const URI_BYTES_MAX: usize = 32 * 1024;

pub(super) async fn handle(State(services): State<Arc<Services>>, request: Request) -> Response {
    if websocket::is_upgrade(request.headers()) {
        return websocket::handle(services, request).await;
    }
    let (parts, body) = request.into_parts();
    let media_type = MediaType::preferred(&parts.headers);
    let is_too_long = |value: &HeaderValue| value.len() > TOKEN_BYTES_MAX + "Bearer ".len();
    if let Err(too_often) = services.count_anonymous(&parts) {
        return GraphqlError::TooOften { seconds: too_often.retry_after_seconds }.into_response(media_type);
    }
    let result = match parts.method {
        _ if parts.headers.get_all(AUTHORIZATION).iter().any(is_too_long) => {
            Err(GraphqlError::TokenTooLong { bytes_max: TOKEN_BYTES_MAX })
        }
        _ if parts.uri.path_and_query().is_some_and(|path| path.as_str().len() > URI_BYTES_MAX) => {
            Err(GraphqlError::UriTooLong { bytes_max: URI_BYTES_MAX })
        }
        _ if landing::is_wanted(&parts) => Ok(for_browsers(&services, &parts)),
        Method::POST => post(&services, &parts, body, media_type).await,
        Method::GET => get(&services, &parts, media_type).await,
        Method::OPTIONS => Ok(preflight(&parts.headers, GRAPHQL_METHODS)),
        _ => Err(GraphqlError::Method),
    };
    result.unwrap_or_else(|error| error.into_response(media_type))
}

/// What the address of the API shows to people.
fn for_browsers(services: &Services, parts: &Parts) -> Response {
    if services.has_explorer && parts.uri.path() != "/" {
        return explorer::page(&services.engine, parts, Explorer::Graphiql);
    }
    landing::page(services)
}

async fn post(
    services: &Arc<Services>,
    parts: &Parts,
    body: Body,
    media_type: MediaType,
) -> Result<Response, GraphqlError> {
    let limits = &services.limits;
    if !is_json(&parts.headers) {
        return Err(GraphqlError::MediaType);
    }
    let body =
        request_body::read(parts, body, limits.body_bytes, limits.body_timeout).await.map_err(
            |unread| match unread {
                Unread::TooLarge => GraphqlError::TooLarge { bytes_max: limits.body_bytes },
                Unread::TooSlow => GraphqlError::TooSlow,
                Unread::BrokenOff => GraphqlError::BrokenOff,
            },
        )?;
    let visible = visible(parts)?;
    match parse::body(&body, limits.batch)? {
        Parsed::One(mut sent) => {
            sent.request.visible = visible;
            sent.request.origin = Some(Arc::new(services.origin(parts)));
            one(services, parts, media_type, sent).await
        }
        Parsed::Batch(_) if EventStream::wanted(&parts.headers) == EventStream::Always => {
            Err(GraphqlError::BatchStreamed)
        }
        Parsed::Batch(mut requests) => {
            let origin = Arc::new(services.origin(parts));
            for Sent { request, .. } in &mut requests {
                request.visible = visible;
                request.origin = Some(Arc::clone(&origin));
            }
            let access = access(services, parts);
            let mut executed = Box::pin(batch(services, requests, &access));
            let ((body, lacking), position) = services.visited(parts, &access, executed.as_mut()).await;
            let mut response = whole(StatusCode::OK, media_type, body, "no-store");
            if let Some(lacking) = lacking {
                challenge(&mut response, &lacking);
            }
            recency::tell(&mut response, position);
            Ok(compressed(&parts.headers, response).await)
        }
    }
}

async fn get(services: &Arc<Services>, parts: &Parts, media_type: MediaType) -> Result<Response, GraphqlError> {
    let visible = visible(parts)?;
    let mut sent = parse::query_string(&parts.uri)?;
    sent.request.visible = visible;
    one(services, parts, media_type, sent).await
}

async fn one(
    services: &Arc<Services>,
    parts: &Parts,
    media_type: MediaType,
    sent: Sent,
) -> Result<Response, GraphqlError> {
    let Sent { mut request, persisted } = sent;
    let candidate = services.persisted.resolve(persisted.as_ref(), &mut request.query)?;
    let (access, visible) = (access(services, parts), request.visible);
    let wanted = EventStream::wanted(&parts.headers);
    if wanted == EventStream::Never {
        let executed = pin!(services.engine.execute(request, Arc::clone(&access)));
        let (answer, position) = services.visited(parts, &access, executed).await;
        services.persisted.keep(candidate.filter(|_| is_good(&answer)));
        let mut response = respond(services, parts, media_type, visible, answer).await;
        recency::tell(&mut response, position);
        return Ok(response);
    }
    let mailbox = Arc::new(Mailbox::default());
    let (started, position) = {
        let started = pin!(services.engine.start(request, Arc::clone(&access), &mailbox, 0));
        services.visited(parts, &access, started).await
    };
    let is_good = match &started {
        Started::Stream(_) => true,
        Started::Answer(answer) => is_good(answer),
    };
    services.persisted.keep(candidate.filter(|_| is_good));
    let mut response = match started {
        Started::Stream(subscription) => event_stream::subscribed(services, parts, mailbox, subscription)?,
        Started::Answer(answer) if wanted == EventStream::Always && answer.outcome != Outcome::MutationNotAllowed => {
            let mut response = event_stream::single(&answer.body);
            if let Some(lacking) = &answer.challenge {
                challenge(&mut response, lacking);
            }
            response
        }
        Started::Answer(answer) => respond(services, parts, media_type, visible, answer).await,
    };
    recency::tell(&mut response, position);
    Ok(response)
}

/// Whether the document of an answer was parsed and validated.
fn is_good(answer: &Answer) -> bool {
    matches!(answer.outcome, Outcome::Executed | Outcome::Unavailable | Outcome::Introspection)
}

/// What introspection shall show: `?visible=mine`, or the header.
fn visible(parts: &Parts) -> Result<Visible, GraphqlError> {
    let parameters = parts.uri.query().unwrap_or_default().split('&');
    let named = parameters.filter_map(|parameter| Some(parameter.strip_prefix("visible=")?.as_bytes()));
    let headers = parts.headers.get_all("x-clef-visible").iter().map(HeaderValue::as_bytes);
    let mut visible = Visible::All;
    for value in named.chain(headers) {
        match value {
            b"mine" => visible = Visible::Mine,
            b"all" => {}
            _ => return Err(GraphqlError::Visible),
        }
    }
    Ok(visible)
}

fn access(services: &Services, parts: &Parts) -> Arc<Access> {
    let authorization = parts.headers.get_all(AUTHORIZATION);
    services.authority.access(authorization.iter().map(HeaderValue::as_bytes))
}

/// One after the other, as mutations may build on each other.
async fn batch(services: &Services, requests: Vec<Sent>, access: &Arc<Access>) -> (Bytes, Option<Challenge>) {
    let mut body = Vec::from(b"[");
    let mut challenges = Vec::new();
    for Sent { mut request, persisted } in requests {
        if body.len() > 1 {
            body.push(b',');
        }
        let candidate = match services.persisted.resolve(persisted.as_ref(), &mut request.query) {
            Ok(candidate) => candidate,
            Err(error) => {
                body.extend(error.body());
                continue;
            }
        };
        let answer = services.engine.execute(request, Arc::clone(access)).await;
        services.persisted.keep(candidate.filter(|_| is_good(&answer)));
        body.extend_from_slice(&answer.body);
        challenges.extend(answer.challenge);
    }
    body.push(b']');
    (body.into(), merged(challenges))
}

async fn respond(
    services: &Arc<Services>,
    parts: &Parts,
    media_type: MediaType,
    visible: Visible,
    answer: Answer,
) -> Response {
    let status = match answer.outcome {
        Outcome::RequestError if media_type != MediaType::JsonOnly => StatusCode::BAD_REQUEST,
        Outcome::Executed | Outcome::RequestError => StatusCode::OK,
        Outcome::Unavailable => {
            let mut response = whole(StatusCode::SERVICE_UNAVAILABLE, media_type, answer.body, "no-store");
            retry_after(&mut response, RETRY_AFTER_SECONDS);
            return response;
        }
        Outcome::MutationNotAllowed => {
            let status = StatusCode::METHOD_NOT_ALLOWED;
            let mut response = whole(status, media_type, answer.body, "no-store");
            set(&mut response, ALLOW, "POST");
            return response;
        }
        Outcome::Introspection => {
            let representations = match visible {
                Visible::All => &services.introspection,
                Visible::Mine => &services.own_introspection,
            };
            return representations.respond(&parts.headers, media_type, visible, answer.body).await;
        }
    };
    let caching = match parts.method {
        // What needs a token is nobody else's.
        Method::GET if services.engine.explainer().public().queries => "no-cache",
        _ => "no-store",
    };
    let mut response = whole(status, media_type, answer.body, caching);
    if let Some(lacking) = &answer.challenge {
        challenge(&mut response, lacking);
    }
    compressed(&parts.headers, response).await
}

fn whole(status: StatusCode, media_type: MediaType, body: Bytes, caching: &'static str) -> Response {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(CONTENT_TYPE, media_type.header());
    headers.insert(CACHE_CONTROL, HeaderValue::from_static(caching));
    (status, headers, Body::from(body)).into_response()
}
