//! One connection for a driver that cannot make it as the address wants: a socket in a folder that only this user can enter, and TLS behind it.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixListener};
use tokio_rustls::TlsConnector;

use super::tls::Mode;

/// Asks for TLS (PostgreSQL's manual, section 55.7: `SSLRequest`).
const TLS_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];

/// A folder with a socket, for one connection. Gone when it is dropped.
#[derive(Debug)]
pub(super) struct Bridge {
    folder: PathBuf,
    task: tokio::task::JoinHandle<()>,
}

/// Bytes in both directions.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

impl Bridge {
    /// To this server. The connection is made already.
    pub(super) async fn new(host: &str, port: u16, mode: Mode, config: Arc<ClientConfig>) -> std::io::Result<Self> {
        let mut server = connect(host, port, mode, config).await?;
        let folder = std::env::temp_dir().join(format!("clef-{}", uuid::Uuid::new_v4().simple()));
        std::fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let listener = UnixListener::bind(folder.join(format!(".s.PGSQL.{port}")))?;
        let task = tokio::spawn(async move {
            if let Ok((mut client, _)) = listener.accept().await {
                // Whoever reads learns of the end.
                copy_bidirectional(&mut client, &mut server).await.ok();
            }
        });
        Ok(Self { folder, task })
    }

    /// Where the socket is.
    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }
}

impl Drop for Bridge {
    fn drop(&mut self) {
        self.task.abort();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

async fn connect(host: &str, port: u16, mode: Mode, config: Arc<ClientConfig>) -> std::io::Result<Box<dyn Stream>> {
    let mut stream = TcpStream::connect((host, port)).await?;
    stream.set_nodelay(true)?;
    if mode == Mode::Disable {
        return Ok(Box::new(stream));
    }
    stream.write_all(&TLS_REQUEST).await?;
    match (stream.read_u8().await?, mode) {
        (b'S', _) => {
            let name = ServerName::try_from(host.to_owned()).map_err(std::io::Error::other)?;
            Ok(Box::new(TlsConnector::from(config).connect(name, stream).await?))
        }
        (_, Mode::Prefer) => Ok(Box::new(stream)),
        _ => Err(std::io::Error::other(NoTls)),
    }
}

/// TLS is wanted, and refused.
#[derive(Debug, thiserror::Error)]
#[error("the server speaks no TLS")]
pub(super) struct NoTls;
