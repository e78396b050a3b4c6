//! Ends what a session runs: on a connection of its own, which is held until the other side closes it.
//!
//! The driver closes it at once (tokio-postgres 0.7, `cancel_query_raw.rs`), on which pgbouncer 1.18 ends (`disconnect_client(): bad client
//! state`).

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_postgres::CancelToken;
use tokio_postgres::config::Host;
use tokio_postgres::tls::MakeTlsConnect;

use super::place::{Place, Tls};

/// How long the other side may take.
const TIMEOUT: Duration = Duration::from_secs(3);

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Asks for the end of what a session on this server runs. Without an answer: nobody knows whether it was too late.
pub(super) async fn cancel(place: &Place, token: CancelToken) {
    let asked = async {
        match place.host() {
            Host::Tcp(host) => {
                let stream = TcpStream::connect((host.as_str(), place.port())).await;
                send(stream, token, place.tls(), host).await
            }
            Host::Unix(folder) => {
                let socket = folder.join(format!(".s.PGSQL.{}", place.port()));
                send(UnixStream::connect(socket).await, token, place.tls(), "").await
            }
        }
    };
    match timeout(TIMEOUT, asked).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(error = error.as_ref() as &dyn std::error::Error, "statement not cancelled"),
        Err(_elapsed) => tracing::debug!("statement not cancelled in time"),
    }
}

async fn send<S>(stream: io::Result<S>, token: CancelToken, mut tls: Tls, host: &str) -> Result<(), Cause>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let tls = MakeTlsConnect::<Lingering<S>>::make_tls_connect(&mut tls, host)?;
    Ok(token.cancel_query_raw(Lingering(stream?), tls).await?)
}

/// Is shut down once the other side has closed.
struct Lingering<S>(S);

impl<S: AsyncRead + Unpin> AsyncRead for Lingering<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Lingering<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut bytes = [0; 64];
        loop {
            let mut buffer = ReadBuf::new(&mut bytes);
            match ready!(Pin::new(&mut self.0).poll_read(context, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Pin::new(&mut self.0).poll_shutdown(context),
            }
        }
    }
}
