//! How spans reach the collector: over the program's own HTTP client and TLS. A collector that does not take them is told once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use reqwest::{StatusCode, redirect};
use rustls::{ClientConfig, RootCertStore};
use tokio::runtime::Handle;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_secs(10);

/// Sends on the runtime of the server, asked from the thread that collects spans.
#[derive(Debug)]
pub(super) struct Collector {
    http: reqwest::Client,
    runtime: Handle,
    is_away: AtomicBool,
}

impl Collector {
    /// `Err` says why not.
    pub(super) fn new(endpoint: &str) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        if endpoint.starts_with("https:") {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let tls = tls.map_err(|_| "TLS does not start")?.with_root_certificates(roots).with_no_client_auth();
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .user_agent(concat!("clef/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|_| "the HTTP client does not start")?;
        let runtime = Handle::try_current().map_err(|_| "there is no runtime")?;
        Ok(Self { http, runtime, is_away: AtomicBool::new(false) })
    }

    /// Told when it changes, not each time.
    fn note(&self, result: &Result<StatusCode, HttpError>) {
        match result {
            Ok(status) if status.is_success() => {
                if self.is_away.swap(false, Ordering::Relaxed) {
                    tracing::info!("the collector takes traces again");
                }
            }
            _ if self.is_away.swap(true, Ordering::Relaxed) => {}
            Ok(status) => tracing::warn!(status = status.as_u16(), "the collector does not take traces: they are lost"),
            Err(error) => {
                let error: &(dyn std::error::Error + 'static) = error.as_ref();
                tracing::warn!(error, "the collector of traces does not answer: they are lost");
            }
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let http = self.http.clone();
        let sending = self.runtime.spawn(async move {
            let request = reqwest::Request::try_from(request)?;
            Ok(http.execute(request).await?.status())
        });
        let result = match sending.await {
            Ok(sent) => sent.map_err(|error: reqwest::Error| HttpError::from(error.without_url())),
            Err(ended) => Err(HttpError::from(ended)),
        };
        self.note(&result);
        // What it says beside the status is of no use here.
        let mut response = Response::new(Bytes::new());
        *response.status_mut() = result?;
        Ok(response)
    }
}
