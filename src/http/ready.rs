//! `GET /ready`: whether requests can be answered now. The database answers and has what the schema needs, and nobody has asked to stop.
//!
//! The database is looked at once for all who ask at the same time, and not again for a moment: polling does not load it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};

use super::Services;
use super::cors::preflight;
use super::error::{Problem, json_response, retry_after};
use crate::graphql::Engine;
use crate::storage::{Error, Fit, Storage};

pub(super) const METHODS: &str = "OPTIONS, GET";
/// From the start of a look at the database.
const TIMEOUT: Duration = Duration::from_secs(2);
/// How long its result is told.
const FRESH: Duration = Duration::from_millis(250);
const RETRY_AFTER_SECONDS: u64 = 1;

/// What is told in place of "ready".
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
enum Unready {
    #[error("the server is about to stop: ask another one")]
    Stopping,
    #[error("the database did not answer in time")]
    Slow,
    #[error("the database is busy")]
    Busy,
    #[error("the database has no space left")]
    Full,
    #[error("the database cannot be written to")]
    ReadOnly,
    #[error("the database does not answer")]
    Unavailable,
    #[error("the database was fitted to another schema: start the server again")]
    SchemaMismatch,
}

type Verdict = Result<(), Unready>;

/// A look at the database, under way or done.
#[derive(Clone, Debug)]
struct Look {
    started: Instant,
    /// With when it ended.
    verdict: watch::Receiver<Option<(Verdict, Instant)>>,
}

/// Looks at the database, and remembers.
#[derive(Debug)]
pub(super) struct Readiness {
    storage: Storage,
    fit: Arc<Fit>,
    last: Mutex<Option<Look>>,
    is_stopping: watch::Sender<bool>,
    /// Told last: changes are logged.
    told: Mutex<Verdict>,
}

pub(super) async fn handle(State(services): State<Arc<Services>>, request: Request) -> Response {
    match *request.method() {
        Method::GET => respond(services.readiness.verdict().await),
        Method::OPTIONS => preflight(request.headers(), METHODS),
        _ => Problem::method_not_allowed(METHODS).into_response(),
    }
}

/// While the database has not been reached yet.
pub(super) fn not_started() -> Response {
    respond(Err(Unready::Unavailable))
}

fn respond(verdict: Verdict) -> Response {
    let content_type = HeaderValue::from_static("application/json; charset=utf-8");
    let Err(reason) = verdict else {
        return json_response(StatusCode::OK, content_type, &json!({"message": "READY"}));
    };
    let body = json!({"message": "NOT READY", "code": reason.code(), "reason": reason.to_string()});
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, content_type, &body);
    retry_after(&mut response, RETRY_AFTER_SECONDS);
    response
}

impl Unready {
    fn code(self) -> &'static str {
        match self {
            Self::Stopping => "STOPPING",
            Self::Slow => "DATABASE_SLOW",
            Self::Busy => "DATABASE_BUSY",
            Self::Full => "DATABASE_FULL",
            Self::ReadOnly => "DATABASE_READ_ONLY",
            Self::Unavailable => "DATABASE_UNAVAILABLE",
            Self::SchemaMismatch => "SCHEMA_MISMATCH",
        }
    }
}

impl From<Error> for Unready {
    fn from(error: Error) -> Self {
        match error {
            Error::Busy => Self::Busy,
            Error::Timeout => Self::Slow,
            Error::Full => Self::Full,
            Error::ReadOnly => Self::ReadOnly,
            Error::Unavailable
            | Error::Unknown
            | Error::Closed
            | Error::Conflict
            | Error::Refused(_)
            | Error::Internal(_) => Self::Unavailable,
        }
    }
}

impl Readiness {
    pub(super) fn new(engine: &Engine) -> Self {
        Self {
            storage: engine.storage().clone(),
            fit: Arc::new(Fit::new(engine.model())),
            last: Mutex::default(),
            is_stopping: watch::Sender::new(false),
            told: Mutex::new(Ok(())),
        }
    }

    /// From now on, and for those who wait, the answer is no.
    pub(super) fn stop(&self) {
        self.is_stopping.send_replace(true);
    }

    async fn verdict(&self) -> Verdict {
        let mut is_stopping = self.is_stopping.subscribe();
        let verdict = tokio::select! {
            biased;
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => Err(Unready::Stopping),
            verdict = self.database() => verdict,
        };
        self.tell(verdict);
        verdict
    }

    async fn database(&self) -> Verdict {
        let mut look = self.look();
        let seen = timeout_at(look.started + TIMEOUT, look.verdict.wait_for(Option::is_some)).await;
        match seen {
            Ok(Ok(seen)) => seen.map_or(Err(Unready::Unavailable), |(verdict, _)| verdict),
            // Whoever looked panicked.
            Ok(Err(_)) => Err(Unready::Unavailable),
            Err(_) => Err(Unready::Slow),
        }
    }

    /// The one that is under way or fresh, or a new one: never two at once.
    fn look(&self) -> Look {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(look) = last.as_ref() {
            let is_good = match *look.verdict.borrow() {
                Some((_, ended)) => ended.elapsed() < FRESH,
                None => look.verdict.has_changed().is_ok(),
            };
            if is_good {
                return look.clone();
            }
        }
        let (sender, verdict) = watch::channel(None);
        let look = Look { started: Instant::now(), verdict };
        *last = Some(look.clone());
        let (storage, fit) = (self.storage.clone(), Arc::clone(&self.fit));
        // A task of its own: whoever asked may leave.
        tokio::spawn(async move {
            let verdict = look_at(&storage, &fit).await;
            sender.send_replace(Some((verdict, Instant::now())));
        });
        look
    }

    fn tell(&self, verdict: Verdict) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if *told != verdict {
            match verdict {
                Ok(()) => tracing::info!("ready again"),
                Err(reason) => tracing::warn!(code = reason.code(), "not ready"),
            }
            *told = verdict;
        }
    }
}

async fn look_at(storage: &Storage, fit: &Fit) -> Verdict {
    storage.check().await?;
    if fit.holds(storage).await? { Ok(()) } else { Err(Unready::SchemaMismatch) }
}
