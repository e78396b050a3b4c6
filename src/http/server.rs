//! Connections: accepting them, their time limits, and letting them finish at the end. Knows no endpoint.
//!
//! Not `axum::serve`, which lets a client take for ever to send a request's head (axum 0.8, serve/mod.rs).

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use futures_util::FutureExt;
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::{Request, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::{SockRef, TcpKeepalive};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tower::{ServiceExt, service_fn};

use super::client_address::Peer;
use super::live::Stopping;
use super::{Limits, Router};

/// How long a client may leave what was sent to it unacknowledged, or have no room for more.
#[cfg(target_os = "linux")]
const UNTAKEN_MAX: Duration = Duration::from_secs(20);

/// How long an open connection may bring a request once the server stops: one that was on its way. The answer says that it is the last.
const LINGER: Duration = Duration::from_millis(500);

/// Whether all requests were answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// Yes.
    All,
    /// Some took longer than there was time.
    NotAll,
}

/// What is served: may be replaced while it is.
#[derive(Clone, Debug)]
pub struct Routes(Arc<ArcSwap<Router>>);

impl From<Router> for Routes {
    fn from(router: Router) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(router)))
    }
}

impl Routes {
    /// From the next request on.
    pub fn replace(&self, router: Router) {
        self.0.store(Arc::new(router));
    }

    fn current(&self) -> Router {
        Router::clone(&self.0.load())
    }
}

/// Serves until `stop` is done, then takes no more connections and gives the requests under way `drain_timeout`.
pub async fn serve(
    listener: TcpListener,
    routes: impl Into<Routes>,
    limits: &Limits,
    stop: impl Future<Output = ()>,
    drain_timeout: Duration,
) -> Drained {
    let connections = Connections::new(routes.into(), limits);
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            biased;
            () = &mut stop => break,
            () = connections.accept(&listener) => {}
        }
    }
    // Who is in line believes to be connected.
    while connections.accept(&listener).now_or_never().is_some() {}
    drop(listener);
    connections.drain(drain_timeout).await
}

struct Connections {
    routes: Routes,
    builder: http1::Builder,
    keepalive: TcpKeepalive,
    room: Arc<Semaphore>,
    // Each connection holds a receiver: it learns of the end, and its end is learned of.
    stopping: watch::Sender<bool>,
}

impl Connections {
    fn new(routes: Routes, limits: &Limits) -> Self {
        let mut builder = http1::Builder::new();
        builder.timer(TokioTimer::new()).header_read_timeout(limits.head_timeout);
        Self {
            routes,
            builder,
            // Finds clients that are gone without a word, also where a protocol has no pings.
            keepalive: TcpKeepalive::new().with_time(Duration::from_mins(1)).with_interval(Duration::from_secs(15)),
            room: Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS))),
            stopping: watch::Sender::new(false),
        }
    }

    /// One connection, once there is room.
    async fn accept(&self, listener: &TcpListener) {
        let Ok(room) = Arc::clone(&self.room).acquire_owned().await else {
            return;
        };
        let (stream, address) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => return after_accept_error(&error).await,
        };
        // Answers are written as a whole: waiting for more only delays them.
        stream.set_nodelay(true).ok();
        let socket = SockRef::from(&stream);
        socket.set_tcp_keepalive(&self.keepalive).ok();
        // Ends who takes nothing of an answer, or a byte now and then (RFC 5482). Where there is no such option, nobody is ended.
        #[cfg(target_os = "linux")]
        socket.set_tcp_user_timeout(Some(UNTAKEN_MAX)).ok();
        let connection = self.connection(stream, Peer(address.ip()));
        tokio::spawn(async move {
            connection.await;
            drop(room);
        });
    }

    fn connection(&self, stream: TcpStream, peer: Peer) -> impl Future<Output = ()> + Send + 'static {
        let routes = self.routes.clone();
        // What is upgraded outlives this future, and holds a receiver for as long.
        let stopping = self.stopping.subscribe();
        let service = TowerToHyperService::new(service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            request.extensions_mut().insert(Stopping::new(stopping.clone()));
            let (answer, stopping) = (routes.current().oneshot(request), stopping.clone());
            async move {
                let mut response = answer.await?;
                if *stopping.borrow() && response.status() != StatusCode::SWITCHING_PROTOCOLS {
                    response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
                }
                Ok::<_, Infallible>(response)
            }
        }));
        let connection = self.builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
        let mut stopping = self.stopping.subscribe();
        async move {
            let mut connection = pin!(connection);
            let stop = async { drop(stopping.wait_for(|stopping| *stopping).await) };
            // What goes wrong on a connection is its client's affair.
            tokio::select! {
                _ended = &mut connection => {}
                () = stop => {
                    if tokio::time::timeout(LINGER, &mut connection).await.is_err() {
                        connection.as_mut().graceful_shutdown();
                        connection.await.ok();
                    }
                }
            }
        }
    }

    async fn drain(self, timeout: Duration) -> Drained {
        self.stopping.send_replace(true);
        match tokio::time::timeout(timeout, self.stopping.closed()).await {
            Ok(()) => Drained::All,
            Err(_elapsed) => Drained::NotAll,
        }
    }
}

/// A client that left is no matter. Anything else, such as too many open files, takes time to pass.
async fn after_accept_error(error: &io::Error) {
    let has_left = matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset
    );
    if !has_left {
        tracing::error!(error = %error, "no connection can be accepted");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
}
