//! One WebSocket from its handshake to its end: messages of the client, answers, events, and the passing of time.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::ws::{Message, Utf8Bytes, WebSocket};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use serde_json::{Map, Value};
use tokio::time::{Instant, sleep_until, timeout};

use super::close::{Ended, broken, close, drain};
use super::credentials::{Credentials, Malformed};
use super::message::{ACKNOWLEDGED, Incoming, PONG, Protocol, Wrong, connection_error};
use crate::audit::Origin;
use crate::auth::{Access, TokenError};
use crate::graphql::{Delivery, End, Mailbox, Outcome, Request, Started, Subscription};
use crate::http::Services;
use crate::http::error::GraphqlError;
use crate::http::limit::network;
use crate::http::live::Stopping;
use crate::storage::Position;

/// How often a token is looked at, so that what is revoked ends within it.
const CHECK_EVERY: Duration = Duration::from_secs(1);

pub(super) struct Session {
    services: Arc<Services>,
    socket: WebSocket,
    protocol: Protocol,
    stopping: Stopping,
    origin: Arc<Origin>,
    credentials: Credentials,
    is_initialised: bool,
    mailbox: Arc<Mailbox>,
    operations: Vec<Operation>,
    starting: FuturesUnordered<BoxFuture<'static, (u64, Option<Started>)>>,
    last_tag: u64,
    init_until: Instant,
    next_ping: Instant,
    next_check: Instant,
    heard: Instant,
}

/// An operation from its start to its end.
struct Operation {
    /// As JSON text.
    id: String,
    tag: u64,
    /// None until it has started.
    subscription: Option<Subscription>,
}

enum Step {
    Stop,
    Message(Option<Result<Message, axum::Error>>),
    Started(u64, Option<Started>),
    Delivery(u64, Delivery),
    Time,
}

impl Session {
    pub(super) fn new(
        services: Arc<Services>,
        socket: WebSocket,
        protocol: Protocol,
        stopping: Stopping,
        origin: Arc<Origin>,
        credentials: Credentials,
    ) -> Self {
        let now = Instant::now();
        let limits = &services.limits.live;
        Self {
            init_until: now + limits.init_timeout,
            next_ping: now + limits.ping_interval,
            next_check: now + CHECK_EVERY,
            heard: now,
            services,
            socket,
            protocol,
            stopping,
            origin,
            credentials,
            is_initialised: false,
            mailbox: Arc::default(),
            operations: Vec::new(),
            starting: FuturesUnordered::new(),
            last_tag: 0,
        }
    }

    pub(super) async fn run(mut self) {
        let ended = loop {
            let step = self.step().await;
            if let Err(ended) = self.handle(step).await {
                break ended;
            }
        };
        // What still runs goes on to its end, but nobody hears of it.
        self.operations.clear();
        match ended {
            Some((code, reason)) => close(self.socket, code, &reason).await,
            None => drain(&mut self.socket).await,
        }
    }

    async fn step(&mut self) -> Step {
        let deadline = self.deadline();
        tokio::select! {
            () = self.stopping.stopped() => Step::Stop,
            message = self.socket.recv() => Step::Message(message),
            Some((tag, started)) = self.starting.next() => Step::Started(tag, started),
            (tag, delivery) = self.mailbox.next() => Step::Delivery(tag, delivery),
            () = sleep_until(deadline) => Step::Time,
        }
    }

    async fn handle(&mut self, step: Step) -> Result<(), Ended> {
        match step {
            Step::Stop => {
                for operation in std::mem::take(&mut self.operations) {
                    self.send(self.protocol.complete(&operation.id)).await?;
                }
                Err(Some((1001, "the server stops".to_owned())))
            }
            Step::Message(message) => self.message(message).await,
            Step::Started(tag, started) => self.started(tag, started).await,
            Step::Delivery(tag, delivery) => self.deliver(tag, delivery).await,
            Step::Time => self.time().await,
        }
    }

    fn deadline(&self) -> Instant {
        let mut deadline = Instant::now() + Duration::from_hours(1);
        if !self.is_initialised {
            deadline = deadline.min(self.init_until);
        }
        if self.protocol == Protocol::Transport {
            deadline = deadline.min(self.next_ping);
        }
        if !self.credentials.is_empty() {
            deadline = deadline.min(self.next_check);
        }
        deadline
    }

    async fn time(&mut self) -> Result<(), Ended> {
        let now = Instant::now();
        if !self.is_initialised && now >= self.init_until {
            return Err(Some((4408, "Connection initialisation timeout".to_owned())));
        }
        // The clients of the older protocol are not used to anything that they have not asked for.
        if self.protocol == Protocol::Transport && now >= self.next_ping {
            let interval = self.services.limits.live.ping_interval;
            if now.duration_since(self.heard) >= interval * 2 {
                return Err(Some((4408, "no answer to pings".to_owned())));
            }
            self.next_ping = now + interval;
            self.send_message(Message::Ping(bytes::Bytes::new())).await?;
        }
        if !self.credentials.is_empty() && now >= self.next_check {
            self.next_check = now + CHECK_EVERY;
            self.check().await?;
        }
        Ok(())
    }

    async fn message(&mut self, message: Option<Result<Message, axum::Error>>) -> Result<(), Ended> {
        self.heard = Instant::now();
        match message {
            Some(Ok(Message::Text(text))) => match self.protocol.read(&text) {
                Ok(incoming) => self.incoming(incoming).await,
                Err(wrong) => self.wrong(wrong).await,
            },
            Some(Ok(Message::Binary(_))) => self.wrong(Wrong::Message("a message is text".to_owned())).await,
            Some(Ok(Message::Ping(_) | Message::Pong(_))) => Ok(()),
            Some(Ok(Message::Close(_))) | None => Err(None),
            Some(Err(error)) => Err(broken(error)),
        }
    }

    async fn incoming(&mut self, incoming: Incoming) -> Result<(), Ended> {
        match (self.protocol, incoming) {
            (Protocol::Transport, Incoming::Init(_)) if self.is_initialised => {
                Err(Some((4429, "Too many initialisation requests".to_owned())))
            }
            // The older protocol has no other way to renew a token.
            (_, Incoming::Init(payload)) => {
                self.present(&payload).await?;
                self.is_initialised = true;
                self.send(ACKNOWLEDGED).await
            }
            (_, Incoming::Ping(payload)) => {
                self.present(&payload).await?;
                self.send(PONG).await
            }
            (_, Incoming::Pong) => Ok(()),
            (Protocol::Transport, Incoming::Start { .. }) if !self.is_initialised => {
                Err(Some((4401, "Unauthorized".to_owned())))
            }
            (_, Incoming::Start { id, request }) => self.start(id, request).await,
            (_, Incoming::Stop { id }) => {
                if self.end(&id) && self.protocol == Protocol::Legacy {
                    self.send(self.protocol.complete(&id)).await?;
                }
                Ok(())
            }
            (_, Incoming::Terminate) => Err(Some((1000, String::new()))),
        }
    }

    async fn wrong(&mut self, wrong: Wrong) -> Result<(), Ended> {
        match (self.protocol, wrong) {
            (Protocol::Transport, Wrong::Message(message) | Wrong::Operation { message, .. }) => {
                Err(Some((4400, ["Invalid message: ", &message].concat())))
            }
            (Protocol::Legacy, Wrong::Message(message) | Wrong::Operation { id: None, message }) => {
                self.send(connection_error(&message)).await
            }
            (Protocol::Legacy, Wrong::Operation { id: Some(id), message }) => {
                self.send(Protocol::legacy_error(&id, &message)).await
            }
        }
    }

    /// Takes a token, if there is one in a payload, and looks at it.
    async fn present(&mut self, payload: &Map<String, Value>) -> Result<(), Ended> {
        match Credentials::from_payload(payload) {
            Ok(Some(credentials)) => self.credentials = credentials,
            Ok(None) => {}
            Err(Malformed) => return self.forbid(TokenError::Invalid).await,
        }
        self.check().await
    }

    /// Ends the socket if its token is no longer good.
    async fn check(&mut self) -> Result<(), Ended> {
        let access = self.access();
        match *access {
            // It is as good as it was a moment ago, and may soon be told again.
            Access::Refused(TokenError::Unchecked) => return Ok(()),
            Access::Refused(error) => return self.forbid(error).await,
            Access::Anonymous | Access::Granted(_) => {}
        }
        // A key may have lost scopes that its token still has.
        let is_lost = |operation: &Operation| {
            operation.subscription.as_ref().is_some_and(|subscription| !subscription.is_allowed(&access))
        };
        while let Some(position) = self.operations.iter().position(is_lost) {
            let id = self.operations.swap_remove(position).id;
            self.answer(&id, &End::Forbidden.body(), true).await?;
        }
        Ok(())
    }

    fn access(&self) -> Arc<Access> {
        self.services.authority.access(self.credentials.values())
    }

    async fn forbid(&mut self, error: TokenError) -> Result<(), Ended> {
        // The CE-API's texts.
        let message = match error {
            TokenError::Expired => "Your token is expired",
            TokenError::Invalid | TokenError::Unchecked => "You are not authorized for this resource",
        };
        if self.protocol == Protocol::Legacy {
            self.send(connection_error(message)).await?;
        }
        Err(Some((4403, ["Forbidden: ", message].concat())))
    }

    async fn start(&mut self, id: String, mut request: Request) -> Result<(), Ended> {
        self.is_initialised = true;
        if self.operations.iter().any(|operation| operation.id == id) {
            if self.protocol == Protocol::Transport {
                let id = id.trim_matches('"');
                return Err(Some((4409, format!("Subscriber for {id} already exists"))));
            }
            // As the CE-API did: the new one takes the place of the old one.
            self.end(&id);
            self.send(self.protocol.complete(&id)).await?;
        }
        let operations_max = self.services.limits.live.operations;
        if self.operations.len() >= operations_max {
            return self
                .send(self.protocol.error(&id, &GraphqlError::TooManyOperations { operations_max }.body()))
                .await;
        }
        let access = self.access();
        if self.services.anonymous.is_on()
            && !matches!(*access, Access::Granted(_))
            && let Err(too_often) = self.services.anonymous.count(&network(self.origin.address))
        {
            let error = GraphqlError::TooOften { seconds: too_often.retry_after_seconds };
            return self.send(self.protocol.error(&id, &error.body())).await;
        }
        request.origin = Some(Arc::clone(&self.origin));
        self.last_tag += 1;
        let tag = self.last_tag;
        self.operations.push(Operation { id, tag, subscription: None });
        let (services, mailbox, address) = (Arc::clone(&self.services), Arc::clone(&self.mailbox), self.origin.address);
        self.starting.push(Box::pin(async move {
            let started = pin!(services.engine.start(request, Arc::clone(&access), &mailbox, tag));
            let started = services.visited_from(address, Position::default(), &access, started);
            (tag, timeout(services.limits.request_timeout, started).await.ok().map(|(started, _)| started))
        }));
        Ok(())
    }

    /// Whether there was such an operation. It is not heard of any more.
    fn end(&mut self, id: &str) -> bool {
        let position = self.operations.iter().position(|operation| operation.id == id);
        position.map(|position| self.operations.swap_remove(position)).is_some()
    }

    async fn started(&mut self, tag: u64, started: Option<Started>) -> Result<(), Ended> {
        let Some(position) = self.operations.iter().position(|operation| operation.tag == tag) else { return Ok(()) };
        let answer = match started {
            Some(Started::Stream(subscription)) => {
                if let Some(operation) = self.operations.get_mut(position) {
                    operation.subscription = Some(subscription);
                }
                return Ok(());
            }
            Some(Started::Answer(answer)) => Some(answer),
            None => None,
        };
        let id = self.operations.swap_remove(position).id;
        let (body, is_refused) = match answer {
            Some(answer) => (answer.body, answer.outcome == Outcome::RequestError),
            None => (GraphqlError::Timeout.body().into(), true),
        };
        self.answer(&id, &body, is_refused).await
    }

    async fn answer(&mut self, id: &str, body: &[u8], is_refused: bool) -> Result<(), Ended> {
        if is_refused && (self.protocol == Protocol::Transport || is_unparsable(body)) {
            return self.send(self.protocol.error(id, body)).await;
        }
        self.send(self.protocol.next(id, body)).await?;
        self.send(self.protocol.complete(id)).await
    }

    async fn deliver(&mut self, tag: u64, delivery: Delivery) -> Result<(), Ended> {
        let Some(position) = self.operations.iter().position(|operation| operation.tag == tag) else { return Ok(()) };
        match delivery {
            Delivery::Payload(payload) => {
                let message =
                    self.operations.get(position).map(|operation| self.protocol.next(&operation.id, &payload));
                match message {
                    Some(message) => self.send(message).await,
                    None => Ok(()),
                }
            }
            Delivery::End(end) => {
                let id = self.operations.swap_remove(position).id;
                self.answer(&id, &End::body(end), true).await
            }
        }
    }

    async fn send(&mut self, text: Utf8Bytes) -> Result<(), Ended> {
        self.send_message(Message::Text(text)).await
    }

    async fn send_message(&mut self, message: Message) -> Result<(), Ended> {
        match timeout(self.services.limits.live.send_timeout, self.socket.send(message)).await {
            Ok(Ok(())) => Ok(()),
            // Nothing more can be told.
            Ok(Err(_)) | Err(_) => Err(None),
        }
    }
}

/// The older protocol tells syntax errors in another way than all others.
fn is_unparsable(body: &[u8]) -> bool {
    let errors = serde_json::from_slice::<Value>(body).ok();
    let code = errors.as_ref().and_then(|body| body.pointer("/errors/0/extensions/code"));
    code.is_some_and(|code| code == "GRAPHQL_PARSE_FAILED")
}
